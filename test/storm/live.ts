/**
 * A topology that runs for real in virtual time, on one worker or on several, with its own spouts and sinks:
 * what Storm's acceptance tests do with a tracked LocalCluster in simulated time.
 *
 *   def ─▶ built ─▶ LocalRun on a stage (a machine for each worker, one disk that all share) ─▶ advance, look
 *
 * Workers of a run talk in frames over links, as processes would.
 */
import { silentLogger } from '../../src/base/log.ts'
import type { TopologyConfig } from '../../src/config/topology-config.ts'
import type { Files } from '../../src/host/host.ts'
import type { VirtualDisk } from '../../src/host/virtual/virtual-world.ts'
import { LocalRun, type RunEvent } from '../../src/testing/local-run.ts'
import { Recordings } from '../../src/testing/stand-in/recordings.ts'
import { VirtualStage } from '../../src/testing/virtual-stage.ts'
import { buildTopology } from '../../src/topology/build.ts'
import type { TopologyDef } from '../../src/topology/topology-def.ts'
import type { DeadLetter } from '../../src/topology/tuple.ts'
import type { ComponentFigures } from '../../src/worker/seat/run-figures.ts'

export interface LiveOptions {
  readonly workers?: number
  readonly config?: TopologyConfig
  readonly isInactive?: boolean
  readonly seed?: number
}

/** The machine whose disk all workers use. It never crashes. */
const SHARED = 'shared'
/** Longest virtual time that a topology may take to come to rest. */
const REST_MAX_MS = 600_000

export class Live<H> implements AsyncDisposable {
  readonly stage: VirtualStage
  readonly run: LocalRun
  readonly handles: H
  readonly recordings: Recordings
  readonly events: RunEvent[]
  /** How the run ended: undefined while it goes on, else what stopped it, or null. */
  end: unknown = undefined

  private constructor(parts: Pick<Live<H>, 'stage' | 'run' | 'handles' | 'recordings' | 'events'>) {
    this.stage = parts.stage
    this.run = parts.run
    this.handles = parts.handles
    this.recordings = parts.recordings
    this.events = parts.events
    this.run.finished().then(
      () => {
        this.end = null
      },
      (error: unknown) => {
        this.end = error
      },
    )
  }

  static async start<H>(
    def: TopologyDef<H, undefined>,
    options: LiveOptions = {},
    prepareDisk?: (files: Files) => Promise<void>,
  ): Promise<Live<H>> {
    const { workers = 1, config = {}, isInactive = false, seed = 7 } = options
    const { topology, handles } = buildTopology(def, { config: { ...config, workers } })
    const stage = new VirtualStage({ seed, startAtMs: 0 })
    const recordings = new Recordings()
    const events: RunEvent[] = []
    const { files } = stage.world.host(SHARED)
    if (prepareDisk !== undefined) await stage.drive(prepareDisk(files))
    const given = stage.specOf((worker) => worker)
    const run = await stage.drive(
      LocalRun.start({
        ...given,
        hostOf: (worker) => ({ ...given.hostOf(worker), files }),
        name: topology.name ?? 'topology',
        topology,
        log: silentLogger,
        isDev: true,
        isInactive,
        onEvent: (event) => events.push(event),
        onWorkerMade: (worker) => recordings.watch(worker),
      }),
    )
    return new Live({ stage, run, handles, recordings, events })
  }

  get disk(): VirtualDisk {
    return this.stage.world.disk(SHARED)
  }

  get nowMs(): number {
    return this.stage.world.nowMs
  }

  get deadLetters(): readonly DeadLetter[] {
    return this.run.deadLetters.letters
  }

  /** Codes of the errors that were shown, each once, with how often it came. */
  get errors(): Record<string, number> {
    const counts: Record<string, number> = {}
    for (const { code, count } of this.run.errors.all()) counts[code] = (counts[code] ?? 0) + count
    return counts
  }

  async advance(byMs: number): Promise<void> {
    const { world } = this.stage
    await world.run({ untilMs: world.nowMs + byMs })
  }

  /** Runs until nothing is in flight. What a bolt holds back would be waited for until it expires. */
  async rest(): Promise<void> {
    await this.until(() => this.run.isQuiet())
  }

  /**
   * Runs until the sources have ended or something stopped the topology. @returns what stopped it, or null
   */
  async ended(): Promise<unknown> {
    await this.until(() => this.end !== undefined)
    return this.end
  }

  async until(isSo: () => boolean): Promise<void> {
    const { world } = this.stage
    const endMs = world.nowMs + REST_MAX_MS
    // An instant first: what was fed has not been seen yet.
    await world.run({ untilMs: world.nowMs + 1 })
    while (!isSo()) {
      if (world.nowMs >= endMs) throw new Error(`not so after ${REST_MAX_MS} ms`)
      await world.run({ untilMs: world.nowMs + 1 })
    }
  }

  /** What a stream has carried, in the order of its emits: `'2'`, `'split:rejected'`. */
  emitted(stream: string): readonly unknown[] {
    return this.recordings.itemsOf(stream.includes(':') ? stream : `${stream}:default`)
  }

  figures(componentId: string): ComponentFigures {
    const figures = this.run.figures().components.get(componentId)
    if (figures === undefined) throw new Error(`no figures of ${componentId}`)
    return figures
  }

  /** Workers (from 1) in which a component has tasks. */
  workersOf(componentId: string): readonly number[] {
    const numbers = this.run.workers.flatMap((worker) =>
      [...worker.boltTasks, ...worker.spoutTasks].flatMap(({ self }) =>
        self.componentId === componentId ? [worker.spec.worker] : [],
      ),
    )
    return [...new Set(numbers)].sort()
  }

  /** Drives what needs time, such as activate or drain. */
  drive<T>(work: Promise<T>): Promise<T> {
    return this.stage.drive(work)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stage.drive(this.run.stop())
  }
}
