/**
 * The heap that the state of one worker may take, counted roughly. Shared by all stores of the worker.
 *
 * Reached: STATE_MEMORY_FULL for whoever wants to add. What is there stays, and removing is always possible.
 */
import { UnavailableError } from '../base/errors.ts'

export class MemoryAccount {
  readonly maxBytes: number
  private used = 0

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes
  }

  get usedBytes(): number {
    return this.used
  }

  /**
   * HOT. Books a change of size.
   * @throws UnavailableError STATE_MEMORY_FULL it would grow beyond the limit; nothing was booked
   */
  book(bytes: number): void {
    const after = this.used + bytes
    if (after > this.maxBytes && bytes > 0) throw this.full(bytes)
    this.used = after
  }

  private full(bytes: number): UnavailableError {
    return new UnavailableError(
      'STATE_MEMORY_FULL',
      `state of this worker takes about ${this.used} bytes of ${this.maxBytes}, ${bytes} more do not fit`,
      { usedBytes: this.used, maxBytes: this.maxBytes, bytes },
    )
  }
}
