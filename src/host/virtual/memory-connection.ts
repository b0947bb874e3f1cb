/**
 * A connection inside the memory: two ends, two pipes. What one end writes travels in parcels down a lane and
 * is delivered by the timers of the receiving host, so a host that is paused or gone receives nothing. Only
 * the news that somebody dials goes by those of its system: connections open though the program stands still.
 *
 *      dialler ── open, bytes …, end ──▶ acceptor   a pipe keeps order; `open` is first and `end` is last
 *              ◀── open, bytes …, end ──
 *
 * Does not know: addresses, listeners (memory-net.ts).
 *
 * Invariants
 *   M1  bytes arrive in order and at most once; none arrive before `open` or after `onClose`
 *   M2  `onClose` is called exactly once for each end whose host lives
 *   M3  `onDrain` follows every `write` that answered false, unless the connection ends
 */
import { UnavailableError } from '../../base/errors.ts'
import type { Connection, Random, Timers } from '../host.ts'
import type { Lane, LaneUser } from './lane.ts'

/** What all connections of a net have in common. */
export interface PipeRules {
  /** Monotonic. */
  readonly nowMs: () => number
  /** Chops what arrives into pieces at random places; undefined: parcels arrive as they were written. */
  readonly chop: Random | undefined
  /** Beyond so many undelivered bytes `write` answers false. */
  readonly bufferBytesMax: number
  readonly onArrival: ((from: string, to: string, sizeBytes: number) => void) | undefined
}

interface Parcel {
  readonly readyMs: number
  /** undefined: nothing but the news that the connection is open. */
  bytes: Uint8Array | undefined
}

/** Parcels that one turn delivers at most, so that other connections get theirs. */
const PARCELS_PER_TURN_MAX = 64

/** One direction of a connection. */
class Pipe implements LaneUser {
  queuedBytes = 0
  private readonly lane: Lane
  private readonly rules: PipeRules
  private readonly sender: End
  private readonly receiver: End
  private parcels: Parcel[] = []
  private head = 0
  private lastReadyMs = 0
  private isScheduled = false
  private ending: { readonly why: Error | undefined; readonly readyMs: number } | undefined

  constructor(lane: Lane, rules: PipeRules, sender: End, receiver: End) {
    this.lane = lane
    this.rules = rules
    this.sender = sender
    this.receiver = receiver
    lane.users.add(this)
  }

  send(bytes: Uint8Array | undefined): void {
    if (this.ending !== undefined) return
    const sizeBytes = bytes === undefined ? 0 : bytes.length
    this.parcels.push({ readyMs: this.readyMs(sizeBytes), bytes })
    this.queuedBytes += sizeBytes
    this.look()
  }

  /** Nothing follows any more. Chopped nets lose some of what was not delivered, as a dying sender does. */
  end(why: Error | undefined): void {
    if (this.ending !== undefined) return
    if (this.rules.chop !== undefined && this.queuedBytes > 0) this.loseTail(this.rules.chop)
    this.ending = { why, readyMs: this.readyMs(0) }
    this.look()
  }

  /** Everything that was not delivered is lost, and nothing will be. */
  discard(): void {
    this.parcels = []
    this.head = 0
    this.queuedBytes = 0
    this.ending = { why: undefined, readyMs: Number.POSITIVE_INFINITY }
    this.lane.users.delete(this)
  }

  /** Arranges for the next delivery, if there is something and the lane lets it through. */
  look(): void {
    if (this.isScheduled || this.lane.isCut) return
    const next = this.parcels[this.head]
    const readyMs = next === undefined ? this.ending?.readyMs : next.readyMs
    if (readyMs === undefined || readyMs === Number.POSITIVE_INFINITY) return
    this.isScheduled = true
    const isNews = next !== undefined && next.bytes === undefined
    const timers = isNews ? this.receiver.systemTimers : this.receiver.timers
    const waitMs = readyMs - this.rules.nowMs()
    if (waitMs > 0) timers.after(waitMs, this.deliver)
    else timers.defer(this.deliver)
  }

  private readyMs(sizeBytes: number): number {
    const now = this.rules.nowMs()
    // Behind a parcel that is still under way, so that none overtakes another.
    this.lastReadyMs = Math.max(this.lastReadyMs, now + this.lane.delayMs()) + this.lane.passMs(sizeBytes)
    return this.lastReadyMs
  }

  private readonly deliver = (): void => {
    this.isScheduled = false
    const limit = this.rules.chop === undefined ? PARCELS_PER_TURN_MAX : 1
    try {
      for (let turn = 0; turn < limit; turn += 1) {
        if (!this.deliverOne()) break
      }
    } finally {
      this.look()
    }
  }

  /** False: nothing more in this turn. */
  private deliverOne(): boolean {
    if (this.lane.isCut) return false
    const nowMs = this.rules.nowMs()
    const parcel = this.parcels[this.head]
    if (parcel === undefined) {
      if (this.ending === undefined || this.ending.readyMs > nowMs) return false
      const why = this.ending.why
      this.discard()
      this.receiver.ended(why)
      return false
    }
    if (parcel.readyMs > nowMs) return false
    if (parcel.bytes === undefined) {
      this.shift()
      this.receiver.opened()
      // The bytes behind it are for a turn of the program.
      return false
    }
    const piece = this.rules.chop === undefined ? this.shift(parcel.bytes) : this.chopped(parcel, nowMs)
    this.queuedBytes -= piece.length
    if (this.queuedBytes <= this.rules.bufferBytesMax / 2) this.sender.hasRoom()
    this.rules.onArrival?.(this.lane.from, this.lane.to, piece.length)
    this.receiver.arrived(this.lane.carry(piece))
    return true
  }

