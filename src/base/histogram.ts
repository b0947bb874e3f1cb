/**
 * How values are distributed, in fixed space: a log-linear histogram of doubles.
 *
 *   octave     [2^-10, 2^-9)  …  [1, 2)  [2, 4)  …  [2^23, 2^24)
 *   in each    32 buckets of equal width, so a bucket is 1/32 of its octave's start wide
 *
 * A bucket answers with its middle: at most 1/64 = 1.6 % off. Smaller values (zero and negatives, too) and
 * larger ones have one bucket each at the ends; `min` and `max` are exact.
 *
 * Invariants
 *   H1  `count` is the sum of all buckets
 *   H2  `record` allocates nothing
 *   H3  merging is the same as having recorded everything in one histogram
 */
const SUB_BITS = 5
const EXPONENT_MIN = -10
const EXPONENT_END = 24
const OCTAVES = EXPONENT_END - EXPONENT_MIN
/** One for what is below the range, the octaves, one for what is above. */
const BUCKETS = 1 + OCTAVES * (1 << SUB_BITS) + 1
const VALUE_MIN = 2 ** EXPONENT_MIN
const VALUE_END = 2 ** EXPONENT_END
/** The upper 32 bits of VALUE_MIN, cut to exponent and sub-bucket. */
const BITS_MIN = (1023 + EXPONENT_MIN) << SUB_BITS

const float = new Float64Array(1)
const words = new Int32Array(float.buffer)
const HIGH = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 ? 1 : 0

/** What a histogram is when it travels: `buckets` are pairs of position and count. */
export interface HistogramSnapshot {
  readonly count: number
  readonly sum: number
  readonly min: number
  readonly max: number
  readonly buckets: readonly number[]
}

export class Histogram {
  private readonly counts = new Float64Array(BUCKETS)
  private recorded = 0
  private total = 0
  private least = Number.POSITIVE_INFINITY
  private most = Number.NEGATIVE_INFINITY

  get count(): number {
    return this.recorded
  }

  get sum(): number {
    return this.total
  }

  /** Exact. 0 while empty. */
  get min(): number {
    return this.recorded === 0 ? 0 : this.least
  }

  /** Exact. 0 while empty. */
  get max(): number {
    return this.recorded === 0 ? 0 : this.most
  }

  /** Mean of all values, exact. 0 while empty. */
  get mean(): number {
    return this.recorded === 0 ? 0 : this.total / this.recorded
  }

  /** HOT. Adds a value; NaN is left out. `times`: it stands for so many of them. */
  record(value: number, times = 1): void {
    if (Number.isNaN(value)) return
    const bucket = bucketOf(value)
    this.counts[bucket] = (this.counts[bucket] ?? 0) + times
    this.recorded += times
    this.total += value * times
    if (value < this.least) this.least = value
    if (value > this.most) this.most = value
  }

  /** The value that the share `q` (0 to 1) of all values does not exceed, by nearest rank. 0 while empty. */
  quantile(q: number): number {
    if (this.recorded === 0) return 0
    const rank = Math.max(1, Math.ceil(Math.min(1, q) * this.recorded))
    let seen = 0
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      seen += this.counts[bucket] ?? 0
      if (seen >= rank) return Math.min(this.most, Math.max(this.least, this.middle(bucket)))
    }
    return this.most
  }

  /**
   * For each bound how many values do not exceed it, as Prometheus wants its buckets. A value and a bound of
   * the same bucket count as not exceeding. Bounds ascend.
   */
  cumulative(bounds: readonly number[]): number[] {
    let seen = 0
    let bucket = 0
    return bounds.map((bound) => {
      for (const last = bucketOf(bound); bucket <= last; bucket += 1) seen += this.counts[bucket] ?? 0
      return seen
    })
  }

  merge(other: Histogram): void {
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      this.counts[bucket] = (this.counts[bucket] ?? 0) + (other.counts[bucket] ?? 0)
    }
    this.addTotals(other.recorded, other.total, other.least, other.most)
  }

  /** What it holds, small enough to be sent: only buckets that have something. */
  snapshot(): HistogramSnapshot {
    const buckets: number[] = []
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      const count = this.counts[bucket] ?? 0
      if (count > 0) buckets.push(bucket, count)
    }
    return { count: this.recorded, sum: this.total, min: this.min, max: this.max, buckets }
  }

  /** Adds what another one held, here or elsewhere. Positions that do not exist are left out. */
  mergeSnapshot(snapshot: HistogramSnapshot): void {
    if (snapshot.count === 0) return
    for (let i = 0; i + 1 < snapshot.buckets.length; i += 2) {
      const bucket = snapshot.buckets[i] ?? 0
      if (bucket >= 0 && bucket < BUCKETS) {
        this.counts[bucket] = (this.counts[bucket] ?? 0) + (snapshot.buckets[i + 1] ?? 0)
      }
    }
    this.addTotals(snapshot.count, snapshot.sum, snapshot.min, snapshot.max)
  }

  reset(): void {
    this.counts.fill(0)
    this.recorded = 0
    this.total = 0
    this.least = Number.POSITIVE_INFINITY
    this.most = Number.NEGATIVE_INFINITY
  }

  private addTotals(count: number, sum: number, min: number, max: number): void {
    this.recorded += count
    this.total += sum
    this.least = Math.min(this.least, min)
    this.most = Math.max(this.most, max)
  }

  private middle(bucket: number): number {
    if (bucket === 0) return this.least
    if (bucket === BUCKETS - 1) return this.most
    const octave = (bucket - 1) >> SUB_BITS
    const sub = (bucket - 1) & ((1 << SUB_BITS) - 1)
    return 2 ** (EXPONENT_MIN + octave) * (1 + (sub + 0.5) / (1 << SUB_BITS))
  }
}

function bucketOf(value: number): number {
  if (value < VALUE_MIN) return 0
  if (value >= VALUE_END) return BUCKETS - 1
  // Exponent and leading bits of the fraction stand side by side in a double: together they are the position.
  float[0] = value
  return 1 + ((words[HIGH] ?? 0) >> (20 - SUB_BITS)) - BITS_MIN
}
