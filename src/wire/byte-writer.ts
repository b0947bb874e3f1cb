/**
 * Bytes out: one growing array that is used again and again.
 *
 * Route:   row codecs, batches and control-codec.ts write here → frame.ts makes frames of it.
 * Touches: nothing outside.
 *
 * Primitives (a reader of the other side: byte-reader.ts)
 *
 *   unsigned   1–5 bytes   u32, 7 bits a byte, low first, top bit = more follows
 *   int        1–8 bytes   safe integer, zigzag (0, -1, 1, -2 …), 7 bits a byte as above. The one
 *                          code that no safe integer has, -2^53, stands for -0
 *   float      8 bytes     IEEE 754, little endian
 *   text       unsigned h, then
 *                h ≥ 1     h - 1 bytes of UTF-8
 *                h = 0     unsigned count, then that many UTF-16 units of 2 bytes, little endian:
 *                          for text with lone surrogates, which UTF-8 cannot say
 *   bytes      unsigned length, then the bytes
 *   bigint     unsigned h, then
 *                h = 0     8 bytes, int64 little endian
 *                h ≥ 1     sign = h & 1 (1: negative), h >> 1 bytes of magnitude, low first
 *
 * Invariants
 *   W1  Bytes below `position` are never touched again, but by `rollBack` and the patches of frame and batch.
 *   W2  It never grows beyond `sizeBytesMax`: it throws TUPLE_TOO_LARGE first.
 */
import { UserCodeError } from '../base/errors.ts'

const SIZE_BYTES = 64 * 1024
const SIZE_BYTES_MAX = 256 * 1024 * 1024
// Up to here a loop of our own beats the call into TextEncoder (measured: bench/wire.bench.ts, `text`). Its
// header is one byte: must stay below 127.
const SHORT_TEXT_MAX = 32
const INT_HALF = 2 ** 27
const MAGNITUDE_OF_MINUS_ZERO = 2 ** 53 - 1
const encoder = new TextEncoder()

export class ByteWriter {
  bytes: Uint8Array
  view: DataView
  /** Where the next byte goes. */
  position = 0
  sizeBytesMax: number

  constructor(sizeBytes: number = SIZE_BYTES, sizeBytesMax: number = SIZE_BYTES_MAX) {
    const buffer = new ArrayBuffer(sizeBytes)
    this.bytes = new Uint8Array(buffer)
    this.view = new DataView(buffer)
    this.sizeBytesMax = sizeBytesMax
  }

  /** A copy of what was written from `from` on, for a connection to own. */
  copy(from = 0): Uint8Array {
    return this.bytes.slice(from, this.position)
  }

  /** Makes room for `count` more bytes. @throws UserCodeError TUPLE_TOO_LARGE beyond `sizeBytesMax` */
  reserve(count: number): void {
    if (this.position + count > this.bytes.length) this.grow(count)
  }

  byte(value: number): void {
    this.reserve(1)
    this.bytes[this.position++] = value
  }

