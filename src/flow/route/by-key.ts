/**
 * Groupings by the values of fields: the same key finds its task again, in every worker and every run.
 *
 * - fields: bucket of the key's hash over the tasks in ascending order (Storm's floorMod of the hash).
 * - partial key: two candidates per key; the one this sender has sent less to.
 * - consistent hash: a ring of points, so that few keys move when the number of tasks changes.
 */
import { bucketOf, hashKey, hashText } from '../../base/hash.ts'
import { compileField } from './field-access.ts'
import { Route } from './route.ts'
import type { Target } from './target.ts'

/** Hash of a key, from the values of a tuple. */
export type KeyHash = (values: object) => number

/** HOT (what it returns). Hash of one field is that of its value, of several that of their list. */
export function compileKeyHash(fields: readonly string[]): KeyHash {
  const [first, ...rest] = fields.map(compileField)
  if (first === undefined) return () => 0
  if (rest.length === 0) {
    return (values) => {
      const key = first(values)
      return typeof key === 'string' ? hashText(key) : hashKey(key)
    }
  }
  const read = [first, ...rest]
  return (values) => hashKey(read.map((field) => field(values)))
}

export class FieldsRoute extends Route {
  private readonly hash: KeyHash
  private readonly count: number
  /** Of a grouping by one field: reads it. Nearly all are, and by a text. */
  private readonly only: ((values: object) => unknown) | undefined

  constructor(readerId: string, targets: readonly Target[], fields: readonly string[]) {
    super(readerId, targets)
    this.hash = compileKeyHash(fields)
    const [first, ...rest] = fields
    this.only = first !== undefined && rest.length === 0 ? compileField(first) : undefined
    this.count = targets.length
  }

  /** HOT. */
  choose(values: object): number {
    const { only } = this
    if (only !== undefined) {
      const key = only(values)
      if (typeof key === 'string') return bucketOf(hashText(key), this.count)
    }
    return bucketOf(this.hash(values), this.count)
  }
}

export class PartialKeyRoute extends Route {
  private readonly hash: KeyHash
  private readonly sent: Float64Array

  constructor(readerId: string, targets: readonly Target[], fields: readonly string[]) {
    super(readerId, targets)
    this.hash = compileKeyHash(fields)
    this.sent = new Float64Array(targets.length)
  }

  /** HOT. */
  choose(values: object): number {
    const count = this.targets.length
    const hash = this.hash(values)
    const first = bucketOf(hash, count)
    // The second candidate is another task: an offset from 1 to count - 1, from bits that the first did not
    // use up.
    const second = count === 1 ? 0 : (first + 1 + bucketOf(stir(hash), count - 1)) % count
    const chosen = (this.sent[first] ?? 0) <= (this.sent[second] ?? 0) ? first : second
    this.sent[chosen] = (this.sent[chosen] ?? 0) + 1
    return chosen
  }
}

/** Points of one task on the ring. With 128 the fullest of ten tasks gets about 15 % more than its share. */
const POINTS_PER_TASK = 128

export class ConsistentHashRoute extends Route {
  private readonly hash: KeyHash
  private readonly points: Float64Array
  private readonly owners: Int32Array

  constructor(readerId: string, targets: readonly Target[], fields: readonly string[]) {
    super(readerId, targets)
    this.hash = compileKeyHash(fields)
    const ring: Array<{ readonly point: number; readonly index: number }> = []
    targets.forEach((_, index) => {
      // By index, not task number: numbers shift when other components grow.
      for (let n = 0; n < POINTS_PER_TASK; n += 1) {
        ring.push({ point: hashText(`${index}/${n}`) >>> 0, index })
      }
    })
    ring.sort((a, b) => a.point - b.point || a.index - b.index)
    this.points = Float64Array.from(ring, (entry) => entry.point)
    this.owners = Int32Array.from(ring, (entry) => entry.index)
  }

  /** HOT. */
  choose(values: object): number {
    const point = this.hash(values) >>> 0
    let low = 0
    let high = this.points.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.points[middle] ?? 0) < point) low = middle + 1
      else high = middle
    }
    return this.owners[low === this.points.length ? 0 : low] ?? 0
  }
}

function stir(hash: number): number {
  let h = hash
  h = Math.imul(h ^ (h >>> 16), 0x45d9f3b)
  h = Math.imul(h ^ (h >>> 16), 0x45d9f3b)
  return h ^ (h >>> 16)
}
