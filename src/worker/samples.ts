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
import type { Desk } from './desk.ts'
import {
  blockedSeconds,
  completeSeconds,
  counts,
  emitted,
  executeSeconds,
  pending,
  queued,
  transferred,
} from './metric-names.ts'
import type { WorkerSpec } from './spec.ts'

/** Upper bounds of the buckets of times, seconds. */
const BOUNDS_SECONDS = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30]
/** Of histograms of components: their unit is theirs, so the bounds span what a histogram tells apart. */
const BOUNDS_OWN = [0.001, 0.01, 0.1, 1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000]

/** What of a worker figures are read from. */
export interface Measured {
  readonly spec: Pick<WorkerSpec, 'topologyName' | 'worker'>
  readonly bolts: readonly MeasuredBolt[]
  readonly spouts: readonly MeasuredSpout[]
  readonly metrics: MetricBoard
  /** Is told of gauges that throw. */
  readonly desk: Pick<Desk, 'report'>
}

export type MeasuredBolt = Pick<BoltExecutor, 'componentId' | 'blockedMs'> & {
  readonly inbox: { readonly count: number }
  readonly allTasks: ReadonlyArray<{ readonly self: { readonly stats: TaskStats } }>
}

export type MeasuredSpout = Pick<SpoutExecutor, 'componentId' | 'blockedMs'> & {
  readonly allTasks: ReadonlyArray<{
    readonly pendingCount: number
    readonly self: { readonly stats: TaskStats }
  }>
}

type Labels = Readonly<Record<string, string>>

export function samplesOf(worker: Measured): readonly MetricSample[] {
  const samples: MetricSample[] = []
  const base = { topology: worker.spec.topologyName, worker: String(worker.spec.worker) }
  for (const bolt of worker.bolts) {
    const labels = { ...base, component: bolt.componentId }
    samples.push({ name: queued.name, labels, value: bolt.inbox.count })
    samples.push({ name: blockedSeconds.name, labels, value: bolt.blockedMs / 1_000 })
    for (const { self } of bolt.allTasks) samples.push(...taskSamples(self.stats, labels))
  }
  for (const spout of worker.spouts) {
    const labels = { ...base, component: spout.componentId }
    samples.push({ name: blockedSeconds.name, labels, value: spout.blockedMs / 1_000 })
    for (const task of spout.allTasks) {
      samples.push({ name: pending.name, labels, value: task.pendingCount })
      samples.push(...taskSamples(task.self.stats, labels))
    }
  }
  samples.push(...userSamples(worker, base))
  return merged(samples)
}

function taskSamples(stats: TaskStats, labels: Labels): readonly MetricSample[] {
  const samples = counts
    .filter(({ of }) => of === 'all' || of === `${stats.kind}s`)
    .map(({ name, count }): MetricSample => ({ name, labels, value: stats[count] }))
  for (const [stream, { emittedCount, transferredCount }] of stats.streams) {
    const ofStream = { ...labels, stream }
    samples.push({ name: emitted.name, labels: ofStream, value: emittedCount })
    samples.push({ name: transferred.name, labels: ofStream, value: transferredCount })
  }
  const isSpout = stats.kind === 'spout'
  const { name } = isSpout ? completeSeconds : executeSeconds
  const times = isSpout ? stats.completeMs : stats.executeMs
  samples.push({ name, labels, value: distributionOf(times, BOUNDS_SECONDS, 1_000) })
  return samples
}

/** A gauge that throws is left out and reported: one that is broken does not hide the other figures. */
function userSamples(worker: Measured, base: Labels): readonly MetricSample[] {
  const samples: MetricSample[] = []
  for (const { componentId, task, name, metric } of worker.metrics.all()) {
    const labels = { ...base, component: componentId }
    try {
      samples.push({ name, labels, value: figureOf(metric) })
    } catch (error) {
      worker.desk.report({ componentId, task, error })
    }
  }
  return samples
}

function figureOf(metric: UserMetric): MetricSample['value'] {
  if (metric.kind === 'counter') return metric.counter.value
  return metric.kind === 'gauge' ? metric.read() : distributionOf(metric.histogram, BOUNDS_OWN, 1)
}

/** `scale`: values are divided by it, milliseconds to seconds. */
function distributionOf(histogram: Histogram, bounds: readonly number[], scale: number): HistogramValue {
  const seen = histogram.cumulative(bounds.map((bound) => bound * scale))
  const buckets = bounds.map((bound, i) => [bound, seen[i] ?? 0] as const)
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
