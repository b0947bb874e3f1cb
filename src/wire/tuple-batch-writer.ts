/**
 * Writes tuples into the body of a TUPLES frame.
 *
 * Route:   messaging/link appends what flow sends → ByteWriter → frame.ts.
 * Touches: nothing outside. Layout: tuple-batch.ts. Reader: tuple-cursor.ts.
 *
 *   batch.restart()                                        after beginFrame
 *   batch.begin(targetTask, streamNumber, sourceTask, 1)   for each tuple
 *   batch.root(low, high, edgeLow, edgeHigh, ackerTask)    as often as begin was told
 *   batch.time(ms)                                         if it has one
 *   batch.row(codec, values)
 *   batch.end()
 *
 * Invariants
 *   B1  A tuple counts for the ones after it only from `end` on: one whose row was refused has left nothing.
 */
import { assert } from '../base/assert.ts'
import { UserCodeError } from '../base/errors.ts'
import type { ByteWriter } from './byte-writer.ts'
import type { RowCodec, Values } from './row-plan.ts'
import { Roots, TupleFlag } from './tuple-batch.ts'

// The writer stops a value that runs away (a nest that fans out) before it eats the memory; `end` is exact.
// Slack for room that is reserved and not used.
const SLACK_BYTES = 64

export class TupleBatchWriter {
  /** Tuples since `restart`. */
  count = 0
  /** Where the newest row lies in `writer.bytes`: for `rawRow`, when a tuple goes to many. */
  rowStart = 0
  rowEnd = 0

  private readonly writer: ByteWriter
  private readonly tupleBytesMax: number
  private readonly sizeBytesMax: number
  private start = 0
  private flags = 0
  private rootsLeft = 0
  private isOne = false

  // The tuple in hand …
  private target = 0
  private stream = 0
  private source = 0
  private rootLow = 0
  private rootHigh = 0
  private acker = 0
  private timeMs = 0
  // … and what the ones before it left.
  private lastTarget = 0
  private lastStream = 0
  private lastSource = 0
  private lastRootLow = 0
  private lastRootHigh = 0
  private lastAcker = 0
  private lastTimeMs = 0

  constructor(writer: ByteWriter, tupleBytesMax: number) {
    this.writer = writer
    this.tupleBytesMax = tupleBytesMax
    this.sizeBytesMax = writer.sizeBytesMax
  }

  /** A new batch begins. */
  restart(): void {
    this.count = 0
    this.lastTarget = 0
    this.lastStream = 0
    this.lastSource = 0
    this.lastRootLow = 0
    this.lastRootHigh = 0
    this.lastAcker = 0
    this.lastTimeMs = 0
  }

  /** HOT. `rootCount` calls of `root` must follow. Bench: bench/wire.bench.ts. */
  begin(targetTask: number, streamNumber: number, sourceTask: number, rootCount: number): void {
    const writer = this.writer
    this.start = writer.position
    this.target = targetTask
    this.stream = streamNumber
    this.source = sourceTask
    this.rootLow = this.lastRootLow
    this.rootHigh = this.lastRootHigh
    this.acker = this.lastAcker
    this.timeMs = this.lastTimeMs
    this.rootsLeft = rootCount
    this.isOne = rootCount === 1
    writer.byte(0)
    let flags = 0
    if (streamNumber === this.lastStream && sourceTask === this.lastSource) {
      flags = TupleFlag.SAME_SOURCE
    } else {
      writer.unsigned(streamNumber)
      writer.unsigned(sourceTask)
    }
    if (targetTask === this.lastTarget) flags |= TupleFlag.SAME_TARGET
    else writer.unsigned(targetTask)
    if (rootCount > 1) {
      flags |= Roots.MANY
      writer.unsigned(rootCount)
    }
    this.flags = flags
  }

