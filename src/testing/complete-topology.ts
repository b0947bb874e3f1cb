/**
 * `completeTopology`: arrays in, runs to the end in virtual time, results out.
 *
 *   build ─▶ stand-ins ─▶ stage (a machine for each worker) ─▶ run, faults ─▶ finished ─▶ readings
 */
import { StreamError, UnavailableError } from '../base/errors.ts'
import { silentLogger } from '../base/log.ts'
import { parseDuration } from '../config/duration.ts'
import type { ComponentConfig, Duration, TopologyConfig } from '../config/topology-config.ts'
import { buildTopologyTwice } from '../topology/build.ts'
import type { StreamHandle } from '../topology/handle.ts'
import type { Key } from '../topology/schema/encodable.ts'
import type { TopologyDef } from '../topology/topology-def.ts'
import type { DeadLetter } from '../topology/tuple.ts'
import type { Fault, PlannedFault } from './faults/fault.ts'
import { FaultSchedule, type Injected } from './faults/fault-schedule.ts'
import { componentsOf, planFaults } from './faults/random-faults.ts'
import { RunStage } from './faults/run-stage.ts'
import { freshSeed } from './local-cluster-host.ts'
import { LocalRun } from './local-run.ts'
import type { MockSource } from './stand-in/mock-source.ts'
import { itemsOf, type ReadFrom, type Readings, stateOf, writtenOf } from './stand-in/readings.ts'
import { feedsOf, standIn } from './stand-in/stand-ins.ts'
import { VirtualStage } from './virtual-stage.ts'

/** Options of every run in virtual time. */
export interface RunOptions<A> {
  /** Arguments of the topology, already checked. */
  readonly args?: A
  /** Over the topology's own configuration. */
  readonly config?: TopologyConfig
  /** Over the settings of single components. */
  readonly components?: Readonly<Record<string, ComponentConfig>>
  /** Where time begins. Default 0, that is 1970-01-01. */
  readonly startAt?: number
  /** Default `record`. `real`: sinks write; then the run depends on the outside. */
  readonly sinks?: 'record' | 'real'
}

/** Options of `completeTopology`. */
export interface CompleteOptions<H, A> extends RunOptions<A> {
  readonly sources?: (handles: H) => readonly MockSource[]
  /** Decides order, ids and random numbers. Default: a fresh one, told if the run fails. */
  readonly seed?: number
  readonly faults?: readonly Fault[]
  /**
   * Virtual time the run may take. Default `'10m'`; then OPERATION_TIMED_OUT with what is still in flight.
   */
  readonly timeout?: Duration
  /** Faults beyond this are not injected any more, so that the run can end. Default `'5m'`. */
  readonly healAfter?: Duration
}

/** A run that has come to its end. */
export interface CompletedRun<H> extends Readings<H>, AsyncDisposable {
  readonly handles: H
  readonly seed: number
  /** Equal for equal runs: compare it to see whether two runs took the same way. */
  readonly eventHash: string
  /** Faults that were injected, with their times in milliseconds of the run. */
  readonly injected: readonly Injected[]
}

/**
 * Runs a topology until its sources are finished and nothing is in flight. Resolves then; dispose to free it.
 * @throws UsageError SOURCE_NOT_MOCKED; UnavailableError OPERATION_TIMED_OUT; what stopped the topology.
 *   The message ends with the seed.
 */
export async function completeTopology<H, A = undefined>(
  topology: TopologyDef<H, A>,
  options: CompleteOptions<H, A> = {},
): Promise<CompletedRun<H>> {
  const seed = options.seed ?? freshSeed()
  try {
    const attempt = new Attempt(topology, options, seed)
    return await attempt.run(attempt.plan())
  } catch (error) {
    throw withNote(error, reproduceText(seed, []))
  }
}

const TIMEOUT_MS = 600_000
const HEAL_AFTER_MS = 300_000

/** A topology with its options and a seed, before it runs. */
export class Attempt<H, A> {
  readonly stage: VirtualStage
  readonly healAfterMs: number
  private readonly topology: TopologyDef<H, A>
  private readonly options: CompleteOptions<H, A>
  private readonly seed: number
  /** Faults that struck, for those who look for the fewest. */
  struck: readonly PlannedFault[] = []

  constructor(topology: TopologyDef<H, A>, options: CompleteOptions<H, A>, seed: number) {
    this.topology = topology
    this.options = options
    this.seed = seed
    this.healAfterMs = options.healAfter === undefined ? HEAL_AFTER_MS : parseDuration(options.healAfter)
    this.stage = new VirtualStage({ seed, startAtMs: options.startAt ?? 0 })
  }

  /** All faults of the options, random ones drawn from the seed. */
  plan(): readonly PlannedFault[] {
    const { topology } = buildTopologyTwice(this.topology, this.options)
    const about = {
      components: componentsOf(topology),
      workerCount: workersOf(topology.config),
      nodeCount: 0,
      isVirtual: true,
      healAfterMs: this.healAfterMs,
    }
    return planFaults(this.options.faults ?? [], about, this.stage.world.random.split('faults'))
  }

