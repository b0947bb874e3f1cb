/**
 * The frame of messages about trees that is being filled, and the reading of one.
 *
 * Kinds and reasons are words in flow and numbers on the wire; here one becomes the other.
 */
import type { AckMessage } from '../flow/transfer/link.ts'
import type { FailReason } from '../topology/tuple.ts'
import { AckBatchWriter, type AckCursor, AckKind, FailCode } from '../wire/ack-batch.ts'
import { ByteWriter } from '../wire/byte-writer.ts'
import { beginFrame, boundFrame, FrameKind } from '../wire/frame.ts'
import type { FramePool } from './frame-pool.ts'

/** Characters of a failure's text that travel. What users throw may be of any length. */
const TEXT_LENGTH_MAX = 2_000

/** The wire's kinds by flow's, which count from 0. */
const wireKinds: readonly AckKind[] = [
  AckKind.INIT,
  AckKind.ACK,
  AckKind.FAIL,
  AckKind.RESET,
  AckKind.DONE,
  AckKind.FAILED,
  AckKind.FORGET,
]

const codes: Readonly<Record<FailReason, FailCode>> = {
  explicit: FailCode.EXPLICIT,
  error: FailCode.ERROR,
  timeout: FailCode.TIMEOUT,
  'worker-lost': FailCode.WORKER_LOST,
  'link-lost': FailCode.LINK_LOST,
}

/** By code, which counts from 1. */
const reasons: readonly (FailReason | undefined)[] = [
  undefined,
  'explicit',
  'error',
  'timeout',
  'worker-lost',
  'link-lost',
]

export class AckFrame {
  private readonly writer: ByteWriter
  private readonly batch: AckBatchWriter

  constructor() {
    this.writer = new ByteWriter()
    this.batch = new AckBatchWriter(this.writer)
    this.restart()
  }

  get count(): number {
    return this.batch.count
  }

  get sizeBytes(): number {
    return this.writer.position
  }

  /** HOT. INIT or ACK, by flow's kind. INIT must be followed by `addSpout`. */
  addEdges(
    kind: number,
    task: number,
    idLow: number,
    idHigh: number,
    edges: { readonly low: number; readonly high: number },
  ): void {
    this.batch.begin(wireKinds[kind] ?? AckKind.ACK, task, idLow, idHigh)
    this.batch.mixed(edges.low, edges.high)
  }

  addSpout(task: number): void {
    this.batch.spout(task)
  }

  add(message: AckMessage): void {
    const { batch } = this
    const kind = wireKinds[message.kind] ?? AckKind.ACK
    batch.begin(kind, message.task, message.idLow, message.idHigh)
    if (kind === AckKind.INIT || kind === AckKind.ACK) batch.mixed(message.low, message.high)
    if (kind === AckKind.INIT) batch.spout(message.spoutTask)
    if (kind !== AckKind.FAIL && kind !== AckKind.FAILED) return
    const text = message.message?.slice(0, TEXT_LENGTH_MAX)
    batch.why(codes[message.reason ?? 'error'], text, message.component)
  }

  /** The frame without its numbers (`stampFrame`), in an array of the pool; the next one begins empty. */
  close(pool: FramePool): Uint8Array {
    boundFrame(this.writer, 0)
    const bytes = pool.take(this.writer.position)
    bytes.set(this.writer.bytes.subarray(0, this.writer.position))
    this.restart()
    return bytes
  }

  /** Forgets what was added. */
  restart(): void {
    this.writer.rollBack(0)
    beginFrame(this.writer, FrameKind.ACKS, 0, 0)
    this.batch.restart()
  }
}

/** An entry of a frame as flow takes it. One object, used again for every entry. */
export class ArrivedAck implements AckMessage {
  kind = 0
  task = 0
  idLow = 0
  idHigh = 0
  low = 0
  high = 0
  spoutTask = 0
  reason: FailReason | undefined = undefined
  component: string | undefined = undefined
  message: string | undefined = undefined

  /** HOT. */
  read(cursor: AckCursor): this {
    const { kind } = cursor
    // The wire's numbers begin at 1, flow's at 0, in one order.
    this.kind = kind - 1
    this.task = cursor.targetTask
    this.idLow = cursor.rootLow
    this.idHigh = cursor.rootHigh
    this.low = cursor.mixedLow
    this.high = cursor.mixedHigh
    this.spoutTask = cursor.spoutTask
    const isFailure = kind === AckKind.FAIL || kind === AckKind.FAILED
    this.reason = isFailure ? reasons[cursor.reason] : undefined
    this.component = isFailure ? cursor.component : undefined
    this.message = isFailure ? cursor.text : undefined
    return this
  }
}
