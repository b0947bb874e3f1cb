/**
 * A disk inside the memory that forgets like a real one: what was not synced may be gone after a crash.
 *
 * Two journals hold how to take back what is not yet durable: each file its writes since its last `sync`, the
 * disk its names (created, renamed, removed) since the last `syncDirectory`. A crash takes back the newest of
 * them, how many is drawn; of the first write that is lost a part may survive (a torn write).
 *
 *      names     create a · rename a→b · remove c · …        crash: ◀── the newest are taken back, in order
 *      file b    write 0..99 · write 100..149 · truncate …    crash: ◀── the same, for each file
 *
 * Does not know: time, promises, who reads (memory-files.ts).
 *
 * Invariants
 *   D1  what was synced before a crash is there after it, byte for byte, if its name is durable as well
 *   D2  a crash never mixes: a file is one of the states it went through, or one with a torn last write
 */
import { UnavailableError } from '../../base/errors.ts'
import type { FileFacts, Random } from '../host.ts'

/** A file: its bytes, and how to take back what was not synced. */
export interface FileNode {
  readonly kind: 'file'
  bytes: Uint8Array
  sizeBytes: number
  modifiedMs: number
  unsynced: Change[]
}

interface DirectoryNode {
  readonly kind: 'directory'
  readonly entries: Map<string, FileNode | DirectoryNode>
  modifiedMs: number
}

type Entry = FileNode | DirectoryNode

/** A write or truncation: what was there before. */
interface Change {
  readonly position: number
  readonly sizeBytes: number
  readonly oldBytes: Uint8Array
  readonly oldSizeBytes: number
}

interface NameChange {
  readonly directories: readonly DirectoryNode[]
  readonly undo: () => void
}

/** Beyond it the oldest half becomes durable, as a kernel writes back by and by. */
const JOURNAL_MAX = 4_096

export class MemoryDisk {
  /** Room for the contents of all files. */
  capacityBytes = Number.POSITIVE_INFINITY
  private readonly random: Random
  private readonly nowMs: () => number
  private readonly root: DirectoryNode = { kind: 'directory', entries: new Map(), modifiedMs: 0 }
  private readonly dirty = new Set<FileNode>()
  private names: NameChange[] = []

  constructor(spec: { readonly random: Random; readonly nowMs: () => number }) {
    this.random = spec.random
    this.nowMs = spec.nowMs
  }

  stat(path: string): FileFacts | undefined {
    const entry = this.find(path)
    if (entry === undefined) return undefined
    const sizeBytes = entry.kind === 'file' ? entry.sizeBytes : 0
    return { kind: entry.kind, sizeBytes, modifiedMs: entry.modifiedMs }
  }

  list(path: string): string[] {
    const entry = this.find(path)
    if (entry === undefined) return []
    if (entry.kind === 'file') throw failed(path, 'ENOTDIR')
    return [...entry.entries.keys()].sort()
  }

  open(path: string, mode: 'read' | 'write' | 'create'): FileNode {
    const found = this.find(path)
    if (found?.kind === 'directory') throw failed(path, 'EISDIR')
    if (found !== undefined) {
      if (mode === 'create' && found.sizeBytes > 0) this.truncate(found, 0)
      return found
    }
    if (mode === 'read') throw failed(path, 'ENOENT')
    const { directory, name } = this.parent(path)
    const unsynced: Change[] = []
    const file: FileNode = {
      kind: 'file',
      bytes: new Uint8Array(64),
      sizeBytes: 0,
      modifiedMs: this.nowMs(),
      unsynced,
    }
    this.setEntry(directory, name, file)
    return file
  }

  read(file: FileNode, target: Uint8Array, position: number): number {
    const count = Math.max(0, Math.min(target.length, file.sizeBytes - position))
    target.set(file.bytes.subarray(position, position + count))
    return count
  }

  /** @throws UnavailableError DISK_FULL: as much as there was room for has been written */
  write(file: FileNode, bytes: Uint8Array, position: number): void {
    const growth = Math.max(0, position + bytes.length - file.sizeBytes)
    const room = growth === 0 ? growth : this.roomBytes()
    if (growth <= room) {
      this.change(file, position, bytes)
      return
    }
    const fitting = Math.max(0, file.sizeBytes + room - position)
    if (fitting > 0) this.change(file, position, bytes.subarray(0, fitting))
    throw new UnavailableError('DISK_FULL', 'no room left on the disk', { reason: 'ENOSPC' })
  }

