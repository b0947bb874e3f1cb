/**
 * Lets faults strike in their time.
 *
 * Invariant: nothing strikes, and nothing lasts, beyond `healAfterMs` of the run, so every run can come to
 * its end.
 */
import type { SeededRandom } from '../../base/random.ts'
import { parseDuration } from '../../config/duration.ts'
import type { Stoppable } from '../../host/host.ts'
import type { PlannedFault, RandomFaults } from './fault.ts'
import type { FaultStage } from './fault-stage.ts'
import { type Drawable, drawFault } from './random-faults.ts'

/** How often counts are looked at, for faults that wait for them. */
const LOOK_MS = 1
/** Faults that are remembered: where they are drawn without an end, older ones go. */
const KEPT_MAX = 10_000

/** A fault that has struck. */
export interface Injected {
  /** Milliseconds of the run. */
  readonly at: number
  readonly fault: string
}

export class FaultSchedule {
  readonly injected: Injected[] = []
  /** Those of `injected`, to be used again. */
  readonly struck: PlannedFault[] = []
  private readonly stage: FaultStage
  private readonly healAfterMs: number
  private readonly nowMs: () => number
  private readonly timers = new Set<Stoppable>()
  private readonly lasting = new Set<PlannedFault>()
  private waiting: PlannedFault[] = []

  /** @param nowMs milliseconds of the run */
  constructor(stage: FaultStage, healAfterMs: number, nowMs: () => number) {
    this.stage = stage
    this.healAfterMs = healAfterMs
    this.nowMs = nowMs
  }

  /**
   * Times count from now.
   * @throws UsageError CONFIG_INVALID_VALUE, CONFIG_CONTRADICTION: the fault cannot strike here
   */
  add(faults: readonly PlannedFault[]): void {
    for (const fault of faults) this.stage.refuseImpossible(fault)
    for (const fault of faults) {
      if ('after' in fault.when) {
        this.waitFor(fault)
        continue
      }
      const delayMs = parseDuration(fault.when.at)
      if (this.nowMs() + delayMs > this.healAfterMs) continue
      this.after(delayMs, () => this.strike(fault))
    }
  }

  /** Draws one after the other, for as long as this goes on. `about`: what may be drawn then. */
  keepDrawing(fault: RandomFaults, about: () => Drawable, random: SeededRandom): void {
    const drawn = drawFault(fault, about(), random, this.nowMs())
    if (drawn === undefined) return
    this.after(drawn.atMs - this.nowMs(), () => {
      this.strike(drawn.fault)
      this.keepDrawing(fault, about, random)
    })
  }

  stop(): void {
    for (const timer of this.timers) timer.stop()
    this.waiting = []
  }

  /** What lasts ends now. */
  end(): void {
    this.stop()
    for (const fault of this.lasting) fault.heal(this.stage)
    this.lasting.clear()
  }

  private waitFor(fault: PlannedFault): void {
    this.waiting.push(fault)
    if (this.waiting.length > 1) return
    const look = this.stage.timers.every(LOOK_MS, () => {
      const { acked, emitted } = this.stage.counts()
      const isDue = ({ when }: PlannedFault): boolean => {
        if (!('after' in when)) return true
        return 'acked' in when.after ? acked >= when.after.acked : emitted >= when.after.emitted
      }
      const due = this.waiting.filter(isDue)
      this.waiting = this.waiting.filter((each) => !isDue(each))
      for (const each of due) this.strike(each)
      if (this.waiting.length === 0 || this.nowMs() > this.healAfterMs) {
        this.waiting = []
        look.stop()
      }
    })
    this.timers.add(look)
  }

  private strike(fault: PlannedFault): void {
    this.stage.note(fault.fault)
    this.injected.push({ at: Math.round(this.nowMs()), fault: fault.fault })
    this.struck.push(fault)
    if (this.struck.length > KEPT_MAX) {
      this.injected.shift()
      this.struck.shift()
    }
    fault.strike(this.stage)
    if (fault.forMs === undefined) return
    this.lasting.add(fault)
    const leftMs = Math.max(0, this.healAfterMs - this.nowMs())
    this.after(Math.min(fault.forMs, leftMs), () => {
      this.lasting.delete(fault)
      fault.heal(this.stage)
    })
  }

  private after(delayMs: number, call: () => void): void {
    const timer = this.stage.timers.after(delayMs, () => {
      this.timers.delete(timer)
      call()
    })
    this.timers.add(timer)
  }
}
