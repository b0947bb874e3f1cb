/** A timer per key, as a call sees it. The contract is `Timer` of the main door. */
import { UsageError } from '../base/errors.ts'
import type { BufferedView, CallScope } from './call-scope.ts'
import { ENTRY_BYTES } from './rough-size.ts'
import type { Slot } from './slot.ts'
import type { NamedSpec } from './state-spec.ts'
import { TimerEntry, type TimerQueue } from './timer-queue.ts'

export class TimerView implements BufferedView {
  private readonly scope: CallScope
  private readonly spec: NamedSpec
  private isWritten = false
  private pendingMs: number | undefined

  constructor(scope: CallScope, spec: NamedSpec) {
    this.scope = scope
    this.spec = spec
  }

  /** @throws UsageError TIMER_IN_WRONG_TIME, VALUE_OUT_OF_RANGE */
  set(timeMs: number): void {
    this.check()
    if (!Number.isFinite(timeMs)) {
      throw new UsageError('VALUE_OUT_OF_RANGE', `timer ${this.spec.name} was set to ${String(timeMs)}`, {
        state: this.spec.name,
      })
    }
    if (this.spec.time === 'event-time' && !this.scope.core.hasEventTime) {
      throw new UsageError(
        'TIMER_IN_WRONG_TIME',
        `timer ${this.spec.name} goes by event time, and no source of this bolt has one`,
        { state: this.spec.name },
      )
    }
    this.write(timeMs)
  }

  clear(): void {
    this.check()
    this.write(undefined)
  }

  get time(): number | undefined {
    this.check()
    return this.isWritten ? this.pendingMs : this.entry(this.scope.slot)?.timeMs
  }

  growthBytes(): number {
    const before = this.entry(this.scope.slot) === undefined ? 0 : ENTRY_BYTES
    return (this.pendingMs === undefined ? 0 : ENTRY_BYTES) - before
  }

  apply(slot: Slot): void {
    const queue = this.queue()
    const before = this.entry(slot)
    if (before !== undefined) queue.remove(before)
    const timeMs = this.pendingMs
    slot.put(this.spec.index, timeMs === undefined ? undefined : queue.add(slot, this.spec.index, timeMs))
    this.drop()
  }

  drop(): void {
    this.isWritten = false
    this.pendingMs = undefined
  }

  private write(timeMs: number | undefined): void {
    if (!this.isWritten) {
      this.isWritten = true
      this.scope.noteWritten(this)
    }
    this.pendingMs = timeMs
  }

  private check(): void {
    if (!this.scope.isOpen) throw this.scope.closed(this.spec.name)
  }

  private entry(slot: Slot | undefined): TimerEntry | undefined {
    const cell = slot?.cells[this.spec.index]
    return cell instanceof TimerEntry ? cell : undefined
  }

  private queue(): TimerQueue {
    const { eventTimers, processingTimers } = this.scope.core
    return this.spec.time === 'event-time' ? eventTimers : processingTimers
  }
}
