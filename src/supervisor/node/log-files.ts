/**
 * Logs of workers on this node: where they are, how much of the disk they may take, and pieces of them.
 *
 *   <workers>/<topology>/<port>/worker.log   by the worker itself; exchanged for a new one: worker.log.1 …
 *                               output-<incarnation>.log   what the process printed
 *
 * A cursor says of each file how far it was read. A file that was renamed is still the same: it is known by
 * its first line. Text that is not a whole line yet waits for its end.
 *
 * Does not know: what is in the lines.
 *
 * Invariants
 *   W1  names from outside become parts of a path only through `part`, so none leads out
 *   W2  what is being written to is never removed; one that only grows is emptied at `FILE_BYTES_MAX`
 *   W3  no line is told twice, nor left out, unless its file was removed or emptied
 */
import { UsageError } from '../../base/errors.ts'
import { part } from '../../cluster/paths.ts'
import type { Files, Host } from '../../host/host.ts'

export interface LogPart {
  readonly lines: readonly string[]
  readonly next: string
}

interface LogFile {
  readonly path: string
  readonly name: string
  readonly sizeBytes: number
  readonly modifiedMs: number
}

/** A file with what it is known by; undefined: it has no whole line yet. */
interface KnownFile extends LogFile {
  readonly id: string | undefined
}

/** Read at once of one file. */
const PIECE_BYTES = 256 * 1_024
/** Of a slot; older ones are not shown. */
const FILES_MAX = 8
const FILE_BYTES_MAX = 64 * 1_024 * 1_024
const LINES_MAX = 10_000
const NAME = /^([\w-]{1,40}\.log)(\.\d{1,3})?$/
/** Of its first line, that much tells it from others. */
const FIRST_BYTES = 512
const NEW_LINE = 10
/** A cursor without files. */
const NOTHING_READ = '0'

export class LogFiles {
  private readonly files: Files
  private readonly checksum: (bytes: Uint8Array) => number
  private readonly root: string
  private readonly bytesMax: number

  constructor(host: Pick<Host, 'files' | 'checksum'>, root: string, bytesMax: number) {
    this.files = host.files
    this.checksum = (bytes) => host.checksum(bytes)
    this.root = root
    this.bytesMax = bytesMax
  }

  directoryOf(topologyId: string, port: number): string {
    return this.files.resolve(this.root, part(topologyId), String(port))
  }

  /**
   * Lines after the cursor, oldest first; without one the last lines.
   * @throws UsageError TOPOLOGY_NOT_FOUND nothing of it ran in that slot
   */
  async readLog(
    topologyId: string,
    port: number,
    after: string | undefined,
    linesMax: number,
  ): Promise<LogPart> {
    const directory = this.directoryOf(topologyId, port)
    const files = (await this.logsIn(directory)).slice(-FILES_MAX)
    if (files.length === 0) {
      throw new UsageError('TOPOLOGY_NOT_FOUND', `no worker of ${topologyId} has run at port ${port} here`)
    }
    const known: KnownFile[] = []
    for (const file of files) known.push({ ...file, id: await this.idOf(file) })
    const atMost = Math.max(1, Math.min(linesMax, LINES_MAX))
    return after === undefined ? this.tail(known, atMost) : this.following(known, cursorOf(after), atMost)
  }

  /** Removes the oldest files until all together are within the bound. How many went. */
  async keepWithinBound(): Promise<number> {
    const removable: LogFile[] = []
    let sizeBytes = 0
    for (const topology of await this.files.list(this.root)) {
      for (const port of await this.files.list(this.files.resolve(this.root, topology))) {
        const found = await this.logsIn(this.files.resolve(this.root, topology, port))
        sizeBytes += found.reduce((sum, file) => sum + file.sizeBytes, 0)
        const written = newestOfEach(found)
        removable.push(...found.filter((file) => !written.includes(file)))
        for (const { path, sizeBytes: ownBytes } of written) {
          if (ownBytes <= FILE_BYTES_MAX) continue
          await this.empty(path)
          sizeBytes -= ownBytes
        }
      }
    }
    let removedCount = 0
    for (const file of removable.sort(byAge)) {
      if (sizeBytes <= this.bytesMax) break
      await this.files.remove(file.path)
      sizeBytes -= file.sizeBytes
      removedCount += 1
    }
    return removedCount
  }

  /** The end of a file, for who wants to know why a process ended. */
  async endOf(path: string, sizeBytes: number): Promise<string> {
    const facts = await this.files.stat(path)
    if (facts?.kind !== 'file') return ''
    const from = Math.max(0, facts.sizeBytes - sizeBytes)
    return new TextDecoder().decode(await this.bytesOf(path, from, facts.sizeBytes - from))
  }

