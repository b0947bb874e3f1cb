/**
 * The servers of the ensemble: one leads, the others follow its log, sometimes late. A write takes effect at
 * the leader, and is answered by a server that has it. Reads and watches are a server's own.
 *
 *     write ──▶ leader's tree ──▶ log ──┬─▶ follower: at once, or after a drawn lag
 *                                       └─▶ history, for checkers
 *
 * Does not know: clients, connections, delays on the way to them.
 *
 * Invariants
 *   Q1  every server's tree is the leader's at some earlier moment
 *   Q2  the log is bounded: a follower that is too late catches up by force
 */
import { assert } from '../../base/assert.ts'
import type { Random, Timers } from '../../host/host.ts'
import {
  MemoryTree,
  type TreeAuthor,
  type TreeChange,
  type TreeOperation,
  type TreeOutcome,
  type TreeTransaction,
} from './memory-tree.ts'
import { type Identities, isAllowed } from './tree-acl.ts'
import { type TableWatch, WatchTable } from './watch-table.ts'

/** A watch at a server, with the way to whoever set it. */
export interface ServerWatch extends TableWatch {
  readonly identities: Identities
  tell(change: TreeChange): void
}

export interface EnsembleServer {
  readonly tree: MemoryTree
  readonly watches: WatchTable<ServerWatch>
  isCatchUpSet: boolean
}

/** A write that took effect. */
export interface WriteRecord {
  readonly zxid: bigint
  readonly path: string
  readonly kind: 'create' | 'set' | 'delete' | 'acl'
  /** 0n: the ensemble's own, when a session ended or a container was swept. */
  readonly sessionId: bigint
  readonly atMs: number
}

export interface QuorumSpec {
  readonly serverCount: number
  readonly timers: Timers
  readonly nowMs: () => number
  readonly random: Random
  readonly historyMax: number
  readonly onWrite: ((record: WriteRecord) => void) | undefined
}

/** How late followers are. */
export interface Lag {
  /** Share of writes after which a follower does not follow at once. */
  staleShare: number
  lagMaxMs: number
}

const LOG_MAX = 10_000

export class Quorum {
  readonly leader: EnsembleServer
  readonly lag: Lag = { staleShare: 0, lagMaxMs: 0 }
  private readonly followers: readonly EnsembleServer[]
  private readonly spec: QuorumSpec
  private log: TreeTransaction[] = []
  private history: WriteRecord[] = []
  private zxid = 0n
  private writeCount = 0

  constructor(spec: QuorumSpec) {
    this.spec = spec
    this.leader = newServer()
    this.followers = Array.from({ length: spec.serverCount - 1 }, newServer)
  }

  get servers(): readonly EnsembleServer[] {
    return [this.leader, ...this.followers]
  }

  get writesCount(): number {
    return this.writeCount
  }

  /** Writes that took effect, oldest first; the oldest of all may have been dropped. */
  get writes(): readonly WriteRecord[] {
    return this.history
  }

  /** `via`: the server that answers; it has the write when this returns. */
  write(
    author: TreeAuthor | undefined,
    operations: readonly TreeOperation[],
    via?: EnsembleServer,
  ): TreeOutcome {
    const zxid = this.zxid + 1n
    const transaction: TreeTransaction = { zxid, atMs: this.spec.nowMs(), author, operations }
    const outcome = this.leader.tree.execute(transaction)
    if ('failure' in outcome) {
      // The refusal may rest on what this server has not seen: its client must be able to read it.
      if (via !== undefined) this.catchUp(via)
      return outcome
    }
    this.zxid = zxid
    this.keep(transaction, outcome.changes)
    setOff(this.leader, outcome.changes)
    for (const follower of this.followers) this.follow(follower)
    if (via !== undefined) this.catchUp(via)
    return outcome
  }

  /** The server has all that was written so far. */
  catchUp(server: EnsembleServer): void {
    if (server === this.leader) return
    const behind = Number(this.zxid - server.tree.lastZxid)
    assert(behind <= this.log.length, 'the log reaches back to every follower')
    for (const transaction of behind === 0 ? [] : this.log.slice(-behind)) {
      const outcome = server.tree.execute(transaction)
      assert('changes' in outcome, 'what took effect at the leader does so at every follower')
      setOff(server, outcome.changes)
    }
  }

  private follow(follower: EnsembleServer): void {
    const { staleShare, lagMaxMs } = this.lag
    if (staleShare === 0 || this.spec.random.next() >= staleShare) {
      this.catchUp(follower)
      return
    }
    if (follower.isCatchUpSet) return
    follower.isCatchUpSet = true
    this.spec.timers.after(this.spec.random.next() * lagMaxMs, () => {
      follower.isCatchUpSet = false
      this.catchUp(follower)
    })
  }

  private keep(transaction: TreeTransaction, changes: readonly TreeChange[]): void {
    if (this.followers.length > 0) {
      if (this.log.length >= 2 * LOG_MAX) {
        for (const follower of this.followers) this.catchUp(follower)
        this.log = this.log.slice(-LOG_MAX)
      }
      this.log.push(transaction)
    }
    for (const record of recordsOf(transaction, changes)) {
      this.writeCount += 1
      this.history.push(record)
      this.spec.onWrite?.(record)
    }
    // Twice as many at times, so that most writes move nothing.
    if (this.history.length > 2 * this.spec.historyMax)
      this.history = this.history.slice(-this.spec.historyMax)
  }
}

function newServer(): EnsembleServer {
  return { tree: new MemoryTree(), watches: new WatchTable(), isCatchUpSet: false }
}

function setOff(server: EnsembleServer, changes: readonly TreeChange[]): void {
  for (const change of changes) {
    server.watches.setOff(change, (watch) => {
      if (isAllowed(change.acl, 'read', watch.identities)) watch.tell(change)
    })
  }
}

function recordsOf(transaction: TreeTransaction, changes: readonly TreeChange[]): WriteRecord[] {
  const { zxid, atMs, author } = transaction
  const sessionId = author?.sessionId ?? 0n
  const kinds = { created: 'create', changed: 'set', deleted: 'delete', children: undefined } as const
  const records: WriteRecord[] = []
  for (const { kind, path } of changes) {
    const written = kinds[kind]
    if (written !== undefined) records.push({ zxid, path, kind: written, sessionId, atMs })
  }
  for (const operation of transaction.operations) {
    if (operation.kind === 'acl') records.push({ zxid, path: operation.path, kind: 'acl', sessionId, atMs })
  }
  return records
}