  truncate(file: FileNode, sizeBytes: number): void {
    const kept = Math.min(sizeBytes, file.sizeBytes)
    const oldBytes = file.bytes.slice(kept, file.sizeBytes)
    this.remember(file, { position: kept, sizeBytes: 0, oldBytes, oldSizeBytes: file.sizeBytes })
    this.resize(file, sizeBytes)
    file.modifiedMs = this.nowMs()
  }

  sync(file: FileNode): void {
    file.unsynced = []
    this.dirty.delete(file)
  }

  rename(from: string, to: string): void {
    const source = this.parent(from)
    const entry = source.directory.entries.get(source.name)
    if (entry === undefined) throw failed(from, 'ENOENT')
    const target = this.parent(to)
    const replaced = target.directory.entries.get(target.name)
    if (replaced === entry) return
    if (entry.kind === 'directory' && `${to}/`.startsWith(`${from}/`)) throw failed(to, 'EINVAL')
    if (replaced !== undefined) refuseToReplace(to, entry, replaced)
    source.directory.entries.delete(source.name)
    target.directory.entries.set(target.name, entry)
    this.touch(source.directory, target.directory)
    this.rememberName([source.directory, target.directory], () => {
      if (replaced === undefined) target.directory.entries.delete(target.name)
      else target.directory.entries.set(target.name, replaced)
      source.directory.entries.set(source.name, entry)
    })
  }

  remove(path: string): void {
    const entry = this.find(path)
    if (entry === undefined) return
    const { directory, name } = this.parent(path)
    directory.entries.delete(name)
    this.touch(directory)
    this.rememberName([directory], () => directory.entries.set(name, entry))
  }

  makeDirectory(path: string): void {
    let directory = this.root
    for (const name of namesOf(path)) {
      const next = directory.entries.get(name)
      if (next?.kind === 'file') throw failed(path, 'EEXIST')
      directory = next ?? this.setEntry(directory, name, this.newDirectory())
    }
  }

  /** Names are made durable in the order in which they changed, as a journaling file system does. */
  syncDirectory(path: string): void {
    const entry = this.find(path)
    if (entry === undefined) throw failed(path, 'ENOENT')
    if (entry.kind === 'file') throw failed(path, 'ENOTDIR')
    const last = this.names.findLastIndex((change) => change.directories.includes(entry))
    this.names = this.names.slice(last + 1)
  }

  /**
   * The machine loses power, or the process is killed and the machine with it. `all`: everything that is not
   * durable is gone; `some`: how much is drawn.
   */
  crash(loss: 'all' | 'some'): void {
    const keptNames = loss === 'all' ? 0 : this.below(this.names.length + 1)
    for (const change of this.names.slice(keptNames).reverse()) change.undo()
    this.names = []
    for (const file of this.dirty) this.crashFile(file, loss)
    this.dirty.clear()
  }

  /** Changes one byte that was already written, as a bad disk does. */
  flipByte(path: string, position: number): void {
    const entry = this.find(path)
    if (entry?.kind !== 'file' || position >= entry.sizeBytes) throw failed(path, 'ENOENT')
    entry.bytes[position] = (entry.bytes[position] ?? 0) ^ 0x55
  }

  /** Paths of all files, sorted. */
  paths(): string[] {
    return [...walk(this.root, '')].map(([path]) => path).sort()
  }

  private crashFile(file: FileNode, loss: 'all' | 'some'): void {
    const changes = file.unsynced
    const kept = loss === 'all' ? 0 : this.below(changes.length + 1)
    for (let i = changes.length - 1; i >= kept; i -= 1) {
      const change = changes[i]
      if (change === undefined) continue
      const isTorn = i === kept && loss === 'some' && change.sizeBytes > 1 && this.random.next() < 0.5
      const torn = isTorn
        ? file.bytes.slice(change.position, change.position + this.below(change.sizeBytes))
        : undefined
      this.resize(file, change.oldSizeBytes)
      file.bytes.set(change.oldBytes, change.position)
      if (torn === undefined || torn.length === 0) continue
      this.resize(file, Math.max(file.sizeBytes, change.position + torn.length))
      file.bytes.set(torn, change.position)
    }
    file.unsynced = []
  }