  private async tail(files: readonly KnownFile[], linesMax: number): Promise<LogPart> {
    const cursor = new Map<string, number>()
    let lines: string[] = []
    for (const { path, id, sizeBytes } of files) {
      if (id === undefined) continue
      const from = Math.max(0, sizeBytes - PIECE_BYTES)
      const found = wholeLines(await this.bytesOf(path, from, sizeBytes - from), LINES_MAX * 10)
      cursor.set(id, from + found.sizeBytes)
      // A piece begins anywhere: its first line is half a one.
      lines.push(...(from === 0 ? found.lines : found.lines.slice(1)))
      if (lines.length > linesMax) lines = lines.slice(-linesMax)
    }
    return { lines, next: cursorText(cursor) }
  }

  private async following(
    files: readonly KnownFile[],
    cursor: ReadonlyMap<string, number>,
    linesMax: number,
  ): Promise<LogPart> {
    const next = new Map<string, number>()
    const lines: string[] = []
    for (const { path, id, sizeBytes } of files) {
      if (id === undefined) continue
      const known = cursor.get(id) ?? 0
      // Shorter than it was: it has been emptied, and begins with the same line again.
      const from = known > sizeBytes ? 0 : known
      const room = linesMax - lines.length
      const askedBytes = room === 0 ? 0 : Math.min(PIECE_BYTES, sizeBytes - from)
      const found = wholeLines(await this.bytesOf(path, from, askedBytes), room)
      lines.push(...found.lines)
      next.set(id, from + found.sizeBytes)
    }
    return { lines, next: cursorText(next) }
  }

  private async idOf({ path, name, sizeBytes }: LogFile): Promise<string | undefined> {
    const bytes = await this.bytesOf(path, 0, Math.min(sizeBytes, FIRST_BYTES))
    const end = bytes.indexOf(NEW_LINE)
    if (end < 0 && bytes.length < FIRST_BYTES) return undefined
    const stem = NAME.exec(name)?.[1] ?? name
    const first = new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end))
    return (this.checksum(new TextEncoder().encode(`${stem} ${first}`)) >>> 0).toString(16)
  }

  private async logsIn(directory: string): Promise<readonly LogFile[]> {
    const found: LogFile[] = []
    for (const name of await this.files.list(directory)) {
      if (!NAME.test(name)) continue
      const path = this.files.resolve(directory, name)
      const facts = await this.files.stat(path)
      if (facts?.kind !== 'file') continue
      found.push({ path, name, sizeBytes: facts.sizeBytes, modifiedMs: facts.modifiedMs })
    }
    return found.sort(byAge)
  }

  private async bytesOf(path: string, from: number, sizeBytes: number): Promise<Uint8Array> {
    if (sizeBytes <= 0) return new Uint8Array()
    const file = await this.files.open(path, 'read')
    try {
      const bytes = new Uint8Array(sizeBytes)
      const count = await file.read(bytes, from)
      return bytes.subarray(0, count)
    } finally {
      await file.close()
    }
  }

  /** Who appends goes on at its new end. */
  private async empty(path: string): Promise<void> {
    const file = await this.files.open(path, 'write')
    try {
      await file.truncate(0)
    } finally {
      await file.close()
    }
  }
}

function byAge(one: LogFile, other: LogFile): number {
  return one.modifiedMs - other.modifiedMs || (one.name < other.name ? -1 : 1)
}

/** Lines with their ends; counted in bytes, for what is no text may be among them. */
function wholeLines(
  bytes: Uint8Array,
  linesMax: number,
): { readonly lines: readonly string[]; readonly sizeBytes: number } {
  const decoder = new TextDecoder()
  const lines: string[] = []
  let at = 0
  while (lines.length < linesMax) {
    const end = bytes.indexOf(NEW_LINE, at)
    if (end < 0) break
    lines.push(decoder.decode(bytes.subarray(at, end)))
    at = end + 1
  }
  // A line longer than a piece is told in pieces, or it would never be told.
  if (at === 0 && bytes.length >= PIECE_BYTES && linesMax > 0) {
    return { lines: [decoder.decode(bytes)], sizeBytes: bytes.length }
  }
  return { lines, sizeBytes: at }
}

function cursorOf(text: string): ReadonlyMap<string, number> {
  const cursor = new Map<string, number>()
  for (const each of text.split(',')) {
    const [id = '', offset = ''] = each.split('=')
    if (/^[0-9a-f]{1,8}$/.test(id) && /^\d{1,15}$/.test(offset)) cursor.set(id, Number(offset))
  }
  return cursor
}

/** Never empty: also who has been told nothing yet goes on from somewhere, namely from before everything. */
function cursorText(cursor: ReadonlyMap<string, number>): string {
  if (cursor.size === 0) return NOTHING_READ
  return [...cursor].map(([id, offset]) => `${id}=${offset}`).join(',')
}

/** What may be written to: of each kind of log the newest. Files come oldest first. */
function newestOfEach(files: readonly LogFile[]): readonly LogFile[] {
  const newest = new Map<string, LogFile>()
  for (const file of files) newest.set(/^[a-z]+/i.exec(file.name)?.[0] ?? file.name, file)
  return [...newest.values()]
}
