/**
 * Brings what executors say of trees to the acker of each root: a direct call if it runs in this worker, a
 * batched message if it runs in another. Executors do not see the difference.
 *
 * Where a root's acker is: in the spout's own worker if one runs there, chosen among them by the root's id;
 * else by the id among all ackers of the topology. Without ackers nothing is tracked.
 *
 *   edges of a root whose acker is elsewhere:   mix → accumulate in the root → one message a root at
 *   `flush`
 *
 * Invariants
 *   R1  A root stands in `dirty` at most once, and is in it while edges mixed into it have not been sent.
 *   R2  A message about a root never overtakes edges mixed in before it.
 */
import { assert } from '../../base/assert.ts'
import type { FailReason } from '../../topology/tuple.ts'
import type { EngineTuple } from '../executor/tuple.ts'
import { AckKind, type AckMessage, type Link } from '../transfer/link.ts'
import { AckLedger } from './ack-ledger.ts'
import type { EdgeIds } from './edge-ids.ts'
import { RootIndex } from './root-index.ts'
import { type RootOwner, TreeRoot } from './tree-root.ts'

/** Where tasks of other workers are reached. */
export interface AckWays {
  /** undefined: the task runs here, or nowhere now. */
  linkOf(task: number): Link | undefined
}

export class AckRouter {
  readonly isTracking: boolean
  private readonly ids: EdgeIds
  private readonly ways: AckWays
  private readonly ledgers = new Map<number, AckLedger>()
  /** Of ackers that run elsewhere now: late answers to trees that are over may still come. */
  private readonly retired = new Map<number, AckLedger>()
  private only: AckLedger | undefined = undefined
  private localTasks: readonly number[] = []
  private readonly allTasks: readonly number[]
  private dirty: TreeRoot[] = []
  /** Open roots of this worker's spouts whose acker is elsewhere, for the verdicts that come back. */
  private readonly away = new RootIndex()
  private lastAway: TreeRoot | undefined = undefined

  constructor(
    ackers: { readonly here: readonly number[]; readonly all: readonly number[] },
    ids: EdgeIds,
    ways: AckWays,
  ) {
    this.isTracking = ackers.all.length > 0
    this.ids = ids
    this.ways = ways
    this.allTasks = ackers.all
    this.rearrange(ackers.here)
  }

  /** The ackers that run in this worker from now on. Only while no tree is open anywhere. */
  rearrange(here: readonly number[]): void {
    const wanted = new Set(here)
    for (const [task, ledger] of this.ledgers) {
      if (wanted.has(task)) continue
      this.ledgers.delete(task)
      this.retired.set(task, ledger)
    }
    for (const task of here) {
      if (this.ledgers.has(task)) continue
      this.ledgers.set(task, this.retired.get(task) ?? new AckLedger(task))
      this.retired.delete(task)
    }
    this.localTasks = here
    this.lastAway = undefined
    const [first] = here
    // A late answer must find the ledger of its own root: with retired ones the look-up is by number.
    const isOnly = here.length === 1 && this.retired.size === 0
    this.only = isOnly && first !== undefined ? this.ledgers.get(first) : undefined
  }

  /** HOT. A fresh root for a spout's emit. Only if `isTracking`. */
  newRoot(owner: RootOwner): TreeRoot {
    if (this.only !== undefined) return new TreeRoot(0, 0, this.only.ackerTask, true, owner)
    this.ids.take()
    const { low, high } = this.ids
    const tasks = this.localTasks.length > 0 ? this.localTasks : this.allTasks
    const task = tasks.length === 1 ? tasks[0] : tasks[(low >>> 0) % tasks.length]
    return new TreeRoot(low, high, task ?? 0, this.localTasks.length > 0, owner)
  }

  /** HOT. The spout has emitted: the XOR of all edges of the emit. */
  register(root: TreeRoot, low: number, high: number, spoutTask: number): void {
    if (root.isLocal) {
      this.ledgerOf(root).register(root, low, high)
      return
    }
    if (root.isClosed) return
    root.isRegistered = true
    root.hasLeft = true
    this.away.add(root)
    // Bolts that were called within the emit have mixed their edges in. They belong to what the acker hears
    // first: if all tuples of the emit itself are answered, the rest of the tree would look complete without
    // them.
    const edges = { low: low ^ root.low, high: high ^ root.high }
    root.low = 0
    root.high = 0
    const link = this.ways.linkOf(root.ackerTask)
    link?.sendEdges(AckKind.INIT, root.ackerTask, root.idLow, root.idHigh, edges, spoutTask)
  }

