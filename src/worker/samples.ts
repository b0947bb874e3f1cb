/**
 * The figures of a worker under the names of Prometheus: what reporters are given.
 *
 * Counts are totals since the worker started; times are in seconds, as Prometheus has them.
 */
import type { Histogram } from '../base/histogram.ts'
import type { BoltExecutor } from '../flow/executor/bolt/bolt-executor.ts'
import type { MetricBoard, UserMetric } from '../flow/executor/metric-board.ts'
import type { SpoutExecutor } from '../flow/executor/spout/spout-executor.ts'
import type { TaskStats } from '../flow/executor/task-stats.ts'
import type { HistogramValue, MetricSample } from '../topology/hook.ts'
import type { WorkerSpec } from './spec.ts'

/** Upper bounds of the buckets of times, seconds. */
const BOUNDS_SECONDS = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30]

/** What of a worker figures are read from. */
export interface Measured {
  readonly spec: WorkerSpec
  readonly bolts: readonly BoltExecutor[]
  readonly spouts: readonly SpoutExecutor[]
  readonly metrics: MetricBoard
}

type Labels = Readonly<Record<string, string>>
type CountName =
  | 'executedCount'
  | 'ackedCount'
  | 'failedCount'
  | 'threwCount'
  | 'replayedCount'
  | 'deadLetteredCount'
  | 'skippedCount'
  | 'expiredCount'

/** Metric of each count of a task. */
const COUNTS: readonly (readonly [name: string, count: CountName])[] = [
  ['typhoon_tuples_executed_total', 'executedCount'],
  ['typhoon_tuples_acked_total', 'ackedCount'],
  ['typhoon_tuples_failed_total', 'failedCount'],
  ['typhoon_tuples_expired_total', 'expiredCount'],
  ['typhoon_tuples_replayed_total', 'replayedCount'],
  ['typhoon_tuples_skipped_total', 'skippedCount'],
  ['typhoon_dead_letters_total', 'deadLetteredCount'],
  ['typhoon_calls_threw_total', 'threwCount'],
]

export function samplesOf(worker: Measured): readonly MetricSample[] {
  const samples: MetricSample[] = []
  const base = { topology: worker.spec.topologyName, worker: String(worker.spec.worker) }
  for (const bolt of worker.bolts) {
    const labels = { ...base, component: bolt.componentId }
    samples.push({ name: 'typhoon_inbox_tuples', labels, value: bolt.inbox.count })
    samples.push({ name: 'typhoon_executor_blocked_seconds_total', labels, value: bolt.blockedMs / 1_000 })
    for (const { self } of bolt.allTasks) samples.push(...taskSamples(self.stats, labels))
  }
  for (const spout of worker.spouts) {
    const labels = { ...base, component: spout.componentId }
    samples.push({ name: 'typhoon_executor_blocked_seconds_total', labels, value: spout.blockedMs / 1_000 })
    for (const task of spout.allTasks) {
      samples.push({ name: 'typhoon_tuples_pending', labels, value: task.pendingCount })
      samples.push(...taskSamples(task.self.stats, labels))
    }
  }
  samples.push(...userSamples(worker, base))
  return merged(samples)
}

function taskSamples(stats: TaskStats, labels: Labels): readonly MetricSample[] {
  const samples: MetricSample[] = COUNTS.map(([name, count]) => ({ name, labels, value: stats[count] }))
  for (const [stream, { emittedCount, transferredCount }] of stats.streams) {
    samples.push({ name: 'typhoon_tuples_emitted_total', labels: { ...labels, stream }, value: emittedCount })
    samples.push({
      name: 'typhoon_tuples_transferred_total',
      labels: { ...labels, stream },
      value: transferredCount,
    })
  }
  const isSpout = stats.kind === 'spout'
  const name = isSpout ? 'typhoon_complete_seconds' : 'typhoon_execute_seconds'
  samples.push({ name, labels, value: distributionOf(isSpout ? stats.completeMs : stats.executeMs, 1_000) })
  return samples
}

function userSamples(worker: Measured, base: Labels): readonly MetricSample[] {
  return worker.metrics.all().map(({ componentId, name, metric }): MetricSample => {
    return { name, labels: { ...base, component: componentId }, value: figureOf(metric) }
  })
}

function figureOf(metric: UserMetric): MetricSample['value'] {
  if (metric.kind === 'counter') return metric.counter.value
  return metric.kind === 'gauge' ? metric.read() : distributionOf(metric.histogram, 1)
}

/** `scale`: values are divided by it, milliseconds to seconds. */
function distributionOf(histogram: Histogram, scale: number): HistogramValue {
  const counts = histogram.cumulative(BOUNDS_SECONDS.map((bound) => bound * scale))
  const buckets = BOUNDS_SECONDS.map((bound, i) => [bound, counts[i] ?? 0] as const)
  return { buckets, count: histogram.count, sum: histogram.sum / scale }
}

/** Several tasks of a component are one figure: labels say no task. */
function merged(samples: readonly MetricSample[]): readonly MetricSample[] {
  const byKey = new Map<string, MetricSample>()
  for (const sample of samples) {
    const key = `${sample.name}${JSON.stringify(sample.labels)}`
    const known = byKey.get(key)
    byKey.set(key, known === undefined ? sample : { ...sample, value: sum(known.value, sample.value) })
  }
  return [...byKey.values()]
}

function sum(a: MetricSample['value'], b: MetricSample['value']): MetricSample['value'] {
  if (typeof a === 'number' || typeof b === 'number') return Number(a) + Number(b)
  const buckets = a.buckets.map(([le, count], i) => [le, count + (b.buckets[i]?.[1] ?? 0)] as const)
  return { buckets, count: a.count + b.count, sum: a.sum + b.sum }
}
