/**
 * Roots by id, for what comes over a link and knows only the id.
 *
 *   buckets  [ │ ● │ │ ● │ … ]      index = low half of the id & mask: ids are random, so that is hash enough
 *                │     ╰▶ root ─nextInIndex▶ root
 *                ╰▶ root
 *
 * The chains run through the roots themselves, and no entry is made or thrown away as roots come and go. A
 * Map would do with less code; under a million insertions and deletions a second it replaces its table again
 * and again, and each old table keeps the roots it held from the garbage collector until a full collection
 * (measured: bench const-null/2-workers-ack, scavenges of 10–25 ms).
 *
 * `isQueued` of a root says that it stands in an index.
 */
import type { TreeRoot } from './tree-root.ts'

const BUCKETS_MIN = 256

export class RootIndex {
  count = 0
  private buckets = emptyBuckets(BUCKETS_MIN)
  private mask = BUCKETS_MIN - 1

  /** HOT. */
  add(root: TreeRoot): void {
    if (this.count > this.mask) this.grow()
    const at = root.idLow & this.mask
    root.isQueued = true
    root.nextInIndex = this.buckets[at]
    this.buckets[at] = root
    this.count += 1
  }

  /** HOT. */
  find(idLow: number, idHigh: number): TreeRoot | undefined {
    let root = this.buckets[idLow & this.mask]
    while (root !== undefined && (root.idLow !== idLow || root.idHigh !== idHigh)) root = root.nextInIndex
    return root
  }

  /** HOT. False: it was not here. */
  remove(root: TreeRoot): boolean {
    const at = root.idLow & this.mask
    let before: TreeRoot | undefined
    let found = this.buckets[at]
    while (found !== undefined && found !== root) {
      before = found
      found = found.nextInIndex
    }
    if (found === undefined) return false
    if (before === undefined) this.buckets[at] = root.nextInIndex
    else before.nextInIndex = root.nextInIndex
    release(root)
    this.count -= 1
    return true
  }

  /** Takes all out. @returns how many there were */
  clear(): number {
    const { count } = this
    for (const first of this.buckets) {
      for (let root = first; root !== undefined; ) {
        const next: TreeRoot | undefined = root.nextInIndex
        release(root)
        root = next
      }
    }
    this.buckets = emptyBuckets(BUCKETS_MIN)
    this.mask = BUCKETS_MIN - 1
    this.count = 0
    return count
  }

  private grow(): void {
    const old = this.buckets
    this.buckets = emptyBuckets(old.length * 2)
    this.mask = this.buckets.length - 1
    for (const first of old) {
      for (let root = first; root !== undefined; ) {
        const next: TreeRoot | undefined = root.nextInIndex
        const at = root.idLow & this.mask
        root.nextInIndex = this.buckets[at]
        this.buckets[at] = root
        root = next
      }
    }
  }
}

function emptyBuckets(count: number): Array<TreeRoot | undefined> {
  return new Array<TreeRoot | undefined>(count).fill(undefined)
}

function release(root: TreeRoot): void {
  root.isQueued = false
  root.nextInIndex = undefined
}
