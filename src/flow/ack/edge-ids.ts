/**
 * Ids of roots and edges: 64 random bits as two int32 halves, handed out from a block filled by the host.
 *
 * A block at a time, because one keystream call for 4,096 ids costs about as much as one for a single id.
 */
import type { Random } from '../../host/host.ts'

const BLOCK_INT32_COUNT = 8_192

export class EdgeIds {
  /** Halves of the id taken last. Fields instead of a result: two numbers without an object. */
  low = 0
  high = 0
  private readonly random: Random
  private readonly block = new Int32Array(BLOCK_INT32_COUNT)
  private next = BLOCK_INT32_COUNT

  constructor(random: Random) {
    this.random = random
  }

  /** HOT. Takes the next id. It is never zero: a zero edge would not show in a ledger. */
  take(): void {
    let at = this.next
    if (at === BLOCK_INT32_COUNT) {
      this.random.fill(this.block)
      at = 0
    }
    this.next = at + 2
    const low = this.block[at] ?? 0
    const high = this.block[at + 1] ?? 0
    this.low = low
    this.high = (low | high) === 0 ? 1 : high
  }
}
