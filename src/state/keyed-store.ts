/**
 * The keyed state of one task, in the heap.
 *
 * Route:   flow's keyed executor opens a call per tuple or timer → user code works on the views → commit or
 * rollBack. Touches: nothing outside. Time reaches it as `nowMs` and as what is handed to `dueTimers` and
 * `advanceWatermark`.
 *
 * Who calls keeps this: calls for one key never overlap (calls for different keys may), every `open` is ended
 * by exactly one `commit` or `rollBack`, and `take`, `load` and `entries` run while no call is open.
 *
 * A views object is reused by the next call when its own call has ended. A view kept by user code therefore
 * throws STATE_OUTSIDE_CALL only while no other call is using it.
 *
 * Invariants
 *   K1  a slot is in the store if and only if one of its cells is full
 *   K2  every timer cell's entry is in its queue, or handed out by `dueTimers` and not answered yet
 *   K3  what the account holds for the store is the rough size of its content, but for what migrations
 *       changed
 */
import { type StoreCore, slotBytes } from './call-scope.ts'
import { KeyedCall } from './keyed-call.ts'
import { expiredCount } from './list-view.ts'
import { mapEntryBytes } from './map-view.ts'
import { MemoryAccount } from './memory-account.ts'
import { ENTRY_BYTES, roughSizeBytes } from './rough-size.ts'
import { ListCell, MapCell, Slot, ValueCell } from './slot.ts'
import { cellOf, entryOf, slotContentBytes, specFor } from './slot-parts.ts'
import type { KeyedEntry } from './state-entry.ts'
import { type MapKey, mapKeyOf } from './state-key.ts'
import { type NamedSpec, namedSpecs, type StateSpec } from './state-spec.ts'
import { TimerEntry, TimerQueue } from './timer-queue.ts'
import { cellBytes } from './value-view.ts'

export interface KeyedStoreOptions {
  /** The worker's clock, ms since 1970. */
  readonly nowMs: () => number
  /** Default: unbounded, an account of its own. */
  readonly account?: MemoryAccount
  /** Most entries of a map or list under one key, where the state says nothing. Default 100,000. */
  readonly entriesPerKeyMax?: number
  /** Some source of this bolt has event time. Default true. */
  readonly hasEventTime?: boolean
}

/** A timer that is due: hand it to `openFired`, exactly once. */
export interface DueTimer {
  readonly name: string
  readonly key: unknown
  readonly timeMs: number
  readonly entry: TimerEntry
}

const ENTRIES_PER_KEY_MAX = 100_000
// Calls beyond this many at once are rare: their views are left to the garbage collector.
const SPARE_CALLS_MAX = 64

export class KeyedStore {
  private readonly specs: readonly NamedSpec[]
  private readonly core: StoreCore
  /** Where calls do not overlap, this is the one there is. */
  private spare: KeyedCall | undefined
  private readonly moreSpare: KeyedCall[] = []
  private sweeping: Iterator<Slot> | undefined
  private readonly onCallEnd = (call: KeyedCall): void => {
    if (this.spare === undefined) this.spare = call
    else if (this.moreSpare.length < SPARE_CALLS_MAX) this.moreSpare.push(call)
  }

  constructor(specs: Readonly<Record<string, StateSpec>>, options: KeyedStoreOptions) {
    this.specs = namedSpecs(specs)
    this.core = {
      slots: new Map<MapKey, Slot>(),
      cellCount: this.specs.length,
      account: options.account ?? new MemoryAccount(Number.POSITIVE_INFINITY),
      eventTimers: new TimerQueue(true),
      processingTimers: new TimerQueue(false),
      entriesPerKeyMax: options.entriesPerKeyMax ?? ENTRIES_PER_KEY_MAX,
      hasEventTime: options.hasEventTime ?? true,
      nowMs: options.nowMs,
      hasOldValues: false,
    }
  }

