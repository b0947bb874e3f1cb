import type { Tally } from './tally.ts'

/** Weight of the newest look in the rate that is shown: it shall follow, and not jump. */
const WEIGHT = 0.3

/** How fast words are counted. */
export class Pace {
  private readonly startMs: number
  private lastMs: number
  private lastCount = 0
  private perSecond: number | undefined = undefined

  constructor(startMs: number) {
    this.startMs = startMs
    this.lastMs = startMs
  }

  look(tally: Tally, nowMs: number): { elapsedMs: number; wordsCount: number; wordsPerSecond: number } {
    const { wordsCount } = tally
    const pastMs = nowMs - this.lastMs
    if (pastMs >= 10) {
      const newest = ((wordsCount - this.lastCount) * 1_000) / pastMs
      const before = this.perSecond ?? newest
      this.perSecond = before + WEIGHT * (newest - before)
      this.lastMs = nowMs
      this.lastCount = wordsCount
    }
    return { elapsedMs: nowMs - this.startMs, wordsCount, wordsPerSecond: this.perSecond ?? 0 }
  }
}
