/**
 * Levels of loggers, from the leader's replies to the workers: each worker process is told each of them once
 * on each connection, for what is sent while one breaks may be lost.
 *
 * A reply says how long a level is still wanted, and so something new each time: they are compared by when
 * they end. A level is kept until then, whoever leads: nobody can take one back, only set another, and the
 * next leader does not know of it.
 *
 * Does not know: who asked for a level.
 *
 * Bound: LEVELS_MAX levels.
 */
import type { Clock } from '../../host/host.ts'
import type { HeartbeatReply } from '../../rpc/heartbeat.ts'
import type { Seat } from '../seat/seat.ts'

type Told = Pick<Seat, 'isConnected' | 'connectionCount' | 'send'>

interface Running {
  readonly topologyId: string | undefined
  readonly seat: Told | undefined
}

interface Level {
  readonly level: string
  /** On the monotonic clock. */
  readonly endsAtMs: number
}

interface Wanted extends Level {
  readonly topologyId: string
  readonly logger: string
}

/** What one process was told on one connection. */
interface Heard {
  readonly connection: number
  /** By logger; what has ended is forgotten. */
  readonly levels: Map<string, Level>
}

/** A choice: what a leader may have for twenty topologies. Those that end first go first. */
export const LEVELS_MAX = 1_000
/** Replies take their time: an end that moves by less is the same. */
const SAME_END_MS = 2_000

export class LevelPost {
  private readonly clock: Clock
  private readonly running: () => Iterable<Running>
  private levels: readonly Wanted[] = []
  private readonly told = new WeakMap<Told, Heard>()

  constructor(clock: Clock, running: () => Iterable<Running>) {
    this.clock = clock
    this.running = running
  }

  /** All that the leader knows of. */
  put(levels: HeartbeatReply['logLevels']): void {
    const nowMs = this.clock.monotonicMs()
    const named = new Set(levels.map(nameOf))
    const others = this.levels.filter((each) => each.endsAtMs > nowMs && !named.has(nameOf(each)))
    const wanted = levels.map(({ topologyId, logger, level, forMs }) => {
      return { topologyId, logger, level, endsAtMs: nowMs + forMs }
    })
    const all = [...others, ...wanted]
    if (all.length > LEVELS_MAX) all.sort((a, b) => b.endsAtMs - a.endsAtMs)
    this.levels = all.slice(0, LEVELS_MAX)
    this.tell()
  }

  /** Somebody may have come who was not told yet. */
  tell(): void {
    if (this.levels.length === 0) return
    const nowMs = this.clock.monotonicMs()
    for (const { topologyId, seat } of this.running()) {
      if (topologyId === undefined || seat?.isConnected !== true) continue
      const told = this.toldTo(seat)
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

  private toldTo(seat: Told): Map<string, Level> {
    const connection = seat.connectionCount
    const heard = this.told.get(seat)
    if (heard?.connection === connection) return heard.levels
    const levels = new Map<string, Level>()
    this.told.set(seat, { connection, levels })
    return levels
  }
}

function nameOf({ topologyId, logger }: Pick<Wanted, 'topologyId' | 'logger'>): string {
  return `${topologyId} ${logger}`
}

function isSame(told: Level | undefined, { level, endsAtMs }: Level): boolean {
  return told?.level === level && Math.abs(told.endsAtMs - endsAtMs) <= SAME_END_MS
}
