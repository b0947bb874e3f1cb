/**
 * The root of a tuple tree: what every tracked tuple of this worker points at.
 *
 * One object serves three roles, so that an ack inside a worker is two XORs on a field and no look-up:
 *   1. ledger entry, where the acker of the root runs in this worker (`isLocal`);
 *   2. pending entry of the spout task, where the spout runs in this worker (`spout` set);
 *   3. outbound accumulator, where the acker is elsewhere: edges are mixed here and leave as one entry a
 *      frame.
 *
 * `low`/`high` are two int32 halves and no bigint: an XOR on a bigint allocates.
 */
import type { FailReason, Failure } from '../../topology/tuple.ts'

/**
 * Told of the verdicts of its roots. Spout tasks of this worker are one; so is the way to a spout elsewhere.
 */
export interface RootOwner {
  /** The tree is complete. Called once per root, never from within user code's way back. */
  onTreeDone(root: TreeRoot): void
  onTreeFailed(
    root: TreeRoot,
    reason: FailReason,
    component: string | undefined,
    message: string | undefined,
  ): void
  /** The tree gets its full time again. */
  onTreeReset(root: TreeRoot): void
}

export class TreeRoot {
  idLow: number
  idHigh: number
  /** XOR of the edges seen an odd number of times. */
  low = 0
  high = 0
  readonly ackerTask: number
  /** True: this object is the ledger's entry. False: what is mixed in here must be sent to the acker. */
  readonly isLocal: boolean
  /** The spout has told all edges of its emit. No verdict before that: acks may overtake the registration. */
  isRegistered = false
  /** A verdict was given; nothing counts any more. */
  isClosed = false
  /** Entered in an index: the ledger's (role 1), or that of roots whose acker is elsewhere (role 2). */
  isQueued = false
  /** Stands among what will be sent to the acker (role 3). */
  isDirty = false
  /** Some tuple of the tree left this worker, so the loss of a link or worker may concern it. */
  hasLeft = false
  owner: RootOwner | undefined
  /** Next root of the same bucket of the index. */
  nextInIndex: TreeRoot | undefined = undefined

  // The spout's part (role 2).
  messageId: unknown = undefined
  /** What is emitted again, where the engine does the replays. */
  values: object | undefined = undefined
  /** When it expires; 0 while it is not in the pending list. */
  deadlineMs = 0
  /** Why it failed, once it has. */
  failure: Failure | undefined = undefined
  /** Start of the tree, by the sampled clock; negative: not measured. */
  startMs = -1
  failedBefore = 0
  older: TreeRoot | undefined = undefined
  newer: TreeRoot | undefined = undefined

  constructor(
    idLow: number,
    idHigh: number,
    ackerTask: number,
    isLocal: boolean,
    owner: RootOwner | undefined,
  ) {
    this.idLow = idLow
    this.idHigh = idHigh
    this.ackerTask = ackerTask
    this.isLocal = isLocal
    this.owner = owner
  }
}
