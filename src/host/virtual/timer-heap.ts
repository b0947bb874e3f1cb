/**
 * Timers of a virtual world in the order in which they are due; of those due at the same time, in the order
 * in which they were set. A binary heap; stopped timers stay until they are due or outnumber the others.
 */
import type { Stoppable } from '../host.ts'

/** A timer that waits, or waits again. */
export class VirtualTimer implements Stoppable {
  /** undefined for one that fires once. */
  readonly periodMs: number | undefined
  readonly callback: () => void
  dueMs: number
  order = 0
  isStopped = false
  /** Set by the system below its owner, not by the program: see virtual-host.ts. */
  isOfSystem = false

  constructor(dueMs: number, periodMs: number | undefined, callback: () => void) {
    this.dueMs = dueMs
    this.periodMs = periodMs
    this.callback = callback
  }

  stop(): void {
    this.isStopped = true
  }
}

/** A timer together with whose it is. */
export interface TimerEntry<Owner> {
  readonly timer: VirtualTimer
  readonly owner: Owner
}

/** Fewer than so many entries are not worth tidying. */
const TIDY_MIN = 1_024

export class TimerHeap<Owner> {
  private entries: TimerEntry<Owner>[] = []
  private setCount = 0
  private tidyAt = TIDY_MIN

  /** With stopped ones that have not been met yet. */
  get count(): number {
    return this.entries.length
  }

  push(timer: VirtualTimer, owner: Owner): void {
    timer.order = this.setCount
    this.setCount += 1
    if (this.entries.length >= this.tidyAt) this.tidy()
    this.entries.push({ timer, owner })
    this.rise(this.entries.length - 1)
  }

  /** When the next timer that is not stopped is due. */
  nextDueMs(): number | undefined {
    for (;;) {
      const first = this.entries[0]
      if (first === undefined) return undefined
      if (!first.timer.isStopped) return first.timer.dueMs
      this.removeFirst()
    }
  }

  /** The next timer if it is due at `nowMs`. */
  popDue(nowMs: number): TimerEntry<Owner> | undefined {
    const dueMs = this.nextDueMs()
    if (dueMs === undefined || dueMs > nowMs) return undefined
    return this.removeFirst()
  }

  private removeFirst(): TimerEntry<Owner> | undefined {
    const first = this.entries[0]
    const last = this.entries.pop()
    if (last !== undefined && this.entries.length > 0) {
      this.entries[0] = last
      this.sink(0)
    }
    return first
  }

  /** Its timers never fire any more. */
  remove(owner: Owner): void {
    for (const entry of this.entries) if (entry.owner === owner) entry.timer.stop()
    this.tidy()
  }

  private tidy(): void {
    const alive = this.entries.filter(({ timer }) => !timer.isStopped)
    this.entries = alive
    // Twice what lives: so tidying costs a constant share of setting.
    this.tidyAt = Math.max(TIDY_MIN, alive.length * 2)
    for (let index = (alive.length >> 1) - 1; index >= 0; index -= 1) this.sink(index)
  }

  private rise(from: number): void {
    let index = from
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (!this.isBefore(index, parent)) return
      this.swap(index, parent)
      index = parent
    }
  }

  private sink(from: number): void {
    let index = from
    for (;;) {
      let first = index
      const left = 2 * index + 1
      if (left < this.entries.length && this.isBefore(left, first)) first = left
      if (left + 1 < this.entries.length && this.isBefore(left + 1, first)) first = left + 1
      if (first === index) return
      this.swap(index, first)
      index = first
    }
  }

  private isBefore(left: number, right: number): boolean {
    const a = this.entries[left]?.timer
    const b = this.entries[right]?.timer
    if (a === undefined || b === undefined) return false
    return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order)
  }

  private swap(left: number, right: number): void {
    const a = this.entries[left]
    const b = this.entries[right]
    if (a === undefined || b === undefined) return
    this.entries[left] = b
    this.entries[right] = a
  }
}
