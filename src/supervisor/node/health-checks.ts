/**
 * Scripts that say whether a node is fit: each file of a directory is run now and then; one that fails,
 * prints a line that begins with ERROR, or does not come to an end in time, is named in heartbeats.
 *
 * Does not know: what is done about it. That is the leader's.
 *
 * Invariants
 *   C1  one script runs at a time, in a group of its own; one that is over its time is killed with its group
 *   C2  after stop() none runs and none begins, and what an ended round says no longer counts
 */
import type { Logger } from '../../base/log.ts'
import type { Host, Stoppable } from '../../host/host.ts'
import type { ChildExit, ChildProcess, Processes } from '../../host/processes.ts'

export interface HealthChecksSpec {
  readonly host: Host
  readonly processes: Processes
  readonly log: Logger
  readonly directory: string
  /** For what they print. */
  readonly outputDirectory: string
  readonly environment: Readonly<Record<string, string>>
  readonly timeoutMs: number
}

/** Between two rounds. A choice: disks and clocks do not go bad by the second. */
const PERIOD_MS = 60_000
const SCRIPTS_MAX = 100
const OUTPUT_BYTES_MAX = 64 * 1_024

export class HealthChecks {
  private readonly spec: HealthChecksSpec
  private failed: readonly string[] = []
  private period: Stoppable | undefined
  private isRunning = false
  private isStopped = false
  private child: ChildProcess | undefined

  constructor(spec: HealthChecksSpec) {
    this.spec = spec
  }

  /** Names of scripts that failed in the last round, sorted. */
  get failedChecks(): readonly string[] {
    return this.failed
  }

  start(): void {
    this.period = this.spec.host.timers.every(PERIOD_MS, () => this.look())
    this.look()
  }

  stop(): void {
    this.isStopped = true
    this.period?.stop()
    this.child?.kill('SIGKILL')
  }

  /** One round: one script after the other, so that they do not measure each other. */
  async round(): Promise<void> {
    const { files } = this.spec.host
    const failed: string[] = []
    const names = await files.list(this.spec.directory)
    for (const name of names.slice(0, SCRIPTS_MAX)) {
      if (this.isStopped) return
      const path = files.resolve(this.spec.directory, name)
      if ((await files.stat(path))?.kind !== 'file') continue
      if (!(await this.passes(name, path))) failed.push(name)
    }
    if (this.isStopped) return
    const isNew = failed.join() !== this.failed.join()
    if (isNew && failed.length > 0) this.spec.log.warn('health checks fail', { checks: failed.join(' ') })
    this.failed = failed
  }

  private look(): void {
    if (this.isRunning) return
    this.isRunning = true
    this.round()
      .catch((error: unknown) => this.spec.log.warn('health checks cannot be run', { why: String(error) }))
      .finally(() => {
        this.isRunning = false
      })
  }

  private async passes(name: string, path: string): Promise<boolean> {
    const { files } = this.spec.host
    const outputPath = files.resolve(this.spec.outputDirectory, `${name}.out`)
    await files.makeDirectory(this.spec.outputDirectory)
    await files.remove(outputPath)
    if (this.isStopped) return false
    let exit: ChildExit
    try {
      exit = await this.run(path, outputPath)
    } catch {
      // Not a program, or not ours to run: a check that cannot be made has failed.
      return false
    }
    return exit.code === 0 && !/^ERROR/m.test(await this.outputOf(outputPath))
  }

  private run(path: string, outputPath: string): Promise<ChildExit> {
    const { host, processes, environment, directory, timeoutMs } = this.spec
    const child = processes.spawn({
      modulePath: '',
      program: host.files.resolve(path),
      args: [],
      nodeOptions: [],
      environment,
      directory,
      outputPath,
      isDetached: true,
    })
    this.child = child
    const timer = host.timers.after(timeoutMs, () => child.kill('SIGKILL'))
    return new Promise((resolve) => {
      child.onExit((exit) => {
        timer.stop()
        this.child = undefined
        resolve(exit)
      })
    })
  }

  private async outputOf(path: string): Promise<string> {
    const file = await this.spec.host.files.open(path, 'read')
    try {
      const bytes = new Uint8Array(OUTPUT_BYTES_MAX)
      return new TextDecoder().decode(bytes.subarray(0, await file.read(bytes, 0)))
    } finally {
      await file.close()
    }
  }
}
