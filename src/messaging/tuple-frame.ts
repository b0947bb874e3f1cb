/**
 * The frame of tuples that is being filled.
 *
 * Route: link.ts adds tuples → wire's batch → `close` makes a whole frame of what is there.
 *
 * Invariant: a tuple that was refused (its values cannot be encoded) has left nothing behind.
 */
import { assert } from '../base/assert.ts'
import type { EngineTuple } from '../flow/executor/tuple.ts'
import { ByteWriter } from '../wire/byte-writer.ts'
import { beginFrame, boundFrame, FrameKind } from '../wire/frame.ts'
import { TupleBatchWriter } from '../wire/tuple-batch-writer.ts'
import type { Codecs } from './codecs.ts'
import type { FramePool } from './frame-pool.ts'

export class TupleFrame {
  private readonly codecs: Codecs
  private readonly writer: ByteWriter
  private readonly batch: TupleBatchWriter

  constructor(codecs: Codecs, tupleMaxBytes: number) {
    this.codecs = codecs
    this.writer = new ByteWriter()
    this.batch = new TupleBatchWriter(this.writer, tupleMaxBytes)
    this.restart()
  }

  get count(): number {
    return this.batch.count
  }

  get sizeBytes(): number {
    return this.writer.position
  }

  /**
   * HOT. Encodes a tuple into the frame. Returns how many bytes it took.
   * @throws UsageError VALUE_NOT_ENCODABLE, VALUE_OUT_OF_RANGE; UserCodeError TUPLE_TOO_LARGE
   */
  add(tuple: EngineTuple): number {
    const { batch } = this
    const codec = this.codecs.find(tuple.stream.number)
    assert(codec !== undefined, 'a tuple is of a stream that the links were told of')
    const { root, more, time } = tuple
    const rootCount = root === undefined ? 0 : more === undefined ? 1 : 1 + more.length
    batch.begin(tuple.targetTask, tuple.stream.number, tuple.sourceTask, rootCount)
    if (root !== undefined) {
      batch.root(root.idLow, root.idHigh, tuple.edgeLow, tuple.edgeHigh, root.ackerTask)
      if (more !== undefined) {
        for (const further of more) {
          const { idLow, idHigh, ackerTask } = further.root
          batch.root(idLow, idHigh, further.low, further.high, ackerTask)
        }
      }
    }
    if (time !== undefined) batch.time(time)
    batch.row(codec, tuple.values)
    return batch.end()
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
    beginFrame(this.writer, FrameKind.TUPLES, 0, 0)
    this.batch.restart()
  }
}
