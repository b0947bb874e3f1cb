/**
 * Times tuples as the anchor of Storm does, so that both say the same thing: one message id in 1,024 is timed
 * from its emit to its ack, and another carries its emit time instead of its text, a probe that the last
 * bolt times one way.
 */
import { Histogram } from '../../src/base/histogram.ts'

/** Emit times of tuples in flight, by number of the sample; far more than can be in flight. */
const RING = 1 << 14
/** Begins the text of a probe. No word of any text begins with it. */
const PROBE = '\u0001'
const PROBE_CODE = 1

export class Meter {
  readonly complete = new Histogram()
  /** From the time at which the tuple should have been emitted. */
  readonly scheduled = new Histogram()
  readonly oneWay = new Histogram()
  private readonly shift: number
  private readonly mask: number
  private readonly sentMs = new Float64Array(RING)
  private readonly dueMs = new Float64Array(RING)

  private readonly probePhase: number

  /** One in `2 ** shift` tuples is timed; without probes, from emit to ack only. */
  constructor(shift: number, hasProbes = true) {
    this.shift = shift
    this.mask = (1 << shift) - 1
    this.probePhase = hasProbes ? this.mask >> 1 : -1
  }

  /** HOT. The text that tuple `n` carries. */
  sent(n: number, text: string, dueMs: number): string {
    const phase = n & this.mask
    if (phase === 0) {
      const at = (n >> this.shift) & (RING - 1)
      this.dueMs[at] = dueMs
      this.sentMs[at] = performance.now()
    } else if (phase === this.probePhase) return PROBE + performance.now()
    return text
  }

  /** HOT. */
  acked(n: number): void {
    if ((n & this.mask) !== 0) return
    const at = (n >> this.shift) & (RING - 1)
    const nowMs = performance.now()
    this.complete.record(nowMs - (this.sentMs[at] ?? 0))
    const dueMs = this.dueMs[at] ?? 0
    if (dueMs > 0) this.scheduled.record(nowMs - dueMs)
  }

  /** A probe has arrived. */
  arrived(text: string): void {
    this.oneWay.record(performance.now() - Number(text.slice(1)))
  }
}

/** HOT. */
export function isProbe(text: string): boolean {
  return text.charCodeAt(0) === PROBE_CODE
}
