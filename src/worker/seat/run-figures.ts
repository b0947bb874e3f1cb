/**
 * Figures of a run at one moment: counts of all tasks, summed by component. Reading them costs the run
 * nothing.
 */
import { Histogram } from '../../base/histogram.ts'
import type { BoltExecutor } from '../../flow/executor/bolt/bolt-executor.ts'
import type { SpoutExecutor } from '../../flow/executor/spout/spout-executor.ts'
import type { TaskStats } from '../../flow/executor/task-stats.ts'

export interface StreamFigures {
  emittedCount: number
  transferredCount: number
}

export interface ComponentFigures {
  readonly componentId: string
  readonly kind: 'spout' | 'bolt'
  taskCount: number
  executorCount: number
  executedCount: number
  emittedCount: number
  transferredCount: number
  ackedCount: number
  failedCount: number
  threwCount: number
  retriedCount: number
  skippedCount: number
  deadLetteredCount: number
  replayedCount: number
  expiredCount: number
  invalidCount: number
  tickCount: number
  pendingCount: number
  /** Tuples in inboxes, and what they hold. */
  queuedCount: number
  queueCapacity: number
  blockedMs: number
  readonly executeMs: Histogram
  readonly completeMs: Histogram
  readonly streams: Map<string, StreamFigures>
}

export interface RunFigures {
  readonly atMs: number
  readonly components: ReadonlyMap<string, ComponentFigures>
  /** Of all spouts. */
  readonly ackedCount: number
  readonly failedCount: number
  readonly replayedCount: number
  readonly pendingCount: number
  readonly completeMs: Histogram
  readonly busyMs: number
}

type CountName = {
  [N in keyof ComponentFigures]: ComponentFigures[N] extends number ? N : never
}[keyof ComponentFigures] &
  keyof TaskStats

const COUNTS: readonly CountName[] = [
  'executedCount',
  'ackedCount',
  'failedCount',
  'threwCount',
  'retriedCount',
  'skippedCount',
  'deadLetteredCount',
  'replayedCount',
  'expiredCount',
  'invalidCount',
  'tickCount',
]

/** A worker, or executors that have left one. */
export interface Figured {
  readonly bolts: readonly BoltExecutor[]
  readonly spouts: readonly SpoutExecutor[]
  readonly loop: { readonly busyMs: number }
}

/** Adds up workers. `lost` are the counts of workers that are gone, so that totals never go back. */
export function figuresOf(
  workers: readonly Figured[],
  lost: RunFigures | undefined,
  atMs: number,
): RunFigures {
  const components = new Map<string, ComponentFigures>()
  for (const figures of lost?.components.values() ?? []) mergeInto(components, figures)
  let busyMs = lost?.busyMs ?? 0
  for (const worker of workers) {
    busyMs += worker.loop.busyMs
    for (const bolt of worker.bolts) {
      const figures = entryOf(components, bolt.componentId, 'bolt')
      figures.executorCount += 1
      figures.queuedCount += bolt.inbox.count
      figures.queueCapacity += bolt.inbox.capacity
      figures.blockedMs += bolt.blockedMs
      for (const task of bolt.allTasks) {
        addTask(figures, task.self.stats)
      }
    }
    for (const spout of worker.spouts) {
      const figures = entryOf(components, spout.componentId, 'spout')
      figures.executorCount += 1
      figures.blockedMs += spout.blockedMs
      for (const task of spout.allTasks) {
        addTask(figures, task.self.stats)
        figures.pendingCount += task.pendingCount
      }
    }
  }
  return totalsOf(components, atMs, busyMs)
}

function totalsOf(
  components: ReadonlyMap<string, ComponentFigures>,
  atMs: number,
  busyMs: number,
): RunFigures {
  const completeMs = new Histogram()
  const totals = { ackedCount: 0, failedCount: 0, replayedCount: 0, pendingCount: 0 }
  for (const figures of components.values()) {
    if (figures.kind !== 'spout') continue
    totals.ackedCount += figures.ackedCount
    totals.failedCount += figures.failedCount
    totals.replayedCount += figures.replayedCount
    totals.pendingCount += figures.pendingCount
    completeMs.merge(figures.completeMs)
  }
  return { atMs, components, ...totals, completeMs, busyMs }
}

function addTask(figures: ComponentFigures, stats: TaskStats): void {
  figures.taskCount += 1
  for (const name of COUNTS) figures[name] += stats[name]
  figures.executeMs.merge(stats.executeMs)
  figures.completeMs.merge(stats.completeMs)
  for (const [streamId, output] of stats.streams) {
    const stream = streamOf(figures, streamId)
    stream.emittedCount += output.emittedCount
    stream.transferredCount += output.transferredCount
    figures.emittedCount += output.emittedCount
    figures.transferredCount += output.transferredCount
  }
}

/** Counts of workers that are gone; what they were and held at a moment is gone with them. */
function mergeInto(components: Map<string, ComponentFigures>, lost: ComponentFigures): void {
  const figures = entryOf(components, lost.componentId, lost.kind)
  for (const name of COUNTS) figures[name] += lost[name]
  figures.emittedCount += lost.emittedCount
  figures.transferredCount += lost.transferredCount
  figures.blockedMs += lost.blockedMs
  figures.executeMs.merge(lost.executeMs)
  figures.completeMs.merge(lost.completeMs)
  for (const [streamId, counts] of lost.streams) {
    const stream = streamOf(figures, streamId)
    stream.emittedCount += counts.emittedCount
    stream.transferredCount += counts.transferredCount
  }
}

function streamOf(figures: ComponentFigures, streamId: string): StreamFigures {
  let stream = figures.streams.get(streamId)
  if (stream === undefined) {
    stream = { emittedCount: 0, transferredCount: 0 }
    figures.streams.set(streamId, stream)
  }
  return stream
}

function entryOf(
  components: Map<string, ComponentFigures>,
  componentId: string,
  kind: 'spout' | 'bolt',
): ComponentFigures {
  let figures = components.get(componentId)
  if (figures === undefined) {
    figures = {
      componentId,
      kind,
      taskCount: 0,
      executorCount: 0,
      executedCount: 0,
      emittedCount: 0,
      transferredCount: 0,
      ackedCount: 0,
      failedCount: 0,
      threwCount: 0,
      retriedCount: 0,
      skippedCount: 0,
      deadLetteredCount: 0,
      replayedCount: 0,
      expiredCount: 0,
      invalidCount: 0,
      tickCount: 0,
      pendingCount: 0,
      queuedCount: 0,
      queueCapacity: 0,
      blockedMs: 0,
      executeMs: new Histogram(),
      completeMs: new Histogram(),
      streams: new Map(),
    }
    components.set(componentId, figures)
  }
  return figures
}
