/**
 * Reads the tuples of a TUPLES frame one after the other, into fields of its own: nothing is allocated but
 * values.
 *
 * Route:   frame-reader.ts → [cursor] → messaging hands each tuple to the inbox of its task.
 * Touches: nothing outside. Layout: tuple-batch.ts. Writer: tuple-batch-writer.ts.
 *
 *   cursor.open(frame.bytes, frame.bodyStart, frame.bodyEnd)
 *   while (cursor.next()) {
 *     for (let i = 0; i < cursor.rootCount; i++) { cursor.selectRoot(i); … cursor.rootLow … }
 *     const values = cursor.row(codecOf(cursor.streamNumber))     or copy bytes[rowStart, rowEnd)
 *   }
 *
 * Task and stream numbers are whatever the bytes say: looking them up, and refusing unknown ones, is the
 * caller's.
 *
 * Invariants
 *   U1  Throws FormatError FRAME_MALFORMED and nothing else, whatever the bytes are.
 *   U2  A row that is not asked for is not decoded.
 */
import { ByteReader } from './byte-reader.ts'
import { malformed } from './malformed.ts'
import type { RowCodec, Values } from './row-plan.ts'
import type { TextCache } from './text-cache.ts'
import { ROOT_BYTES_MIN, Roots, TupleFlag } from './tuple-batch.ts'

const ROOT_NUMBERS = 5

export class TupleCursor {
  targetTask = 0
  streamNumber = 0
  sourceTask = 0
  rootCount = 0
  /** Of the first root, or of the one that `selectRoot` named. Without meaning if there is none. */
  rootLow = 0
  rootHigh = 0
  edgeLow = 0
  edgeHigh = 0
  ackerTask = 0
  hasTime = false
  timeMs = 0
  /** The encoded row: `[rowStart, rowEnd)` of `bytes`. */
  rowStart = 0
  rowEnd = 0
  /** What the tuple took in the batch, all told: the size that credit is counted in. */
  sizeBytes = 0

  private readonly reader: ByteReader
  private end = 0
  private lastRootLow = 0
  private lastRootHigh = 0
  private lastAcker = 0
  private lastTimeMs = 0
  // Roots of a tuple with many: low, high, edge low, edge high, acker of each.
  private many: Int32Array = new Int32Array(8 * ROOT_NUMBERS)

  constructor(cache?: TextCache) {
    this.reader = new ByteReader(cache)
  }

  get bytes(): Uint8Array {
    return this.reader.bytes
  }

  /** Turns to another batch. Its bytes must stay as they are until the last tuple was read. */
  open(bytes: Uint8Array, start: number, end: number): void {
    this.reader.open(bytes, start, end)
    this.end = end
    this.rowEnd = start
    this.targetTask = 0
    this.streamNumber = 0
    this.sourceTask = 0
    this.lastRootLow = 0
    this.lastRootHigh = 0
    this.lastAcker = 0
    this.lastTimeMs = 0
  }

  /** HOT. True: a tuple stands in the public fields. Bench: bench/wire.bench.ts. */
  next(): boolean {
    const reader = this.reader
    const start = this.rowEnd
    if (start >= this.end) return false
    reader.position = start
    reader.end = this.end
    const flags = reader.byte()
    if ((flags & TupleFlag.SAME_SOURCE) === 0) {
      this.streamNumber = reader.unsigned()
      this.sourceTask = reader.unsigned()
    }
    if ((flags & TupleFlag.SAME_TARGET) === 0) this.targetTask = reader.unsigned()
    const roots = flags & TupleFlag.ROOTS
    if (roots === Roots.ONE) this.readOne(flags)
    else if (roots === Roots.SAME) this.readSame()
    else if (roots === Roots.MANY) this.readMany()
    else this.rootCount = 0
    if ((flags & RARE_FLAGS) === 0) this.hasTime = false
    else this.readTime(flags)
    const length = reader.unsigned()
    this.rowStart = reader.position
    this.rowEnd = this.rowStart + length
    if (this.rowEnd > this.end)
      malformed(`a row of ${length} bytes is announced, ${reader.remaining} are left`)
    this.sizeBytes = this.rowEnd - start
    return true
  }

  /** HOT. Decodes the row of the tuple in hand. */
  row(codec: RowCodec): Values {
    const reader = this.reader
    reader.position = this.rowStart
    reader.end = this.rowEnd
    const values = codec.decode(reader)
    if (reader.position !== this.rowEnd) reader.finish()
    return values
  }

  /** Puts root `index` < `rootCount` into the root fields. */
  selectRoot(index: number): void {
    if (this.rootCount < 2) return
    const at = index * ROOT_NUMBERS
    const many = this.many
    this.rootLow = many[at] ?? 0
    this.rootHigh = many[at + 1] ?? 0
    this.edgeLow = many[at + 2] ?? 0
    this.edgeHigh = many[at + 3] ?? 0
    this.ackerTask = (many[at + 4] ?? 0) >>> 0
  }

  private readOne(flags: number): void {
    const reader = this.reader
    this.rootCount = 1
    this.rootLow = reader.int32()
    this.rootHigh = reader.int32()
    this.edgeLow = reader.int32()
    this.edgeHigh = reader.int32()
    this.ackerTask = (flags & TupleFlag.SAME_ACKER) !== 0 ? this.lastAcker : reader.unsigned()
    this.lastRootLow = this.rootLow
    this.lastRootHigh = this.rootHigh
    this.lastAcker = this.ackerTask
  }

  private readSame(): void {
    const reader = this.reader
    this.rootCount = 1
    this.rootLow = this.lastRootLow
    this.rootHigh = this.lastRootHigh
    this.edgeLow = reader.int32()
    this.edgeHigh = reader.int32()
    this.ackerTask = this.lastAcker
  }

  private readMany(): void {
    const reader = this.reader
    const count = reader.count(ROOT_BYTES_MIN)
    const needed = count * ROOT_NUMBERS
    if (needed > this.many.length) this.many = new Int32Array(needed * 2)
    const many = this.many
    for (let at = 0; at < needed; at += ROOT_NUMBERS) {
      many[at] = reader.int32()
      many[at + 1] = reader.int32()
      many[at + 2] = reader.int32()
      many[at + 3] = reader.int32()
      many[at + 4] = reader.unsigned()
    }
    if (count < 2) malformed(`${count} roots are told as many`)
    this.rootCount = count
    this.selectRoot(0)
  }

  private readTime(flags: number): void {
    if ((flags & TupleFlag.UNUSED) !== 0 || (flags & RARE_FLAGS) === RARE_FLAGS_MEANT) {
      malformed(`${flags} are no flags of a tuple`)
    }
    this.hasTime = true
    if ((flags & TupleFlag.EXACT_TIME) !== 0) {
      this.timeMs = this.reader.float()
    } else {
      this.timeMs = this.lastTimeMs + this.reader.int()
      this.lastTimeMs = this.timeMs
    }
  }
}

const RARE_FLAGS_MEANT = TupleFlag.TIME | TupleFlag.EXACT_TIME
const RARE_FLAGS = RARE_FLAGS_MEANT | TupleFlag.UNUSED