  /** Keys that have any state. */
  get keyCount(): number {
    return this.core.slots.size
  }

  /** Timers that are set and not handed out. */
  get timerCount(): number {
    return this.core.eventTimers.count + this.core.processingTimers.count
  }

  /** When the soonest processing-time timer is due; undefined if there is none. */
  get nextTimerMs(): number | undefined {
    return this.core.processingTimers.soonestMs
  }

  /** HOT. Begins a call for a key. Bench: 15 M get + set + commit per second for text keys. */
  open(key: unknown): KeyedCall {
    const id = typeof key === 'string' && key.charCodeAt(0) !== 0 ? key : mapKeyOf(key)
    const call = this.takeCall()
    call.begin(id, key)
    return call
  }

  /**
   * Processing-time timers due at `nowMs`, soonest first, at most `countMax`. Each must go to `openFired`.
   */
  dueTimers(nowMs: number, countMax = 256): readonly DueTimer[] {
    return this.takeDue(this.core.processingTimers, nowMs, countMax)
  }

  /**
   * Event-time timers that the watermark has passed, soonest first, at most `countMax`: call again while it
   * gives some.
   */
  advanceWatermark(watermarkMs: number, countMax = 256): readonly DueTimer[] {
    return this.takeDue(this.core.eventTimers, watermarkMs, countMax)
  }

  /**
   * Begins the call of a due timer: in it, the timer is not set. undefined: a call in between has cleared or
   * moved it, so it does not fire. To give a timer up, open it and commit.
   */
  openFired(due: DueTimer): KeyedCall | undefined {
    const { slot, index } = due.entry
    if (slot.cells[index] !== due.entry) return undefined
    const call = this.takeCall()
    call.beginFiring(slot.id, due.entry)
    return call
  }

  /** Everything, as plain data. Reads while it is iterated: finish before the next call is opened. */
  *entries(): IterableIterator<KeyedEntry> {
    for (const slot of this.core.slots.values()) yield entryOf(slot, this.specs)
  }

  /** Removes the keys for which `goes` says so, and gives what was under them. */
  take(goes: (key: unknown) => boolean): readonly KeyedEntry[] {
    const taken: KeyedEntry[] = []
    for (const slot of this.core.slots.values()) {
      if (!goes(slot.key)) continue
      taken.push(entryOf(slot, this.specs))
      this.removeSlot(slot)
    }
    return taken
  }

  /**
   * Puts an entry in, in place of whatever is under its key.
   * @throws ConflictError STATE_DROPPED, FormatError STATE_VERSION_NEWER, UsageError STATE_MIGRATION_MISSING,
   *   UserCodeError STATE_MIGRATION_FAILED, UnavailableError STATE_MEMORY_FULL; the key is then as it was
   */
  load(entry: KeyedEntry): void {
    const { core, specs } = this
    const id = mapKeyOf(entry.key)
    const slot = new Slot(id, entry.key, core.cellCount)
    const nowMs = core.nowMs()
    const timers: (readonly [NamedSpec, number])[] = []
    for (const part of entry.parts) {
      const spec = specFor(part, specs)
      if (part.kind === 'timer') timers.push([spec, part.timeMs])
      else
        slot.put(
          spec.index,
          cellOf(part, spec, entry.key, nowMs, () => this.noteOld()),
        )
    }
    const before = core.slots.get(id)
    const freed = before === undefined ? 0 : slotBytes(before.key) + slotContentBytes(before)
    core.account.book(slotBytes(slot.key) + slotContentBytes(slot) + timers.length * ENTRY_BYTES - freed)
    if (before !== undefined) this.empty(before)
    for (const [spec, timeMs] of timers)
      slot.put(spec.index, this.queueOf(spec).add(slot, spec.index, timeMs))
    if (slot.fullCount > 0) core.slots.set(id, slot)
    else this.forgetEmpty(slot)
  }

