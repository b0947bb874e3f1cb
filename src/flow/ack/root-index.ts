/**
 * Roots by id, for what comes over a link and knows only the id.
 *
 * Keyed by the low half, because a Map with small-integer keys is twice as fast as any with 64-bit keys; the
 * few roots that share it are chained through the roots themselves. `isQueued` of a root says that it stands
 * in an index.
 */
import type { TreeRoot } from './tree-root.ts'

export class RootIndex {
  count = 0
  private readonly byLow = new Map<number, TreeRoot>()

  add(root: TreeRoot): void {
    root.isQueued = true
    root.sameLow = this.byLow.get(root.idLow)
    this.byLow.set(root.idLow, root)
    this.count += 1
  }

  find(idLow: number, idHigh: number): TreeRoot | undefined {
    let root = this.byLow.get(idLow)
    while (root !== undefined && root.idHigh !== idHigh) root = root.sameLow
    return root
  }

  /** False: it was not here. */
  remove(root: TreeRoot): boolean {
    const first = this.byLow.get(root.idLow)
    if (first === root) {
      if (root.sameLow === undefined) this.byLow.delete(root.idLow)
      else this.byLow.set(root.idLow, root.sameLow)
      this.unlink(root)
      return true
    }
    for (let at = first; at !== undefined; at = at.sameLow) {
      if (at.sameLow !== root) continue
      at.sameLow = root.sameLow
      this.unlink(root)
      return true
    }
    return false
  }

  /** Takes all out. @returns how many there were */
  clear(): number {
    const count = this.count
    for (const first of this.byLow.values()) {
      for (let root: TreeRoot | undefined = first; root !== undefined; ) {
        const next: TreeRoot | undefined = root.sameLow
        root.isQueued = false
        root.sameLow = undefined
        root = next
      }
    }
    this.byLow.clear()
    this.count = 0
    return count
  }

  private unlink(root: TreeRoot): void {
    root.isQueued = false
    root.sameLow = undefined
    this.count -= 1
  }
}
