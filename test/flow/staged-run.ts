/**
 * A topology on a virtual stage: built, run under a seed, watched. One world a test, nothing shared.
 */
import { silentLogger } from '../../src/base/log.ts'
import type { TopologyConfig } from '../../src/config/topology-config.ts'
import { LocalRun, type LocalRunSpec, type RunEvent } from '../../src/testing/local-run.ts'
import { VirtualStage } from '../../src/testing/virtual-stage.ts'
import { buildTopology } from '../../src/topology/build.ts'
import type { TopologyBuilder } from '../../src/topology/builder.ts'
import { defineTopology } from '../../src/topology/define-topology.ts'
import type { ComponentFigures } from '../../src/worker/seat/run-figures.ts'

/** There are no checkpoints here. */
export type StagedConfig = TopologyConfig<'at-least-once' | 'at-most-once'>

export interface StagedSpec {
  readonly build: (builder: TopologyBuilder) => void
  readonly config?: StagedConfig
  readonly seed?: number
  readonly run?: Partial<LocalRunSpec>
}

export class StagedRun {
  readonly stage: VirtualStage
  readonly events: RunEvent[] = []
  private readonly spec: StagedSpec
  private started: LocalRun | undefined = undefined

  constructor(spec: StagedSpec) {
    this.spec = spec
    this.stage = new VirtualStage({ seed: spec.seed ?? 1, patienceMs: 5 })
  }

  get run(): LocalRun {
    if (this.started === undefined) throw new TypeError('start it first')
    return this.started
  }

  get nowMs(): number {
    return this.stage.world.nowMs
  }

  async start(): Promise<this> {
    const { build, config } = this.spec
    // The type of a configuration names its guarantee; tests run both.
    const { topology } = buildTopology(
      defineTopology({ name: 't', config: (config ?? {}) as TopologyConfig<'at-least-once'>, build }),
    )
    this.started = await this.stage.drive(
      LocalRun.start({
        name: 't',
        topology,
        log: silentLogger,
        isDev: true,
        ...this.stage.specOf((worker) => worker),
        onEvent: (event) => this.events.push(event),
        ...this.spec.run,
      }),
    )
    return this
  }

  /** For user code under test: virtual time that passes. */
  sleep(durationMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.stage.world.timers.after(durationMs, resolve)
    })
  }

  /** Lets so much virtual time pass. */
  async pass(durationMs: number): Promise<void> {
    await this.stage.world.run({ untilMs: this.nowMs + durationMs })
  }

  /** All sources are finished and nothing is in flight, or the topology stopped itself, which throws. */
  async finish(limitMs = 600_000): Promise<void> {
    let isOver = false
    const over = () => {
      isOver = true
    }
    this.run.finished().then(over, over)
    await this.stage.world.run({ untilMs: this.nowMs + limitMs, while: () => !isOver })
    if (!isOver) throw new TypeError(`not finished after ${limitMs} ms`)
    await this.run.finished()
  }

  figures(componentId: string): ComponentFigures {
    const figures = this.run.figures().components.get(componentId)
    if (figures === undefined) throw new TypeError(`no figures of ${componentId}`)
    return figures
  }

  /** Codes of the errors that were shown, with how often. */
  codes(): Record<string, number> {
    const counts: Record<string, number> = {}
    for (const group of this.run.errors.all()) counts[group.code] = (counts[group.code] ?? 0) + group.count
    return counts
  }

  async end(): Promise<void> {
    await this.stage.drive(this.run.stop())
  }
}

/** Starts, finishes, stops, and hands back what can be read of it afterwards. */
export async function complete(spec: StagedSpec): Promise<StagedRun> {
  const staged = await new StagedRun(spec).start()
  await staged.finish()
  return staged
}
