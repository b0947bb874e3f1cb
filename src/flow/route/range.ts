/**
 * Range grouping: ranges of one field go to tasks in ascending order.
 *
 * Boundaries are given, or learnt: until `sampleCount` values were seen, tuples go by the hash of the field,
 * then the sample's quantiles become the boundaries. All senders of a worker share one sample; a worker of
 * its own learns its own.
 */
import { bucketOf } from '../../base/hash.ts'
import type { KeyPart } from '../../topology/schema/encodable.ts'
import { compileKeyHash, type KeyHash } from './by-key.ts'
import { compileField } from './field-access.ts'
import { Route } from './route.ts'
import type { Target } from './target.ts'

/** What the senders of a worker have seen of a field. */
export class RangeSample {
  boundaries: readonly KeyPart[] | undefined
  private readonly sampleCount: number
  private readonly rangeCount: number
  private seen: KeyPart[] = []

  constructor(
    rangeCount: number,
    known: { readonly boundaries: readonly KeyPart[] } | { readonly sampleCount: number },
  ) {
    this.rangeCount = rangeCount
    this.sampleCount = 'sampleCount' in known ? known.sampleCount : 0
    this.boundaries = 'boundaries' in known ? known.boundaries : undefined
  }

  add(value: KeyPart): void {
    this.seen.push(value)
    if (this.seen.length < this.sampleCount) return
    const sorted = this.seen.sort(compareKeys)
    const boundaries: KeyPart[] = []
    for (let n = 1; n < this.rangeCount; n += 1) {
      const boundary = sorted[Math.floor((n * sorted.length) / this.rangeCount)]
      if (boundary !== undefined) boundaries.push(boundary)
    }
    this.boundaries = boundaries
    this.seen = []
  }
}

export class RangeRoute extends Route {
  private readonly field: (values: object) => unknown
  private readonly hash: KeyHash
  private readonly sample: RangeSample

  constructor(readerId: string, targets: readonly Target[], field: string, sample: RangeSample) {
    super(readerId, targets)
    this.field = compileField(field)
    this.hash = compileKeyHash([field])
    this.sample = sample
  }

  /** HOT. A value equal to a boundary belongs to the range above it. */
  choose(values: object): number {
    const value = this.field(values) as KeyPart
    const { boundaries } = this.sample
    if (boundaries === undefined) {
      this.sample.add(value)
      return bucketOf(this.hash(values), this.targets.length)
    }
    let low = 0
    let high = Math.min(boundaries.length, this.targets.length - 1)
    while (low < high) {
      const middle = (low + high) >> 1
      const boundary = boundaries[middle]
      if (boundary !== undefined && compareKeys(boundary, value) <= 0) low = middle + 1
      else high = middle
    }
    return low
  }
}

function compareKeys(a: KeyPart, b: KeyPart): number {
  return a < b ? -1 : a > b ? 1 : 0
}