  /** HOT. */
  root(low: number, high: number, edgeLow: number, edgeHigh: number, ackerTask: number): void {
    const writer = this.writer
    this.rootsLeft -= 1
    if (!this.isOne) {
      writer.pair(low, high)
      writer.pair(edgeLow, edgeHigh)
      writer.unsigned(ackerTask)
      return
    }
    if (low === this.lastRootLow && high === this.lastRootHigh && ackerTask === this.lastAcker) {
      this.flags |= Roots.SAME
      writer.pair(edgeLow, edgeHigh)
      return
    }
    this.flags |= Roots.ONE
    writer.pair(low, high)
    writer.pair(edgeLow, edgeHigh)
    if (ackerTask === this.lastAcker) this.flags |= TupleFlag.SAME_ACKER
    else writer.unsigned(ackerTask)
    this.rootLow = low
    this.rootHigh = high
    this.acker = ackerTask
  }

  /** Event time, any number. */
  time(timeMs: number): void {
    const delta = timeMs - this.lastTimeMs
    // Only if the reader's sum gives this very number, -0 and fractions included.
    if (Number.isSafeInteger(timeMs) && Number.isSafeInteger(delta) && !Object.is(timeMs, -0)) {
      this.flags |= TupleFlag.TIME
      this.writer.int(delta)
      this.timeMs = timeMs
    } else {
      this.flags |= TupleFlag.EXACT_TIME
      this.writer.float(timeMs)
    }
  }

  /**
   * HOT. Encodes the values. If it throws, the tuple is gone from the batch and the next may begin.
   * @throws UsageError VALUE_OUT_OF_RANGE, VALUE_NOT_ENCODABLE; UserCodeError TUPLE_TOO_LARGE
   */
  row(codec: RowCodec, values: Values): void {
    const writer = this.writer
    try {
      writer.sizeBytesMax = Math.min(this.sizeBytesMax, this.start + this.tupleBytesMax + SLACK_BYTES)
      writer.byte(0)
      this.rowStart = writer.position
      codec.encode(writer, values)
    } catch (error) {
      this.cancel()
      throw error
    }
    this.closeRow()
  }

  /** Takes over a row that is encoded already, from any array, this writer's own included. */
  rawRow(bytes: Uint8Array, start: number, end: number): void {
    const writer = this.writer
    try {
      writer.sizeBytesMax = Math.min(this.sizeBytesMax, this.start + this.tupleBytesMax + SLACK_BYTES)
      writer.byte(0)
      this.rowStart = writer.position
      writer.raw(bytes, start, end)
    } catch (error) {
      this.cancel()
      throw error
    }
    this.closeRow()
  }

  /**
   * HOT. Completes the tuple. Returns its size in bytes.
   * @throws UserCodeError TUPLE_TOO_LARGE; the tuple is gone from the batch then
   */
  end(): number {
    const writer = this.writer
    assert(this.rootsLeft === 0, 'a tuple has as many roots as begin was told')
    const sizeBytes = writer.position - this.start
    if (sizeBytes > this.tupleBytesMax) this.refuseLarge(sizeBytes)
    writer.sizeBytesMax = this.sizeBytesMax
    writer.bytes[this.start] = this.flags
    this.lastTarget = this.target
    this.lastStream = this.stream
    this.lastSource = this.source
    this.lastRootLow = this.rootLow
    this.lastRootHigh = this.rootHigh
    this.lastAcker = this.acker
    this.lastTimeMs = this.timeMs
    this.count += 1
    return sizeBytes
  }

  /** Takes the tuple that was begun and not ended out again. */
  cancel(): void {
    this.writer.rollBack(this.start)
    this.writer.sizeBytesMax = this.sizeBytesMax
  }

  private closeRow(): void {
    const writer = this.writer
    const length = writer.position - this.rowStart
    writer.prefixLength(this.rowStart)
    this.rowEnd = writer.position
    this.rowStart = this.rowEnd - length
  }

  private refuseLarge(sizeBytes: number): never {
    this.cancel()
    throw new UserCodeError(
      'TUPLE_TOO_LARGE',
      `a tuple takes ${sizeBytes} bytes, ${this.tupleBytesMax} are allowed`,
      {
        sizeBytes,
        sizeBytesMax: this.tupleBytesMax,
      },
    )
  }
}
