/**
 * Who listens to what, and what a server must know of it. Paths are those of the server.
 *
 * ZooKeeper keeps watches per connection and path, not per listener: it tells a change once, whoever waits
 * for it here. After a reconnect the new server knows nothing: all are set again (`groups`).
 *
 *   a server's event   lasting, node   lasting, tree   once, data   once, children
 *   created                  x          x and above        x
 *   deleted                  x          x and above        x              x
 *   changed                  x          x and above        x
 *   children                 x                                            x
 *
 * A tree's listener is told no `children`: the making or deletion of the child says all of it.
 *
 * Invariants
 *   W1  a listener is told nothing after it was stopped, and nothing before its watch was answered
 *   W2  a path is `wanted` from the call on until its last listener is gone: while it is, its watch is not
 *       taken from the server
 */
import type { Stoppable } from '../../../host/host.ts'
import type { WatchEvent, WatchKind } from '../../coordinator.ts'
import type { WatchPaths } from '../protocol/requests.ts'

export type WatchListener = (event: WatchEvent) => void
export type OnceKind = 'data' | 'exist' | 'children'

/**
 * Below ZooKeeper's limit for requests (1 MB) by far: a server that must set many watches at once blocks
 * others. The same bound as other clients keep.
 */
export const GROUP_BYTES_MAX = 128 * 1024
/** Length in front of a path, and a unit of UTF-16 is at most three bytes. */
const LENGTH_BYTES = 4
const UNIT_BYTES_MAX = 3

interface Entry {
  readonly listener: WatchListener
  isStopped: boolean
}

/** Something to be told to somebody. */
export interface Telling {
  readonly entry: Entry
  readonly event: WatchEvent
}

type Entries = Map<string, Set<Entry>>

export class WatchTable {
  private readonly lasting: Readonly<Record<WatchKind, Entries>> = { node: new Map(), tree: new Map() }
  private readonly once: Readonly<Record<OnceKind, Entries>> = {
    data: new Map(),
    exist: new Map(),
    children: new Map(),
  }
  private readonly wantedCounts = new Map<string, number>()

  /** A watch of this path is about to be asked for. Every call is followed by one of `unwant`. */
  want(path: string): void {
    this.wantedCounts.set(path, (this.wantedCounts.get(path) ?? 0) + 1)
  }

  /** @returns true if nobody wants anything of this path any more */
  unwant(path: string): boolean {
    const left = (this.wantedCounts.get(path) ?? 0) - 1
    if (left > 0) this.wantedCounts.set(path, left)
    else this.wantedCounts.delete(path)
    return left <= 0
  }

  /** The server has answered: it is set. `onStopped` comes once, with the first stop. */
  add(kind: WatchKind, path: string, listener: WatchListener, onStopped: () => void): Stoppable {
    const entry: Entry = { listener, isStopped: false }
    const entries = this.lasting[kind]
    join(entries, path, entry)
    return {
      stop: () => {
        if (entry.isStopped) return
        entry.isStopped = true
        leave(entries, path, entry)
        onStopped()
      },
    }
  }

  /** The server has answered: it is set, for the next change. */
  addOnce(kind: OnceKind, path: string, listener: WatchListener): void {
    join(this.once[kind], path, { listener, isStopped: false })
  }

  /** Who is to be told of a server's event, in order. Watches for once are over by it. */
  match(event: WatchEvent): Telling[] {
    const { kind, path } = event
    const entries: Entry[] = [...(this.lasting.node.get(path) ?? [])]
    if (kind !== 'children') {
      for (const above of upwards(path)) entries.push(...(this.lasting.tree.get(above) ?? []))
      entries.push(...take(this.once.data, path), ...take(this.once.exist, path))
    }
    if (kind === 'children' || kind === 'deleted') entries.push(...take(this.once.children, path))
    return entries.map((entry) => ({ entry, event }))
  }

  /** Set again on another server: each lasting one may have missed something. */
  resets(): Telling[] {
    const { node, tree } = this.lasting
    return [...resetsOf(node), ...resetsOf(tree)]
  }

  /** The session is over: those that wait for one change will not see it. */
  lastWords(): Telling[] {
    const { data, exist, children } = this.once
    const told = [...resetsOf(data), ...resetsOf(exist), ...resetsOf(children)]
    for (const entries of [data, exist, children]) entries.clear()
    return told
  }

  /** Nobody is told anything any more. */
  clear(): void {
    const { node, tree } = this.lasting
    for (const entries of [node, tree, ...Object.values(this.once)]) {
      for (const set of entries.values()) for (const entry of set) entry.isStopped = true
      entries.clear()
    }
  }

  /** All that a new server must know, in groups that fit into a request each. */
  groups(): WatchPaths[] {
    const groups: WatchPaths[] = []
    let group = emptyGroup()
    let sizeBytes = 0
    const kinds = [
      ['data', this.once.data],
      ['exist', this.once.exist],
      ['children', this.once.children],
      ['node', this.lasting.node],
      ['tree', this.lasting.tree],
    ] as const
    for (const [kind, entries] of kinds) {
      for (const path of entries.keys()) {
        const pathBytes = LENGTH_BYTES + UNIT_BYTES_MAX * path.length
        if (sizeBytes > 0 && sizeBytes + pathBytes > GROUP_BYTES_MAX) {
          groups.push(group)
          group = emptyGroup()
          sizeBytes = 0
        }
        group[kind].push(path)
        sizeBytes += pathBytes
      }
    }
    if (sizeBytes > 0) groups.push(group)
    return groups
  }
}

function emptyGroup(): Record<keyof WatchPaths, string[]> {
  return { data: [], exist: [], children: [], node: [], tree: [] }
}

function join(entries: Entries, path: string, entry: Entry): void {
  const set = entries.get(path)
  if (set === undefined) entries.set(path, new Set([entry]))
  else set.add(entry)
}

function leave(entries: Entries, path: string, entry: Entry): void {
  const set = entries.get(path)
  set?.delete(entry)
  if (set?.size === 0) entries.delete(path)
}

function take(entries: Entries, path: string): Iterable<Entry> {
  const set = entries.get(path)
  entries.delete(path)
  return set ?? []
}

function resetsOf(entries: Entries): Telling[] {
  const told: Telling[] = []
  for (const [path, set] of entries) {
    for (const entry of set) told.push({ entry, event: { kind: 'reset', path } })
  }
  return told
}

/** The path, its parent, and so on up to `/`. */
function* upwards(path: string): Generator<string> {
  for (let at = path; ; ) {
    yield at
    if (at === '/') return
    const slash = at.lastIndexOf('/')
    at = slash <= 0 ? '/' : at.slice(0, slash)
  }
}
