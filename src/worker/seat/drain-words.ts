/**
 * When a worker's heartbeat does not wait for its period because it shall be quiet: who drains a topology
 * waits until all its workers have said that they are, and said so again since; who deactivates it, until
 * they have said it once. Pure: it is told the time.
 *
 *   in a drain   another word than before, NEWS_MAX times ─▶ at once
 *                the same, or one more ──▶ no sooner than AGAIN_MS after the last one, AGAINS_MAX times
 *   inactive     quiet, and it was said not to be, NEWS_MAX times ─▶ at once
 *
 * Of an active worker nobody waits for it. Beyond the bound the period has to do: what takes so long ends
 * that much later at most.
 */
import type { RunMode } from '../../cluster/records.ts'

/** A choice: a worker may be quiet for a moment before what others had sent to it has come. */
export const NEWS_MAX = 4
export const AGAIN_MS = 250
/** A choice: ten seconds. Most drains are over by then. */
export const AGAINS_MAX = 40

export class DrainWords {
  private run: RunMode = 'active'
  private saidQuiet = false
  private beatMs = Number.NEGATIVE_INFINITY
  private newsLeft = NEWS_MAX
  private againsLeft = AGAINS_MAX

  /** Whether a heartbeat is due now. It has to be made then. */
  isDue(run: RunMode, isQuiet: boolean, nowMs: number): boolean {
    this.enter(run)
    if (run === 'active' || (!isQuiet && !this.saidQuiet)) return false
    const isNews = isQuiet !== this.saidQuiet && (isQuiet || run === 'drain')
    if (isNews && this.newsLeft > 0) {
      this.newsLeft -= 1
      return true
    }
    if (run !== 'drain') return false
    if (nowMs - this.beatMs < AGAIN_MS || this.againsLeft === 0) return false
    this.againsLeft -= 1
    return true
  }

  /** A heartbeat was made, for whatever reason. */
  said(run: RunMode, isQuiet: boolean, nowMs: number): void {
    this.enter(run)
    this.beatMs = nowMs
    this.saidQuiet = isQuiet
  }

  /** Of what begins now nothing was said yet. */
  private enter(run: RunMode): void {
    if (run === this.run) return
    this.run = run
    this.saidQuiet = false
    this.newsLeft = NEWS_MAX
    this.againsLeft = AGAINS_MAX
  }
}
