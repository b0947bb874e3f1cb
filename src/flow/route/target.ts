/** A task that reads a stream, as its emitters in this worker see it. */
import type { EngineTuple } from '../executor/tuple.ts'
import type { Gate, Waiter } from '../transfer/gate.ts'
import type { Link } from '../transfer/link.ts'

/** An executor of this worker, as seen by who feeds it. */
export interface Receiver {
  /**
   * HOT. Takes a tuple: runs it at once if `isChained` and nothing stands before it, else puts it into the
   * inbox.
   * @returns the gate to wait at if the inbox is full now
   */
  offer(tuple: EngineTuple, isChained: boolean): Gate | undefined
  /** Fill of the inbox, 0 to 1 and above. */
  load(): number
}

/** An executor that emits. */
export interface Emitter extends Waiter {
  /** Finishes the tuple in hand, then is not stepped until the gate opens. */
  blockOn(gate: Gate): void
}

export class Target {
  readonly task: number
  /** Set if the task runs in this worker. */
  readonly receiver: Receiver | undefined
  /** Set if it runs in another. */
  readonly link: Link | undefined
  readonly isChained: boolean
  /**
   * False on the edges of a cycle: waiting there for each other, its executors would wait for ever. Such an
   * edge is bounded by the spouts' pending tuples instead.
   */
  readonly isHolding: boolean

  constructor(
    task: number,
    way: { readonly receiver?: Receiver; readonly link?: Link },
    isChained: boolean,
    isHolding: boolean,
  ) {
    this.task = task
    this.receiver = way.receiver
    this.link = way.link
    this.isChained = isChained
    this.isHolding = isHolding
  }

  /** Of the loop of another worker where it runs. undefined: it runs here, or the other does not say. */
  busyShare(): number | undefined {
    return this.link?.busyShare
  }

  load(): number {
    return this.receiver === undefined ? (this.link?.loadOf(this.task) ?? 0) : this.receiver.load()
  }
}