  /** HOT. Acks a tuple: its edge, and those of what was anchored to it. */
  ack(tuple: EngineTuple): void {
    const { root } = tuple
    if (root === undefined) return
    const low = tuple.edgeLow ^ tuple.childLow
    const high = tuple.edgeHigh ^ tuple.childHigh
    if ((low | high) !== 0) this.mix(root, low, high)
    if (tuple.more === undefined) return
    for (const further of tuple.more) {
      this.mix(further.root, further.low ^ tuple.childLow, further.high ^ tuple.childHigh)
    }
  }

  fail(
    tuple: EngineTuple,
    reason: FailReason,
    component: string | undefined,
    message: string | undefined,
  ): void {
    if (tuple.root !== undefined) this.failRoot(tuple.root, reason, component, message)
    for (const further of tuple.more ?? []) this.failRoot(further.root, reason, component, message)
  }

  reset(tuple: EngineTuple): void {
    if (tuple.root !== undefined) this.resetRoot(tuple.root)
    for (const further of tuple.more ?? []) this.resetRoot(further.root)
  }

  failRoot(
    root: TreeRoot,
    reason: FailReason,
    component: string | undefined,
    message: string | undefined,
  ): void {
    if (root.isLocal) this.ledgerOf(root).fail(root, reason, component, message)
    else if (root.owner === undefined) this.tell(root, AckKind.FAIL, { reason, component, message })
    else if (!root.isClosed) {
      // Its spout is here, perhaps still in the emit: no need to ask the acker, who may not know the tree
      // yet.
      this.forget(root)
      root.owner.onTreeFailed(root, reason, component, message)
    }
  }

  /** The spout gives a root up by itself (time-out, loss): later acks must not count. */
  forget(root: TreeRoot): void {
    if (root.isLocal) {
      this.ledgerOf(root).forget(root)
      return
    }
    root.isClosed = true
    if (this.away.remove(root)) this.tell(root, AckKind.FORGET, {})
  }

  /** A tuple of this root leaves the worker: acks of it will come back with nothing but its id. */
  leave(root: TreeRoot): void {
    root.hasLeft = true
    if ((root.idLow | root.idHigh) === 0) {
      this.ids.take()
      root.idLow = this.ids.low
      root.idHigh = this.ids.high
    }
    if (root.isLocal && !root.isQueued && !root.isClosed) this.ledgerOf(root).index(root)
  }

  /** The root of a tuple that came over a link. */
  rootOf(idLow: number, idHigh: number, ackerTask: number): TreeRoot {
    const ledger = this.ledgers.get(ackerTask)
    if (ledger !== undefined) return ledger.find(idLow, idHigh)
    const last = this.lastAway
    if (last !== undefined && last.idLow === idLow && last.idHigh === idHigh) return last
    const root = new TreeRoot(idLow, idHigh, ackerTask, false, undefined)
    root.hasLeft = true
    this.lastAway = root
    return root
  }

  /** A message about a tree from another worker. */
  onMessage(message: AckMessage): void {
    const { kind, idLow, idHigh } = message
    if (kind === AckKind.DONE || kind === AckKind.FAILED) {
      this.onVerdict(message)
      return
    }
    const ledger = this.ledgers.get(message.task)
    if (ledger === undefined) {
      if (kind === AckKind.RESET) this.resetAway(idLow, idHigh)
      return
    }
    if (kind === AckKind.INIT) {
      const owner = new AwayOwner(this.ways, message.spoutTask)
      ledger.registerRemote(idLow, idHigh, message.low, message.high, owner)
      return
    }
    const root = ledger.find(idLow, idHigh)
    if (kind === AckKind.ACK) ledger.mix(root, message.low, message.high)
    else if (kind === AckKind.FAIL) {
      ledger.fail(root, message.reason ?? 'error', message.component, message.message)
    } else if (kind === AckKind.RESET) ledger.reset(root)
    else ledger.forget(root)
  }

