/**
 * Finds frames in a stream of bytes that comes in arbitrary pieces.
 *
 * Route:   messaging pushes what arrived → [reader] → one frame at a time, for a cursor or control-codec.ts.
 * Touches: nothing outside. Layout: frame.ts.
 *
 * A frame that lies within one piece is read in place. One that is cut is put together in an array of our
 * own, which grows with what has arrived and never by what is announced: a length is input, too.
 *
 *   reader.push(piece)
 *   while (reader.next()) use(reader.kind, reader.sequence, reader.bytes, reader.bodyStart, reader.bodyEnd)
 *
 * Invariants
 *   F1  A body longer than `bodyBytesMax` is refused by its head, before a byte of it is kept.
 *   F2  After an error the stream is lost: there is no way to find the next frame. Close the link.
 */
import { FormatError } from '../base/errors.ts'
import { type Checksum, FRAME_HEAD_BYTES, FRAME_KIND_MAX, FRAME_TAIL_BYTES, type FrameKind } from './frame.ts'
import { malformed } from './malformed.ts'
import { FRAME_MARK, FRAME_VERSION } from './version.ts'

const NOTHING = new Uint8Array(0)
const KEPT_BYTES = 512

export class FrameReader {
  /** Of the frame that `next` found. All of it, bytes included, is valid until the next `next` or `push`. */
  kind: FrameKind = 1
  sequence = 0
  incarnation = 0
  bytes: Uint8Array = NOTHING
  bodyStart = 0
  bodyEnd = 0
  /** Longest body taken. Small until the peer has shown its token, larger then. */
  bodyBytesMax: number

  private readonly checksum: Checksum
  private piece: Uint8Array = NOTHING
  private position = 0
  // The beginning of a frame whose rest has not come.
  private kept: Uint8Array = NOTHING
  private keptCount = 0

  constructor(checksum: Checksum, bodyBytesMax: number) {
    this.checksum = checksum
    this.bodyBytesMax = bodyBytesMax
  }

  /** Hands over what arrived. Borrowed until `next` has answered false. */
  push(piece: Uint8Array): void {
    // One class of array all the way down: a Buffer would make every read in the decoders polymorphic.
    this.piece =
      piece.constructor === Uint8Array ? piece : new Uint8Array(piece.buffer, piece.byteOffset, piece.length)
    this.position = 0
  }

  /**
   * HOT per frame. True: a whole frame stands in the public fields. False: more bytes are needed.
   * @throws FormatError FRAME_MALFORMED, VERSION_MISMATCH for a frame of a newer version
   */
  next(): boolean {
    if (this.keptCount > 0) return this.nextKept()
    const left = this.piece.length - this.position
    if (left >= FRAME_HEAD_BYTES) {
      const sizeBytes = this.judgeHead(this.piece, this.position)
      if (sizeBytes <= left) {
        this.accept(this.piece, this.position, sizeBytes)
        this.position += sizeBytes
        return true
      }
    } else if (left > 0) {
      this.judgeMark(this.piece[this.position] ?? 0)
    }
    this.keep(left)
    return false
  }

  private nextKept(): boolean {
    const head = FRAME_HEAD_BYTES - this.keptCount
    if (head > 0) {
      this.keep(Math.min(head, this.piece.length - this.position))
      if (this.keptCount < FRAME_HEAD_BYTES) return false
    }
    const sizeBytes = this.judgeHead(this.kept, 0)
    this.keep(Math.min(sizeBytes - this.keptCount, this.piece.length - this.position))
    if (this.keptCount < sizeBytes) return false
    this.keptCount = 0
    this.accept(this.kept, 0, sizeBytes)
    return true
  }

  private keep(count: number): void {
    const needed = this.keptCount + count
    if (needed > this.kept.length) {
      const grown = new Uint8Array(Math.max(needed, this.kept.length * 2, KEPT_BYTES))
      grown.set(this.kept.subarray(0, this.keptCount))
      this.kept = grown
    }
    if (count > 0) this.kept.set(this.piece.subarray(this.position, this.position + count), this.keptCount)
    this.keptCount = needed
    this.position += count
  }

  private judgeMark(first: number): void {
    if ((first & 0xf0) !== FRAME_MARK) malformed(`a frame does not begin with ${first}`)
    const version = first & 0x0f
    if (version === FRAME_VERSION) return
    throw new FormatError(
      'VERSION_MISMATCH',
      `the peer sends frames of version ${version}, we read ${FRAME_VERSION}`,
      {
        theirs: version,
        ours: FRAME_VERSION,
      },
    )
  }

  /** Checks the head at `start` of `bytes` and returns the size of the whole frame. */
  private judgeHead(bytes: Uint8Array, start: number): number {
    this.judgeMark(bytes[start] ?? 0)
    const kind = bytes[start + 1] ?? 0
    if (kind < 1 || kind > FRAME_KIND_MAX) malformed(`${kind} is no kind of a frame`)
    const length = uint32(bytes, start + 2)
    if (length > this.bodyBytesMax) {
      malformed(`a body of ${length} bytes is announced, ${this.bodyBytesMax} are allowed`)
    }
    return FRAME_HEAD_BYTES + length + FRAME_TAIL_BYTES
  }

  private accept(bytes: Uint8Array, start: number, sizeBytes: number): void {
    const bodyEnd = start + sizeBytes - FRAME_TAIL_BYTES
    if (this.checksum(bytes.subarray(start, bodyEnd)) >>> 0 !== uint32(bytes, bodyEnd)) {
      malformed(`the checksum of a frame of ${sizeBytes} bytes does not match`)
    }
    this.kind = kindOf(bytes[start + 1] ?? 0)
    this.sequence = uint32(bytes, start + 6)
    this.incarnation = uint32(bytes, start + 10)
    this.bytes = bytes
    this.bodyStart = start + FRAME_HEAD_BYTES
    this.bodyEnd = bodyEnd
  }
}

function kindOf(byte: number): FrameKind {
  switch (byte) {
    case 1:
    case 2:
    case 3:
    case 4:
    case 5:
    case 6:
    case 7:
    case 8:
    case 9:
      return byte
    default:
      return malformed(`${byte} is no kind of a frame`)
  }
}

function uint32(bytes: Uint8Array, at: number): number {
  const high = ((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16)
  return (high | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)) >>> 0
}
