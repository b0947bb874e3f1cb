/**
 * The body of an ACKS frame: what spouts, bolts and ackers of two workers tell each other about roots.
 *
 * Route:   messaging/link appends what flow sends → AckBatchWriter → frame.ts, and over there
 *          frame-reader.ts → AckCursor → messaging → flow.
 * Touches: nothing outside. That there is one entry per root and frame is the sender's business.
 *
 *   entry = flags u8
 *           [target task unsigned]        unless SAME_TARGET. The acker's (INIT ACK FAIL RESET) or the
 *                                         spout's (DONE FAILED)
 *           root                          8 bytes, two int32, low half first, little endian
 *           [edges mixed 8 bytes]         INIT, ACK
 *           [spout task unsigned]         INIT
 *           [reason u8]                   FAIL, FAILED
 *           [text]                        if TEXT: what the failing task said, with FAIL and FAILED only
 *           [component text]              if COMPONENT: whose task it was, with FAIL and FAILED only
 *
 *   flags = kind (bits 0–2) | SAME_TARGET 0x08 | TEXT 0x10 | COMPONENT 0x20. The first entry is compared with
 *   target task 0.
 */
import { ByteReader } from './byte-reader.ts'
import type { ByteWriter } from './byte-writer.ts'
import { malformed } from './malformed.ts'

/** What an entry says. Bytes on the wire. */
export const AckKind = {
  /** Spout to acker: a root is open, by this spout task, with these edges. */
  INIT: 1,
  /** Bolt to acker: these edges, acked and made, mixed together. */
  ACK: 2,
  /** Bolt to acker: the tree has failed. */
  FAIL: 3,
  /** Bolt to acker: still at work, count the time anew. */
  RESET: 4,
  /** Acker to spout: complete. */
  DONE: 5,
  /** Acker to spout: failed. */
  FAILED: 6,
  /** Spout to acker: given up, no verdict is wanted any more. */
  FORGET: 7,
} as const
export type AckKind = (typeof AckKind)[keyof typeof AckKind]

/** Why a tree failed. Bytes on the wire; the words are those of the API. */
export const FailCode = { EXPLICIT: 1, ERROR: 2, TIMEOUT: 3, WORKER_LOST: 4, LINK_LOST: 5 } as const
export type FailCode = (typeof FailCode)[keyof typeof FailCode]

const KIND_MASK = 0x07
const SAME_TARGET = 0x08
const TEXT = 0x10
const COMPONENT = 0x20
const UNUSED = 0xc0

export class AckBatchWriter {
  /** Entries since `restart`. */
  count = 0
  private readonly writer: ByteWriter
  private flagsAt = 0
  private lastTarget = 0

  constructor(writer: ByteWriter) {
    this.writer = writer
  }

  /** A new batch begins. */
  restart(): void {
    this.count = 0
    this.lastTarget = 0
  }

  /** HOT. Must be followed by what the kind has: INIT `mixed`, `spout`; ACK `mixed`; FAIL, FAILED `why`. */
  begin(kind: AckKind, targetTask: number, rootLow: number, rootHigh: number): void {
    const writer = this.writer
    this.count += 1
    this.flagsAt = writer.position
    if (targetTask === this.lastTarget) {
      writer.byte(kind | SAME_TARGET)
    } else {
      writer.byte(kind)
      writer.unsigned(targetTask)
      this.lastTarget = targetTask
    }
    writer.pair(rootLow, rootHigh)
  }

  /** Edges, mixed together. */
  mixed(low: number, high: number): void {
    this.writer.pair(low, high)
  }

  spout(task: number): void {
    this.writer.unsigned(task)
  }

  why(reason: FailCode, text: string | undefined, component?: string): void {
    const writer = this.writer
    writer.byte(reason)
    if (text !== undefined) {
      writer.bytes[this.flagsAt] = (writer.bytes[this.flagsAt] ?? 0) | TEXT
      writer.text(text)
    }
    if (component === undefined) return
    writer.bytes[this.flagsAt] = (writer.bytes[this.flagsAt] ?? 0) | COMPONENT
    writer.text(component)
  }
}

/** Reads an ACKS body entry by entry into its public fields; those an entry lacks keep what they had. */
export class AckCursor {
  kind: AckKind = AckKind.ACK
  targetTask = 0
  rootLow = 0
  rootHigh = 0
  /** INIT, ACK. */
  mixedLow = 0
  mixedHigh = 0
  /** INIT. */
  spoutTask = 0
  /** FAIL, FAILED. */
  reason: FailCode = FailCode.EXPLICIT
  text: string | undefined
  component: string | undefined

  private readonly reader = new ByteReader()

  open(bytes: Uint8Array, start: number, end: number): void {
    this.reader.open(bytes, start, end)
    this.targetTask = 0
  }

  /** HOT. True: an entry stands in the public fields. @throws FormatError FRAME_MALFORMED */
  next(): boolean {
    const reader = this.reader
    if (reader.position >= reader.end) return false
    const flags = reader.byte()
    this.kind = kindOf(flags)
    if ((flags & SAME_TARGET) === 0) this.targetTask = reader.unsigned()
    this.rootLow = reader.int32()
    this.rootHigh = reader.int32()
    if (this.kind <= AckKind.ACK) {
      this.mixedLow = reader.int32()
      this.mixedHigh = reader.int32()
      if (this.kind === AckKind.INIT) this.spoutTask = reader.unsigned()
    } else if (this.kind === AckKind.FAIL || this.kind === AckKind.FAILED) {
      this.reason = failCodeOf(reader.byte())
      this.text = (flags & TEXT) !== 0 ? reader.text() : undefined
      this.component = (flags & COMPONENT) !== 0 ? reader.text() : undefined
      return true
    }
    if ((flags & (TEXT | COMPONENT)) !== 0) malformed('an ack entry with a text that has no place for one')
    return true
  }
}

function kindOf(flags: number): AckKind {
  const kind = flags & KIND_MASK
  if ((flags & UNUSED) !== 0) malformed(`${flags} are no flags of an ack entry`)
  switch (kind) {
    case 1:
    case 2:
    case 3:
    case 4:
    case 5:
    case 6:
    case 7:
      return kind
    default:
      return malformed(`${kind} is no kind of an ack entry`)
  }
}

function failCodeOf(byte: number): FailCode {
  switch (byte) {
    case 1:
    case 2:
    case 3:
    case 4:
    case 5:
      return byte
    default:
      return malformed(`${byte} is no reason of a failure`)
  }
}
