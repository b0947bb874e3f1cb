/**
 * What comes in from other workers: turns it into tuples of this worker and offers them to the executors of
 * their tasks.
 *
 * Route: messaging (a frame, decoded) → [inbound] → inbox of the task's executor, or the acker's ledger.
 *
 * Use, per tuple: `begin`, `root` for each root, `deliver`. One tuple at a time; the object is reused.
 */
import type { AnyValues } from '../../topology/tuple.ts'
import type { AckRouter } from '../ack/ack-router.ts'
import type { TreeRoot } from '../ack/tree-root.ts'
import { EngineTuple, type FurtherRoot } from '../executor/tuple.ts'
import type { StreamRef } from '../route/stream-ref.ts'
import type { Receiver } from '../route/target.ts'
import type { Gate } from './gate.ts'

export interface InboundWays {
  readonly streams: readonly StreamRef[]
  /** undefined: the task does not run here (any more). */
  receiverOf(task: number): Receiver | undefined
  /** Dev and test: what comes in is frozen, as what is emitted here is. */
  readonly freeze?: ((values: AnyValues) => void) | undefined
}

export class Inbound {
  /** Tuples for tasks that do not run here: their trees are failed, not left to time out. */
  misroutedCount = 0
  private readonly ways: InboundWays
  private readonly acks: AckRouter
  private targetTask = 0
  private sourceTask = 0
  private stream: StreamRef | undefined = undefined
  private time: number | undefined = undefined
  private first: TreeRoot | undefined = undefined
  private edgeLow = 0
  private edgeHigh = 0
  private more: FurtherRoot[] | undefined = undefined

  constructor(ways: InboundWays, acks: AckRouter) {
    this.ways = ways
    this.acks = acks
  }

  /** The schema side of a stream, for the decoder. undefined: there is no such stream. */
  streamOf(number: number): StreamRef | undefined {
    return this.ways.streams[number]
  }

  /** HOT. */
  begin(targetTask: number, stream: StreamRef, sourceTask: number, time: number | undefined): void {
    this.targetTask = targetTask
    this.stream = stream
    this.sourceTask = sourceTask
    this.time = time
    this.first = undefined
    this.more = undefined
    this.edgeLow = 0
    this.edgeHigh = 0
  }

  /** HOT. A root of the tuple in hand, and the tuple's edge in it. */
  root(idLow: number, idHigh: number, edgeLow: number, edgeHigh: number, ackerTask: number): void {
    const root = this.acks.rootOf(idLow, idHigh, ackerTask)
    root.hasLeft = true
    if (this.first === undefined) {
      this.first = root
      this.edgeLow = edgeLow
      this.edgeHigh = edgeHigh
      return
    }
    this.more ??= []
    this.more.push({ root, low: edgeLow, high: edgeHigh })
  }

  /**
   * HOT. Offers the tuple.
   * @returns the gate of the executor's inbox, if that is full now: give no more credit until it opens
   */
  deliver(values: AnyValues): Gate | undefined {
    const { stream } = this
    if (stream === undefined) return undefined
    const tuple = new EngineTuple(
      values,
      stream,
      this.sourceTask,
      this.targetTask,
      this.time,
      this.first,
      this.edgeLow,
      this.edgeHigh,
    )
    if (this.more !== undefined) tuple.more = this.more
    if (this.ways.freeze !== undefined) this.ways.freeze(values)
    const receiver = this.ways.receiverOf(this.targetTask)
    if (receiver !== undefined) return receiver.offer(tuple, false)
    this.misroutedCount += 1
    this.acks.fail(tuple, 'worker-lost', stream.componentId, `task ${this.targetTask} does not run here`)
    return undefined
  }
}