  /** HOT. */
  unsigned(value: number): void {
    this.reserve(5)
    let rest = value
    let at = this.position
    const bytes = this.bytes
    while (rest > 0x7f) {
      bytes[at++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    bytes[at++] = rest
    this.position = at
  }

  /** HOT. `value` must be a safe integer; -0 stays -0. Bench: bench/wire.bench.ts. */
  int(value: number): void {
    if ((value | 0) !== value || value === 0) {
      this.wideInt(value)
      return
    }
    this.unsigned(((value << 1) ^ (value >> 31)) >>> 0)
  }

  float(value: number): void {
    this.reserve(8)
    this.view.setFloat64(this.position, value, true)
    this.position += 8
  }

  /** Two int32 halves of a 64-bit id. */
  pair(low: number, high: number): void {
    this.reserve(8)
    this.view.setInt32(this.position, low, true)
    this.view.setInt32(this.position + 4, high, true)
    this.position += 8
  }

  /** HOT. Any string, exactly. Bench: bench/wire.bench.ts. */
  text(text: string): void {
    const length = text.length
    if (length > SHORT_TEXT_MAX) {
      this.longText(text)
      return
    }
    this.reserve(length + 1)
    const bytes = this.bytes
    let at = this.position
    bytes[at++] = length + 1
    for (let index = 0; index < length; index++) {
      const code = text.charCodeAt(index)
      if (code > 0x7f) {
        this.longText(text)
        return
      }
      bytes[at++] = code
    }
    this.position = at
  }

  blob(bytes: Uint8Array): void {
    this.unsigned(bytes.length)
    this.raw(bytes, 0, bytes.length)
  }

  /** Copies `bytes` from `start` to before `end`, without a length. */
  raw(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start
    this.reserve(length)
    if (length <= 32) for (let i = 0; i < length; i++) this.bytes[this.position + i] = bytes[start + i] ?? 0
    else this.bytes.set(bytes.subarray(start, end), this.position)
    this.position += length
  }

  bigint(value: bigint): void {
    if (BigInt.asIntN(64, value) === value) {
      this.reserve(9)
      this.bytes[this.position] = 0
      this.view.setBigInt64(this.position + 1, value, true)
      this.position += 9
      return
    }
    // By way of hex digits, because that is linear; shifting 64 bits off again and again is quadratic.
    const isNegative = value < 0n
    const digits = (isNegative ? -value : value).toString(16)
    const length = (digits.length + 1) >> 1
    this.unsigned(length * 2 + (isNegative ? 1 : 0))
    this.reserve(length)
    const bytes = this.bytes
    let at = this.position
    for (let end = digits.length; end > 0; end -= 2) {
      bytes[at++] = Number.parseInt(digits.slice(end < 2 ? 0 : end - 2, end), 16)
    }
    this.position = at
  }

  /** Forgets everything from `mark` on. */
  rollBack(mark: number): void {
    this.position = mark
  }

  /**
   * Puts the length of all that was written since `start` in front of it. One byte must have been left
   * free at `start - 1`; what follows moves if the length needs more.
   */
  prefixLength(start: number): void {
    const length = this.position - start
    if (length <= 0x7f) {
      this.bytes[start - 1] = length
      return
    }
    const more = unsignedSize(length) - 1
    this.reserve(more)
    this.bytes.copyWithin(start + more, start, this.position)
    this.position = start - 1
    this.unsigned(length)
    this.position += length
  }

  private wideInt(value: number): void {
    if (value === 0 && 1 / value > 0) {
      this.byte(0)
      return
    }
    const isNegative = value < 0 || value === 0
    const magnitude = value === 0 ? MAGNITUDE_OF_MINUS_ZERO : value < 0 ? -value - 1 : value
    let low = ((magnitude % INT_HALF) << 1) | (isNegative ? 1 : 0)
    const high = Math.floor(magnitude / INT_HALF)
    this.reserve(4)
    for (let group = 0; group < 4; group++) {
      this.bytes[this.position++] = (low & 0x7f) | 0x80
      low >>>= 7
    }
    this.unsigned(high)
  }

  /**
   * Text of any length. Encodes into what room there is and grows, so that ASCII never asks for three times
   * its size.
   */
  private longText(text: string): void {
    const mark = this.position
    const length = text.length
    const headBytes = unsignedSize(length + 1)
    this.reserve(headBytes + length)
    const start = mark + headBytes
    let at = start
    let read = 0
    for (;;) {
      const rest = read === 0 ? text : text.slice(read)
      const step = encoder.encodeInto(rest, this.bytes.subarray(at))
      read += step.read
      at += step.written
      if (read >= length) break
      this.position = at
      this.reserve(length - read + 4)
    }
    const sizeBytes = at - start
    if (sizeBytes !== length && !text.isWellFormed()) {
      this.position = mark
      this.unitText(text)
      return
    }
    // Room for the longest header while `position` is behind the text: growing copies no further than that.
    this.position = at
    this.reserve(5)
    const more = unsignedSize(sizeBytes + 1) - headBytes
    if (more > 0) this.bytes.copyWithin(start + more, start, at)
    this.position = mark
    this.unsigned(sizeBytes + 1)
    this.position = at + more
  }

  private unitText(text: string): void {
    const length = text.length
    this.byte(0)
    this.unsigned(length)
    this.reserve(length * 2)
    for (let index = 0; index < length; index++) {
      this.view.setUint16(this.position, text.charCodeAt(index), true)
      this.position += 2
    }
  }

  private grow(count: number): void {
    const needed = this.position + count
    if (needed > this.sizeBytesMax) {
      throw new UserCodeError(
        'TUPLE_TOO_LARGE',
        `${needed} bytes are more than the ${this.sizeBytesMax} allowed`,
        {
          sizeBytes: needed,
          sizeBytesMax: this.sizeBytesMax,
        },
      )
    }
    const bytes = new Uint8Array(Math.max(needed, Math.min(this.bytes.length * 2, this.sizeBytesMax)))
    bytes.set(this.bytes.subarray(0, this.position))
    this.bytes = bytes
    this.view = new DataView(bytes.buffer)
  }
}

/** How many bytes `unsigned` takes for `value`. */
function unsignedSize(value: number): number {
  if (value <= 0x7f) return 1
  if (value <= 0x3fff) return 2
  if (value <= 0x1f_ffff) return 3
  return value <= 0xfff_ffff ? 4 : 5
}
