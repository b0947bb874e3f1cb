/**
 * Bytes out in ZooKeeper's encoding (Jute): big-endian, every frame behind its length.
 *
 *   frame    int length of what follows │ fields
 *   int 4, long 8, bool 1 byte; text, buffer: int length (-1: there is none), bytes; list: int count, entries
 *
 * Frames are laid one behind the other into a chunk that is never used again, so frames of a turn that
 * follow each other go out in one write without being copied (`joinFrames`).
 *
 * Invariant: what `end` returned does not change any more; it belongs to whoever sends it.
 */
import { assert } from '../../../base/assert.ts'

/** Frames of a busy turn; a choice. A larger frame gets a chunk of its own. */
const CHUNK_BYTES = 64 * 1024
const NO_LENGTH = -1
const ASCII_END = 0x80

const utf8 = new TextEncoder()

export class JuteWriter {
  private bytes = new Uint8Array(CHUNK_BYTES)
  private view = new DataView(this.bytes.buffer)
  private start = 0
  private position = 0

  /** Begins a frame. `sizeBytesMin`: what it will need at least, to make room once. */
  begin(sizeBytesMin = 0): this {
    this.start = this.position
    this.room(4 + sizeBytesMin)
    this.position = this.start + 4
    return this
  }

  /** The frame, with its length in front. */
  end(): Uint8Array<ArrayBuffer> {
    this.view.setInt32(this.start, this.position - this.start - 4)
    return this.bytes.subarray(this.start, this.position)
  }

  int(value: number): this {
    this.room(4)
    this.view.setInt32(this.position, value)
    this.position += 4
    return this
  }

  long(value: bigint): this {
    this.room(8)
    this.view.setBigInt64(this.position, value)
    this.position += 8
    return this
  }

  bool(value: boolean): this {
    this.room(1)
    this.bytes[this.position] = value ? 1 : 0
    this.position += 1
    return this
  }

  /** HOT. (bench zookeeper/get) Paths are short and plain nearly always. */
  text(value: string): this {
    // Three bytes at most for each unit of UTF-16.
    this.room(4 + value.length * 3)
    const at = this.position + 4
    const { bytes } = this
    let length = 0
    for (; length < value.length; length += 1) {
      const unit = value.charCodeAt(length)
      if (unit >= ASCII_END) break
      bytes[at + length] = unit
    }
    if (length < value.length) length = utf8.encodeInto(value, bytes.subarray(at)).written
    this.view.setInt32(this.position, length)
    this.position = at + length
    return this
  }

  buffer(value: Uint8Array | undefined): this {
    if (value === undefined) return this.int(NO_LENGTH)
    this.int(value.length)
    this.room(value.length)
    this.bytes.set(value, this.position)
    this.position += value.length
    return this
  }

  texts(values: readonly string[]): this {
    this.int(values.length)
    for (const value of values) this.text(value)
    return this
  }

  /** Moves the frame in hand to a chunk with more room if there is too little. */
  private room(sizeBytes: number): void {
    if (this.position + sizeBytes <= this.bytes.length) return
    const written = this.position - this.start
    const bytes = new Uint8Array(Math.max(CHUNK_BYTES, 2 * written + sizeBytes))
    bytes.set(this.bytes.subarray(this.start, this.position))
    this.bytes = bytes
    this.view = new DataView(bytes.buffer)
    this.start = 0
    this.position = written
  }
}

/** As few pieces as can be without copying: frames that lie one behind the other are one. */
export function joinFrames(frames: readonly Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer>[] {
  const joined: Uint8Array<ArrayBuffer>[] = []
  let first = frames[0]
  if (first === undefined) return joined
  let sizeBytes = first.length
  for (let i = 1; i < frames.length; i += 1) {
    const frame = frames[i]
    assert(frame !== undefined, 'there are so many frames')
    if (frame.buffer === first.buffer && frame.byteOffset === first.byteOffset + sizeBytes) {
      sizeBytes += frame.length
      continue
    }
    joined.push(new Uint8Array(first.buffer, first.byteOffset, sizeBytes))
    first = frame
    sizeBytes = frame.length
  }
  joined.push(new Uint8Array(first.buffer, first.byteOffset, sizeBytes))
  return joined
}
