/**
 * One direction between two hosts of a memory net, and what is wrong with it. Connections between the two
 * share it, so a fault that is set now also strikes what is already open.
 */
import type { Random } from '../host.ts'

export interface LaneFaults {
  /** How long bytes travel; of a range each parcel draws its own. Order within a connection stays. */
  readonly delayMs?: number | readonly [minMs: number, maxMs: number]
  /** Nothing arrives. What is sent waits until the cut is healed or the connection ends. */
  readonly isCut?: boolean
  /** Share of deliveries, 0 to 1, in which one byte is changed. */
  readonly corruptShare?: number
  /** What passes in a millisecond. Default: no limit. */
  readonly bytesPerMs?: number
}

/** Something that waits in a lane, and looks again when the lane has been healed. */
export interface LaneUser {
  look(): void
}

export class Lane {
  readonly from: string
  readonly to: string
  readonly users = new Set<LaneUser>()
  isCut = false
  private readonly random: Random
  private delayMinMs = 0
  private delayMaxMs = 0
  private corruptShare = 0
  private corruptCount = 0
  private bytesPerMs = Number.POSITIVE_INFINITY

  constructor(from: string, to: string, random: Random) {
    this.from = from
    this.to = to
    this.random = random
  }

  /** What is not named stays as it is. */
  set(faults: LaneFaults): void {
    if (faults.delayMs !== undefined) {
      const [minMs, maxMs] =
        typeof faults.delayMs === 'number' ? [faults.delayMs, faults.delayMs] : faults.delayMs
      this.delayMinMs = minMs
      this.delayMaxMs = maxMs
    }
    if (faults.corruptShare !== undefined) this.corruptShare = faults.corruptShare
    if (faults.bytesPerMs !== undefined) this.bytesPerMs = faults.bytesPerMs
    if (faults.isCut === undefined) return
    this.isCut = faults.isCut
    if (!this.isCut) for (const user of [...this.users]) user.look()
  }

  /** Changes a byte in the next delivery. */
  corruptNext(): void {
    this.corruptCount += 1
  }

  /** How long the next parcel is under way. */
  delayMs(): number {
    const range = this.delayMaxMs - this.delayMinMs
    return range > 0 ? this.delayMinMs + range * this.random.next() : this.delayMinMs
  }

  /** How long so many bytes take to get into the lane, one parcel after the other. */
  passMs(sizeBytes: number): number {
    return sizeBytes / this.bytesPerMs
  }

  /** The bytes as they arrive: themselves, or a copy with one byte changed. */
  carry(bytes: Uint8Array): Uint8Array {
    const isHit = this.corruptCount > 0 || (this.corruptShare > 0 && this.random.next() < this.corruptShare)
    if (!isHit || bytes.length === 0) return bytes
    if (this.corruptCount > 0) this.corruptCount -= 1
    const changed = bytes.slice()
    const position = Math.floor(this.random.next() * changed.length)
    changed[position] = (changed[position] ?? 0) ^ (1 + Math.floor(this.random.next() * 255))
    return changed
  }
}
