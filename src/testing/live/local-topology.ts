/**
 * A topology that runs in a local cluster, as it is seen from outside: status, figures, probes, rebalance,
 * end.
 *
 *   submitted ─▶ active ⇄ inactive ─▶ … rebalance: drained, stopped, started with other numbers … ─▶ killed
 *
 * Behind it stands one LocalRun after the other; each rebalance makes a new one from what the last one held.
 */
import { ConflictError, UnavailableError, UsageError } from '../../base/errors.ts'
import { parseDuration } from '../../config/duration.ts'
import type { Duration } from '../../config/topology-config.ts'
import { ReplayableSpoutTask } from '../../flow/executor/spout/replayable-spout-task.ts'
import type { Host, Stoppable } from '../../host/host.ts'
import type {
  ErrorSummary,
  KillOptions,
  RebalanceOptions,
  RunningTopology,
  TapOptions,
  TappedTuple,
  TopologyMetrics,
  TopologyState,
  TopologyStatus,
  TraceOptions,
  TupleTrace,
  WaitOptions,
} from '../../rpc/contract.ts'
import { ownTaskCount } from '../../topology/expand.ts'
import type { StreamHandle } from '../../topology/handle.ts'
import type { Key } from '../../topology/schema/encodable.ts'
import type { Topology } from '../../topology/topology.ts'
import type { AnyValues } from '../../topology/tuple.ts'
import { samplesOf } from '../../worker/samples.ts'
import type { Worker } from '../../worker/worker.ts'
import { LocalRun, type LocalRunSpec } from '../local-run.ts'
import { stateOf } from '../stand-in/readings.ts'
import type { Pace } from '../virtual-stage.ts'
import { Probes } from './local-probes.ts'
import { RateBook } from './local-rates.ts'
import { giveIterables, rebalanced, refuseStopped, refuseTwice, takeIterables } from './local-rebalance.ts'
import { streamIds, tapStream } from './local-tap.ts'
import { traceTuple } from './local-trace.ts'

const WAIT_MS = 120_000
const LOOK_MS = 10
const RATES_MS = 1_000

export interface LocalTopologySpec {
  readonly name: string
  readonly id: string
  readonly topology: Topology
  readonly pace: Pace
  readonly host: Host
  /**
   * Takes workers of the cluster: as many as asked for, or as there are. What was held before is given back.
   */
  readonly takeSlots: (workerCount: number) => number
  /** All of a run's spec that the cluster knows. */
  readonly runSpec: (topology: Topology, workerCount: number) => LocalRunSpec
  /** The topology has ended. */
  readonly onEnd: () => void
}

export class LocalTopology implements RunningTopology {
  readonly name: string
  readonly id: string
  private readonly spec: LocalTopologySpec
  private readonly submittedAt: number
  private readonly probes = new Probes(() => this.known().workers)
  private readonly rates = new RateBook()
  private readonly restarts = new Map<string, number>()
  private readonly lag = new Map<string, number>()
  private readonly end = new AbortController()
  private readonly ticks: Stoppable
  /** As it was built last. */
  topology: Topology
  private run: LocalRun | undefined = undefined
  private phase: 'rebalancing' | 'stopping' | undefined = undefined

  constructor(spec: LocalTopologySpec) {
    this.spec = spec
    this.name = spec.name
    this.id = spec.id
    this.topology = spec.topology
    this.submittedAt = spec.host.clock.now()
    this.ticks = spec.host.timers.every(RATES_MS, () => this.takeLook())
  }

  /** The run of now: a rebalance brings another. */
  get current(): LocalRun | undefined {
    return this.run
  }

  async start(): Promise<void> {
    try {
      await this.begin(this.topology.config.workers ?? 1, {})
    } catch (error) {
      this.close()
      throw error
    }
  }

  async status(): Promise<TopologyStatus> {
    const run = this.known()
    const { clock } = this.spec.host
    await this.readLag(run)
    const { topology } = run.settings
    return {
      name: this.name,
      id: this.id,
      state: this.state(run),
      version: 1,
      workers: run.workerCount,
      tasks: ownTaskCount(run.expanded),
      submittedAt: this.submittedAt,
      guarantee: topology.guarantee,
      config: this.topology.config,
      components: this.rates.status(clock.monotonicMs(), run.figures(), this.facts()),
      unplaced: [],
      bottleneck: this.rates.bottleneck,
    }
  }

  async ready(options: WaitOptions = {}): Promise<void> {
    await this.until('its first tuple has been acked', options, () => {
      const run = this.known()
      throwIfStopped(run)
      const { acked, emitted } = run.spoutCounts()
      const isTracked = run.settings.topology.guarantee !== 'at-most-once'
      return run.state === 'active' && (isTracked ? acked > 0 : emitted > 0)
    })
  }

