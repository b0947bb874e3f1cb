/**
 * Frames of one direction of a link, from being full to being acknowledged.
 *
 *        kept for a replay            not sent yet
 *      ┌───┬───┬───┬───┬───┬───┐    ┌───┬───┬───┐
 *      │ 7 │ 8 │ 9 │   …       │    │14 │15 │16 │ ◀── push
 *      └───┴───┴───┴───┴───┴───┘    └───┴───┴───┘
 *        ▲ acknowledge takes away     ▲ take; a reconnect moves it back to the first (`rewind`)
 *
 * Invariants
 *   Q1  Sequence numbers follow one another without a gap from the first frame to the last.
 *   Q2  The bytes of a frame never change after it was taken: the same array may be sent again.
 */
import { type Checksum, readdressFrame } from '../wire/frame.ts'
import { isLater } from './sequence.ts'

class QueuedFrame {
  readonly sequence: number
  readonly bytes: Uint8Array

  constructor(sequence: number, bytes: Uint8Array) {
    this.sequence = sequence
    this.bytes = bytes
  }
}

/** Frames that are gone from the front are cut off when there are so many, and more than half. */
const CUT_COUNT = 64

export class FrameQueue {
  queuedBytes = 0
  private frames: QueuedFrame[] = []
  private head = 0
  private next = 0

  get count(): number {
    return this.frames.length - this.head
  }

  get unsentCount(): number {
    return this.frames.length - this.next
  }

  /** Of the oldest frame. undefined: there is none. */
  get firstSequence(): number | undefined {
    return this.frames[this.head]?.sequence
  }

  push(sequence: number, bytes: Uint8Array): void {
    this.frames.push(new QueuedFrame(sequence, bytes))
    this.queuedBytes += bytes.length
  }

  /** The next frame to send. It stays for a replay. */
  take(): Uint8Array | undefined {
    const frame = this.frames[this.next]
    if (frame === undefined) return undefined
    this.next += 1
    return frame.bytes
  }

  /** The peer has seen everything up to `sequence`; 0: nothing. */
  acknowledge(sequence: number): void {
    if (sequence === 0) return
    while (this.head < this.next) {
      const frame = this.frames[this.head]
      if (frame === undefined || isLater(frame.sequence, sequence)) break
      this.head += 1
      this.queuedBytes -= frame.bytes.length
    }
    this.cut()
  }

  /** All that was not acknowledged is to be sent again. */
  rewind(): void {
    this.next = this.head
  }

  /** Gives up the oldest frames that were sent, until the rest fits. False: it does not even so. */
  shrinkSent(sizeBytesMax: number): boolean {
    while (this.head < this.next && this.queuedBytes > sizeBytesMax) {
      const frame = this.frames[this.head]
      this.head += 1
      this.queuedBytes -= frame?.bytes.length ?? 0
    }
    this.cut()
    return this.queuedBytes <= sizeBytesMax
  }

  clear(): void {
    this.frames = []
    this.head = 0
    this.next = 0
    this.queuedBytes = 0
  }

  /** The peer's incarnation has become known: nothing may have been taken yet. */
  readdress(incarnation: number, checksum: Checksum): void {
    for (const frame of this.frames) readdressFrame(frame.bytes, incarnation, checksum)
  }

  private cut(): void {
    if (this.head < CUT_COUNT || this.head * 2 < this.frames.length) return
    this.frames = this.frames.slice(this.head)
    this.next -= this.head
    this.head = 0
  }
}
