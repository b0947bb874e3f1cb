/**
 * Reads one file from a position on, as batches of items with positions.
 *
 * Route: `read` of a file source → here → the engine's spout executor, which asks for the next batch when it
 * has room.
 *
 *   open ─▶ same file as before? ─▶ chunk ─▶ cut into records ─▶ decode ─▶ batch ─▶ end: finished
 *                                     ▲                                      └─▶ follow: wait, look ─┐
 *                                     └──────────────────────────────────────────────────────────────┘
 *
 * What comes before an invalid record is always given before its error is thrown.
 */
import { type Details, FormatError, type StreamError, UserCodeError } from '../../../base/errors.ts'
import type { Host } from '../../../host/host.ts'
import type { InvalidAction } from '../../../topology/schema/schema.ts'
import { type ByteSource, GzipBytes, PlainBytes } from './byte-source.ts'
import { type FilePosition, fileChanged, fingerprint, isWhole } from './file-position.ts'
import { FileWatch } from './file-watch.ts'
import { Cut, RecordCutter } from './record-cutter.ts'
import { InvalidRecordError, NO_RECORD, type RecordDecoder } from './record-decoder.ts'

/** A record that is no item, on its way to being skipped or to the dead letters. */
export interface InvalidRecord {
  readonly code: 'SOURCE_RECORD_INVALID' | 'FRAME_TOO_LARGE'
  readonly message: string
  /** The record as text, as far as it can be read; of a too long one, its beginning. */
  readonly raw: string
  readonly action: 'skip' | 'dead-letter'
}

/** What `read` gives. `invalid` is there only where the record is: then there are no values. */
export interface PositionedItem {
  readonly values: unknown
  readonly position: FilePosition
  readonly invalid?: InvalidRecord
}

export interface FileReadSpec {
  readonly host: Host
  readonly path: string
  readonly after: FilePosition | undefined
  readonly startsAtEnd: boolean
  readonly follow: boolean
  readonly lookEveryMs: number
  readonly recordBytesMax: number
  readonly onInvalid: InvalidAction
  /** Records may hold line ends within double quotes. */
  readonly isQuoted: boolean
  readonly decoder: RecordDecoder
  /**
   * Told the first record of the file, also if reading begins behind it. Without: it is a record like any
   * other.
   */
  readonly onHeader?: (bytes: Uint8Array, from: number, to: number) => void
  readonly signal: AbortSignal
}

const BATCH_COUNT = 256
const CHUNK_BYTES = 128 * 1024
const RAW_CHARS_MAX = 4_096

/** Reads until the end of the file, or with `follow` until the file is gone or `signal` aborts. */
export async function* readFile(spec: FileReadSpec): AsyncIterable<readonly PositionedItem[]> {
  const reader = new FileReader(spec)
  try {
    await reader.open()
    while (!spec.signal.aborted) {
      const batch = await reader.nextBatch()
      if (batch === undefined) return
      if (batch.length > 0) yield batch
      reader.throwFailure()
    }
  } finally {
    await reader.close()
  }
}

class FileReader {
  private readonly spec: FileReadSpec
  private readonly watch: FileWatch | undefined
  private bytes: ByteSource | undefined
  private cutter: RecordCutter
  private head = ''
  private isAtEnd = false
  private failure: StreamError | undefined
  /** Items beyond this byte come after the failure. */
  private failedAt = Number.POSITIVE_INFINITY
  private needsHeader: boolean

  constructor(spec: FileReadSpec) {
    this.spec = spec
    this.cutter = this.cutterAt(spec.after?.byte ?? 0, spec.after?.line ?? 0)
    this.needsHeader = spec.onHeader !== undefined
    this.watch = spec.follow && !isGzip(spec.path) ? new FileWatch(spec.host, spec) : undefined
  }

  async open(): Promise<void> {
    const { after } = this.spec
    await this.openBytes()
    if (this.needsHeader && (after?.byte ?? 0) > 0) await this.readHeader()
  }

  private async openBytes(): Promise<void> {
    const { host, path, after } = this.spec
    const file = await host.files.open(path, 'read')
    if (isGzip(path)) {
      const gzip = new GzipBytes(path, file)
      this.bytes = gzip
      this.head = await fingerprint(host, path, file, after?.head ?? '')
      const wanted = after?.byte ?? 0
      const skipped = await gzip.skip(wanted)
      if (skipped < wanted) throw this.shorter(skipped, wanted)
      return
    }
    this.bytes = new PlainBytes(file, this.cutter.byte)
    this.head = await fingerprint(host, path, file, after?.head ?? '')
    const sizeBytes = (await host.files.stat(path))?.sizeBytes ?? 0
    if (sizeBytes < this.cutter.byte) throw this.shorter(sizeBytes, this.cutter.byte)
    if (after === undefined && this.spec.startsAtEnd) {
      const byte = await this.lastLineStart(sizeBytes)
      this.cutter = this.cutterAt(byte, 0)
      this.bytes = new PlainBytes(file, byte)
    }
  }

