/**
 * Timers of one clock, soonest first: a binary heap whose entries know their place, so that moving and
 * removing one costs O(log n).
 *
 * Equal times come out in the order they were set, so that two runs fire alike.
 */
import type { Slot } from './slot.ts'

const NOT_QUEUED = -1

/** A timer that is set: what a timer's cell holds. */
export class TimerEntry {
  readonly slot: Slot
  /** Place of its state in the slot. */
  readonly index: number
  readonly timeMs: number
  readonly order: number
  readonly isEventTime: boolean
  /** Place in the heap; NOT_QUEUED while it is handed out for firing. */
  place = NOT_QUEUED

  constructor(slot: Slot, index: number, timeMs: number, order: number, isEventTime: boolean) {
    this.slot = slot
    this.index = index
    this.timeMs = timeMs
    this.order = order
    this.isEventTime = isEventTime
  }
}

export class TimerQueue {
  private readonly heap: TimerEntry[] = []
  private readonly isEventTime: boolean
  private nextOrder = 0

  constructor(isEventTime: boolean) {
    this.isEventTime = isEventTime
  }

  get count(): number {
    return this.heap.length
  }

  /** When the soonest is due; undefined if there is none. */
  get soonestMs(): number | undefined {
    return this.heap[0]?.timeMs
  }

  add(slot: Slot, index: number, timeMs: number): TimerEntry {
    const entry = new TimerEntry(slot, index, timeMs, this.nextOrder, this.isEventTime)
    this.nextOrder += 1
    this.requeue(entry)
    return entry
  }

  /** Puts an entry back that was taken out. Its turn among equal times is what it was. */
  requeue(entry: TimerEntry): void {
    if (entry.place !== NOT_QUEUED) return
    this.heap.push(entry)
    this.rise(entry, this.heap.length - 1)
  }

  /** Takes an entry out, wherever it stands. One that is not queued: nothing happens. */
  remove(entry: TimerEntry): void {
    const place = entry.place
    if (place === NOT_QUEUED) return
    entry.place = NOT_QUEUED
    const last = this.heap.pop()
    if (last === undefined || last === entry) return
    this.rise(last, place)
    this.sink(last, last.place)
  }

  /** Takes the soonest out if it is due at `nowMs`. */
  shiftDue(nowMs: number): TimerEntry | undefined {
    const first = this.heap[0]
    if (first === undefined || first.timeMs > nowMs) return undefined
    this.remove(first)
    return first
  }

  private rise(entry: TimerEntry, from: number): void {
    let place = from
    while (place > 0) {
      const above = (place - 1) >> 1
      const other = this.heap[above]
      if (other === undefined || !comesFirst(entry, other)) break
      this.set(place, other)
      place = above
    }
    this.set(place, entry)
  }

  private sink(entry: TimerEntry, from: number): void {
    let place = from
    for (;;) {
      let below = 2 * place + 1
      const left = this.heap[below]
      if (left === undefined) break
      const right = this.heap[below + 1]
      let other = left
      if (right !== undefined && comesFirst(right, left)) {
        other = right
        below += 1
      }
      if (!comesFirst(other, entry)) break
      this.set(place, other)
      place = below
    }
    this.set(place, entry)
  }

  private set(place: number, entry: TimerEntry): void {
    this.heap[place] = entry
    entry.place = place
  }
}

function comesFirst(a: TimerEntry, b: TimerEntry): boolean {
  return a.timeMs < b.timeMs || (a.timeMs === b.timeMs && a.order < b.order)
}
