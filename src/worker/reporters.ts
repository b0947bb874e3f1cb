/**
 * The metrics reporters of a worker: modules of the user's that are given all figures every so often.
 *
 * A call of `report` never overlaps another of the same reporter: one that takes longer skips the next. What
 * a reporter throws is logged and changes nothing else.
 */
import { UsageError, UserCodeError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { CompiledReporter } from '../config/compiled.ts'
import { messageOf } from '../flow/executor/user-code.ts'
import type { Host, Stoppable } from '../host/host.ts'
import type { MetricSample, MetricsReporter, WorkerContext } from '../topology/hook.ts'

/** Imports a module for a reporter: its name is a package, or a path relative to the topology's module. */
export type LoadModule = (name: string) => Promise<unknown>

export interface ReportersParts {
  readonly specs: readonly CompiledReporter[]
  readonly loadModule: LoadModule | undefined
  readonly host: Host
  readonly log: Logger
  readonly context: WorkerContext
  readonly samples: () => readonly MetricSample[]
}

/** So long a worker that ends waits for each call of a reporter. */
const END_MS = 5_000

interface Running {
  readonly reporter: MetricsReporter
  readonly module: string
  readonly timer: Stoppable
  /** The call that is going on. It never rejects. */
  call: Promise<void> | undefined
}

export class Reporters {
  private readonly parts: ReportersParts
  private readonly running: Running[] = []

  constructor(parts: ReportersParts) {
    this.parts = parts
  }

  /**
   * @throws UsageError CONFIG_INVALID_VALUE for a module that cannot be loaded, or that makes no reporter
   * @throws UserCodeError PREPARE_THREW for a reporter that cannot start
   */
  async start(): Promise<void> {
    for (const spec of this.parts.specs) {
      const reporter = await this.make(spec)
      try {
        await reporter.start?.(this.parts.context)
      } catch (error) {
        const { module } = spec
        const text = `metrics reporter '${module}' could not start: ${messageOf(error)}`
        throw new UserCodeError('PREPARE_THREW', text, { module }, { cause: error })
      }
      const entry: Running = {
        reporter,
        module: spec.module,
        timer: this.parts.host.timers.every(spec.everyMs, () => this.tick(entry)),
        call: undefined,
      }
      this.running.push(entry)
    }
  }

  /** One last report, so that short runs are not lost, then the end. */
  async stop(): Promise<void> {
    const ending = this.running.splice(0)
    for (const { timer } of ending) timer.stop()
    await Promise.all(ending.map((entry) => this.end(entry)))
  }

  kill(): void {
    for (const { timer } of this.running) timer.stop()
    this.running.length = 0
  }

  private async end(entry: Running): Promise<void> {
    const { reporter } = entry
    const isOver =
      (entry.call === undefined || (await this.inTime(entry, entry.call))) &&
      (await this.inTime(entry, this.report(entry)))
    if (isOver && reporter.stop !== undefined) {
      await this.inTime(
        entry,
        this.quietly(entry, async () => reporter.stop?.()),
      )
    }
  }

  private tick(entry: Running): void {
    if (entry.call !== undefined) return
    entry.call = this.report(entry).then(() => {
      entry.call = undefined
    })
  }

  private report(entry: Running): Promise<void> {
    return this.quietly(entry, async () =>
      entry.reporter.report(this.parts.samples(), this.parts.host.clock.now()),
    )
  }

  private async quietly({ module }: Running, call: () => Promise<unknown>): Promise<void> {
    try {
      await call()
    } catch (error) {
      this.parts.log.error('a metrics reporter threw', { module, message: messageOf(error) })
    }
  }

  /** False, and a line in the log, if the call does not end in its time. */
  private inTime({ module }: Running, call: Promise<void>): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = this.parts.host.timers.after(END_MS, () => {
        this.parts.log.error('a metrics reporter does not end and is left alone', { module })
        resolve(false)
      })
      // It never rejects.
      void call.then(() => {
        timer.stop()
        resolve(true)
      })
    })
  }

  private async make(spec: CompiledReporter): Promise<MetricsReporter> {
    const { loadModule } = this.parts
    if (loadModule === undefined) throw refused(spec, 'modules cannot be loaded here')
    let loaded: unknown
    try {
      loaded = await loadModule(spec.module)
    } catch (error) {
      throw refused(spec, messageOf(error))
    }
    const make: unknown =
      typeof loaded === 'object' && loaded !== null && 'default' in loaded ? loaded.default : undefined
    if (typeof make !== 'function') throw refused(spec, 'its default export is no function')
    let reporter: unknown
    try {
      reporter = await make(spec.options)
    } catch (error) {
      throw refused(spec, `its function threw: ${messageOf(error)}`)
    }
    if (isReporter(reporter)) return reporter
    throw refused(spec, 'its function gives nothing with a method report')
  }
}

function isReporter(value: unknown): value is MetricsReporter {
  return (
    typeof value === 'object' && value !== null && 'report' in value && typeof value.report === 'function'
  )
}

function refused(spec: CompiledReporter, why: string): UsageError {
  const { module } = spec
  return new UsageError('CONFIG_INVALID_VALUE', `metrics reporter '${module}': ${why}`, { module })
}