  /** Streams have no borders: a fifth of the deliveries is a part of a parcel, a fifth is two in one. */
  private chopped(parcel: Parcel, nowMs: number): Uint8Array {
    const bytes = parcel.bytes ?? new Uint8Array(0)
    const draw = this.rules.chop?.next() ?? 1
    if (draw < 0.2 && bytes.length > 1) {
      const cut = 1 + Math.floor((draw / 0.2) * (bytes.length - 1))
      parcel.bytes = bytes.subarray(cut)
      return bytes.subarray(0, cut)
    }
    this.shift()
    const next = this.parcels[this.head]
    if (draw >= 0.4 || next?.bytes === undefined || next.readyMs > nowMs) return bytes
    this.shift()
    const both = new Uint8Array(bytes.length + next.bytes.length)
    both.set(bytes)
    both.set(next.bytes, bytes.length)
    return both
  }

  private shift(bytes: Uint8Array = new Uint8Array(0)): Uint8Array {
    this.head += 1
    if (this.head === this.parcels.length) {
      this.parcels.length = 0
      this.head = 0
    } else if (this.head >= PARCELS_PER_TURN_MAX) {
      this.parcels = this.parcels.slice(this.head)
      this.head = 0
    }
    return bytes
  }

  private loseTail(chop: Random): void {
    let kept = Math.floor(chop.next() * (this.queuedBytes + 1))
    const parcels = this.parcels.slice(this.head)
    this.head = 0
    this.parcels = []
    this.queuedBytes = kept
    for (const parcel of parcels) {
      if (parcel.bytes !== undefined) {
        parcel.bytes = parcel.bytes.subarray(0, kept)
        kept -= parcel.bytes.length
      }
      if (parcel.bytes === undefined || parcel.bytes.length > 0) this.parcels.push(parcel)
    }
  }
}

/** Timers of the system below a program. */
export type SystemTimers = Pick<Timers, 'after' | 'defer'>

/** What happens at an end when it opens and when it is over; the net decides. */
export interface EndEvents {
  readonly onOpened: () => void
  readonly onOver: () => void
}

/** One end of a connection. */
export class End implements Connection {
  readonly peer: string
  readonly timers: Timers
  readonly systemTimers: SystemTimers
  onBytes: (bytes: Uint8Array) => void = ignore
  onDrain: () => void = ignore
  onClose: (why: Error | undefined) => void = ignore
  /** Set by `joinEnds`, before anybody else has the end. */
  outgoing: Pipe | undefined
  events: EndEvents = { onOpened: ignore, onOver: ignore }
  isOver = false
  private readonly rules: PipeRules
  private wantsDrain = false

  constructor(peer: string, rules: PipeRules, timers: Timers, systemTimers: SystemTimers = timers) {
    this.peer = peer
    this.rules = rules
    this.timers = timers
    this.systemTimers = systemTimers
  }

  write(bytes: Uint8Array): boolean {
    if (this.isOver || this.outgoing === undefined) return true
    if (bytes.length > 0) this.outgoing.send(bytes)
    if (this.outgoing.queuedBytes <= this.rules.bufferBytesMax) return true
    this.wantsDrain = true
    return false
  }

  close(): void {
    if (this.isOver) return
    this.outgoing?.end(undefined)
    this.finish()
    this.timers.defer(() => this.onClose(undefined))
  }

  /** Tells the other end that this one is there. */
  open(): void {
    this.outgoing?.send(undefined)
  }

  /** Ends it for this end, which is told why in a turn of its own. The other end hears `tell`, or nothing. */
  break(why: Error, tell?: Error): void {
    if (this.isOver) return
    if (tell === undefined) this.outgoing?.discard()
    else this.outgoing?.end(tell)
    this.finish()
    this.timers.defer(() => this.onClose(why))
  }

  /** The other end is told, this one is not: its host is gone. */
  vanish(why: Error): void {
    if (this.isOver) return
    this.outgoing?.end(why)
    this.finish()
  }

  opened(): void {
    if (!this.isOver) this.events.onOpened()
  }

  arrived(bytes: Uint8Array): void {
    if (!this.isOver) this.onBytes(bytes)
  }

  ended(why: Error | undefined): void {
    if (this.isOver) return
    this.outgoing?.discard()
    this.finish()
    this.onClose(why)
  }

  hasRoom(): void {
    if (!this.wantsDrain) return
    this.wantsDrain = false
    this.timers.defer(() => {
      if (!this.isOver) this.onDrain()
    })
  }

  private finish(): void {
    this.isOver = true
    this.events.onOver()
  }
}

/** Lays the two pipes between two ends. */
export function joinEnds(
  left: End,
  right: End,
  lanes: { readonly out: Lane; readonly back: Lane },
  rules: PipeRules,
): void {
  left.outgoing = new Pipe(lanes.out, rules, left, right)
  right.outgoing = new Pipe(lanes.back, rules, right, left)
}

/** Why a connection ended that nobody closed. */
export function connectionLost(peer: string, reason: string): UnavailableError {
  return new UnavailableError('LINK_LOST', `connection to ${peer} was lost: ${reason}`, { peer, reason })
}

/** Why a dial did not come to a connection. */
export function connectFailed(address: string, reason: string): UnavailableError {
  return new UnavailableError('CONNECT_FAILED', `no connection to ${address}: ${reason}`, { address, reason })
}

function ignore(): void {
  // Stands until the owner sets its own.
}
