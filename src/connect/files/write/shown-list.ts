/**
 * Final names that were given last, in a file of each task. Commit may be called again after a crash, and by
 * then whoever reads the files may have taken them away: that is told here from a hidden file that was lost.
 */
import type { Files } from '../../../host/host.ts'
import { directoryOf, sizeOf, withFile } from './disk-steps.ts'

export class ShownList {
  private readonly files: Files
  private readonly directory: string
  private readonly prefix: string
  private readonly path: string

  /** @param directory absolute; @param task from 1 */
  constructor(files: Files, directory: string, prefix: string, task: number) {
    this.files = files
    this.directory = directory
    this.prefix = `.${prefix}-`
    this.path = files.resolve(directory, `${this.prefix}${task}.shown`)
  }

  /** These get their names next. `isMore`: besides those of before. */
  async note(finals: readonly string[], isMore: boolean): Promise<void> {
    if (finals.length === 0) return
    const before = isMore ? await this.read(this.path) : []
    const bytes = new TextEncoder().encode(JSON.stringify([...new Set([...before, ...finals])]))
    const temporary = `${this.path}.tmp`
    await this.files.makeDirectory(this.directory)
    await withFile(this.files, temporary, 'create', async (file) => {
      await file.write(bytes, 0)
      await file.sync()
    })
    await this.files.rename(temporary, this.path)
    await this.files.syncDirectory(directoryOf(this.path))
  }

  /** True if this task, or one whose work it takes over, was giving that name. */
  async has(final: string): Promise<boolean> {
    for (const name of await this.files.list(this.directory)) {
      if (!name.startsWith(this.prefix) || !name.endsWith('.shown')) continue
      const finals = await this.read(this.files.resolve(this.directory, name))
      if (finals.includes(final)) return true
    }
    return false
  }

  remove(): Promise<void> {
    return this.files.remove(this.path)
  }

  private async read(path: string): Promise<readonly string[]> {
    const sizeBytes = await sizeOf(this.files, path)
    if (sizeBytes === undefined) return []
    const bytes = new Uint8Array(sizeBytes)
    await withFile(this.files, path, 'read', (file) => file.read(bytes, 0))
    const stored: unknown = JSON.parse(new TextDecoder().decode(bytes))
    return Array.isArray(stored) ? stored.filter((each) => typeof each === 'string') : []
  }
}