  /** Sends what was mixed into roots of other workers. */
  flush(): void {
    if (this.dirty.length === 0) return
    const dirty = this.dirty
    this.dirty = []
    for (const root of dirty) this.send(root)
  }

  /** Once per message timeout: entries of spouts that are gone fall out. */
  rotate(): void {
    for (const ledger of this.ledgers.values()) ledger.rotate()
  }

  get openCount(): number {
    let count = this.away.count
    for (const ledger of this.ledgers.values()) count += ledger.indexedCount
    return count
  }

  private mix(root: TreeRoot, low: number, high: number): void {
    if (root.isLocal) {
      this.ledgerOf(root).mix(root, low, high)
      return
    }
    root.low ^= low
    root.high ^= high
    if (root.isDirty) return
    root.isDirty = true
    this.dirty.push(root)
  }

  private send(root: TreeRoot): void {
    root.isDirty = false
    const { low, high } = root
    if ((low | high) === 0) return
    root.low = 0
    root.high = 0
    const link = this.ways.linkOf(root.ackerTask)
    link?.sendEdges(AckKind.ACK, root.ackerTask, root.idLow, root.idHigh, { low, high }, 0)
  }

  private tell(
    root: TreeRoot,
    kind: number,
    why: {
      readonly reason?: FailReason
      readonly component?: string | undefined
      readonly message?: string | undefined
    },
  ): void {
    this.flush()
    this.ways.linkOf(root.ackerTask)?.sendMessage({
      kind,
      task: root.ackerTask,
      idLow: root.idLow,
      idHigh: root.idHigh,
      low: 0,
      high: 0,
      spoutTask: 0,
      reason: why.reason,
      component: why.component,
      message: why.message,
    })
  }

  private resetRoot(root: TreeRoot): void {
    if (root.isLocal) this.ledgerOf(root).reset(root)
    else this.tell(root, AckKind.RESET, {})
  }

  private onVerdict(message: AckMessage): void {
    const root = this.away.find(message.idLow, message.idHigh)
    if (root === undefined) return
    this.away.remove(root)
    root.isClosed = true
    if (message.kind === AckKind.DONE) root.owner?.onTreeDone(root)
    else root.owner?.onTreeFailed(root, message.reason ?? 'error', message.component, message.message)
  }

  private resetAway(idLow: number, idHigh: number): void {
    const root = this.away.find(idLow, idHigh)
    root?.owner?.onTreeReset(root)
  }

  private ledgerOf(root: TreeRoot): AckLedger {
    if (this.only !== undefined) return this.only
    const ledger = this.ledgers.get(root.ackerTask) ?? this.retired.get(root.ackerTask)
    assert(ledger !== undefined, 'the ledger of a local root is here')
    return ledger
  }
}

/** Owner of a root whose spout runs in another worker: verdicts are sent there. */
class AwayOwner implements RootOwner {
  private readonly ways: AckWays
  private readonly spoutTask: number

  constructor(ways: AckWays, spoutTask: number) {
    this.ways = ways
    this.spoutTask = spoutTask
  }

  onTreeDone(root: TreeRoot): void {
    this.send(root, AckKind.DONE, undefined, undefined, undefined)
  }

  onTreeFailed(
    root: TreeRoot,
    reason: FailReason,
    component: string | undefined,
    message: string | undefined,
  ): void {
    this.send(root, AckKind.FAILED, reason, component, message)
  }

  onTreeReset(root: TreeRoot): void {
    this.send(root, AckKind.RESET, undefined, undefined, undefined)
  }

  private send(
    root: TreeRoot,
    kind: number,
    reason: FailReason | undefined,
    component: string | undefined,
    message: string | undefined,
  ): void {
    this.ways.linkOf(this.spoutTask)?.sendMessage({
      kind,
      task: this.spoutTask,
      idLow: root.idLow,
      idHigh: root.idHigh,
      low: 0,
      high: 0,
      spoutTask: this.spoutTask,
      reason,
      component,
      message,
    })
  }
}
