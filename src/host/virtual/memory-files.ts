/**
 * The `Files` of a host on a memory disk: each call takes effect in a turn of its own, later than it was
 * made, so that a crash can come in between. The disk outlives the hosts that use it.
 *
 * Does not know: what is durable (memory-disk.ts).
 */
import type { FileFacts, Files, OpenFile, Random, Stoppable, Timers } from '../host.ts'
import { type FileNode, failed, type MemoryDisk } from './memory-disk.ts'

/** What is wrong with a disk. Change it at any time. */
export interface DiskFaults {
  /** Every call fails with EIO. */
  isBroken: boolean
  /** Share of calls, 0 to 1, that fail with EIO. */
  failShare: number
  /** How long each call takes. */
  delayMs: number
}

export interface MemoryFilesSpec {
  readonly disk: MemoryDisk
  readonly timers: Timers
  readonly random: Random
  readonly faults: DiskFaults
  readonly watchers: Watchers
}

/** Who wants to know of changes, by path. Shared by all hosts of a disk. */
export class Watchers {
  private readonly byPath = new Map<string, Set<() => void>>()

  add(path: string, callback: () => void): Stoppable {
    const callbacks = this.byPath.get(path) ?? new Set()
    callbacks.add(callback)
    this.byPath.set(path, callbacks)
    return {
      stop: () => {
        callbacks.delete(callback)
        if (callbacks.size === 0 && this.byPath.get(path) === callbacks) this.byPath.delete(path)
      },
    }
  }

  /** Tells those who watch the path or its directory. */
  changed(path: string): void {
    if (this.byPath.size === 0) return
    for (const watched of [path, resolvePath(path, '..')]) {
      for (const callback of [...(this.byPath.get(watched) ?? [])]) callback()
    }
  }
}

export function createMemoryFiles(spec: MemoryFilesSpec): Files {
  return new MemoryFiles(spec)
}

/** Absolute form of a path, as a POSIX system with working directory `/` sees it. */
export function resolvePath(...parts: readonly string[]): string {
  const names: string[] = []
  // The last part that is absolute wins; what stands before it does not count.
  const first = Math.max(
    0,
    parts.findLastIndex((part) => part.startsWith('/')),
  )
  for (const name of parts.slice(first).join('/').split('/')) {
    if (name === '..') names.pop()
    else if (name !== '' && name !== '.') names.push(name)
  }
  return `/${names.join('/')}`
}

class MemoryFiles implements Files {
  private readonly spec: MemoryFilesSpec
  private readonly disk: MemoryDisk

  constructor(spec: MemoryFilesSpec) {
    this.spec = spec
    this.disk = spec.disk
  }

  stat(path: string): Promise<FileFacts | undefined> {
    return this.later(path, (full) => this.disk.stat(full))
  }

  list(directory: string): Promise<readonly string[]> {
    return this.later(directory, (full) => this.disk.list(full))
  }

  open(path: string, mode: 'read' | 'write' | 'create'): Promise<OpenFile> {
    return this.later(path, (full) => {
      const file = this.disk.open(full, mode)
      if (mode !== 'read') this.spec.watchers.changed(full)
      return this.openFile(full, file, mode !== 'read')
    })
  }

  rename(from: string, to: string): Promise<void> {
    return this.later(from, (full) => {
      const target = resolvePath(to)
      this.disk.rename(full, target)
      this.spec.watchers.changed(full)
      this.spec.watchers.changed(target)
    })
  }

  remove(path: string): Promise<void> {
    return this.later(path, (full) => {
      this.disk.remove(full)
      this.spec.watchers.changed(full)
    })
  }

  makeDirectory(path: string): Promise<void> {
    return this.later(path, (full) => {
      this.disk.makeDirectory(full)
      this.spec.watchers.changed(full)
    })
  }

  syncDirectory(path: string): Promise<void> {
    return this.later(path, (full) => this.disk.syncDirectory(full))
  }

  watch(path: string, callback: () => void): Stoppable {
    let isStopped = false
    const watching = this.spec.watchers.add(resolvePath(path), () => {
      this.spec.timers.defer(() => {
        if (!isStopped) callback()
      })
    })
    return {
      stop: () => {
        isStopped = true
        watching.stop()
      },
    }
  }

  makeTemporaryDirectory(prefix: string): Promise<string> {
    const name = `${prefix}${Math.floor(this.spec.random.next() * 0x100000000).toString(36)}`
    return this.later(`/temporary/${name}`, (full) => {
      this.disk.makeDirectory(full)
      return full
    })
  }

  resolve(...parts: readonly string[]): string {
    return resolvePath(...parts)
  }

  private openFile(path: string, file: FileNode, isWritable: boolean): OpenFile {
    let isClosed = false
    const call = <T>(needsWrite: boolean, run: () => T): Promise<T> =>
      this.later(path, () => {
        if (isClosed || (needsWrite && !isWritable)) throw failed(path, 'EBADF')
        const result = run()
        if (needsWrite) this.spec.watchers.changed(path)
        return result
      })
    return {
      read: (target, positionBytes) => call(false, () => this.disk.read(file, target, positionBytes)),
      write: (bytes, positionBytes) => call(true, () => this.disk.write(file, bytes, positionBytes)),
      truncate: (sizeBytes) => call(true, () => this.disk.truncate(file, sizeBytes)),
      sync: () => call(false, () => this.disk.sync(file)),
      close: () =>
        call(false, () => {
          isClosed = true
        }),
    }
  }

  /** Never settles if the host is gone before its turn comes. */
  private later<T>(path: string, run: (full: string) => T): Promise<T> {
    const { faults, random, timers } = this.spec
    const full = resolvePath(path)
    return new Promise((resolve, reject) => {
      const fileCall = () => {
        try {
          const isFailing = faults.isBroken || (faults.failShare > 0 && random.next() < faults.failShare)
          if (isFailing) throw failed(full, 'EIO')
          resolve(run(full))
        } catch (error) {
          reject(error)
        }
      }
      if (faults.delayMs > 0) timers.after(faults.delayMs, fileCall)
      else timers.defer(fileCall)
    })
  }
}
