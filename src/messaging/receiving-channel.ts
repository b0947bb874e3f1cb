/**
 * The receiver's side of a channel: counts what came, and grants it as long as the executor has room.
 *
 * While its inbox is full nothing is granted; when the inbox opens, everything that came is granted at once.
 * Both numbers are totals modulo 2^32, as in credit-gate.ts.
 */
import type { Gate, Waiter } from '../flow/transfer/gate.ts'

export class ReceivingChannel implements Waiter {
  readonly channel: number
  /** Granted more than the sender was told. Owned by incoming-link.ts. */
  isChanged = false
  private readonly onRoom: (channel: ReceivingChannel) => void
  private received = 0
  private granted = 0
  private isHeld = false

  constructor(channel: number, onRoom: (channel: ReceivingChannel) => void) {
    this.channel = channel
    this.onRoom = onRoom
  }

  get grantedBytes(): number {
    return this.granted >>> 0
  }

  /** HOT. A tuple came; `gate` is that of the inbox, if it is full now. True: there is something to grant. */
  take(sizeBytes: number, gate: Gate | undefined): boolean {
    this.received = (this.received + sizeBytes) | 0
    if (this.isHeld) return false
    if (gate !== undefined) {
      this.isHeld = true
      gate.addWaiter(this)
      return false
    }
    this.granted = this.received
    return true
  }

  /**
   * The sender says what it has sent in all: what did not come will not come. True: there is something to
   * grant.
   */
  correct(total: number): boolean {
    this.received = total | 0
    if (this.isHeld) return false
    this.granted = this.received
    return true
  }

  onGateOpened(): void {
    this.isHeld = false
    this.granted = this.received
    this.onRoom(this)
  }
}
