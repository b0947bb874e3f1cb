/**
 * The right of a worker to work: given by its supervisor for a time, again and again. When it is over the
 * worker must not do anything any more, for somebody else may have its tasks.
 *
 * A lease counts from when it was asked for, not from when the answer is read: an answer that waited in a
 * buffer while the process stood still gives nothing. Pure: time is handed in.
 */

/** Heartbeats without an answer that are remembered. */
const ASKED_MAX = 1_024

export class Lease {
  readonly leaseMs: number
  /** Monotonic milliseconds. */
  endsAtMs: number
  private asked: number[] = []

  constructor(leaseMs: number, nowMs: number) {
    this.leaseMs = leaseMs
    this.endsAtMs = nowMs + leaseMs
  }

  /** A heartbeat goes out now. */
  ask(nowMs: number): void {
    this.asked.push(nowMs)
    if (this.asked.length > ASKED_MAX) this.asked.shift()
  }

  /** The line was lost: what was asked on it is not answered. */
  forgetAsked(): void {
    this.asked = []
  }

  /** The answer to the oldest that has none; unasked, it counts from now. False: too late, it is over. */
  renew(nowMs: number): boolean {
    if (this.isOver(nowMs)) return false
    const askedAtMs = this.asked.shift() ?? nowMs
    this.endsAtMs = Math.max(this.endsAtMs, askedAtMs + this.leaseMs)
    return true
  }

  isOver(nowMs: number): boolean {
    return nowMs > this.endsAtMs
  }
}
