/**
 * Arrays for frames, used again: a busy link allocates none.
 *
 * Who owns an array: the pool → `take` → the frame's queue, and with it the connection that sends it → the
 * peer has acknowledged it, `give` → the pool. There is a pool for each link, so an array that came back too
 * early could never carry one worker's tuples to another.
 *
 * Invariant: a frame is given once, and not looked at any more by who gave it. Tests fill what is given with
 * a pattern, so that a late reader sees nonsense that no checksum fits.
 */

/** Smaller frames are not worth the bookkeeping. */
const POOLED_BYTES_MIN = 1_024
const POISON = 0xdb

export class FramePool {
  private readonly arrayBytes: number
  private readonly countMax: number
  private readonly isPoisoning: boolean
  private readonly spare: ArrayBuffer[] = []

  /** Frames of up to `arrayBytes` are pooled; at most `countMax` arrays wait. */
  constructor(spec: {
    readonly arrayBytes: number
    readonly countMax: number
    readonly isPoisoning: boolean
  }) {
    this.arrayBytes = spec.arrayBytes
    this.countMax = spec.countMax
    this.isPoisoning = spec.isPoisoning
  }

  get spareCount(): number {
    return this.spare.length
  }

  /** An array of `sizeBytes`. What is in it is of no meaning. */
  take(sizeBytes: number): Uint8Array {
    if (sizeBytes < POOLED_BYTES_MIN || sizeBytes > this.arrayBytes) return new Uint8Array(sizeBytes)
    return new Uint8Array(this.spare.pop() ?? new ArrayBuffer(this.arrayBytes), 0, sizeBytes)
  }

  /** Nobody reads this frame any more. */
  give(frame: Uint8Array): void {
    if (this.isPoisoning) frame.fill(POISON)
    const { buffer } = frame
    if (buffer.byteLength !== this.arrayBytes || !(buffer instanceof ArrayBuffer)) return
    if (this.spare.length < this.countMax) this.spare.push(buffer)
  }
}
