/**
 * Frames of one direction of a link, from being full to being acknowledged.
 *
 *        kept for a replay              not sent yet, without a number
 *      ┌───┬───┬───┬───┬───┬───┐      ┌──┬──┐  urgent: acks, suspects ◀── push
 *      │ 7 │ 8 │ 9 │   …       │ ◀────┴──┴──┴──┬──┬──┬──┐
 *      └───┴───┴───┴───┴───┴───┘        bulk:  │  │  │  │  tuples     ◀── push
 *        ▲ acknowledge takes away              └──┴──┴──┘
 *
 * Two lanes, so that acks do not wait behind data that waits for a slow line: what ends trees comes first,
 * but never so that tuples stand still. A frame gets its number and its checksum when it is taken for the
 * first time.
 *
 * Invariants
 *   Q1  Numbers of frames that were taken follow one another without a gap, but where `skip` was called.
 *   Q2  The bytes of a frame do not change between its first `take` and its `acknowledge`: the same array may
 *       be sent again.
 *   Q3  Only an acknowledged frame goes back to the pool: the peer has it, so no connection still reads it.
 *       Frames that are given up may be in the middle of a write, and are left to the collector.
 */
import type { FramePool } from './frame-pool.ts'
import { isLater, sequenceAfter } from './sequence.ts'

/** Urgent frames that may go before one of the bulk. */
const URGENT_RUN_MAX = 8

/** Frames that are gone from the front are cut off when there are so many, and more than half. */
const CUT_COUNT = 64

/** A list that is taken from at its front. */
class Lane<T> {
  private items: T[] = []
  private head = 0

  get count(): number {
    return this.items.length - this.head
  }

  at(index: number): T | undefined {
    return this.items[this.head + index]
  }

  push(item: T): void {
    this.items.push(item)
  }

  shift(): T | undefined {
    const item = this.items[this.head]
    if (item === undefined) return undefined
    this.head += 1
    if (this.head >= CUT_COUNT && this.head * 2 >= this.items.length) {
      this.items = this.items.slice(this.head)
      this.head = 0
    }
    return item
  }

  clear(): void {
    this.items = []
    this.head = 0
  }
}

interface SentFrame {
  readonly sequence: number
  readonly bytes: Uint8Array
}

export interface FrameQueueSpec {
  readonly pool: FramePool
  /** Writes number and checksum into a frame. */
  readonly stamp: (bytes: Uint8Array, sequence: number) => void
}

export class FrameQueue {
  queuedBytes = 0
  /** Number of the newest frame that was taken or skipped. 0: none. */
  sequence = 0
  private readonly spec: FrameQueueSpec
  private readonly sent = new Lane<SentFrame>()
  private readonly urgent = new Lane<Uint8Array>()
  private readonly bulk = new Lane<Uint8Array>()
  /** How many of `sent` need not be sent again. */
  private passed = 0
  private urgentRun = 0

  constructor(spec: FrameQueueSpec) {
    this.spec = spec
  }

  get count(): number {
    return this.sent.count + this.urgent.count + this.bulk.count
  }

  get unsentCount(): number {
    return this.count - this.passed
  }

  /** Of the oldest frame that may be sent again, or else of the next one. */
  get firstSequence(): number {
    return this.sent.at(0)?.sequence ?? sequenceAfter(this.sequence)
  }

  push(bytes: Uint8Array): void {
    this.bulk.push(bytes)
    this.queuedBytes += bytes.length
  }

  pushUrgent(bytes: Uint8Array): void {
    this.urgent.push(bytes)
    this.queuedBytes += bytes.length
  }

  /** The next frame to send. It stays for a replay. */
  take(): Uint8Array | undefined {
    const again = this.sent.at(this.passed)
    if (again !== undefined) {
      this.passed += 1
      return again.bytes
    }
    const bytes = this.takeUnsent()
    if (bytes === undefined) return undefined
    this.sequence = sequenceAfter(this.sequence)
    this.spec.stamp(bytes, this.sequence)
    this.sent.push({ sequence: this.sequence, bytes })
    this.passed += 1
    return bytes
  }

  /** The peer has seen everything up to `sequence`; 0: nothing. */
  acknowledge(sequence: number): void {
    if (sequence === 0) return
    while (this.passed > 0) {
      const frame = this.sent.at(0)
      if (frame === undefined || isLater(frame.sequence, sequence)) return
      this.forget()
      this.spec.pool.give(frame.bytes)
    }
  }

  /** All that was not acknowledged is to be sent again. */
  rewind(): void {
    this.passed = 0
  }

  /** Leaves a number out: the peer shall see that frames are gone. */
  skip(): void {
    this.sequence = sequenceAfter(this.sequence)
  }

  /** The peer has seen up to here, though we have not come so far: numbers go on behind it. */
  goOnFrom(sequence: number): void {
    while (this.sent.count > 0) this.queuedBytes -= this.sent.shift()?.bytes.length ?? 0
    this.passed = 0
    this.sequence = sequence
  }

  /** Gives up the oldest frames that were sent, until the rest fits. False: it does not even so. */
  shrinkSent(sizeBytesMax: number): boolean {
    while (this.passed > 0 && this.queuedBytes > sizeBytesMax) this.forget()
    return this.queuedBytes <= sizeBytesMax
  }

  /** Gives everything up. Numbers go on. */
  clear(): void {
    this.sent.clear()
    this.urgent.clear()
    this.bulk.clear()
    this.passed = 0
    this.queuedBytes = 0
  }

  private forget(): void {
    this.queuedBytes -= this.sent.shift()?.bytes.length ?? 0
    this.passed -= 1
  }

  private takeUnsent(): Uint8Array | undefined {
    const isTurnOfBulk = this.urgent.count === 0 || (this.urgentRun >= URGENT_RUN_MAX && this.bulk.count > 0)
    this.urgentRun = isTurnOfBulk ? 0 : this.urgentRun + 1
    return isTurnOfBulk ? this.bulk.shift() : this.urgent.shift()
  }
}