  async run(faults: readonly PlannedFault[]): Promise<CompletedRun<H>> {
    const { options, stage } = this
    const built = buildTopologyTwice(this.topology, options)
    const feeds = feedsOf(built.topology, options.sources?.(built.handles) ?? [])
    const { topology, recordings } = standIn(built.topology, feeds, {
      sinks: options.sinks ?? 'record',
      isLingering: true,
    })
    const runs: LocalRun[] = []
    const faultStage = new RunStage({
      world: stage.world,
      net: stage.world.net,
      timers: stage.world.timers,
      workerCount: workersOf(topology.config),
      machine: (worker) => VirtualStage.machine(worker),
      workerAt: (worker) => runs.map((run) => ({ run, worker }))[0],
      runs: () => runs,
    })
    const startMs = stage.world.nowMs
    const schedule = new FaultSchedule(faultStage, this.healAfterMs, () => stage.world.nowMs - startMs)
    const run = await stage.drive(
      LocalRun.start({
        ...stage.specOf((worker) => worker),
        name: topology.name ?? 'topology',
        topology,
        log: silentLogger,
        isDev: true,
        onWorkerMade: (worker) => recordings.watch(worker),
        beforeCall: faultStage.beforeCall,
      }),
    )
    runs.push(run)
    schedule.add(faults)
    try {
      await this.finish(run)
    } catch (error) {
      run.kill()
      throw error
    } finally {
      this.struck = schedule.struck
      schedule.stop()
    }
    const from = { handles: built.handles, topology, recordings, run }
    return new Completed(from, { stage, seed: this.seed, injected: schedule.injected })
  }

  private async finish(run: LocalRun): Promise<void> {
    const { world } = this.stage
    const timeoutMs = this.options.timeout === undefined ? TIMEOUT_MS : parseDuration(this.options.timeout)
    let isOver = false
    const end = run.finished().finally(() => {
      isOver = true
    })
    // Whoever looks at it below gets the error; a rejection before that is no crash.
    end.catch(() => undefined)
    const how = await world.run({ untilMs: world.nowMs + timeoutMs, while: () => !isOver })
    if (how !== 'stopped') throw timedOut(run, timeoutMs)
    await end
  }
}

function workersOf(config: TopologyConfig): number {
  return config.workers ?? 1
}

class Completed<H> implements CompletedRun<H> {
  readonly seed: number
  readonly eventHash: string
  readonly injected: readonly Injected[]
  private readonly from: ReadFrom<H>
  private readonly stage: VirtualStage

  constructor(
    from: ReadFrom<H>,
    facts: { readonly stage: VirtualStage; readonly seed: number; readonly injected: readonly Injected[] },
  ) {
    this.from = from
    this.stage = facts.stage
    this.seed = facts.seed
    this.injected = facts.injected
    this.eventHash = facts.stage.world.eventHash
  }

  get handles(): H {
    return this.from.handles
  }

  get deadLetters(): readonly DeadLetter[] {
    return this.from.run.deadLetters.letters
  }

  get acked(): number {
    return this.from.recordings.ackedCount
  }

  get failed(): number {
    return this.from.recordings.failedCount
  }

  read<V>(stream: ((handles: H) => StreamHandle<V>) | string): V[] {
    return itemsOf(this.from, stream) as V[]
  }

  written(sink: string): unknown[] {
    return writtenOf(this.from, sink)
  }

  state(component: string, name: string, key: Key): unknown {
    return stateOf(this.from.run.workers, component, name, key)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stage.drive(this.from.run.stop())
  }
}

/** What is in flight, so that the one who reads it knows where to look. */
export function timedOut(run: LocalRun, timeoutMs: number): UnavailableError {
  const waiting = [...run.figures().components.values()].flatMap((each) => {
    const parts = [
      each.pendingCount > 0 ? `${each.pendingCount} pending` : '',
      each.queuedCount > 0 ? `${each.queuedCount} queued` : '',
    ].filter((part) => part !== '')
    return parts.length > 0 ? [`${each.componentId} ${parts.join(', ')}`] : []
  })
  const inFlight = waiting.length > 0 ? waiting.join('; ') : 'nothing, but a source has not ended'
  return new UnavailableError(
    'OPERATION_TIMED_OUT',
    `the run was not finished after ${timeoutMs / 1_000} s of virtual time; in flight: ${inFlight}`,
    { inFlight },
  )
}

/** One line from which the run can be had again. */
export function reproduceText(seed: number, faults: readonly Fault[]): string {
  if (faults.length === 0) return `again: completeTopology(topology, { …, seed: ${seed} })`
  const list = faults.map(({ fault }) => fault).join(', ')
  return `again: completeTopology(topology, { …, seed: ${seed}, faults: [${list}] })`
}

/** The error with a line more in its message. */
export function withNote(error: unknown, note: string): unknown {
  if (!(error instanceof Error)) return new Error(`${String(error)}\n${note}`, { cause: error })
  // A usage error comes before anything ran: no seed makes a difference there.
  if (error instanceof StreamError && error.family === 'usage') return error
  error.message = `${error.message}\n${note}`
  return error
}