  /** The next items; an empty list where there were none, undefined at the end. */
  async nextBatch(): Promise<readonly PositionedItem[] | undefined> {
    const batch: PositionedItem[] = []
    const waiting: Promise<void>[] = []
    for (;;) {
      if (this.fill(batch, waiting) || this.failure !== undefined) break
      if (this.isAtEnd) {
        if (batch.length > 0) break
        return undefined
      }
      // What is there goes out before anybody waits for more.
      if (batch.length > 0 && this.spec.follow) break
      await this.readMore()
    }
    // The buffer of a batch is not written to while its items are decoded: promises hold values, not bytes.
    if (waiting.length > 0) await Promise.all(waiting)
    return this.failure === undefined ? batch : batch.filter((item) => item.position.byte <= this.failedAt)
  }

  throwFailure(): void {
    if (this.failure !== undefined) throw this.failure
  }

  async close(): Promise<void> {
    this.watch?.stop()
    await this.bytes?.close()
  }

  private cutterAt(byte: number, line: number): RecordCutter {
    const { recordBytesMax, isQuoted } = this.spec
    return new RecordCutter({ recordBytesMax, isQuoted, chunkBytes: CHUNK_BYTES, byte, line })
  }

  /** HOT. Decodes records that are there. True: the batch is full. */
  private fill(batch: PositionedItem[], waiting: Promise<void>[]): boolean {
    const { cutter, head } = this
    const { decoder } = this.spec
    while (batch.length < BATCH_COUNT) {
      const cut = this.isAtEnd ? this.cutAtEnd() : cutter.next()
      if (cut === Cut.MORE) {
        // Its end may be far away: who is to stop at it need not see it.
        if (cutter.isDropping && this.spec.onInvalid === 'fail') this.onTooLong(batch)
        return false
      }
      if (cut === Cut.TOO_LONG) {
        this.onTooLong(batch)
        if (this.failure !== undefined) return false
        continue
      }
      if (this.needsHeader) {
        this.takeHeader()
        continue
      }
      const position: FilePosition = { byte: cutter.byte, line: cutter.line, head }
      try {
        const values = decoder.decode(cutter.bytes, cutter.from, cutter.to)
        if (values instanceof Promise) waiting.push(this.settle(batch, batch.length, values, position))
        if (values !== NO_RECORD) batch.push({ values, position })
      } catch (error) {
        this.onInvalid(batch, batch.length, error, position)
        if (this.failure !== undefined) return false
      }
    }
    return true
  }

  /** At the end of the file: what is there, then what has no line end. */
  private cutAtEnd(): Cut {
    const cut = this.cutter.next()
    return cut === Cut.MORE ? this.cutter.last() : cut
  }

  private async settle(
    batch: PositionedItem[],
    index: number,
    values: Promise<unknown>,
    position: FilePosition,
  ): Promise<void> {
    const { bytes, from, to } = this.cutter
    const raw = rawText(bytes.subarray(from, Math.min(to, from + RAW_CHARS_MAX)))
    const line = this.cutter.firstLine
    try {
      batch[index] = { values: await values, position }
    } catch (error) {
      this.setInvalid(batch, index, position, this.facts(error, raw, line))
    }
  }

  private onInvalid(batch: PositionedItem[], index: number, error: unknown, position: FilePosition): void {
    const { bytes, from, to, firstLine } = this.cutter
    const raw = rawText(bytes.subarray(from, Math.min(to, from + RAW_CHARS_MAX)))
    this.setInvalid(batch, index, position, this.facts(error, raw, firstLine))
  }

  private onTooLong(batch: PositionedItem[]): void {
    const { cutter } = this
    const { path, recordBytesMax } = this.spec
    const isWhole = !cutter.isDropping
    const line = isWhole ? cutter.firstLine : cutter.line + 1
    const message = `file ${path}, line ${line}: the record is longer than ${recordBytesMax} bytes`
    const position = { byte: cutter.byte, line: cutter.line, head: this.head }
    const details = { path, line, recordBytesMax }
    if (this.spec.onInvalid === 'fail') {
      this.failAt(batch.at(-1)?.position.byte ?? 0, new FormatError('FRAME_TOO_LARGE', message, details))
      return
    }
    const raw = rawText(cutter.sample)
    const invalid: InvalidRecord = { code: 'FRAME_TOO_LARGE', message, raw, action: this.spec.onInvalid }
    batch.push({ values: undefined, position, invalid })
  }

