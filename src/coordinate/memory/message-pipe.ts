/**
 * One direction between a client and the ensemble: what is sent arrives in order, each after a delay of its
 * own. Runs on the timers of whoever receives: a receiver that is dead or stands still gets nothing.
 */
import type { Timers } from '../../host/host.ts'

export interface PipeSpec {
  /** The receiver's. */
  readonly timers: Timers
  readonly nowMs: () => number
  /** Drawn for each message; 0: as soon as the receiver has a turn. */
  readonly delayMs: () => number
}

/**
 * A timer of so little is due now: differences of large times are not exact, and a timer that is set again
 * for what rounding left over would turn and turn without time passing.
 */
const NOW_MS = 0.001

interface Message {
  readonly dueMs: number
  readonly deliver: () => void
}

export class MessagePipe {
  private readonly spec: PipeSpec
  private queue: Message[] = []
  private lastDueMs = 0
  /** Timers that were set before a cut find another number. */
  private generation = 0
  private isDrainSet = false
  /** Of the queue, while a drain is going on. */
  private delivered = 0

  constructor(spec: PipeSpec) {
    this.spec = spec
  }

  send(deliver: () => void): void {
    const nowMs = this.spec.nowMs()
    // Never earlier than the one before, or it would overtake it.
    this.lastDueMs = Math.max(this.lastDueMs, nowMs + this.spec.delayMs())
    this.queue.push({ dueMs: this.lastDueMs, deliver })
    if (!this.isDrainSet) this.setDrain(nowMs)
  }

  /** Drops what is under way and returns it, oldest first. */
  cut(): readonly (() => void)[] {
    const dropped = this.queue.slice(this.delivered)
    this.queue = []
    this.delivered = 0
    this.lastDueMs = 0
    this.generation += 1
    this.isDrainSet = false
    return dropped.map((message) => message.deliver)
  }

  private setDrain(nowMs: number): void {
    const first = this.queue[0]
    if (first === undefined) return
    const { generation } = this
    const drain = () => {
      if (generation === this.generation) this.drain()
    }
    this.isDrainSet = true
    if (first.dueMs <= nowMs + NOW_MS) this.spec.timers.defer(drain)
    else this.spec.timers.after(first.dueMs - nowMs, drain)
  }

  /** Delivers what is due now; what comes meanwhile waits for the next turn. */
  private drain(): void {
    const nowMs = this.spec.nowMs()
    const { generation } = this
    const later = this.queue.findIndex((message) => message.dueMs > nowMs + NOW_MS)
    const due = this.queue
    const count = later < 0 ? due.length : later
    for (let index = 0; index < count; index += 1) {
      // What a cut has to know of as dropped is what was not yet delivered.
      this.delivered = index + 1
      due[index]?.deliver()
      if (generation !== this.generation) return
    }
    this.delivered = 0
    this.queue = this.queue.slice(count)
    this.isDrainSet = false
    this.setDrain(nowMs)
  }
}
