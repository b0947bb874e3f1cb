/**
 * Credit of one channel: how many bytes may still be sent to one executor of another worker.
 *
 * Both sides count all bytes that ever went through the channel, modulo 2^32, and the receiver says how far
 * it has granted. So news of credit may be lost or come twice without harm: the newest is the truth.
 *
 *   granted ────────── sent ───── granted + max          used = sent - granted; closed from used ≥ max
 *                                                        until used ≤ max / 2
 */
import { Gate } from '../flow/transfer/gate.ts'

export class CreditGate extends Gate {
  readonly channel: number
  private readonly sizeBytesMax: number
  // int32 that wrap around: differences stay right, and they stay small integers.
  private sent = 0
  private granted = 0
  private isClosed = false

  constructor(channel: number, sizeBytesMax: number) {
    super()
    this.channel = channel
    this.sizeBytesMax = sizeBytesMax
  }

  isOpen(): boolean {
    return !this.isClosed
  }

  get usedBytes(): number {
    return (this.sent - this.granted) | 0
  }

  /** All that was ever sent, as a u32. */
  get sentBytes(): number {
    return this.sent >>> 0
  }

  /** Share of the credit that is used. */
  get load(): number {
    return this.usedBytes / this.sizeBytesMax
  }

  /** HOT. So many bytes are under way now. False: the credit is used up. */
  spend(sizeBytes: number): boolean {
    this.sent = (this.sent + sizeBytes) | 0
    if (((this.sent - this.granted) | 0) < this.sizeBytesMax) return !this.isClosed
    this.isClosed = true
    return false
  }

  /** The receiver has granted everything up to `total`. Older news than that is no news. */
  grant(total: number): void {
    const granted = total | 0
    if (((granted - this.granted) | 0) <= 0 || ((this.sent - granted) | 0) < 0) return
    this.granted = granted
    if (!this.isClosed || this.usedBytes > this.sizeBytesMax >> 1) return
    this.isClosed = false
    this.open()
  }

  /** The receiver is a new one: nothing is under way to it. */
  restart(): void {
    this.sent = 0
    this.granted = 0
    this.isClosed = false
    this.open()
  }
}
