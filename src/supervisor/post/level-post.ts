/**
 * Levels of loggers, from the leader's replies to the workers: each worker process is told each of them once.
 *
 * A reply says how long a level is still wanted, and so something new each time: they are compared by when
 * they end.
 *
 * Does not know: who asked for a level.
 */
import type { Clock } from '../../host/host.ts'
import type { HeartbeatReply } from '../../rpc/heartbeat.ts'
import type { Seat } from '../seat/seat.ts'

type Told = Pick<Seat, 'isConnected' | 'send'>

interface Running {
  readonly topologyId: string | undefined
  readonly seat: Told | undefined
}

interface Level {
  readonly level: string
  /** On the monotonic clock. */
  readonly endsAtMs: number
}

/** Replies take their time: an end that moves by less is the same. */
const SAME_END_MS = 2_000

export class LevelPost {
  private readonly clock: Clock
  private readonly running: () => Iterable<Running>
  private levels: readonly (Level & { readonly topologyId: string; readonly logger: string })[] = []
  /** By logger; what has ended is forgotten. */
  private readonly told = new WeakMap<Told, Map<string, Level>>()

  constructor(clock: Clock, running: () => Iterable<Running>) {
    this.clock = clock
    this.running = running
  }

  /** All that are wanted now. */
  put(levels: HeartbeatReply['logLevels']): void {
    const nowMs = this.clock.monotonicMs()
    this.levels = levels.map(({ topologyId, logger, level, forMs }) => {
      return { topologyId, logger, level, endsAtMs: nowMs + forMs }
    })
    this.tell()
  }

  /** Somebody may have come who was not told yet. */
  tell(): void {
    if (this.levels.length === 0) return
    const nowMs = this.clock.monotonicMs()
    for (const { topologyId, seat } of this.running()) {
      if (topologyId === undefined || seat?.isConnected !== true) continue
      const told = this.told.get(seat) ?? new Map<string, Level>()
      this.told.set(seat, told)
      for (const [logger, { endsAtMs }] of told) if (endsAtMs <= nowMs) told.delete(logger)
      for (const wanted of this.levels) {
        const { logger, level, endsAtMs } = wanted
        if (wanted.topologyId !== topologyId || endsAtMs <= nowMs || isSame(told.get(logger), wanted))
          continue
        seat.send({ kind: 'log-level', logger, level, forMs: Math.ceil(endsAtMs - nowMs) })
        told.set(logger, { level, endsAtMs })
      }
    }
  }
}

function isSame(told: Level | undefined, { level, endsAtMs }: Level): boolean {
  return told?.level === level && Math.abs(told.endsAtMs - endsAtMs) <= SAME_END_MS
}