  async finished(options: WaitOptions = {}): Promise<void> {
    await this.until('its sources have finished', options, () => {
      const run = this.known()
      throwIfStopped(run)
      return run.isFinished
    })
  }

  async activate(): Promise<void> {
    await this.spec.pace.drive(this.known().activate())
  }

  async deactivate(options: WaitOptions = {}): Promise<void> {
    const run = this.known()
    run.deactivate()
    await this.until('nothing is in flight', options, () => run.isQuiet())
  }

  async kill(options: KillOptions = {}): Promise<void> {
    const run = this.run
    if (run === undefined || this.phase === 'stopping') return
    this.phase = 'stopping'
    const { drain } = options
    const drainMs = drain === undefined ? run.settings.topology.drainTimeoutMs : parseDuration(drain)
    options.onProgress?.({ step: 'drain', done: 0, total: undefined, unit: 'tuples' })
    await this.spec.pace.drive(run.drain(drainMs))
    await this.spec.pace.drive(run.stop())
    this.close()
  }

  async rebalance(options: RebalanceOptions): Promise<void> {
    const run = this.known()
    refuseTwice(this.phase === 'rebalancing', this.name)
    refuseStopped(run, this.name)
    const topology = rebalanced(this.topology, options)
    this.phase = 'rebalancing'
    const wasActive = run.state !== 'inactive'
    try {
      options.onProgress?.({ step: 'drain', done: 0, total: undefined, unit: 'tuples' })
      await this.spec.pace.drive(run.drain(run.settings.topology.drainTimeoutMs))
      const carried = {
        state: run.takeState(),
        from: run.takePositions(),
        incarnationsBefore: run.incarnation,
        isInactive: !wasActive && !run.isRunning,
      }
      const iterables = takeIterables(run.workers)
      await this.spec.pace.drive(run.stop())
      this.topology = topology
      options.onProgress?.({ step: 'start', done: 0, total: undefined, unit: 'tasks' })
      await this.begin(options.workers ?? run.workerCount, carried, iterables)
      if (!wasActive) this.known().deactivate()
    } finally {
      this.phase = undefined
    }
  }

