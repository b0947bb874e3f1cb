/**
 * Open roots of one spout task in the order of their deadlines.
 *
 * Every root gets the same time, so the list is sorted by appending; a reset moves a root to the end. That
 * makes expiry exact (the sweep's period is the only error) at the cost of four pointer writes a root.
 *
 *   oldest ──newer──▶ … ──newer──▶ newest
 *          ◀──older── … ◀──older──
 *
 * Invariants
 *   P1  A root is in the list exactly while it is pending.
 *   P2  `count` is the number of roots in the list.
 */
import type { TreeRoot } from './tree-root.ts'

export class Pending {
  count = 0
  private oldest: TreeRoot | undefined = undefined
  private newest: TreeRoot | undefined = undefined

  /** HOT. */
  add(root: TreeRoot, deadlineMs: number): void {
    root.deadlineMs = deadlineMs
    root.older = this.newest
    root.newer = undefined
    if (this.newest === undefined) this.oldest = root
    else this.newest.newer = root
    this.newest = root
    this.count += 1
  }

  /** HOT. */
  remove(root: TreeRoot): void {
    const { older, newer } = root
    if (older === undefined) this.oldest = newer
    else older.newer = newer
    if (newer === undefined) this.newest = older
    else newer.older = older
    root.older = undefined
    root.newer = undefined
    root.deadlineMs = 0
    this.count -= 1
  }

  /** The full time again: to the end of the list. */
  renew(root: TreeRoot, deadlineMs: number): void {
    this.remove(root)
    this.add(root, deadlineMs)
  }

  /** The root that is due next, if it is due. */
  due(nowMs: number): TreeRoot | undefined {
    const root = this.oldest
    return root !== undefined && root.deadlineMs <= nowMs ? root : undefined
  }

  /** Roots for which `isMeant` holds, oldest first. */
  select(isMeant: (root: TreeRoot) => boolean): TreeRoot[] {
    const found: TreeRoot[] = []
    for (let root = this.oldest; root !== undefined; root = root.newer) if (isMeant(root)) found.push(root)
    return found
  }
}
