/**
 * Sees that this process itself stood still (stopped, swapped out, a machine that slept): what did not arrive
 * in that time says nothing about who should have sent it.
 */
export class StallWatch {
  /** When the last stall ended, monotonic. */
  lastEndMs = Number.NEGATIVE_INFINITY
  private readonly periodMs: number
  private seenMs: number | undefined
  private longestMs = 0

  /** @param periodMs it is looked at least so often, unless it stands still */
  constructor(periodMs: number) {
    this.periodMs = periodMs
  }

  look(nowMs: number): void {
    const lateMs = this.seenMs === undefined ? 0 : nowMs - this.seenMs - this.periodMs
    this.seenMs = nowMs
    if (lateMs <= 0) return
    this.longestMs = Math.max(this.longestMs, lateMs)
    if (lateMs > STALL_MS) this.lastEndMs = nowMs
  }

  /** Longest delay since it was asked last. */
  takeDelayMs(): number {
    const delayMs = this.longestMs
    this.longestMs = 0
    return delayMs
  }
}

/** Shorter ones are within the patience that workers are given. */
const STALL_MS = 1_000
