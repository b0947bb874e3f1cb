/**
 * Logs of workers on this node: where they are, how much of the disk they may take, and pieces of them.
 *
 *   <workers>/<topology>/<port>/*.log     written by workers; only ever appended to, a new file has a new name
 *
 * A cursor names each file and how far it was read: `worker-3.log=1200,output-3.log=88`. Text that is not a whole
 * line yet waits for its end.
 *
 * Does not know: what is in the lines.
 *
 * Invariants
 *   W1  names from outside become parts of a path only through `part`, so none leads out
 *   W2  the newest file of a slot is never removed; one that only grows is emptied at `FILE_BYTES_MAX`
 */
import { UsageError } from '../../base/errors.ts'
import { part } from '../../cluster/paths.ts'
import type { Files } from '../../host/host.ts'

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

/** Read at once of one file. */
const PIECE_BYTES = 256 * 1_024
/** Of a slot; older ones are not shown. */
const FILES_MAX = 8
const FILE_BYTES_MAX = 64 * 1_024 * 1_024
const LINES_MAX = 10_000
const NAME = /^[\w.-]{1,30}\.log$/
/** As a request may bring it. */
const CURSOR_MAX = 300
const NEW_LINE = 10

export class LogFiles {
  private readonly files: Files
  private readonly root: string
  private readonly bytesMax: number

  constructor(files: Files, root: string, bytesMax: number) {
    this.files = files
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
    const atMost = Math.max(1, Math.min(linesMax, LINES_MAX))
    return after === undefined ? this.tail(files, atMost) : this.following(files, cursorOf(after), atMost)
  }

  /** Removes the oldest files until all together are within the bound. How many went. */
  async keepWithinBound(): Promise<number> {
    const removable: LogFile[] = []
    let sizeBytes = 0
    for (const topology of await this.files.list(this.root)) {
      for (const port of await this.files.list(this.files.resolve(this.root, topology))) {
        const found = await this.logsIn(this.files.resolve(this.root, topology, port))
        sizeBytes += found.reduce((sum, file) => sum + file.sizeBytes, 0)
        removable.push(...found.slice(0, -1))
        const newest = found.at(-1)
        if (newest !== undefined && newest.sizeBytes > FILE_BYTES_MAX) {
          await this.empty(newest.path)
          sizeBytes -= newest.sizeBytes
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

  private async tail(files: readonly LogFile[], linesMax: number): Promise<LogPart> {
    const cursor = new Map<string, number>()
    let lines: string[] = []
    for (const { path, name, sizeBytes } of files) {
      const from = Math.max(0, sizeBytes - PIECE_BYTES)
      const found = wholeLines(await this.bytesOf(path, from, sizeBytes - from), LINES_MAX * 10)
      cursor.set(name, from + found.sizeBytes)
      // A piece begins anywhere: its first line is half a one.
      lines.push(...(from === 0 ? found.lines : found.lines.slice(1)))
      if (lines.length > linesMax) lines = lines.slice(-linesMax)
    }
    return { lines, next: cursorText(cursor) }
  }

  private async following(
    files: readonly LogFile[],
    cursor: ReadonlyMap<string, number>,
    linesMax: number,
  ): Promise<LogPart> {
    const next = new Map<string, number>()
    const lines: string[] = []
    for (const { path, name, sizeBytes } of files) {
      const known = cursor.get(name) ?? 0
      // Shorter than it was: it has been emptied.
      const from = known > sizeBytes ? 0 : known
      const room = linesMax - lines.length
      const askedBytes = room === 0 ? 0 : Math.min(PIECE_BYTES, sizeBytes - from)
      const found = wholeLines(await this.bytesOf(path, from, askedBytes), room)
      lines.push(...found.lines)
      next.set(name, from + found.sizeBytes)
    }
    return { lines, next: cursorText(next) }
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
    const [name = '', offset = ''] = each.split('=')
    if (NAME.test(name) && /^\d{1,15}$/.test(offset)) cursor.set(name, Number(offset))
  }
  return cursor
}

function cursorText(cursor: ReadonlyMap<string, number>): string {
  const texts = [...cursor].map(([name, offset]) => `${name}=${offset}`)
  while (texts.join(',').length > CURSOR_MAX) texts.shift()
  return texts.join(',')
}
