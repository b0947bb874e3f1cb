/**
 * Which events of a run get a line. A bolt that fails at every tuple would say so ten thousand times a
 * second; after the first few of a kind only their number is told, when the window is over.
 */
import type { RunEvent } from '../../testing/local-run.ts'
import { countText } from '../figures.ts'

const LINES_MAX = 5
const WINDOW_MS = 10_000

export class EventLimit {
  /** How many of each kind came in this window. */
  private readonly counts = new Map<string, number>()
  private windowEndMs = 0

  /** True: say it. @param nowMs monotonic */
  lets(event: RunEvent, nowMs: number): boolean {
    const kind = kindOf(event)
    if (kind === undefined) return true
    if (this.counts.size === 0) this.windowEndMs = nowMs + WINDOW_MS
    const count = (this.counts.get(kind) ?? 0) + 1
    this.counts.set(kind, count)
    return count <= LINES_MAX
  }

  /**
   * A line for each kind of which some were not said, once the window is over.
   * @param nowMs undefined: it is over
   */
  heldBack(nowMs?: number): readonly string[] {
    if (nowMs !== undefined && nowMs < this.windowEndMs) return []
    const held = [...this.counts].filter(([, count]) => count > LINES_MAX)
    this.counts.clear()
    return held.map(([kind, count]) => `  and ${countText(count - LINES_MAX)} more: ${kind}`)
  }
}

/** Undefined: there are never many. */
function kindOf(event: RunEvent): string | undefined {
  switch (event.kind) {
    case 'error':
      return `${event.shown.code} of ${event.shown.componentId}`
    case 'dead-letter':
      return `dead letter of ${event.letter.component}, ${event.letter.code}`
    case 'warning':
      // What comes after a colon differs from one to the next.
      return event.message.split(':', 1).join()
    default:
      return undefined
  }
}
