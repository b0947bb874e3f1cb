/** The host's files over Node's. Errors come out as the contract in host.ts has them. */
import { constants, watch } from 'node:fs'
import { type FileHandle, mkdir, mkdtemp, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { UnavailableError } from '../base/errors.ts'
import type { FileFacts, Files, OpenFile, Stoppable } from './host.ts'

const flags = {
  read: constants.O_RDONLY,
  write: constants.O_RDWR | constants.O_CREAT,
  create: constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC,
} as const

export const nodeFiles: Files = {
  async stat(path): Promise<FileFacts | undefined> {
    try {
      const found = await stat(path)
      const kind = found.isFile() ? 'file' : found.isDirectory() ? 'directory' : 'other'
      return { kind, sizeBytes: kind === 'file' ? found.size : 0, modifiedMs: Math.floor(found.mtimeMs) }
    } catch (error) {
      const reason = reasonOf(error)
      if (reason === 'ENOENT' || reason === 'ENOTDIR') return undefined
      throw fileError(path, error)
    }
  },

  async list(directory): Promise<readonly string[]> {
    try {
      return (await readdir(directory)).sort()
    } catch (error) {
      if (reasonOf(error) === 'ENOENT') return []
      throw fileError(directory, error)
    }
  },

  async open(path, mode): Promise<OpenFile> {
    return new NodeFile(
      path,
      await told(path, async () => {
        const handle = await open(path, flags[mode])
        if (mode !== 'read' || !(await handle.stat()).isDirectory()) return handle
        // Linux opens a directory for reading; nobody here wants one.
        await handle.close()
        throw Object.assign(new Error('is a directory'), { code: 'EISDIR' })
      }),
    )
  },

  rename: (from, to) => told(from, () => rename(from, to)),
  remove: (path) => told(path, () => rm(path, { recursive: true, force: true })),

  async makeDirectory(path): Promise<void> {
    await told(path, () => mkdir(path, { recursive: true }))
  },

  syncDirectory: (path) =>
    told(path, async () => {
      const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY)
      try {
        await handle.sync()
      } finally {
        await handle.close()
      }
    }),

  watch: watchPath,
  makeTemporaryDirectory: (prefix) => told(tmpdir(), () => mkdtemp(join(tmpdir(), prefix))),
  resolve,
}

class NodeFile implements OpenFile {
  private readonly path: string
  private readonly handle: FileHandle

  constructor(path: string, handle: FileHandle) {
    this.path = path
    this.handle = handle
  }

  read(target: Uint8Array, positionBytes: number): Promise<number> {
    return told(this.path, async () => {
      const { bytesRead } = await this.handle.read(target, 0, target.length, positionBytes)
      return bytesRead
    })
  }

  write(bytes: Uint8Array, positionBytes: number): Promise<void> {
    return told(this.path, async () => {
      let written = 0
      // The system may take less than it was given, when the disk is nearly full.
      while (written < bytes.length) {
        const rest = bytes.length - written
        written += (await this.handle.write(bytes, written, rest, positionBytes + written)).bytesWritten
      }
    })
  }

  truncate(sizeBytes: number): Promise<void> {
    return told(this.path, () => this.handle.truncate(sizeBytes))
  }

  sync(): Promise<void> {
    return told(this.path, () => this.handle.sync())
  }

  close(): Promise<void> {
    return told(this.path, async () => {
      // Node lets a second close pass; the contract does not.
      if (this.handle.fd < 0) throw Object.assign(new Error('closed'), { code: 'EBADF' })
      await this.handle.close()
    })
  }
}

/** Watches the path; while it is missing, the directory in which it would appear. */
function watchPath(path: string, callback: () => void): Stoppable {
  const full = resolve(path)
  const name = basename(full)
  const attempts = [
    () => watch(full, { persistent: false }, () => callback()),
    () =>
      watch(dirname(full), { persistent: false }, (_, changed) => {
        if (changed === null || changed === name) callback()
      }),
  ]
  for (const attempt of attempts) {
    try {
      const watcher = attempt()
      // A watched thing that goes away is a change; that nothing more comes is in the contract.
      watcher.on('error', () => callback())
      return { stop: () => watcher.close() }
    } catch (error) {
      if (reasonOf(error) === '') throw error
    }
  }
  return { stop: () => undefined }
}

async function told<T>(path: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    throw fileError(path, error)
  }
}

function fileError(path: string, error: unknown): Error {
  const reason = reasonOf(error)
  // Not from the system: wrong arguments, that is a bug.
  if (reason === '') return error instanceof Error ? error : new Error(String(error))
  if (reason === 'ENOSPC' || reason === 'EDQUOT') {
    return new UnavailableError('DISK_FULL', `no room left for ${path}`, { path, reason }, { cause: error })
  }
  const words = REASONS.get(reason)
  const why = words === undefined ? reason : `${words} (${reason})`
  return new UnavailableError('CONNECT_FAILED', `file ${path}: ${why}`, { path, reason }, { cause: error })
}

/** The usual ones in words. */
const REASONS: ReadonlyMap<string, string> = new Map([
  ['EACCES', 'permission denied'],
  ['EPERM', 'operation not permitted'],
  ['EROFS', 'the file system is read-only'],
  ['ENOENT', 'no such file or directory'],
  ['ENOTDIR', 'a part of the path is no directory'],
  ['EISDIR', 'is a directory'],
  ['EMFILE', 'too many open files'],
])

/** The system's code of an error; empty if it has none. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return ''
  return /^E[A-Z0-9]+$/.test(error.code) ? error.code : ''
}
