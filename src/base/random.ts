/**
 * Random numbers from a seed: the same seed gives the same numbers on every machine. For simulation and
 * tests; fits the host's `Random`. Generator: sfc32 (128 bits of state, a counter among them, so no short
 * cycles).
 */
import { hashText } from './hash.ts'

export class SeededRandom {
  private readonly key: number
  private readonly branch: number
  private a: number
  private b: number
  private c: number
  private counter = 1

  /** `branch` tells streams of one seed apart; `split` chooses it. */
  constructor(seed: number, branch = 0) {
    // Seeds may be larger than 32 bits or fractions: both halves of the double count.
    this.key = hashText(String(seed))
    this.branch = branch
    this.a = this.key
    this.b = branch
    this.c = Math.trunc(seed) | 0
    // The first numbers of neighbouring seeds are alike until the state has been stirred.
    for (let round = 0; round < 15; round += 1) this.int32()
  }

  /** From 0 to below 1, with 53 bits. */
  next(): number {
    const high = this.int32() >>> 5
    const low = this.int32() >>> 6
    return (high * 0x4000000 + low) / 0x20000000000000
  }

  /** Any int32. */
  int32(): number {
    const sum = (((this.a + this.b) | 0) + this.counter) | 0
    this.counter = (this.counter + 1) | 0
    this.a = this.b ^ (this.b >>> 9)
    this.b = (this.c + (this.c << 3)) | 0
    this.c = (((this.c << 21) | (this.c >>> 11)) + sum) | 0
    return sum
  }

  fill(target: Int32Array): void {
    for (let i = 0; i < target.length; i += 1) target[i] = this.int32()
  }

  /** A whole number from 0 to below `end`. */
  below(end: number): number {
    return Math.floor(this.next() * end)
  }

  /** True with probability `share`. */
  chance(share: number): boolean {
    return this.next() < share
  }

  /**
   * A stream of its own: which one depends on the seed and the labels only, not on what was drawn before, and
   * drawing from it does not shift this one.
   */
  split(label: string): SeededRandom {
    return new SeededRandom(this.key, hashText(`${this.branch} ${label}`))
  }
}
