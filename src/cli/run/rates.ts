/**
 * What happened between two looks at a run: rates, shares and quantiles, by component and of the whole. Pure.
 */
import { Histogram, type HistogramSnapshot } from '../../base/histogram.ts'
import type { ComponentFigures, RunFigures } from '../../worker/seat/run-figures.ts'

export interface ComponentRates {
  readonly componentId: string
  readonly kind: 'spout' | 'bolt'
  readonly tasks: number
  /** Undefined for spouts. */
  readonly inPerSecond: number | undefined
  readonly outPerSecond: number
  /** Share of one loop that its calls take. Undefined for spouts. */
  readonly busy: number | undefined
  /** How full its inboxes are, 0 to 1. Undefined for spouts. */
  readonly queue: number | undefined
  /** Of a bolt one call, of a spout from emit to ack. Undefined: nothing was measured. */
  readonly p50Ms: number | undefined
  readonly p99Ms: number | undefined
  /** Since the start. */
  readonly failedCount: number
}

export interface RunRates {
  readonly components: readonly ComponentRates[]
  readonly ackedPerSecond: number
  readonly outPerSecond: number
  /** From the emit of a spout to its ack. */
  readonly p50Ms: number | undefined
  readonly p99Ms: number | undefined
  /** Share of the time that loops did something, all workers together. */
  readonly busy: number
}

/** A look, kept for the next one: histograms of a run go on growing. */
export interface Look {
  readonly atMs: number
  readonly busyMs: number
  readonly ackedCount: number
  readonly completeMs: HistogramSnapshot
  readonly components: ReadonlyMap<string, ComponentLook>
}

interface ComponentLook {
  readonly executedCount: number
  readonly emittedCount: number
  readonly times: HistogramSnapshot
}

/** @param atMs monotonic */
export function lookAt(figures: RunFigures, atMs: number): Look {
  const components = [...figures.components.values()].map((each): [string, ComponentLook] => {
    const { executedCount, emittedCount } = each
    return [each.componentId, { executedCount, emittedCount, times: timesOf(each).snapshot() }]
  })
  const { busyMs, ackedCount } = figures
  return {
    atMs,
    busyMs,
    ackedCount,
    completeMs: figures.completeMs.snapshot(),
    components: new Map(components),
  }
}

/** @param before undefined: since the start, which was at `startMs` */
export function ratesBetween(before: Look, after: Look, figures: RunFigures, workerCount: number): RunRates {
  const seconds = Math.max(0.001, (after.atMs - before.atMs) / 1_000)
  const components = [...figures.components.values()].map((each) => {
    return componentRates(each, before.components.get(each.componentId), after, seconds)
  })
  const complete = between(before.completeMs, after.completeMs)
  return {
    components,
    ackedPerSecond: perSecond(before.ackedCount, after.ackedCount, seconds),
    outPerSecond: components.reduce((sum, { outPerSecond }) => sum + outPerSecond, 0),
    ...quantilesOf(complete),
    busy: Math.min(
      1,
      Math.max(0, (after.busyMs - before.busyMs) / (seconds * 1_000 * Math.max(1, workerCount))),
    ),
  }
}

function componentRates(
  figures: ComponentFigures,
  before: ComponentLook | undefined,
  { components }: Look,
  seconds: number,
): ComponentRates {
  const { componentId, kind, taskCount, failedCount, queuedCount, queueCapacity } = figures
  const after = components.get(componentId)
  const times = between(before?.times, after?.times)
  const inPerSecond = perSecond(before?.executedCount, after?.executedCount, seconds)
  const isBolt = kind === 'bolt'
  return {
    componentId,
    kind,
    tasks: taskCount,
    inPerSecond: isBolt ? inPerSecond : undefined,
    outPerSecond: perSecond(before?.emittedCount, after?.emittedCount, seconds),
    busy: isBolt ? (inPerSecond * times.mean) / 1_000 : undefined,
    queue: isBolt ? queuedCount / Math.max(1, queueCapacity) : undefined,
    ...quantilesOf(times),
    failedCount,
  }
}

/** A worker that was lost takes what it had not told with it, so a count may seem to go back. */
function perSecond(before = 0, after = 0, seconds: number): number {
  return Math.max(0, after - before) / seconds
}

function timesOf(figures: ComponentFigures): Histogram {
  return figures.kind === 'bolt' ? figures.executeMs : figures.completeMs
}

function quantilesOf(times: Histogram): {
  readonly p50Ms: number | undefined
  readonly p99Ms: number | undefined
} {
  if (times.count === 0) return { p50Ms: undefined, p99Ms: undefined }
  return { p50Ms: times.quantile(0.5), p99Ms: times.quantile(0.99) }
}

/** What was recorded between two snapshots of one histogram. */
function between(before: HistogramSnapshot | undefined, after: HistogramSnapshot | undefined): Histogram {
  const difference = new Histogram()
  if (after === undefined) return difference
  const earlier = new Map<number, number>()
  for (const [bucket, count] of pairs(before)) earlier.set(bucket, count)
  const buckets: number[] = []
  let total = 0
  for (const [bucket, count] of pairs(after)) {
    const more = count - (earlier.get(bucket) ?? 0)
    if (more <= 0) continue
    buckets.push(bucket, more)
    total += more
  }
  const { min, max } = after
  const sum = Math.max(0, after.sum - (before?.sum ?? 0))
  difference.mergeSnapshot({ count: total, sum, min, max, buckets })
  return difference
}

function* pairs(snapshot: HistogramSnapshot | undefined): Iterable<readonly [number, number]> {
  const buckets = snapshot?.buckets ?? []
  for (let at = 0; at + 1 < buckets.length; at += 2) yield [buckets[at] ?? 0, buckets[at + 1] ?? 0]
}