  private facts(error: unknown, raw: string, line: number): Invalid {
    const why = error instanceof Error ? error.message : String(error)
    const cause = error instanceof InvalidRecordError ? error.cause : error
    return { message: `file ${this.spec.path}, line ${line}: ${why}`, raw, line, cause }
  }

  private setInvalid(batch: PositionedItem[], index: number, position: FilePosition, found: Invalid): void {
    const { onInvalid, path } = this.spec
    if (onInvalid === 'fail') {
      const details: Details = { path, line: found.line, byte: position.byte }
      const error = new UserCodeError('SOURCE_RECORD_INVALID', found.message, details, { cause: found.cause })
      this.failAt(position.byte - 1, error)
      return
    }
    const { message, raw } = found
    const invalid: InvalidRecord = { code: 'SOURCE_RECORD_INVALID', message, raw, action: onInvalid }
    batch[index] = { values: undefined, position, invalid }
  }

  /** Items up to there are given, then the error is thrown. The first in the file counts. */
  private failAt(byte: number, error: StreamError): void {
    if (byte >= this.failedAt) return
    this.failedAt = byte
    this.failure = error
  }

  private takeHeader(): void {
    this.needsHeader = false
    const { bytes, from, to } = this.cutter
    this.spec.onHeader?.(bytes, from, to)
  }

  /** The header of a file that is read from somewhere behind it. */
  private async readHeader(): Promise<void> {
    const first = new FileReader({ ...this.spec, after: undefined, startsAtEnd: false, follow: false })
    try {
      await first.open()
      while (first.needsHeader && !first.isAtEnd) {
        if (first.cutter.next() === Cut.RECORD) first.takeHeader()
        else await first.readMore()
      }
      if (first.needsHeader && first.cutter.last() === Cut.RECORD) first.takeHeader()
    } finally {
      await first.close()
    }
    this.needsHeader = false
  }

  private async readMore(): Promise<void> {
    const { host, path, signal } = this.spec
    const count = (await this.bytes?.read(this.cutter.room())) ?? 0
    if (count > 0) {
      this.cutter.filled(count)
      // A file that was nearly empty when it was opened is known better now.
      const mayGrow = this.watch !== undefined || this.head === ''
      if (mayGrow && !isWhole(this.head)) this.head = await this.headNow(this.head)
      return
    }
    if (this.watch === undefined) {
      this.isAtEnd = true
      return
    }
    const byte = this.byteRead
    const sizeBytes = await this.watch.untilChanged(byte, signal)
    if (signal.aborted || sizeBytes === undefined) {
      // A file that is gone is not read on, and what was begun in it is no record.
      this.isAtEnd = true
      this.cutter = this.cutterAt(byte, 0)
      return
    }
    if (sizeBytes < byte) throw this.shorter(sizeBytes, byte)
    const file = await host.files.open(path, 'read')
    // Opened anew, because another file may have taken the name.
    await this.bytes?.close()
    this.bytes = new PlainBytes(file, byte)
    const head = await fingerprint(host, path, file, this.head)
    if (!isWhole(this.head)) this.head = head
  }

  private get byteRead(): number {
    return this.cutter.byte + this.cutter.begunBytes
  }

  private async headNow(known: string): Promise<string> {
    const { host, path } = this.spec
    const file = await host.files.open(path, 'read')
    try {
      return await fingerprint(host, path, file, known)
    } finally {
      await file.close()
    }
  }

  /**
   * The beginning of the last line of a file of this size, so that a line that is being written comes whole.
   */
  private async lastLineStart(sizeBytes: number): Promise<number> {
    const file = await this.spec.host.files.open(this.spec.path, 'read')
    try {
      const from = Math.max(0, sizeBytes - this.spec.recordBytesMax)
      const tail = new Uint8Array(sizeBytes - from)
      let filled = 0
      while (filled < tail.length) {
        const count = await file.read(tail.subarray(filled), from + filled)
        if (count === 0) break
        filled += count
      }
      const newline = tail.subarray(0, filled).lastIndexOf(10)
      return newline < 0 && from > 0 ? sizeBytes : from + newline + 1
    } finally {
      await file.close()
    }
  }

  private shorter(sizeBytes: number, byte: number): StreamError {
    return fileChanged(this.spec.path, `it has ${sizeBytes} bytes, and was read up to byte ${byte}`, {
      sizeBytes,
      byte,
    })
  }
}

interface Invalid {
  readonly message: string
  readonly raw: string
  readonly line: number
  readonly cause: unknown
}

function isGzip(path: string): boolean {
  return path.endsWith('.gz')
}

/** Bytes as text for people: what is no UTF-8 shows as U+FFFD. */
function rawText(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes)
}
