/**
 * When a worker's heartbeat does not wait for its period because of a drain: others wait until all workers of
 * the topology have said that they are quiet, and said so again since. Pure: it is told the time.
 *
 *   another word than before, NEWS_MAX times in a drain ─▶ at once
 *   the same, or one more ──▶ no sooner than AGAIN_MS after the last heartbeat, AGAINS_MAX times
 *
 * Outside of a drain nobody waits for it. Beyond the bound the period has to do: a drain that takes so long
 * ends that much later at most.
 */
import type { RunMode } from '../../cluster/records.ts'

/** A choice: a worker may be quiet for a moment before what others had sent to it has come. */
export const NEWS_MAX = 4
export const AGAIN_MS = 250
/** A choice: ten seconds. Most drains are over by then. */
export const AGAINS_MAX = 40

export class DrainWords {
  private saidQuiet = false
  private beatMs = Number.NEGATIVE_INFINITY
  private newsLeft = NEWS_MAX
  private againsLeft = AGAINS_MAX

  /** Whether a heartbeat is due now. It has to be made then. */
  isDue(run: RunMode, isQuiet: boolean, nowMs: number): boolean {
    if (run !== 'drain' || (!isQuiet && !this.saidQuiet)) return false
    if (isQuiet !== this.saidQuiet && this.newsLeft > 0) {
      this.newsLeft -= 1
      return true
    }
    if (nowMs - this.beatMs < AGAIN_MS || this.againsLeft === 0) return false
    this.againsLeft -= 1
    return true
  }

  /** A heartbeat was made, for whatever reason. */
  said(run: RunMode, isQuiet: boolean, nowMs: number): void {
    this.beatMs = nowMs
    this.saidQuiet = isQuiet
    if (run === 'drain') return
    // Of a drain that begins then it was not said yet.
    this.saidQuiet = false
    this.newsLeft = NEWS_MAX
    this.againsLeft = AGAINS_MAX
  }
}
