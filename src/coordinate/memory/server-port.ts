/**
 * What a client's connection can ask of its server. Everything happens at once: the way there and back is the
 * link's. Paths are whole, not below a client's root.
 */
import type { Acl, NodeStat, WatchEvent } from '../coordinator.ts'
import type { TreeAuthor, TreeFailure, TreeOperation, TreeOutcome } from './memory-tree.ts'
import type { EnsembleServer, Quorum, ServerWatch } from './quorum.ts'

/** What a read found, or why it could not be. */
export type Found<T> = { readonly found: T } | { readonly failure: TreeFailure }

export interface NodeFound {
  readonly data: Uint8Array
  readonly stat: NodeStat
  readonly acl: readonly Acl[]
}

export class ServerPort {
  private readonly quorum: Quorum
  private readonly server: EnsembleServer
  private readonly author: TreeAuthor
  private readonly onEnd: () => void
  private readonly watches = new Set<ServerWatch>()

  constructor(
    quorum: Quorum,
    server: EnsembleServer,
    session: { readonly author: TreeAuthor; readonly onEnd: () => void },
  ) {
    this.quorum = quorum
    this.server = server
    this.author = session.author
    this.onEnd = session.onEnd
  }

  get lastZxid(): bigint {
    return this.server.tree.lastZxid
  }

  write(operations: readonly TreeOperation[]): TreeOutcome {
    return this.quorum.write(this.author, operations, this.server)
  }

  sync(): void {
    this.quorum.catchUp(this.server)
  }

  exists(path: string): Found<NodeStat | undefined> {
    if (!this.server.tree.mayRead(path, this.author.identities)) return refused(path)
    return { found: this.server.tree.read(path)?.stat }
  }

  read(path: string): Found<NodeFound> {
    const node = this.server.tree.read(path)
    if (node === undefined) return missing(path)
    if (!this.server.tree.mayRead(path, this.author.identities)) return refused(path)
    return { found: node }
  }

  children(path: string): Found<readonly string[]> {
    const names = this.server.tree.children(path)
    if (names === undefined) return missing(path)
    if (!this.server.tree.mayRead(path, this.author.identities)) return refused(path)
    return { found: names }
  }

  /**
   * A watch for once is set by a read: what may not be read is not watched so. One of children needs its
   * node.
   */
  addWatch(watch: ServerWatch): Found<undefined> {
    const read = watch.mode === 'children-once' ? this.children(watch.path) : this.exists(watch.path)
    if (watch.mode.endsWith('once') && 'failure' in read) return read
    this.watches.add(watch)
    this.server.watches.add(watch)
    return { found: undefined }
  }

  removeWatch(watch: ServerWatch): void {
    this.watches.delete(watch)
    this.server.watches.remove(watch)
  }

  /**
   * Sets a watch again after a reconnect. What was missed since `seenZxid` is returned: exactly for a watch
   * for once, which is then not set; as `reset` for a lasting one.
   */
  addWatchAgain(watch: ServerWatch, seenZxid: bigint, wasThere: boolean): WatchEvent['kind'] | undefined {
    const missed = this.missed(watch, seenZxid, wasThere)
    if (missed === undefined || !watch.mode.endsWith('once')) {
      this.watches.add(watch)
      this.server.watches.add(watch)
    }
    return missed
  }

  /** Ends the session; the connection goes with it. */
  end(): void {
    this.onEnd()
  }

  /** The connection is gone, and its watches with it. */
  detach(): void {
    for (const watch of this.watches) this.server.watches.remove(watch)
    this.watches.clear()
  }

  private missed(watch: ServerWatch, seenZxid: bigint, wasThere: boolean): WatchEvent['kind'] | undefined {
    const { tree } = this.server
    if (!watch.mode.endsWith('once')) return tree.lastZxid > seenZxid ? 'reset' : undefined
    const stat = tree.read(watch.path)?.stat
    if (stat === undefined) return wasThere ? 'deleted' : undefined
    if (watch.mode === 'children-once') {
      return (tree.childrenZxid(watch.path) ?? 0n) > seenZxid ? 'children' : undefined
    }
    if (!wasThere) return 'created'
    return stat.modifiedZxid > seenZxid ? 'changed' : undefined
  }
}

function missing(path: string): { readonly failure: TreeFailure } {
  return { failure: { code: 'RECORD_MISSING', index: 0, path, reason: 'it is not there' } }
}

function refused(path: string): { readonly failure: TreeFailure } {
  const reason = 'the access list does not allow to read it'
  return { failure: { code: 'COORDINATOR_REFUSED', index: 0, path, reason } }
}
