/**
 * The queue in front of an executor.
 *
 *   push ──▶ [ tail … head ] ──▶ shift      the gate closes at `capacity`, and opens again at half of it
 *
 * Emitting never blocks, so a tuple in hand may overfill the ring: it grows then. The bound is the capacity
 * plus what one call of each feeder emits, because a feeder that finds the gate closed is not stepped until
 * it opens. Room that was made once is kept up to a bound: what comes from other workers comes in frames, and
 * overfills the ring again and again. Ticks, timers and the like do not stand here: the executor keeps them
 * apart and takes them first.
 */
import { assert } from '../../base/assert.ts'
import { Gate } from '../transfer/gate.ts'
import type { EngineTuple } from './tuple.ts'

/** Times its capacity that a ring may be long between two fills. */
const KEPT_ROOM = 4

export class Inbox extends Gate {
  readonly capacity: number
  private slots: Array<EngineTuple | undefined>
  private mask: number
  // Both only grow; the slot of a position is `position & mask`. Exact integers for 28 years at 10 M
  // tuples/s.
  private head = 0
  private tail = 0
  private isClosed = false

  constructor(capacity: number) {
    super()
    assert(capacity > 0 && (capacity & (capacity - 1)) === 0, 'inbox capacity is a power of two')
    this.capacity = capacity
    this.slots = new Array<EngineTuple | undefined>(capacity).fill(undefined)
    this.mask = capacity - 1
  }

  get count(): number {
    return this.tail - this.head
  }

  isOpen(): boolean {
    return !this.isClosed
  }

  /** HOT. False: taken, but the feeder shall hold on now. */
  push(tuple: EngineTuple): boolean {
    const count = this.tail - this.head
    if (count === this.slots.length) this.resize(count * 2)
    this.slots[this.tail & this.mask] = tuple
    this.tail += 1
    if (count + 1 < this.capacity) return true
    this.isClosed = true
    return false
  }

  /** HOT. */
  shift(): EngineTuple | undefined {
    const head = this.head
    if (head === this.tail) return undefined
    const index = head & this.mask
    const tuple = this.slots[index]
    this.slots[index] = undefined // Let the garbage collector have it now, not one lap later.
    this.head = head + 1
    if (this.isClosed && this.tail - this.head <= this.capacity >> 1) this.reopen()
    return tuple
  }

  /** Takes everything out: for a task that goes away. */
  clear(): EngineTuple[] {
    const left: EngineTuple[] = []
    for (let tuple = this.shift(); tuple !== undefined; tuple = this.shift()) left.push(tuple)
    return left
  }

  private reopen(): void {
    this.isClosed = false
    if (this.slots.length > this.capacity * KEPT_ROOM) this.resize(this.capacity)
    this.open()
  }

  private resize(length: number): void {
    const slots = new Array<EngineTuple | undefined>(length).fill(undefined)
    const count = this.count
    for (let i = 0; i < count; i += 1) slots[i] = this.slots[(this.head + i) & this.mask]
    this.slots = slots
    this.mask = length - 1
    this.tail = count
    this.head = 0
  }
}
