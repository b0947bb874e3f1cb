/**
 * A topology of a cluster in this process: what `typhoon/client` gives, and what can be seen besides because
 * its workers are here. In virtual time the clock moves while a call waits.
 */
import { hasCode, UsageError } from '../../base/errors.ts'
import type { Duration } from '../../config/topology-config.ts'
import type { Host } from '../../host/host.ts'
import type {
  ErrorSummary,
  KillOptions,
  RebalanceOptions,
  RunningTopology,
  TapOptions,
  TappedTuple,
  TopologyMetrics,
  TopologyStatus,
  TraceOptions,
  TupleTrace,
  WaitOptions,
} from '../../rpc/contract.ts'
import type { StreamHandle } from '../../topology/handle.ts'
import type { Key } from '../../topology/schema/encodable.ts'
import type { Topology } from '../../topology/topology.ts'
import type { AnyValues } from '../../topology/tuple.ts'
import type { Worker } from '../../worker/worker.ts'
import { Probes } from '../live/local-probes.ts'
import { streamIds, tapStream } from '../live/local-tap.ts'
import { traceTuple } from '../live/local-trace.ts'
import { stateOf } from '../stand-in/readings.ts'
import type { Pace } from '../virtual-stage.ts'

export interface ClusterRunSpec {
  readonly inner: RunningTopology
  readonly topology: Topology
  readonly pace: Pace
  readonly host: Host
  /** Of this topology, those that live. */
  readonly workers: () => readonly Worker[]
  readonly onEnd: () => void
}

export class ClusterRun implements RunningTopology {
  readonly name: string
  readonly id: string
  private readonly spec: ClusterRunSpec
  private readonly probes: Probes
  private readonly end = new AbortController()

  constructor(spec: ClusterRunSpec) {
    this.spec = spec
    this.name = spec.inner.name
    this.id = spec.inner.id
    this.probes = new Probes(spec.workers)
  }

  /** A worker of this topology was put together. */
  onMade(worker: Worker): void {
    this.probes.attach(worker)
  }

  status(): Promise<TopologyStatus> {
    return this.drive(this.spec.inner.status())
  }

  ready(options?: WaitOptions): Promise<void> {
    return this.drive(this.spec.inner.ready(options))
  }

  finished(options?: WaitOptions): Promise<void> {
    return this.drive(this.spec.inner.finished(options))
  }

  activate(): Promise<void> {
    return this.drive(this.spec.inner.activate())
  }

  deactivate(options?: WaitOptions): Promise<void> {
    return this.drive(this.spec.inner.deactivate(options))
  }

  async kill(options?: KillOptions): Promise<void> {
    await this.drive(this.spec.inner.kill(options))
    this.end.abort()
    this.spec.onEnd()
  }

  rebalance(options: RebalanceOptions): Promise<void> {
    return this.drive(this.spec.inner.rebalance(options))
  }

  async *metrics(options?: {
    readonly every?: Duration
    readonly signal?: AbortSignal
  }): AsyncGenerator<TopologyMetrics> {
    const inner = this.spec.inner.metrics(options)[Symbol.asyncIterator]()
    try {
      for (;;) {
        const next = await this.drive(inner.next())
        if (next.done === true) return
        yield next.value
      }
    } finally {
      await inner.return?.()
    }
  }

  tap<V>(stream: StreamHandle<V>, options?: TapOptions<V>): AsyncIterable<TappedTuple<V>>
  tap(stream: string, options?: TapOptions<AnyValues>): AsyncIterable<TappedTuple<AnyValues>>
  tap<V>(
    stream: StreamHandle<V> | string,
    options: TapOptions<V> | TapOptions<AnyValues> = {},
  ): AsyncIterable<TappedTuple<AnyValues>> {
    const { host, topology } = this.spec
    const [componentId, streamId] = streamIds(topology, stream)
    const { probes, end } = this
    const what = { probes, host, componentId, streamId, masked: this.masked(), end: end.signal }
    return tapStream(what, options as TapOptions<AnyValues>)
  }

  trace(options: TraceOptions = {}): Promise<TupleTrace> {
    const { host, topology } = this.spec
    const traced = traceTuple(
      {
        probes: this.probes,
        host,
        isSpout: (id) => topology.components.get(id)?.definition.kind === 'spout',
        workerOf: (task) => this.workerIdOf(task),
        masked: this.masked(),
      },
      options,
    )
    return this.drive(traced)
  }

  async readState(component: string, state: string, key: Key): Promise<unknown> {
    const { topology, workers } = this.spec
    if (topology.components.has(component)) return stateOf(workers(), component, state, key)
    const text = `readState: there is no component "${component}"`
    throw new UsageError('UNKNOWN_COMPONENT', text, { component })
  }

  errors(): Promise<readonly ErrorSummary[]> {
    return this.drive(this.spec.inner.errors())
  }

  /** It ends with the scope that holds it, as its cluster does. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.end.signal.aborted) return
    try {
      await this.kill()
    } catch (error) {
      if (!hasCode(error, 'TOPOLOGY_NOT_FOUND')) throw error
    }
  }

  private drive<T>(work: Promise<T>): Promise<T> {
    return this.spec.pace.drive(work)
  }

  private workerIdOf(task: number): string {
    const worker = this.spec.workers().find((each) => {
      return [...each.boltTasks, ...each.spoutTasks].some(({ self }) => self.task === task)
    })
    return worker === undefined ? '' : `${this.name}-${worker.spec.worker}-${worker.spec.incarnation}`
  }

  private masked(): ReadonlySet<string> {
    return new Set(this.spec.topology.config.traceMask ?? [])
  }
}
