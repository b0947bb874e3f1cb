/** What the command line asks of the machine it runs on, for `typhoon doctor` and `typhoon version`. */
import { accessSync, constants, existsSync, readFileSync, statfsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { freemem, totalmem } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { getHeapStatistics } from 'node:v8'

export interface Memory {
  /** Of the machine, or of the container if that has less. */
  readonly totalBytes: number
  readonly freeBytes: number
  /** What the heap of this Node may grow to. */
  readonly heapMaxBytes: number
}

export interface Disk {
  /** The directory itself, or the nearest one above it that exists. */
  readonly directory: string
  readonly freeBytes: number
  readonly isWritable: boolean
}

export interface Machine {
  readonly nodeVersion: string
  readonly platform: string
  readonly hasSourceMaps: boolean
  /** Of this package. */
  packageVersion(): string
  /** Where a package of the project is, and its version; undefined: not installed. */
  packageSeenFrom(
    directory: string,
    name: string,
  ): { readonly version: string; readonly path: string } | undefined
  memory(): Memory
  disk(directory: string): Disk
  /** Files this process may have open; undefined where the system does not say. */
  openFilesMax(): number | undefined
  /** The text of a file; undefined: there is none. */
  readText(path: string): string | undefined
}

export const nodeMachine: Machine = {
  nodeVersion: process.versions.node,
  platform: `${process.platform}-${process.arch}`,
  get hasSourceMaps() {
    return process.sourceMapsEnabled
  },

  packageVersion: () =>
    versionIn(fileURLToPath(new URL('../../../package.json', import.meta.url))) ?? 'unknown',

  packageSeenFrom(directory, name) {
    const require = createRequire(join(directory, 'package.json'))
    // Some packages do not export their package.json, so it is looked for by hand.
    for (const folder of require.resolve.paths(name) ?? []) {
      const path = join(folder, name, 'package.json')
      const version = versionIn(path)
      if (version !== undefined) return { version, path: dirname(path) }
    }
    return undefined
  },

  memory() {
    const constrainedBytes = process.constrainedMemory()
    const totalBytes = totalmem()
    const isConstrained = constrainedBytes > 0 && constrainedBytes < totalBytes
    return {
      totalBytes: isConstrained ? constrainedBytes : totalBytes,
      freeBytes: isConstrained ? process.availableMemory() : freemem(),
      heapMaxBytes: getHeapStatistics().heap_size_limit,
    }
  },

  disk(directory) {
    let nearest = directory
    while (!existsSync(nearest) && dirname(nearest) !== nearest) nearest = dirname(nearest)
    const { bavail, bsize } = statfsSync(nearest)
    return { directory: nearest, freeBytes: bavail * bsize, isWritable: isWritable(nearest) }
  },

  openFilesMax() {
    const limits = this.readText('/proc/self/limits')
    const count = /^Max open files\s+(\d+)/m.exec(limits ?? '')?.[1]
    return count === undefined ? undefined : Number(count)
  },

  readText(path) {
    try {
      return readFileSync(path, 'utf8')
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
      throw error
    }
  },
}

function isWritable(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error) return false
    throw error
  }
}

function versionIn(path: string): string | undefined {
  const text = nodeMachine.readText(path)
  if (text === undefined) return undefined
  const facts: unknown = JSON.parse(text)
  if (typeof facts !== 'object' || facts === null || !('version' in facts)) return undefined
  return typeof facts.version === 'string' ? facts.version : undefined
}
