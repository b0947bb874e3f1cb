/**
 * A tuple as the engine carries it: the public view plus its edge in the tree.
 *
 * One class for every tuple keeps all hot reads monomorphic. The common tuple has one root; the roots of
 * joined tuples beyond the first stand in `more`.
 *
 * How an edge is accounted (Storm's rule): a tuple holds the id of its own edge and the XOR of the ids of the
 * children anchored to it. Acking it mixes both into every root it belongs to.
 */
import type { AnyValues, Tuple } from '../../topology/tuple.ts'
import type { TreeRoot } from '../ack/tree-root.ts'
import type { StreamRef } from '../route/stream-ref.ts'

/** Where the answer of a tuple stands. */
export const Answer = { OPEN: 0, ACKED: 1, FAILED: 2 } as const

/** A further root of a joined tuple, with the edge that leads to it. */
export interface FurtherRoot {
  readonly root: TreeRoot
  low: number
  high: number
}

export class EngineTuple implements Tuple<AnyValues> {
  readonly values: AnyValues
  readonly stream: StreamRef
  readonly sourceTask: number
  readonly targetTask: number
  readonly time: number | undefined
  readonly root: TreeRoot | undefined
  edgeLow: number
  edgeHigh: number
  more: FurtherRoot[] | undefined
  /** XOR of the edges of tuples anchored to this one. */
  childLow = 0
  childHigh = 0
  answer: number = Answer.OPEN

  constructor(
    values: AnyValues,
    stream: StreamRef,
    sourceTask: number,
    targetTask: number,
    time: number | undefined,
    root: TreeRoot | undefined,
    edgeLow: number,
    edgeHigh: number,
  ) {
    this.values = values
    this.stream = stream
    this.sourceTask = sourceTask
    this.targetTask = targetTask
    this.time = time
    this.root = root
    this.edgeLow = edgeLow
    this.edgeHigh = edgeHigh
    this.more = undefined
  }

  get sourceComponent(): string {
    return this.stream.componentId
  }

  get sourceStream(): string {
    return this.stream.streamId
  }

  get isAnswered(): boolean {
    return this.answer !== Answer.OPEN
  }

  get signal(): AbortSignal {
    return this.stream.scopes[this.targetTask]?.signalOf(this) ?? NEVER
  }
}

/** For tuples outside any call. */
const NEVER = new AbortController().signal
