/**
 * The sign of life of a worker, filled: what its components have done, how its loop, its memory and its links
 * are. Pure; reading figures costs the engine nothing.
 */
import type { ComponentBeat, LinkBeat, SeatBeat } from '../../cluster/seat-messages.ts'
import type { PeerStats } from '../../messaging/post-office.ts'
import type { ComponentFigures } from './run-figures.ts'

/** What the process says of itself. */
export interface ProbeReading {
  readonly rssBytes: number
  readonly heapUsedBytes: number
  readonly heapLimitBytes: number
  readonly cpuMs: number
  /** Longest delay of the loop since the last reading, and its busy share since then, 0 to 1. */
  readonly loopDelayMs: number
  readonly loopUtilisation: number
}

/** Reads both and begins anew. In the simulator: made up. */
export interface WorkerProbe {
  read(): ProbeReading
}

export type WorkFacts = Omit<SeatBeat, keyof ProbeReading | 'components' | 'links'>

export function seatBeatOf(
  facts: WorkFacts,
  reading: ProbeReading,
  components: Iterable<ComponentFigures>,
  links: readonly PeerStats[],
  lags: ReadonlyMap<string, number>,
): SeatBeat {
  return {
    ...facts,
    ...reading,
    components: [...components].map((figures) => componentBeat(figures, lags.get(figures.componentId))),
    links: links.map(linkBeat),
  }
}

function componentBeat(figures: ComponentFigures, lagCount: number | undefined): ComponentBeat {
  const { executeMs, completeMs } = figures
  return {
    component: figures.componentId,
    kind: figures.kind,
    executors: figures.executorCount,
    tasks: figures.taskCount,
    emittedCount: figures.emittedCount,
    executedCount: figures.executedCount,
    ackedCount: figures.ackedCount,
    failedCount: figures.failedCount,
    deadLetterCount: figures.deadLetteredCount,
    // Calls are counted exactly and timed by sample.
    busyMs: figures.executedCount * executeMs.mean,
    blockedMs: figures.blockedMs,
    inboxFill: figures.queueCapacity === 0 ? 0 : Math.min(1, figures.queuedCount / figures.queueCapacity),
    executeP50: executeMs.quantile(0.5),
    executeP99: executeMs.quantile(0.99),
    completeP50: completeMs.quantile(0.5),
    completeP99: completeMs.quantile(0.99),
    lagCount,
  }
}

function linkBeat(stats: PeerStats): LinkBeat {
  const { worker, isSending, isReceiving, rttMs, queuedBytes, reconnectCount } = stats
  return { worker, isSending, isReceiving, rttMs, queuedBytes, reconnectCount }
}
