/**
 * Bytes in, in ZooKeeper's encoding (see jute-writer.ts): a cursor over a frame that somebody else owns.
 *
 * Whatever arrives is untrusted. Every method checks before it reads and before it allocates, and throws
 * FormatError FRAME_MALFORMED, nothing else.
 *
 * Invariant: what a method returns shares no memory with the frame.
 */
import { FormatError } from '../../../base/errors.ts'

const NO_LENGTH = -1
const TWO_TO_32 = 2 ** 32
/** Up to here characters one by one are faster than a decoder; measured on paths. */
const SHORT_TEXT_MAX = 48
const ASCII_END = 0x80
const NOTHING = new Uint8Array(0)

const utf8 = new TextDecoder()

export class JuteReader {
  private bytes: Uint8Array = NOTHING
  private view: DataView = new DataView(NOTHING.buffer)
  private position = 0
  private end = 0

  /** Turns to `[start, end)` of other bytes, which must stay as they are while they are read. */
  open(bytes: Uint8Array, start = 0, end: number = bytes.length): this {
    const { view } = this
    const isSame = bytes.buffer === view.buffer && bytes.byteOffset === view.byteOffset
    if (!isSame || view.byteLength < end)
      this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    this.bytes = bytes
    this.position = start
    this.end = end
    return this
  }

  get remaining(): number {
    return this.end - this.position
  }

  int(): number {
    const at = this.take(4)
    return this.view.getInt32(at)
  }

  long(): bigint {
    const at = this.take(8)
    return this.view.getBigInt64(at)
  }

  /** A long that is a time or a count: as a number. */
  longNumber(): number {
    const at = this.take(8)
    return this.view.getInt32(at) * TWO_TO_32 + this.view.getUint32(at + 4)
  }

  bool(): boolean {
    const at = this.take(1)
    return this.bytes[at] !== 0
  }

  /** A missing text is an empty one. */
  text(): string {
    const length = this.length()
    const at = this.take(length)
    if (length > SHORT_TEXT_MAX) return utf8.decode(this.bytes.subarray(at, at + length))
    let text = ''
    for (let i = at; i < at + length; i += 1) {
      const byte = this.bytes[i] ?? 0
      if (byte >= ASCII_END) return utf8.decode(this.bytes.subarray(at, at + length))
      text += String.fromCharCode(byte)
    }
    return text
  }

  /** A copy. A missing buffer is an empty one. */
  buffer(): Uint8Array {
    const length = this.length()
    const at = this.take(length)
    return this.bytes.slice(at, at + length)
  }

  /** How many entries follow; each takes at least so many bytes, or it is a lie. */
  count(entryBytesMin: number): number {
    const count = this.length()
    if (count * entryBytesMin > this.remaining)
      throw malformed(`a list of ${count} in ${this.remaining} bytes`)
    return count
  }

  texts(): string[] {
    const texts: string[] = []
    for (let left = this.count(4); left > 0; left -= 1) texts.push(this.text())
    return texts
  }

  private length(): number {
    const length = this.int()
    if (length === NO_LENGTH) return 0
    if (length < 0) throw malformed(`a length of ${length}`)
    return length
  }

  private take(sizeBytes: number): number {
    const at = this.position
    if (sizeBytes > this.end - at) throw malformed(`${sizeBytes} bytes wanted, ${this.end - at} left`)
    this.position = at + sizeBytes
    return at
  }
}

/** Bytes of a server that cannot be: the connection to it ends. */
export function malformed(what: string): FormatError {
  return new FormatError('FRAME_MALFORMED', `ZooKeeper sent what cannot be: ${what}`)
}
