/**
 * Watches files of the user's and calls once for each save, with what changed.
 *
 * Directories are watched, not files: editors save by writing another file and renaming it. What changed is
 * seen by comparing times and sizes, also every second, as systems miss some.
 */
import type { Files, Stoppable, Timers } from '../../host/host.ts'

/** A save is several events, and often several files. */
const SETTLE_MS = 30
const LOOK_MS = 1_000

export class FileWatch implements Stoppable {
  private readonly files: Files
  private readonly timers: Timers
  private readonly onChange: (paths: readonly string[]) => void
  private readonly facts = new Map<string, string>()
  private readonly directories = new Map<string, Stoppable>()
  private readonly beat: Stoppable
  private settling: Stoppable | undefined = undefined

  constructor(files: Files, timers: Timers, onChange: (paths: readonly string[]) => void) {
    this.files = files
    this.timers = timers
    this.onChange = onChange
    this.beat = timers.every(LOOK_MS, () => this.soon())
  }

  /** From now on these. What they are like now is no change. */
  async watch(paths: readonly string[]): Promise<void> {
    const directories = new Set(paths.map((path) => this.files.resolve(path, '..')))
    for (const [directory, watch] of this.directories) {
      if (directories.has(directory)) continue
      watch.stop()
      this.directories.delete(directory)
    }
    for (const directory of directories) {
      if (!this.directories.has(directory)) {
        this.directories.set(
          directory,
          this.files.watch(directory, () => this.soon()),
        )
      }
    }
    this.facts.clear()
    for (const path of paths) this.facts.set(path, await this.factsOf(path))
  }

  stop(): void {
    this.beat.stop()
    this.settling?.stop()
    for (const watch of this.directories.values()) watch.stop()
    this.directories.clear()
  }

  private soon(): void {
    this.settling ??= this.timers.after(SETTLE_MS, () => {
      this.look()
        .catch(() => {
          // What cannot be looked at now is looked at again in a second.
        })
        .finally(() => {
          this.settling = undefined
        })
    })
  }

  private async look(): Promise<void> {
    const changed: string[] = []
    for (const [path, before] of this.facts) {
      const now = await this.factsOf(path)
      // Gone for a moment: being replaced.
      if (now === before || now === '') continue
      this.facts.set(path, now)
      changed.push(path)
    }
    if (changed.length > 0) this.onChange(changed)
  }

  private async factsOf(path: string): Promise<string> {
    const facts = await this.files.stat(path)
    return facts === undefined ? '' : `${facts.modifiedMs}/${facts.sizeBytes}`
  }
}
