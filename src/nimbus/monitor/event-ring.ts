/**
 * What has happened, newest last, for who wants to follow it. A reader goes on from the id it saw last; ids
 * name the leadership, so a reader that comes from the leader before gets all that the new one has.
 *
 * Bound: the newest 10,000.
 */
import type { Details } from '../../base/errors.ts'
import type { EventPage } from '../../rpc/nimbus-api.ts'

const EVENTS_MAX = 10_000
/** Events of one answer. */
const PAGE_MAX = 500

export type ClusterHappening = EventPage['events'][number]

export interface NewEvent {
  readonly at: number
  readonly kind: string
  readonly topology?: string | undefined
  readonly node?: string | undefined
  readonly message: string
  readonly details?: Details
}

export class EventRing {
  private readonly eventsMax: number
  private events: ClusterHappening[] = []
  /** Sequence number of `events[0]`. */
  private first = 1
  private epoch = 0
  private readonly waiting = new Set<() => void>()

  constructor(eventsMax = EVENTS_MAX) {
    this.eventsMax = eventsMax
  }

  /** A new leadership: ids go on under its epoch. What was told before stays to be read. */
  begin(epoch: number): void {
    this.epoch = epoch
  }

  add(event: NewEvent): void {
    const id = `${this.epoch}-${this.first + this.events.length}`
    const { at, kind, message, topology, node, details = {} } = event
    this.events.push({ id, at, kind, topology, node, message, details })
    // Cut in large pieces: `shift` for each would move all of them each time.
    if (this.events.length > this.eventsMax * 1.1) {
      const excess = this.events.length - this.eventsMax
      this.events = this.events.slice(excess)
      this.first += excess
    }
    for (const wake of this.waiting) wake()
    this.waiting.clear()
  }

  /** Events after an id, oldest first. undefined: from now on, so none; `next` is where to go on. */
  after(id: string | undefined): EventPage {
    const last = this.events.at(-1)
    const newest = last?.id ?? `${this.epoch}-0`
    if (id === undefined) return { events: [], next: newest }
    const index = this.indexAfter(id)
    const events = this.events.slice(index, index + PAGE_MAX)
    return { events, next: events.at(-1)?.id ?? newest }
  }

  /** Calls once, with the next event. */
  onNext(wake: () => void): () => void {
    this.waiting.add(wake)
    return () => this.waiting.delete(wake)
  }

  private indexAfter(id: string): number {
    const found = /^(\d{1,15})-(\d{1,15})$/.exec(id)
    const sequence = Number(found?.[2] ?? 0)
    const at = sequence - this.first
    // Of this process, and still there. An id of another one says nothing about what is here.
    if (this.events[at]?.id === id) return at + 1
    return 0
  }
}
