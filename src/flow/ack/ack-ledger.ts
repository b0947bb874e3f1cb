/**
 * The ack ledger of one acker task: knows of every tree in flight whether its whole tree has been acked.
 *
 * Route:   executors of this worker mix edges in directly, those of other workers through flow/transfer
 *          →  [ledger]  →  verdicts go to the root's owner (the spout's task, or the way to its worker).
 * Touches: nothing outside. Time reaches it only as `rotate()`.
 *
 * How it works (Storm's algorithm). Every edge of a tuple tree has a random 64-bit id. The id is mixed into
 * the root's entry by XOR when the edge is made and again when it is acked; x ^ x = 0, so an entry that is
 * zero has seen every edge twice. An entry is this big however large the tree grows.
 *
 * Roots whose spout lives in this worker are entered in the index only if tuples may come back over a link
 * (`index`); inside one worker every tuple points at its root, and there is nothing to look up.
 *
 * Invariants
 *   L1  A root is in exactly one bucket of the index, or in none.
 *   L2  A root gets at most one verdict; giving it closes the root and takes it out of the index.
 *   L3  No verdict before the spout has registered the root: acks and fails may overtake the registration.
 */
import { assert } from '../../base/assert.ts'
import type { FailReason } from '../../topology/tuple.ts'
import { RootIndex } from './root-index.ts'
import { type RootOwner, TreeRoot } from './tree-root.ts'

export class AckLedger {
  readonly ackerTask: number
  openedCount = 0
  ackedCount = 0
  failedCount = 0
  // Newest first. Rotating drops the last one, so an entry that is not touched lives between (n - 1) and n
  // turns.
  private readonly buckets: RootIndex[]

  constructor(ackerTask: number, bucketCount = 3) {
    assert(bucketCount >= 2, 'an ack ledger needs two buckets or more')
    this.ackerTask = ackerTask
    this.buckets = Array.from({ length: bucketCount }, () => new RootIndex())
  }

  get indexedCount(): number {
    return this.buckets.reduce((sum, bucket) => sum + bucket.count, 0)
  }

  /** HOT. Mixes edges into a root of this ledger. */
  mix(root: TreeRoot, low: number, high: number): void {
    root.low ^= low
    root.high ^= high
    if ((root.low | root.high) === 0 && root.isRegistered && !root.isClosed) this.complete(root)
  }

  /** HOT. The spout has emitted: all edges of the emit, mixed together. */
  register(root: TreeRoot, low: number, high: number): void {
    this.openedCount += 1
    root.isRegistered = true
    this.mix(root, low, high)
  }

  /** The tree fails now, unless it has its verdict. */
  fail(root: TreeRoot, reason: FailReason, component: string | undefined, message: string | undefined): void {
    if (root.isClosed) return
    if (root.owner === undefined) {
      // Overtook the registration, which will find it.
      root.failure ??= { reason, component, message, failedBefore: 0 }
      return
    }
    root.isClosed = true
    this.failedCount += 1
    if (root.isQueued) this.remove(root)
    root.owner.onTreeFailed(root, reason, component, message)
  }

  /** The tree gets its full time again. */
  reset(root: TreeRoot): void {
    if (root.isClosed) return
    if (root.isQueued) {
      this.remove(root)
      this.index(root)
    }
    root.owner?.onTreeReset(root)
  }

  /** Makes a root findable by its id, for acks that come over a link. */
  index(root: TreeRoot): void {
    const newest = this.buckets[0]
    assert(newest !== undefined, 'bucket count never changes')
    newest.add(root)
  }

  /** The root with this id; made unregistered if there is none: its registration is still on its way. */
  find(idLow: number, idHigh: number): TreeRoot {
    for (const bucket of this.buckets) {
      const root = bucket.find(idLow, idHigh)
      if (root !== undefined) return root
    }
    const root = new TreeRoot(idLow, idHigh, this.ackerTask, true, undefined)
    this.index(root)
    return root
  }

  /** A spout of another worker has emitted. */
  registerRemote(idLow: number, idHigh: number, low: number, high: number, owner: RootOwner): void {
    const root = this.find(idLow, idHigh)
    root.owner = owner
    const { failure } = root
    if (failure === undefined) {
      this.register(root, low, high)
      return
    }
    this.openedCount += 1
    root.isRegistered = true
    this.fail(root, failure.reason, failure.component, failure.message)
  }

  /** Closes a root without a verdict: its spout gave it up by itself (time-out, loss). */
  forget(root: TreeRoot): void {
    root.isClosed = true
    if (root.isQueued) this.remove(root)
  }

  /**
   * Moves time on by one message timeout. Entries that fell out are dropped: their spouts, which have the
   * exact deadline, have failed them already.
   * @returns how many fell out
   */
  rotate(): number {
    const expired = this.buckets.pop()
    assert(expired !== undefined, 'bucket count never changes')
    this.buckets.unshift(new RootIndex())
    return expired.clear()
  }

  private complete(root: TreeRoot): void {
    root.isClosed = true
    this.ackedCount += 1
    if (root.isQueued) this.remove(root)
    root.owner?.onTreeDone(root)
  }

  private remove(root: TreeRoot): void {
    for (const bucket of this.buckets) if (bucket.remove(root)) return
  }
}