  /** Forgets everything. */
  clear(): void {
    for (const slot of this.core.slots.values()) this.removeSlot(slot)
  }

  /**
   * Frees what has outlived its ttl, in at most `countMax` keys, going on where the last sweep ended. Returns
   * how many entries were freed. Reading never shows what has expired, so this is about memory only.
   */
  sweep(countMax: number): number {
    if (!this.specs.some((spec) => spec.ttlMs !== undefined)) return 0
    let freedCount = 0
    this.sweeping ??= this.core.slots.values()
    for (let seen = 0; seen < countMax; seen++) {
      const next = this.sweeping.next()
      if (next.done === true) {
        this.sweeping = undefined
        break
      }
      if (!next.value.isHeld) freedCount += this.sweepSlot(next.value)
    }
    return freedCount
  }

  private takeCall(): KeyedCall {
    const call = this.spare
    if (call === undefined) {
      return this.moreSpare.pop() ?? new KeyedCall(this.core, this.specs, this.onCallEnd)
    }
    this.spare = undefined
    return call
  }

  private noteOld(): void {
    this.core.hasOldValues = true
  }

  private queueOf(spec: NamedSpec): TimerQueue {
    return spec.time === 'event-time' ? this.core.eventTimers : this.core.processingTimers
  }

  private takeDue(queue: TimerQueue, nowMs: number, countMax: number): readonly DueTimer[] {
    const due: DueTimer[] = []
    while (due.length < countMax) {
      const entry = queue.shiftDue(nowMs)
      if (entry === undefined) break
      const name = this.specs[entry.index]?.name ?? ''
      due.push({ name, key: entry.slot.key, timeMs: entry.timeMs, entry })
    }
    return due
  }

  private removeSlot(slot: Slot): void {
    this.core.account.book(-slotBytes(slot.key) - slotContentBytes(slot))
    this.core.slots.delete(slot.id)
    this.empty(slot)
  }

  private empty(slot: Slot): void {
    for (const cell of slot.cells) {
      if (!(cell instanceof TimerEntry)) continue
      const queue = cell.isEventTime ? this.core.eventTimers : this.core.processingTimers
      queue.remove(cell)
    }
    // A timer of it that was handed out finds its cell empty and does not fire.
    slot.cells.fill(undefined)
  }

  private forgetEmpty(slot: Slot): void {
    this.core.slots.delete(slot.id)
    this.core.account.book(-slotBytes(slot.key))
  }

  private sweepSlot(slot: Slot): number {
    const nowMs = this.core.nowMs()
    let count = 0
    let bytes = 0
    for (const { ttlMs, index } of this.specs) {
      const cell = slot.cells[index]
      if (ttlMs === undefined || cell === undefined) continue
      if (cell instanceof MapCell) {
        for (const [id, entry] of cell.entries) {
          if (entry.usedMs + ttlMs > nowMs) continue
          cell.entries.delete(id)
          bytes += mapEntryBytes(entry)
          count += 1
        }
        if (cell.entries.size === 0) slot.put(index, undefined)
      } else if (cell instanceof ListCell) {
        const gone = expiredCount(cell, ttlMs, this.core)
        for (let i = 0; i < gone; i++) bytes += ENTRY_BYTES + roughSizeBytes(cell.values[i])
        cutFront(cell, gone)
        count += gone
        if (cell.values.length === 0) slot.put(index, undefined)
      } else if (cell instanceof ValueCell && cell.usedMs + ttlMs <= nowMs) {
        bytes += cellBytes(cell)
        slot.put(index, undefined)
        count += 1
      }
    }
    this.core.account.book(-bytes)
    if (slot.fullCount === 0) this.forgetEmpty(slot)
    return count
  }
}

function cutFront(cell: ListCell, count: number): void {
  if (count === 0) return
  cell.values = cell.values.slice(count)
  cell.isShared = false
  cell.usedMs = cell.usedMs?.slice(count)
}
