/**
 * Names of part files, and which of them are there.
 *
 *   <directory>/<bucket>/<prefix>-<task>-<number>.<extension>            whole, never changes
 *   <directory>/<bucket>/.<prefix>-<task>-<number>.<extension>.part      not committed yet
 */
import { UserCodeError } from '../../../base/errors.ts'
import type { Files } from '../../../host/host.ts'

export interface PartNameSpec {
  readonly files: Files
  /** Absolute. */
  readonly directory: string
  readonly prefix: string
  readonly extension: string
  /** From 1. */
  readonly task: number
}

/** Buckets whose next number is remembered; beyond it all are looked up again. */
const REMEMBERED_MAX = 10_000
// Deeper is taken for a circle of symbolic links.
const DEPTH_MAX = 40

export class PartNames {
  private readonly spec: PartNameSpec
  private readonly nextNumbers = new Map<string, number>()

  constructor(spec: PartNameSpec) {
    this.spec = spec
  }

  /** The paths of the next part of a bucket. Its directory is made. */
  async next(bucket: string): Promise<{ readonly hidden: string; readonly final: string }> {
    const { files, prefix, extension, task } = this.spec
    const directory = this.directoryOf(bucket)
    await files.makeDirectory(directory)
    const number = this.nextNumbers.get(bucket) ?? (await this.firstFree(directory))
    if (this.nextNumbers.size >= REMEMBERED_MAX) this.nextNumbers.clear()
    this.nextNumbers.set(bucket, number + 1)
    const name = `${prefix}-${task}-${number}.${extension}`
    return { hidden: files.resolve(directory, `.${name}.part`), final: files.resolve(directory, name) }
  }

  /** Hidden files of this task and, if asked, of tasks above `taskCount`: what a run before has left. */
  async left(taskCount: number | undefined): Promise<readonly string[]> {
    const found: string[] = []
    await this.collect(this.spec.directory, taskCount, found, 0)
    return found
  }

  /** @throws UserCodeError VALUE_INVALID a bucket that would lie outside the directory */
  private directoryOf(bucket: string): string {
    const { files, directory } = this.spec
    const parts = bucket.split('/')
    const isOutside = bucket.startsWith('/') || bucket.includes('\u0000') || parts.includes('..')
    // Hidden directories are where nobody looks, and a part in one would be left behind.
    const isHidden = parts.some((part) => part.startsWith('.') && part !== '.')
    if (isOutside || isHidden) {
      throw new UserCodeError(
        'VALUE_INVALID',
        'a bucket must be a relative path without .. and hidden names',
        { bucket },
      )
    }
    return files.resolve(directory, bucket === '' ? '.' : bucket)
  }

  private async firstFree(directory: string): Promise<number> {
    let number = 1
    for (const name of await this.spec.files.list(directory)) {
      const parsed = this.parse(name)
      if (parsed?.task === this.spec.task) number = Math.max(number, parsed.number + 1)
    }
    return number
  }

  private async collect(
    directory: string,
    taskCount: number | undefined,
    found: string[],
    depth: number,
  ): Promise<void> {
    if (depth > DEPTH_MAX) return
    const { files, task, extension } = this.spec
    for (const name of await files.list(directory)) {
      const parsed = this.parse(name)
      const path = files.resolve(directory, name)
      if (parsed !== undefined) {
        const isOurs = parsed.task === task || (taskCount !== undefined && parsed.task > taskCount)
        if (parsed.isHidden && isOurs) found.push(path)
      } else if (!name.startsWith('.') && !name.endsWith(`.${extension}`)) {
        if ((await files.stat(path))?.kind === 'directory')
          await this.collect(path, taskCount, found, depth + 1)
      }
    }
  }

  private parse(name: string): { task: number; number: number; isHidden: boolean } | undefined {
    const { prefix, extension } = this.spec
    const isHidden = name.startsWith('.') && name.endsWith('.part')
    const whole = isHidden ? name.slice(1, -'.part'.length) : name
    if (!whole.startsWith(`${prefix}-`) || !whole.endsWith(`.${extension}`)) return undefined
    const numbers = whole.slice(prefix.length + 1, whole.length - extension.length - 1)
    const match = /^(\d+)-(\d+)$/.exec(numbers)
    return match === null ? undefined : { task: Number(match[1]), number: Number(match[2]), isHidden }
  }
}