  private change(file: FileNode, position: number, bytes: Uint8Array): void {
    const oldSizeBytes = file.sizeBytes
    const oldBytes = file.bytes.slice(
      Math.min(position, oldSizeBytes),
      Math.min(position + bytes.length, oldSizeBytes),
    )
    this.remember(file, { position, sizeBytes: bytes.length, oldBytes, oldSizeBytes })
    this.resize(file, Math.max(oldSizeBytes, position + bytes.length))
    file.bytes.set(bytes, position)
    file.modifiedMs = this.nowMs()
  }

  /** New space is zero, also where something stood before a truncation. */
  private resize(file: FileNode, sizeBytes: number): void {
    if (sizeBytes > file.bytes.length) {
      const grown = new Uint8Array(Math.max(sizeBytes, file.bytes.length * 2))
      grown.set(file.bytes.subarray(0, file.sizeBytes))
      file.bytes = grown
    } else if (sizeBytes > file.sizeBytes) {
      file.bytes.fill(0, file.sizeBytes, sizeBytes)
    }
    file.sizeBytes = sizeBytes
  }

  private remember(file: FileNode, change: Change): void {
    if (file.unsynced.length >= JOURNAL_MAX) file.unsynced = file.unsynced.slice(JOURNAL_MAX / 2)
    file.unsynced.push(change)
    this.dirty.add(file)
  }

  private rememberName(directories: readonly DirectoryNode[], undo: () => void): void {
    if (this.names.length >= JOURNAL_MAX) this.names = this.names.slice(JOURNAL_MAX / 2)
    this.names.push({ directories, undo })
  }

  private setEntry<T extends Entry>(directory: DirectoryNode, name: string, entry: T): T {
    directory.entries.set(name, entry)
    this.touch(directory)
    this.rememberName([directory], () => directory.entries.delete(name))
    return entry
  }

  private touch(...directories: readonly DirectoryNode[]): void {
    for (const directory of directories) directory.modifiedMs = this.nowMs()
  }

  private newDirectory(): DirectoryNode {
    return { kind: 'directory', entries: new Map(), modifiedMs: this.nowMs() }
  }

  private find(path: string): Entry | undefined {
    let entry: Entry = this.root
    for (const name of namesOf(path)) {
      if (entry.kind === 'file') return undefined
      const next: Entry | undefined = entry.entries.get(name)
      if (next === undefined) return undefined
      entry = next
    }
    return entry
  }

  private parent(path: string): { readonly directory: DirectoryNode; readonly name: string } {
    const names = namesOf(path)
    const name = names.pop()
    if (name === undefined) throw failed(path, 'EBUSY')
    const directory = this.find(`/${names.join('/')}`)
    if (directory === undefined) throw failed(path, 'ENOENT')
    if (directory.kind === 'file') throw failed(path, 'ENOTDIR')
    return { directory, name }
  }

  private roomBytes(): number {
    if (this.capacityBytes === Number.POSITIVE_INFINITY) return this.capacityBytes
    let used = 0
    for (const [, file] of walk(this.root, '')) used += file.sizeBytes
    return Math.max(0, this.capacityBytes - used)
  }

  private below(end: number): number {
    return Math.floor(this.random.next() * end)
  }
}

/** What went wrong with a path; `reason` is the code that a real system gives. */
export function failed(path: string, reason: string): UnavailableError {
  return new UnavailableError('CONNECT_FAILED', `file ${path}: ${reason}`, { path, reason })
}

function refuseToReplace(path: string, entry: Entry, replaced: Entry): void {
  if (entry.kind === 'file' && replaced.kind === 'directory') throw failed(path, 'EISDIR')
  if (entry.kind === 'directory' && replaced.kind === 'file') throw failed(path, 'ENOTDIR')
  if (replaced.kind === 'directory' && replaced.entries.size > 0) throw failed(path, 'ENOTEMPTY')
}

function namesOf(path: string): string[] {
  return path.split('/').filter((name) => name !== '')
}

function* walk(directory: DirectoryNode, path: string): Generator<[string, FileNode]> {
  for (const [name, entry] of directory.entries) {
    if (entry.kind === 'file') yield [`${path}/${name}`, entry]
    else yield* walk(entry, `${path}/${name}`)
  }
}
