/**
 * Blobs that no record names yet and that somebody counts on: uploaded not long ago, or of a submit that is
 * under way. Counted by a clock that does not jump. In memory: after a restart the time of the file counts.
 *
 * Bounds: an upload is remembered for `keepMs`, and `UPLOADS_MAX` of them, the oldest out: for that one the
 * time of its file counts, and its submit looks for it once more right before it is written.
 */
import type { Clock } from '../../host/host.ts'

/** A choice: a megabyte of digests, more than anybody submits in the time an upload is kept. */
export const UPLOADS_MAX = 10_000

export class BlobClaims {
  private readonly clock: Clock
  private readonly keepMs: number
  /** Digest → monotonic time of the last upload, oldest first. */
  private readonly uploads = new Map<string, number>()
  /** Digest → submits that are under way with it. */
  private readonly holds = new Map<string, number>()

  constructor(clock: Clock, keepMs: number) {
    this.clock = clock
    this.keepMs = keepMs
  }

  /** Before the bytes are stored, so that no moment is left between. */
  uploaded(digest: string): void {
    this.forget()
    this.uploads.delete(digest)
    this.uploads.set(digest, this.clock.monotonicMs())
    for (const oldest of this.uploads.keys()) {
      if (this.uploads.size <= UPLOADS_MAX) break
      this.uploads.delete(oldest)
    }
  }

  /** As long as the work takes. */
  async during<T>(digests: readonly string[], work: () => Promise<T>): Promise<T> {
    for (const digest of digests) this.holds.set(digest, (this.holds.get(digest) ?? 0) + 1)
    try {
      return await work()
    } finally {
      for (const digest of digests) {
        const count = (this.holds.get(digest) ?? 0) - 1
        if (count > 0) this.holds.set(digest, count)
        else this.holds.delete(digest)
      }
    }
  }

  /** A submit is under way with it. */
  isHeld(digest: string): boolean {
    return this.holds.has(digest)
  }

  isClaimed(digest: string): boolean {
    this.forget()
    return this.isHeld(digest) || this.uploads.has(digest)
  }

  private forget(): void {
    const untilMs = this.clock.monotonicMs() - this.keepMs
    for (const [digest, atMs] of this.uploads) {
      if (atMs > untilMs) return
      this.uploads.delete(digest)
    }
  }
}
