/**
 * Bytes in: a cursor over a part of an array that somebody else owns.
 *
 * Route:   frame-reader.ts finds a frame → the cursors and codecs read its body through this.
 * Touches: nothing outside. The primitives are described in byte-writer.ts.
 *
 * Whatever arrives is untrusted. Every method checks before it reads and before it allocates, and throws
 * FormatError FRAME_MALFORMED, nothing else.
 *
 * Invariants
 *   R1  `position` ≤ `end` after every call that returned.
 *   R2  What a method returns shares no memory with the array: frames are overwritten by the next read.
 */
import { malformed } from './malformed.ts'
import { CACHED_TEXT_MAX, decodeUtf8, TextCache } from './text-cache.ts'

const INT_HALF = 2 ** 27
const MAGNITUDE_OF_MINUS_ZERO = 2 ** 53 - 1
// What `new Uint8Array(0)` would do in every instance, once.
const NOTHING = new Uint8Array(0)
// Of all readers that bring none: a cache is too large to be made for each HELLO.
const sharedCache = new TextCache()
// What the language itself can hold: 2^30 bits in V8.
const BIGINT_BYTES_MAX = 2 ** 27 - 1
// Longest argument list for String.fromCharCode that is safe on any stack.
const UNITS_AT_ONCE = 4096

export class ByteReader {
  bytes: Uint8Array = NOTHING
  view: DataView = new DataView(NOTHING.buffer)
  position = 0
  /** First byte that is not ours. */
  end = 0
  private readonly cache: TextCache

  constructor(cache: TextCache = sharedCache) {
    this.cache = cache
  }

  /** Turns to other bytes, `[start, end)` of them. They must stay as they are until the next `open`. */
  open(bytes: Uint8Array, start = 0, end: number = bytes.length): this {
    if (bytes.buffer !== this.view.buffer || bytes.byteOffset !== this.view.byteOffset) {
      this.view = new DataView(bytes.buffer, bytes.byteOffset)
    }
    this.bytes = bytes
    this.position = start
    this.end = end
    return this
  }

  get remaining(): number {
    return this.end - this.position
  }

  byte(): number {
    if (this.position >= this.end) short(1, this)
    return this.bytes[this.position++] ?? 0
  }

  /** HOT. */
  unsigned(): number {
    if (this.position >= this.end) short(1, this)
    const first = this.bytes[this.position++] ?? 0
    return first < 0x80 ? first : this.wideUnsigned(first)
  }

  /** A length or a count of things of at least `bytesEach` bytes, so never more than there can be. */
  count(bytesEach: number): number {
    const count = this.unsigned()
    if (count * bytesEach > this.remaining) {
      malformed(
        `${count} entries of ${bytesEach} bytes or more are announced, ${this.remaining} bytes are left`,
      )
    }
    return count
  }

  /** HOT. */
  int(): number {
    if (this.position >= this.end) short(1, this)
    const first = this.bytes[this.position++] ?? 0
    return first < 0x80 ? (first >>> 1) ^ -(first & 1) : this.wideInt(first)
  }

  float(): number {
    this.need(8)
    this.position += 8
    return this.view.getFloat64(this.position - 8, true)
  }

  /** One half of an id. */
  int32(): number {
    this.need(4)
    this.position += 4
    return this.view.getInt32(this.position - 4, true)
  }

  /** HOT. Bench: bench/wire.bench.ts. */
  text(): string {
    const head = this.unsigned()
    if (head === 0) return this.unitText()
    const length = head - 1
    const start = this.position
    if (length > this.end - start) short(length, this)
    this.position = start + length
    if (length <= CACHED_TEXT_MAX) return this.cache.find(this.bytes, start, length)
    return decodeUtf8(this.bytes, start, start + length)
  }

  blob(): Uint8Array {
    const length = this.count(1)
    this.position += length
    return copyOf(this.bytes, this.position - length, this.position)
  }

  bigint(): bigint {
    const head = this.unsigned()
    if (head === 0) {
      this.need(8)
      this.position += 8
      return this.view.getBigInt64(this.position - 8, true)
    }
    const length = head >>> 1
    this.need(length)
    if (length === 0 || length > BIGINT_BYTES_MAX) malformed(`a bigint of ${length} bytes`)
    const digits = new Array<string>(length)
    for (let index = 0; index < length; index++) {
      const byte = this.bytes[this.position + length - 1 - index] ?? 0
      digits[index] = byte < 16 ? `0${byte.toString(16)}` : byte.toString(16)
    }
    this.position += length
    const magnitude = BigInt(`0x${digits.join('')}`)
    return (head & 1) === 1 ? -magnitude : magnitude
  }

  /** @throws FormatError FRAME_MALFORMED unless everything was read */
  finish(): void {
    if (this.position !== this.end) malformed(`${this.remaining} bytes are left over`)
  }

  private need(count: number): void {
    if (count > this.end - this.position) short(count, this)
  }

  private wideUnsigned(first: number): number {
    let value = first & 0x7f
    for (let shift = 7; shift < 35; shift += 7) {
      const byte = this.byte()
      if (shift === 28 && byte > 0x0f) break
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value >>> 0
    }
    return malformed('an unsigned number has more than 32 bits')
  }

  private wideInt(first: number): number {
    let low = first & 0x7f
    let more = true
    for (let shift = 7; shift < 28 && more; shift += 7) {
      const byte = this.byte()
      low |= (byte & 0x7f) << shift
      more = byte >= 0x80
    }
    let high = 0
    for (let shift = 0; more; shift += 7) {
      const byte = this.byte()
      if (shift === 21 && byte > 0x1f) malformed('an int has more than 53 bits')
      high |= (byte & 0x7f) << shift
      more = byte >= 0x80
    }
    const magnitude = high * INT_HALF + (low >>> 1)
    if ((low & 1) === 0) return magnitude
    return magnitude === MAGNITUDE_OF_MINUS_ZERO ? -0 : -magnitude - 1
  }

  private unitText(): string {
    const count = this.count(2)
    let text = ''
    let left = count
    while (left > 0) {
      const units = new Array<number>(Math.min(left, UNITS_AT_ONCE))
      for (let index = 0; index < units.length; index++) {
        units[index] = this.view.getUint16(this.position, true)
        this.position += 2
      }
      text += String.fromCharCode(...units)
      left -= units.length
    }
    return text
  }
}

/** A plain Uint8Array whatever `bytes` is: `slice` of a Buffer would share its memory. */
function copyOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const copy = new Uint8Array(end - start)
  copy.set(bytes.subarray(start, end))
  return copy
}

function short(count: number, reader: ByteReader): never {
  return malformed(`${count} bytes are needed, ${reader.remaining} are left`)
}
