/**
 * Calls on their way: first those that wait to be sent, then those that wait for an answer.
 *
 *      push ──▶ waiting ──── takeSendable ────▶ in flight ── answer ──▶ settled
 *                          (a window at a time)
 *
 * The window bounds how far answers may lag behind: a server takes up a request late when many are before it,
 * and the answer to the last one sent says that the session lives (session-rules.ts).
 *
 * Invariants
 *   Q1  answers come in the order of the requests; one that does not fit ends the connection
 *   Q2  at most PENDING_MAX calls are here, at most a window of them in flight
 *   Q3  a call whose deadline has passed is settled, but keeps its place until its answer has come
 */
import { assertDefined } from '../../../base/assert.ts'
import { PENDING_MAX } from '../../coordinator.ts'
import { type JuteReader, malformed } from '../protocol/jute-reader.ts'
import { joinFrames } from '../protocol/jute-writer.ts'
import { type Outcome, unavailable } from '../protocol/server-errors.ts'
import type { PendingCall } from './call.ts'

/** A server reads no further when 1,000 requests of all clients wait in it (globalOutstandingLimit). */
export const IN_FLIGHT_MAX = 1_000
/** A choice: four of the largest values. */
export const IN_FLIGHT_BYTES_MAX = 4 * 1024 * 1024

/** The error of a call that ends without an answer. */
export type ErrorOf = (what: string, outcome: Outcome) => Error

export class RequestQueue {
  private readonly waiting = new Fifo()
  private readonly inFlight = new Fifo()
  private inFlightBytes = 0
  /** No deadline passes before it. */
  private quietUntilMs = Number.POSITIVE_INFINITY

  get pendingCount(): number {
    return this.waiting.length + this.inFlight.length
  }

  get hasWaiting(): boolean {
    return this.waiting.length > 0
  }

  /** Earliest time at which `settleLate` may have something to do. */
  get nextDeadlineMs(): number {
    return this.quietUntilMs
  }

  /** Fails the call at once if there are too many. */
  push(call: PendingCall): void {
    if (this.pendingCount >= PENDING_MAX) {
      call.fail(unavailable(call.what, `${PENDING_MAX} calls wait already`, 'none'))
      return
    }
    this.waiting.push(call)
    if (call.deadlineMs < this.quietUntilMs) this.quietUntilMs = call.deadlineMs
  }

  /** Past all that wait, into flight: what sets up a connection. The caller sends it. */
  pushSent(call: PendingCall, nowMs: number): void {
    call.sentMs = nowMs
    this.inFlight.push(call)
    this.inFlightBytes += call.frame.length
    if (call.deadlineMs < this.quietUntilMs) this.quietUntilMs = call.deadlineMs
  }

  /** What may be sent now, in as few pieces as can be. The caller sends it. */
  takeSendable(nowMs: number): Uint8Array<ArrayBuffer>[] {
    const frames: Uint8Array<ArrayBuffer>[] = []
    const { waiting, inFlight } = this
    while (waiting.length > 0 && inFlight.length < IN_FLIGHT_MAX) {
      if (this.inFlightBytes >= IN_FLIGHT_BYTES_MAX) break
      const call = waiting.shift()
      if (call.isSettled) continue
      call.sentMs = nowMs
      inFlight.push(call)
      this.inFlightBytes += call.frame.length
      frames.push(call.frame)
    }
    return joinFrames(frames)
  }

  /**
   * The answer to the oldest call in flight.
   * @returns when that was sent
   * @throws FormatError FRAME_MALFORMED it is the answer to another one, or cannot be read
   */
  answer(xid: number, code: number, reader: JuteReader): number {
    const call = this.inFlight.first
    if (call === undefined) throw malformed(`an answer to ${xid}, nothing was asked`)
    if (call.xid !== xid) throw malformed(`an answer to ${xid}, ${call.xid} is the next`)
    call.answer(reader, code)
    this.inFlight.shift()
    this.inFlightBytes -= call.frame.length
    return call.sentMs
  }

  /** Fails those whose deadline has passed. */
  settleLate(nowMs: number): void {
    if (nowMs < this.quietUntilMs) return
    const left = [this.waiting.settleLate(nowMs, 'none'), this.inFlight.settleLate(nowMs, 'unknown')]
    this.quietUntilMs = Math.min(...left)
  }

  /** The connection is gone. */
  failInFlight(errorOf: ErrorOf): void {
    this.inFlight.failAll((what) => errorOf(what, 'unknown'))
    this.inFlightBytes = 0
  }

  failWaiting(errorOf: ErrorOf): void {
    this.waiting.failAll((what) => errorOf(what, 'none'))
  }
}

/** Places that were left are given back when so many have gathered. */
const COMPACT_AT = 1_024

class Fifo {
  private calls: PendingCall[] = []
  private head = 0

  get length(): number {
    return this.calls.length - this.head
  }

  get first(): PendingCall | undefined {
    return this.calls[this.head]
  }

  push(call: PendingCall): void {
    this.calls.push(call)
  }

  shift(): PendingCall {
    const call = assertDefined(this.calls[this.head], 'there is a call')
    this.head += 1
    if (this.head === this.calls.length) {
      this.calls = []
      this.head = 0
    } else if (this.head >= COMPACT_AT && this.head * 2 >= this.calls.length) {
      this.calls = this.calls.slice(this.head)
      this.head = 0
    }
    return call
  }

  /** @returns the earliest deadline of those that are left */
  settleLate(nowMs: number, outcome: Outcome): number {
    let earliestMs = Number.POSITIVE_INFINITY
    for (let i = this.head; i < this.calls.length; i += 1) {
      const call = this.calls[i]
      if (call === undefined || call.isSettled) continue
      if (call.deadlineMs <= nowMs) call.fail(unavailable(call.what, 'no answer in time', outcome))
      else earliestMs = Math.min(earliestMs, call.deadlineMs)
    }
    return earliestMs
  }

  failAll(errorOf: (what: string) => Error): void {
    const { calls, head } = this
    this.calls = []
    this.head = 0
    for (let i = head; i < calls.length; i += 1) {
      const call = calls[i]
      call?.fail(errorOf(call.what))
    }
  }
}
