/**
 * Cuts what arrives into frames. Whole frames are looked at where they lie; only what is cut off at the end
 * of a delivery is kept and joined with the next.
 *
 * Invariants
 *   F1  a loop, not a recursion: a thousand frames in a delivery need no deeper stack than one
 *   F2  a claimed length costs no memory before the bytes are there: the buffer grows with what has arrived
 */
import { malformed } from './jute-reader.ts'

/**
 * Servers limit what they accept (1 MB), not what they send: names of many children may be larger. A choice:
 * 8 MB of names are 200,000 children.
 */
export const REPLY_BYTES_MAX = 8 * 1024 * 1024
const LENGTH_BYTES = 4
const KEPT_BYTES_MIN = 4 * 1024

/** Looks at a frame in `[start, end)`. False: no more of them. The bytes are valid during the call only. */
export type FrameListener = (bytes: Uint8Array, start: number, end: number) => boolean

export class FrameSplitter {
  private readonly onFrame: FrameListener
  private kept = new Uint8Array(0)
  private keptBytes = 0

  constructor(onFrame: FrameListener) {
    this.onFrame = onFrame
  }

  /** @throws FormatError FRAME_MALFORMED a length that cannot be, or what the listener throws */
  push(bytes: Uint8Array): void {
    if (this.keptBytes === 0) {
      this.keep(bytes, this.split(bytes, bytes.length))
      return
    }
    this.append(bytes)
    const used = this.split(this.kept, this.keptBytes)
    this.kept.copyWithin(0, used, this.keptBytes)
    this.keptBytes -= used
  }

  /** @returns where what is left begins */
  private split(bytes: Uint8Array, end: number): number {
    let at = 0
    while (end - at >= LENGTH_BYTES) {
      const length = lengthAt(bytes, at)
      const next = at + LENGTH_BYTES + length
      if (next > end) break
      if (!this.onFrame(bytes, at + LENGTH_BYTES, next)) return end
      at = next
    }
    return at
  }

  private keep(bytes: Uint8Array, from: number): void {
    this.keptBytes = 0
    if (from < bytes.length) this.append(bytes.subarray(from))
  }

  private append(bytes: Uint8Array): void {
    const needed = this.keptBytes + bytes.length
    if (needed > this.kept.length) {
      const larger = new Uint8Array(Math.max(KEPT_BYTES_MIN, 2 * needed))
      larger.set(this.kept.subarray(0, this.keptBytes))
      this.kept = larger
    }
    this.kept.set(bytes, this.keptBytes)
    this.keptBytes = needed
  }
}

function lengthAt(bytes: Uint8Array, at: number): number {
  const [a = 0, b = 0, c = 0, d = 0] = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]
  const length = (a << 24) | (b << 16) | (c << 8) | d
  if (length < 0 || length > REPLY_BYTES_MAX) throw malformed(`a frame of ${length} bytes`)
  return length
}
