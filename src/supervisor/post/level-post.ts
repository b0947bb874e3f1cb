/**
 * Levels of loggers, from the leader's replies to the workers: each worker process is told each of them once.
 *
 * Does not know: who asked for a level, how long it is wanted.
 */
import type { HeartbeatReply } from '../../rpc/heartbeat.ts'
import type { Seat } from '../seat/seat.ts'

interface Running {
  readonly topologyId: string | undefined
  readonly seat: Seat | undefined
}

export class LevelPost {
  private readonly running: () => Iterable<Running>
  private levels: HeartbeatReply['logLevels'] = []
  private readonly told = new WeakMap<Seat, ReadonlySet<string>>()

  constructor(running: () => Iterable<Running>) {
    this.running = running
  }

  /** All that are wanted now. */
  put(levels: HeartbeatReply['logLevels']): void {
    const isNew = JSON.stringify(levels) !== JSON.stringify(this.levels)
    this.levels = levels
    if (isNew) this.tell()
  }

  /** Somebody may have come who was not told yet. */
  tell(): void {
    for (const { topologyId, logger, level, forMs } of this.levels) {
      for (const { topologyId: running, seat } of this.running()) {
        const text = `${topologyId} ${logger} ${level} ${forMs}`
        if (running !== topologyId || seat?.isConnected !== true || this.told.get(seat)?.has(text)) continue
        seat.send({ kind: 'log-level', logger, level, forMs })
        this.told.set(seat, new Set([...(this.told.get(seat) ?? []), text]))
      }
    }
  }
}
