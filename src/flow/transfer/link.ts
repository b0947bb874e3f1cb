/**
 * The way to another worker, as the data path sees it. Made in messaging, which turns what is handed over
 * into frames.
 *
 * Order: what goes to one task through one link arrives in the order of the calls. Sending never blocks and
 * never throws for reasons of the network; it throws only what is wrong with the values (VALUE_NOT_ENCODABLE
 * …), with nothing of the tuple sent.
 */
import type { FailReason } from '../../topology/tuple.ts'
import type { EngineTuple } from '../executor/tuple.ts'
import type { Gate } from './gate.ts'

/** Messages about trees. Numbers, because they travel. Storm's names are those of its system streams. */
export const AckKind = {
  /** `__ack_init`: a spout task has emitted; `low`/`high` are the edges of the emit. To the acker. */
  INIT: 0,
  /** `__ack_ack`: edges seen and made. To the acker. */
  ACK: 1,
  /** `__ack_fail`. To the acker. */
  FAIL: 2,
  /** `__ack_reset_timeout`. To the acker, and from there to the spout. */
  RESET: 3,
  /** The tree is done. From the acker to the spout task. */
  DONE: 4,
  /** The tree has failed. From the acker to the spout task. */
  FAILED: 5,
  /** The spout gave the tree up by itself: the acker may forget it. */
  FORGET: 6,
} as const

/** One message about a tree. `task` is where it goes: the acker's task, or the spout's. */
export interface AckMessage {
  readonly kind: number
  readonly task: number
  readonly idLow: number
  readonly idHigh: number
  readonly low: number
  readonly high: number
  /** The spout's task, where `kind` is INIT. */
  readonly spoutTask: number
  readonly reason: FailReason | undefined
  readonly component: string | undefined
  readonly message: string | undefined
}

export interface Link {
  /**
   * Share of its time that the loop of the other worker is at work, 0 to 1, some seconds old at most.
   * undefined: not known.
   */
  readonly busyShare: number | undefined
  /**
   * HOT. Sends a tuple to `tuple.targetTask`.
   * @returns the gate to wait at if the receiver's credit is used up (the tuple is taken all the same)
   */
  send(tuple: EngineTuple): Gate | undefined
  /** HOT. An `ACK` or `INIT`; the bulk of all messages. */
  sendEdges(
    kind: number,
    task: number,
    idLow: number,
    idHigh: number,
    edges: { low: number; high: number },
    spoutTask: number,
  ): void
  sendMessage(message: AckMessage): void
  /** Share of the credit for a task that is used, 0 to 1: its load as far as it can be seen from here. */
  loadOf(task: number): number
  /** Sends what is batched. Called when the loop has nothing else to do. */
  flush(): void
}