  async *metrics(
    options: { readonly every?: Duration; readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<TopologyMetrics> {
    const everyMs = parseDuration(options.every ?? '1s')
    while (!isAborted(options.signal) && this.run !== undefined) {
      await this.spec.pace.drive(this.pause(everyMs, options.signal))
      const run = this.run
      if (run === undefined || isAborted(options.signal)) return
      yield this.metricsOf(run)
    }
  }

  tap<V>(stream: StreamHandle<V>, options?: TapOptions<V>): AsyncIterable<TappedTuple<V>>
  tap(stream: string, options?: TapOptions<AnyValues>): AsyncIterable<TappedTuple<AnyValues>>
  tap<V>(
    stream: StreamHandle<V> | string,
    options: TapOptions<V> | TapOptions<AnyValues> = {},
  ): AsyncIterable<TappedTuple<AnyValues>> {
    const [componentId, streamId] = streamIds(this.topology, stream)
    const { probes, spec, end } = this
    const what = { probes, host: spec.host, componentId, streamId, masked: this.masked(), end: end.signal }
    return tapStream(what, options as TapOptions<AnyValues>)
  }

  trace(options: TraceOptions = {}): Promise<TupleTrace> {
    const { probes, spec } = this
    const traced = traceTuple(
      {
        probes,
        host: spec.host,
        isSpout: (id) => this.topology.components.get(id)?.definition.kind === 'spout',
        workerOf: (task) => this.workerIdOf(task),
        masked: this.masked(),
      },
      options,
    )
    return spec.pace.drive(traced)
  }

  async readState(component: string, state: string, key: Key): Promise<unknown> {
    if (!this.topology.components.has(component)) {
      throw new UsageError('UNKNOWN_COMPONENT', `readState: there is no component "${component}"`, {
        component,
      })
    }
    return stateOf(this.known().workers, component, state, key)
  }

  async errors(): Promise<readonly ErrorSummary[]> {
    return this.known()
      .errors.all()
      .map((group) => ({
        code: group.first.code,
        family: group.first.family,
        component: group.componentId,
        message: group.lastMessage,
        count: group.count,
        firstAt: group.firstAt,
        lastAt: group.lastAt,
        stack: group.first.cause instanceof Error ? group.first.cause.stack : group.first.stack,
        details: group.first.details,
      }))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
  }

  private async begin(
    workers: number,
    carried: Partial<LocalRunSpec>,
    iterables: ReadonlyMap<string, AsyncIterator<unknown>> = new Map(),
  ): Promise<void> {
    const { spec, topology } = this
    const given = new Map(iterables)
    const workerCount = spec.takeSlots(workers)
    const base = spec.runSpec(topology, workerCount)
    this.run = await spec.pace.drive(
      LocalRun.start({
        ...base,
        ...carried,
        onWorkerMade: (worker) => {
          giveIterables(worker, given)
          this.probes.attach(worker)
        },
        onEvent: (event) => {
          if (event.kind === 'worker-restarted') this.countRestart(event.worker)
          base.onEvent?.(event)
        },
      }),
    )
  }

  private countRestart(number: number): void {
    const worker = this.run?.workers.find(({ spec }) => spec.worker === number)
    for (const { componentId } of worker === undefined ? [] : [...worker.bolts, ...worker.spouts]) {
      this.restarts.set(componentId, (this.restarts.get(componentId) ?? 0) + 1)
    }
  }

  private metricsOf(run: LocalRun): TopologyMetrics {
    const { clock } = this.spec.host
    const figures = run.figures()
    const atMs = clock.monotonicMs()
    const { acked, failed } = this.rates.totals(atMs, figures)
    return {
      at: clock.now(),
      components: this.rates.status(atMs, figures, this.facts()),
      completeP50: figures.completeMs.quantile(0.5),
      completeP99: figures.completeMs.quantile(0.99),
      ackedPerSecond: acked,
      failedPerSecond: failed,
      samples: run.workers.flatMap((worker: Worker) => samplesOf(worker)),
    }
  }

  private facts() {
    return {
      restartCount: (id: string) => this.restarts.get(id) ?? 0,
      lagCount: (id: string) => this.lag.get(id),
    }
  }

  /** Asks sources that can say it how much they have not read. */
  private async readLag(run: LocalRun): Promise<void> {
    const sums = new Map<string, number>()
    for (const worker of run.workers) {
      for (const task of worker.spoutTasks) {
        if (!(task instanceof ReplayableSpoutTask) || task.spec.lag === undefined) continue
        for (const { partition, position } of task.progress()) {
          const lag = await task.spec.lag(partition, position)
          sums.set(task.self.componentId, (sums.get(task.self.componentId) ?? 0) + lag)
        }
      }
    }
    for (const [id, sum] of sums) this.lag.set(id, sum)
  }

  private state(run: LocalRun): TopologyState {
    if (this.phase !== undefined) return this.phase
    if (run.stoppedBy !== undefined) return 'failed'
    return run.state === 'stopped' ? 'stopping' : run.state
  }

  private workerIdOf(task: number): string {
    const worker = this.run?.workers.find((each) => {
      return [...each.boltTasks, ...each.spoutTasks].some(({ self }) => self.task === task)
    })
    return worker === undefined ? '' : `${this.name}-${worker.spec.worker}-${worker.spec.incarnation}`
  }

  private masked(): ReadonlySet<string> {
    return new Set(this.topology.config.traceMask ?? [])
  }

  private takeLook(): void {
    const run = this.run
    if (run !== undefined) this.rates.look(this.spec.host.clock.monotonicMs(), run.figures())
  }

  private async until(what: string, options: WaitOptions, isSo: () => boolean): Promise<void> {
    const { clock } = this.spec.host
    const timeoutMs = options.timeout === undefined ? WAIT_MS : parseDuration(options.timeout)
    const endMs = clock.monotonicMs() + timeoutMs
    const { signal } = options
    const wait = async (): Promise<void> => {
      while (!isSo()) {
        signal?.throwIfAborted()
        if (clock.monotonicMs() >= endMs) {
          const text = `${this.name}: not within ${timeoutMs / 1_000} s: ${what}`
          throw new UnavailableError('OPERATION_TIMED_OUT', text, { topology: this.name })
        }
        await this.pause(LOOK_MS, signal)
      }
    }
    await this.spec.pace.drive(wait())
  }

  private pause(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        timer.stop()
        signal?.removeEventListener('abort', done)
        resolve()
      }
      const timer = this.spec.host.timers.after(delayMs, done)
      signal?.addEventListener('abort', done)
    })
  }

  private known(): LocalRun {
    if (this.run !== undefined) return this.run
    throw new ConflictError('TOPOLOGY_WRONG_STATE', `${this.name} has ended`, { topology: this.name })
  }

  private close(): void {
    this.ticks.stop()
    this.run = undefined
    this.end.abort()
    this.spec.onEnd()
  }
}

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true
}

function throwIfStopped(run: LocalRun): void {
  if (run.stoppedBy !== undefined) throw run.stoppedBy
}
