/**
 * A small disk of a test, in memory, that can be filled up. Needs root.
 *
 * Invariant: nothing is left mounted. An orderly end unmounts it; what a killed process left, the next start
 * unmounts: the process id is in the name of the mount.
 */
import { spawnSync } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'

const PREFIX = 'tych-disk-'
const PIECE = Buffer.alloc(64 * 1024)

/** Why there can be none here; undefined: there can. */
export function whyNoSmallDisks(): string | undefined {
  return process.getuid?.() === 0 ? undefined : 'small disks need root, to be mounted'
}

export class SmallDisk {
  private readonly directory: string
  private readonly filler: string

  /** @throws Error with what `mount` said */
  constructor(directory: string, megabytes: number) {
    unmountLeftOver()
    this.directory = directory
    this.filler = join(directory, 'filler')
    mkdirSync(directory, { recursive: true })
    const options = ['-t', 'tmpfs', '-o', `size=${megabytes}m`, `${PREFIX}${process.pid}`, directory]
    const done = spawnSync('mount', options, { encoding: 'utf8' })
    if (done.status !== 0) throw new Error(`mount ${directory}: ${done.stderr}`)
    process.on('exit', this.remove)
  }

  /** To the last byte. */
  fill(): void {
    const file = openSync(this.filler, 'a')
    try {
      for (let size = PIECE.length; size >= 1; size = Math.floor(size / 2)) {
        while (isWritten(file, size));
      }
    } finally {
      closeSync(file)
    }
  }

  free(): void {
    rmSync(this.filler, { force: true })
  }

  readonly remove = (): void => {
    process.off('exit', this.remove)
    // Whoever is still dying may hold it for a moment.
    spawnSync('umount', ['-l', this.directory])
  }
}

function isWritten(file: number, bytes: number): boolean {
  try {
    return writeSync(file, PIECE, 0, bytes) > 0
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOSPC') return false
    throw error
  }
}

function unmountLeftOver(): void {
  for (const line of readFileSync('/proc/mounts', 'utf8').split('\n')) {
    const [source = '', directory = ''] = line.split(' ')
    if (!source.startsWith(PREFIX)) continue
    if (!existsSync(`/proc/${source.slice(PREFIX.length)}`)) spawnSync('umount', ['-l', directory])
  }
}
