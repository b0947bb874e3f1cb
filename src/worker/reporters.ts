/**
 * The metrics reporters of a worker: modules of the user's that are given all figures every so often.
 *
 * A call of `report` never overlaps another of the same reporter: one that takes longer skips the next. What a reporter
 * throws is logged and changes nothing else.
 */
import { UsageError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { CompiledReporter } from '../config/compiled.ts'
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

export class Reporters {
  private readonly parts: ReportersParts
  private readonly running: Array<{
    readonly reporter: MetricsReporter
    readonly timer: Stoppable
    isBusy: boolean
  }> = []

  constructor(parts: ReportersParts) {
    this.parts = parts
  }

  /** @throws UsageError CONFIG_INVALID_VALUE for a module that cannot be loaded, or that makes no reporter */
  async start(): Promise<void> {
    for (const spec of this.parts.specs) {
      const reporter = await this.make(spec)
      await reporter.start?.(this.parts.context)
      const entry = {
        reporter,
        timer: this.parts.host.timers.every(spec.everyMs, () => this.tick(entry)),
        isBusy: false,
      }
      this.running.push(entry)
    }
  }

  /** One last report, so that short runs are not lost, then the end. */
  async stop(): Promise<void> {
    for (const { reporter, timer } of this.running) {
      timer.stop()
      try {
        await reporter.report(this.parts.samples(), this.parts.host.clock.now())
        await reporter.stop?.()
      } catch (error) {
        this.logThrow(error)
      }
    }
    this.running.length = 0
  }

  kill(): void {
    for (const { timer } of this.running) timer.stop()
    this.running.length = 0
  }

  private tick(entry: { readonly reporter: MetricsReporter; isBusy: boolean }): void {
    if (entry.isBusy) return
    entry.isBusy = true
    this.report(entry.reporter)
      .catch((error: unknown) => this.logThrow(error))
      .finally(() => {
        entry.isBusy = false
      })
  }

  private async report(reporter: MetricsReporter): Promise<void> {
    await reporter.report(this.parts.samples(), this.parts.host.clock.now())
  }

  private async make(spec: CompiledReporter): Promise<MetricsReporter> {
    const { loadModule } = this.parts
    if (loadModule === undefined) throw refused(spec, 'modules cannot be loaded here')
    let loaded: unknown
    try {
      loaded = await loadModule(spec.module)
    } catch (error) {
      throw refused(spec, error instanceof Error ? error.message : String(error))
    }
    const make: unknown =
      typeof loaded === 'object' && loaded !== null && 'default' in loaded ? loaded.default : undefined
    if (typeof make !== 'function') throw refused(spec, 'its default export is no function')
    const reporter: unknown = make(spec.options)
    if (isReporter(reporter)) return reporter
    throw refused(spec, 'its function gives nothing with a method report')
  }

  private logThrow(error: unknown): void {
    this.parts.log.error('a metrics reporter threw', {
      message: error instanceof Error ? error.message : String(error),
    })
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
