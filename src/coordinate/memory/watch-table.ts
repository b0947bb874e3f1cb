/**
 * Which watches a change of the tree sets off. Knows paths and kinds, not who listens.
 *
 * Invariants
 *   H1  a watch for once is gone when it has been set off
 *   H2  a deletion sets off a watch once, also where it means both a node and its children
 */
import type { TreeChange } from './memory-tree.ts'
import { parentOf } from './tree-path.ts'

export type WatchMode = 'node' | 'tree' | 'data-once' | 'children-once'

export interface TableWatch {
  readonly path: string
  readonly mode: WatchMode
}

export class WatchTable<W extends TableWatch> {
  private readonly byPath = new Map<string, Set<W>>()
  private watchCount = 0

  get count(): number {
    return this.watchCount
  }

  add(watch: W): void {
    const watches = this.byPath.get(watch.path) ?? new Set()
    if (!watches.has(watch)) this.watchCount += 1
    this.byPath.set(watch.path, watches.add(watch))
  }

  remove(watch: W): void {
    const watches = this.byPath.get(watch.path)
    if (watches?.delete(watch) !== true) return
    this.watchCount -= 1
    if (watches.size === 0) this.byPath.delete(watch.path)
  }

  /**
   * Calls for every watch that the change sets off: those of the node first, then trees, from near to far.
   */
  setOff(change: TreeChange, tell: (watch: W) => void): void {
    if (this.watchCount === 0) return
    for (const watch of [...(this.byPath.get(change.path) ?? [])]) {
      if (!means(watch.mode, change.kind)) continue
      if (watch.mode.endsWith('once')) this.remove(watch)
      tell(watch)
    }
    // What `children` says of a parent, the tree is told as a child's making or deletion.
    if (change.kind === 'children') return
    for (let path = change.path; path !== '/'; ) {
      path = parentOf(path)
      for (const watch of this.byPath.get(path) ?? []) if (watch.mode === 'tree') tell(watch)
    }
  }
}

function means(mode: WatchMode, kind: TreeChange['kind']): boolean {
  switch (mode) {
    case 'node':
      return true
    case 'tree':
    case 'data-once':
      return kind !== 'children'
    case 'children-once':
      return kind === 'children' || kind === 'deleted'
  }
}
