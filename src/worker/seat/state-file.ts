/**
 * Keyed state of one executor as a file: what moves to another worker in a rebalance.
 *
 * Route: tasks of a drained worker → [written here] → the supervisor uploads it, another fetches it → [read
 * here] → the tasks that own the keys now.
 *
 * Layout, numbers little endian; unsigned, float, text and values as in wire/byte-writer.ts and
 * value-tags.ts:
 *
 *   file     8 bytes "TYPHSTAT" · u32 version · record…
 *   record   u32 length of the body · u32 CRC-32 of the body · body
 *   body     1 · text component · unsigned executor              the first record
 *            2 · value key · unsigned parts · part…              one key
 *            3 · unsigned keys                                   the last record: how many there were
 *   part     1 · text name · unsigned version · float used · value
 *            2 · text name · unsigned n · n × (value key · unsigned version · float used · value)
 *            3 · text name · unsigned version · unsigned n · n × value · unsigned m · m × float used
 *            4 · text name · float time                          a timer
 *
 * Bounds: written and read in pieces of 256 KiB; one key's state at most `RECORD_BYTES_MAX`.
 *
 * Invariants
 *   F1  A file without its last record is damaged, also where every record in it is whole.
 *   F2  Nothing of a file is believed that is not covered by a checksum.
 *   F3  It is on disk for sure when `writeStateFile` resolves.
 */
import { FormatError, isStreamError } from '../../base/errors.ts'
import type { Host, OpenFile } from '../../host/host.ts'
import type { KeyedEntry } from '../../state/state-entry.ts'
import { ByteReader } from '../../wire/byte-reader.ts'
import { ByteWriter } from '../../wire/byte-writer.ts'
import { EntryWriter, readEntry } from './state-codec.ts'

// v1: first.
const VERSION = 1
const MAGIC = 'TYPHSTAT'
const FILE_HEAD_BYTES = 12
const RECORD_HEAD_BYTES = 8
const PIECE_BYTES = 256 * 1024
const RECORD_BYTES_MAX = 256 * 1024 * 1024

const Body = { HEAD: 1, ENTRY: 2, END: 3 } as const

/** Whose state a file holds. */
export interface StateOwner {
  readonly component: string
  readonly executor: number
}

type StateHost = Pick<Host, 'files' | 'checksum'>

/** @returns its size. @throws UnavailableError DISK_FULL; UsageError VALUE_NOT_ENCODABLE */
export async function writeStateFile(
  host: StateHost,
  path: string,
  owner: StateOwner,
  entries: Iterable<KeyedEntry>,
): Promise<number> {
  const file = await host.files.open(path, 'create')
  try {
    const out = new RecordWriter(host, file)
    await out.begin()
    await out.record((writer) => {
      writer.byte(Body.HEAD)
      writer.text(owner.component)
      writer.unsigned(owner.executor)
    })
    let count = 0
    for (const entry of entries) {
      count += 1
      await out.entry(entry)
    }
    await out.record((writer) => {
      writer.byte(Body.END)
      writer.unsigned(count)
    })
    await out.flush()
    await file.sync()
    return out.sizeBytes
  } finally {
    await file.close()
  }
}

/**
 * Gives the state to `take`, key by key, as it is read.
 * @throws FormatError STATE_FILE_DAMAGED; what `take` throws
 */
export async function readStateFile(
  host: StateHost,
  path: string,
  take: (entry: KeyedEntry, owner: StateOwner) => void,
): Promise<number> {
  const file = await host.files.open(path, 'read')
  try {
    const records = new RecordReader(host, file, path)
    await records.begin()
    let owner: StateOwner | undefined
    let count = 0
    for (;;) {
      const reader = await records.next()
      const kind = reader.byte()
      if (owner === undefined) {
        if (kind !== Body.HEAD) throw damaged(path, 'it does not say whose state it is')
        owner = { component: reader.text(), executor: reader.unsigned() }
      } else if (kind === Body.ENTRY) {
        const entry = wellFormed(path, () => readEntry(reader))
        count += 1
        take(entry, owner)
      } else {
        const isWhole = kind === Body.END && reader.unsigned() === count && (await records.isAtEnd())
        if (!isWhole) throw damaged(path, `it ends otherwise than it was written, after ${count} keys`)
        return count
      }
    }
  } finally {
    await file.close()
  }
}

