/**
 * One call of user code with the state of one key: what its views read from, and where their writes wait.
 *
 *   open ──▶ views read the slot, write into themselves ──▶ commit    (call returned)  writes reach the slot
 *                                                      └──▶ rollBack  (call threw)     writes are forgotten
 *
 * Invariants
 *   C1  nothing reaches the slot before commit
 *   C2  commit is all or nothing: memory is booked for all writes before the first one is applied
 *   C3  a view that is used while its call is not open throws STATE_OUTSIDE_CALL
 */
import { assert } from '../base/assert.ts'
import { UsageError } from '../base/errors.ts'
import type { MemoryAccount } from './memory-account.ts'
import { roughSizeBytes, SLOT_BYTES } from './rough-size.ts'
import { Slot } from './slot.ts'
import type { MapKey } from './state-key.ts'
import type { TimerEntry, TimerQueue } from './timer-queue.ts'

/** What all calls of a store share. */
export interface StoreCore {
  readonly slots: Map<MapKey, Slot>
  readonly cellCount: number
  readonly account: MemoryAccount
  readonly eventTimers: TimerQueue
  readonly processingTimers: TimerQueue
  readonly entriesPerKeyMax: number
  /** False: setting an event-time timer is TIMER_IN_WRONG_TIME. */
  readonly hasEventTime: boolean
  /** Of the worker's clock, for ttl. */
  readonly nowMs: () => number
  /** Values of older versions were loaded, and some may not have been read yet. */
  hasOldValues: boolean
}

/** A view with writes that wait for the end of the call. */
export interface BufferedView {
  /** Bytes that applying would add; negative if it frees. */
  growthBytes(): number
  /** Writes to the slot, and forgets the writes. */
  apply(slot: Slot): void
  /** Forgets the writes. */
  drop(): void
}

export class CallScope {
  readonly core: StoreCore
  isOpen = false
  slot: Slot | undefined
  key: unknown
  /** Grows with every call, so that a view knows whether what it remembers is of this one. */
  number = 0
  private id: MapKey = ''
  private firing: TimerEntry | undefined
  /** The first `writtenCount` are views with writes; what stands behind them is of calls before. */
  private readonly written: BufferedView[] = []
  private writtenCount = 0

  constructor(core: StoreCore) {
    this.core = core
  }

  /** HOT. Begins a call. */
  begin(id: MapKey, key: unknown, firing: TimerEntry | undefined): void {
    const slot = this.core.slots.get(id)
    if (slot !== undefined) slot.isHeld = true
    this.id = id
    this.key = key
    this.slot = slot
    this.firing = firing
    this.number += 1
    this.isOpen = true
  }

  /** A view has its first write of this call. */
  noteWritten(view: BufferedView): void {
    this.written[this.writtenCount] = view
    this.writtenCount += 1
  }

  /**
   * HOT. Ends the call; its writes take effect.
   * @throws UnavailableError STATE_MEMORY_FULL nothing took effect
   */
  commit(): void {
    assert(this.isOpen, 'a call of keyed state ends once')
    this.isOpen = false
    const { slot, written, writtenCount } = this
    if (writtenCount === 0) {
      if (slot !== undefined) slot.isHeld = false
      return
    }
    let bytes = slot === undefined ? slotBytes(this.key) : 0
    for (let i = 0; i < writtenCount; i++) bytes += written[i]?.growthBytes() ?? 0
    if (bytes !== 0) this.book(bytes)
    this.apply(slot ?? new Slot(this.id, this.key, this.core.cellCount))
  }

  /** Ends the call; nothing took effect. A timer that was firing is due again. */
  rollBack(): void {
    assert(this.isOpen, 'a call of keyed state ends once')
    this.isOpen = false
    this.forget()
  }

  /** What a view throws that is used while its call is not open. */
  closed(name: string): UsageError {
    return new UsageError('STATE_OUTSIDE_CALL', `state ${name} was used after its call had ended`, {
      state: name,
    })
  }

  private book(bytes: number): void {
    try {
      this.core.account.book(bytes)
    } catch (error) {
      this.forget()
      throw error
    }
  }

  private apply(slot: Slot): void {
    const { written, writtenCount } = this
    for (let i = 0; i < writtenCount; i++) written[i]?.apply(slot)
    this.writtenCount = 0
    slot.isHeld = false
    if (slot.fullCount === 0 || this.slot === undefined) this.enterOrLeave(slot)
  }

  /** The slot is new, or empty now, or both. */
  private enterOrLeave(slot: Slot): void {
    const core = this.core
    if (slot.fullCount > 0) {
      core.slots.set(this.id, slot)
      return
    }
    core.account.book(-slotBytes(this.key))
    if (this.slot !== undefined) core.slots.delete(this.id)
  }

  private forget(): void {
    for (let i = 0; i < this.writtenCount; i++) this.written[i]?.drop()
    this.writtenCount = 0
    if (this.slot !== undefined) this.slot.isHeld = false
    const firing = this.firing
    if (firing === undefined) return
    const queue = firing.isEventTime ? this.core.eventTimers : this.core.processingTimers
    queue.requeue(firing)
  }
}

/** What a key costs, whatever is stored under it. */
export function slotBytes(key: unknown): number {
  return SLOT_BYTES + roughSizeBytes(key)
}
