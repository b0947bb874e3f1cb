/**
 * Sees that this process itself stood still (stopped, swapped out, a machine that slept): what did not arrive
 * in that time says nothing about who should have sent it. Time stood still does not count; time before and
 * after it does, so a machine that stalls now and then still sees who hangs.
 */
export class StallWatch {
  private readonly periodMs: number
  private seenMs: number | undefined
  private longestMs = 0
  /** The last stalls, oldest first. */
  private stalls: readonly { readonly endMs: number; readonly lengthMs: number }[] = []

  /** @param periodMs it is looked at least so often, unless it stands still */
  constructor(periodMs: number) {
    this.periodMs = periodMs
  }

  look(nowMs: number): void {
    const lateMs = this.seenMs === undefined ? 0 : nowMs - this.seenMs - this.periodMs
    this.seenMs = nowMs
    if (lateMs <= 0) return
    this.longestMs = Math.max(this.longestMs, lateMs)
    if (lateMs > STALL_MS)
      this.stalls = [...this.stalls.slice(1 - STALLS_MAX), { endMs: nowMs, lengthMs: lateMs }]
  }

  /** When the last stall ended, monotonic; undefined: there was none. */
  get lastEndMs(): number | undefined {
    return this.stalls.at(-1)?.endMs
  }

  /** How much of the time since then this process stood still. */
  stoodStillSince(sinceMs: number): number {
    const later = this.stalls.filter(({ endMs }) => endMs > sinceMs)
    return later.reduce((sum, { endMs, lengthMs }) => sum + Math.min(lengthMs, endMs - sinceMs), 0)
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
/** More of them within the time of a deadline, and it is the machine that hangs. */
const STALLS_MAX = 32