class RecordWriter {
  sizeBytes = 0
  private readonly host: StateHost
  private readonly file: OpenFile
  private readonly writer = new ByteWriter(PIECE_BYTES, RECORD_BYTES_MAX + PIECE_BYTES)
  private readonly entries = new EntryWriter(this.writer)

  constructor(host: StateHost, file: OpenFile) {
    this.host = host
    this.file = file
  }

  async begin(): Promise<void> {
    for (const letter of MAGIC) this.writer.byte(letter.charCodeAt(0))
    this.u32(VERSION)
    await this.flush()
  }

  async entry(entry: KeyedEntry): Promise<void> {
    await this.record((writer) => {
      writer.byte(Body.ENTRY)
      this.entries.write(entry)
    })
  }

  async record(fill: (writer: ByteWriter) => void): Promise<void> {
    const { writer } = this
    const start = writer.position
    this.u32(0)
    this.u32(0)
    fill(writer)
    const bodyStart = start + RECORD_HEAD_BYTES
    const body = writer.bytes.subarray(bodyStart, writer.position)
    writer.view.setUint32(start, body.length, true)
    writer.view.setUint32(start + 4, this.host.checksum(body) >>> 0, true)
    if (writer.position >= PIECE_BYTES) await this.flush()
  }

  async flush(): Promise<void> {
    const bytes = this.writer.copy()
    this.writer.rollBack(0)
    await this.file.write(bytes, this.sizeBytes)
    this.sizeBytes += bytes.length
  }

  private u32(value: number): void {
    this.writer.reserve(4)
    this.writer.view.setUint32(this.writer.position, value, true)
    this.writer.position += 4
  }
}

class RecordReader {
  private readonly host: StateHost
  private readonly file: OpenFile
  private readonly path: string
  private readonly reader = new ByteReader()
  /** Read and not used yet: `[at, end)` of `piece`. */
  private piece = new Uint8Array(PIECE_BYTES)
  private at = 0
  private end = 0
  private positionBytes = 0

  constructor(host: StateHost, file: OpenFile, path: string) {
    this.host = host
    this.file = file
    this.path = path
  }

  async begin(): Promise<void> {
    await this.need(FILE_HEAD_BYTES)
    const magic = String.fromCharCode(...this.piece.subarray(0, MAGIC.length))
    const version = this.u32(MAGIC.length)
    if (magic !== MAGIC) throw damaged(this.path, 'it is no file of keyed state')
    if (version !== VERSION) throw damaged(this.path, `it has version ${version}, here ${VERSION} is read`)
    this.at += FILE_HEAD_BYTES
  }

  async next(): Promise<ByteReader> {
    await this.need(RECORD_HEAD_BYTES)
    const length = this.u32(0)
    const crc = this.u32(4)
    if (length === 0 || length > RECORD_BYTES_MAX) throw damaged(this.path, `a record of ${length} bytes`)
    this.at += RECORD_HEAD_BYTES
    await this.need(length)
    const body = this.piece.subarray(this.at, this.at + length)
    if (this.host.checksum(body) >>> 0 !== crc) throw damaged(this.path, 'a wrong checksum')
    this.reader.open(this.piece, this.at, this.at + length)
    this.at += length
    return this.reader
  }

  async isAtEnd(): Promise<boolean> {
    return this.at === this.end && (await this.file.read(new Uint8Array(1), this.positionBytes)) === 0
  }

  /** Grows only as far as there are bytes: a length that lies reserves nothing. */
  private async need(count: number): Promise<void> {
    while (this.end - this.at < count) {
      if (this.at > 0) {
        this.piece.copyWithin(0, this.at, this.end)
        this.end -= this.at
        this.at = 0
      }
      if (this.end === this.piece.length) {
        const larger = new Uint8Array(this.piece.length * 2)
        larger.set(this.piece)
        this.piece = larger
      }
      const got = await this.file.read(this.piece.subarray(this.end), this.positionBytes)
      if (got === 0) throw damaged(this.path, `it is cut off after ${this.positionBytes} bytes`)
      this.end += got
      this.positionBytes += got
    }
  }

  private u32(offset: number): number {
    return new DataView(this.piece.buffer).getUint32(this.at + offset, true)
  }
}

function wellFormed<T>(path: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!isStreamError(error) || error.code !== 'FRAME_MALFORMED') throw error
    throw damaged(path, error.message)
  }
}

function damaged(path: string, what: string): FormatError {
  return new FormatError('STATE_FILE_DAMAGED', `file of keyed state ${path}: ${what}`, { path })
}
