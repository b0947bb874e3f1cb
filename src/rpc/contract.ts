/**
 * What can be asked of a topology that runs: on a cluster, or in a `LocalCluster`. Types only.
 *
 * Members that rest on checkpoints (savepoints, upgrade, the last checkpoint of a status) come with those:
 * see docs/decisions/0004-local-cluster-surface.md.
 */
import type { ErrorCode } from '../base/error-codes.ts'
import type { Details, ErrorFamily } from '../base/errors.ts'
import type { Duration, Guarantee, TopologyConfig } from '../config/topology-config.ts'
import type { StreamHandle } from '../topology/handle.ts'
import type { MetricSample } from '../topology/hook.ts'
import type { Key } from '../topology/schema/encodable.ts'
import type { AnyValues } from '../topology/tuple.ts'

/** Options of calls that wait. */
export interface WaitOptions {
  /** Longest wait. Default `'2m'`; then OPERATION_TIMED_OUT, and the work goes on. */
  readonly timeout?: Duration
  readonly signal?: AbortSignal
  /** Told of each step and its progress. */
  readonly onProgress?: (step: Progress) => void
}

/** A step of long work. */
export interface Progress {
  readonly step: string
  readonly done: number
  /** undefined if unknown. */
  readonly total: number | undefined
  readonly unit: 'tasks' | 'tuples' | 'bytes'
  /** What went wrong last in what is waited for, in one line; the work goes on all the same. */
  readonly trouble?: string | undefined
}

/** What a topology is doing. */
export type TopologyState = 'starting' | 'active' | 'inactive' | 'rebalancing' | 'stopping' | 'failed'

/** A topology in a list. */
export interface TopologySummary {
  readonly name: string
  readonly id: string
  readonly state: TopologyState
  readonly version: number
  readonly workers: number
  /** Of its components: ackers are not counted. */
  readonly tasks: number
  /** Milliseconds since 1970. */
  readonly submittedAt: number
  /** On a cluster: every source has read all it had, and nothing is in flight. */
  readonly isFinished?: boolean | undefined
}

/** A topology in detail. */
export interface TopologyStatus extends TopologySummary {
  readonly guarantee: Guarantee
  readonly config: TopologyConfig
  readonly components: readonly ComponentStatus[]
  /**
   * Executors that run nowhere, and why. Without a component: it concerns the whole topology; `count` 0: all
   * may run, but not as it was asked for.
   */
  readonly unplaced: readonly { readonly component: string; readonly count: number; readonly why: string }[]
  /** The component that holds the others back, with the evidence in words; undefined if none does. */
  readonly bottleneck:
    | { readonly component: string; readonly since: number; readonly evidence: string }
    | undefined
}

/** A component in detail. Rates are per second, over the last 10 s; times in milliseconds. */
export interface ComponentStatus {
  readonly component: string
  readonly kind: 'spout' | 'bolt'
  readonly executors: number
  readonly tasks: number
  readonly inPerSecond: number
  readonly outPerSecond: number
  /** Shares of time, 0 to 1, that add up to 1. */
  readonly busy: number
  readonly blocked: number
  readonly idle: number
  readonly inboxFill: number
  readonly executeP50: number
  readonly executeP99: number
  readonly ackedCount: number
  readonly failedCount: number
  /** Ends of workers that had executors of it, but for those in good order, since this Nimbus knows of it. */
  readonly restartCount: number
  /** Records not read yet; undefined if the source cannot say. */
  readonly lagCount: number | undefined
}

/** A topology that runs: on a cluster, or in a `LocalCluster`. */
export interface RunningTopology extends AsyncDisposable {
  readonly name: string
  readonly id: string
  status(): Promise<TopologyStatus>
  /**
   * Resolves when it is active and its first tuple has been acked.
   * @throws OPERATION_TIMED_OUT
   */
  ready(options?: WaitOptions): Promise<void>
  /** Resolves when every source has finished and nothing is in flight. For bounded sources. */
  finished(options?: WaitOptions): Promise<void>
  activate(): Promise<void>
  /** Stops the sources; what is in flight is finished. */
  deactivate(options?: WaitOptions): Promise<void>
  /** Stops the sources, finishes what is in flight (at most `drainTimeout`), then removes the topology. */
  kill(options?: KillOptions): Promise<void>
  /**
   * Changes workers and executors; keyed state moves along.
   * @throws ConflictError REBALANCE_CONFLICT; UsageError STATE_NOT_RESCALABLE, PARALLELISM_INVALID
   */
  rebalance(options: RebalanceOptions): Promise<void>
  /** Figures of the whole topology, every so often (default `'1s'`). */
  metrics(options?: {
    readonly every?: Duration
    readonly signal?: AbortSignal
  }): AsyncIterable<TopologyMetrics>
  /** Tuples of a stream as they pass: a sample, at a limited rate. A handle gives typed values. */
  tap<V>(stream: StreamHandle<V>, options?: TapOptions<V>): AsyncIterable<TappedTuple<V>>
  tap(stream: string, options?: TapOptions<AnyValues>): AsyncIterable<TappedTuple<AnyValues>>
  /** Follows the next spout tuple, or the next that fits `where`, through its whole tree. */
  trace(options?: TraceOptions): Promise<TupleTrace>
  /** Reads keyed state of one key, as of the last call for that key. For support work; not a query engine. */
  readState(component: string, state: string, key: Key): Promise<unknown>
  errors(): Promise<readonly ErrorSummary[]>
}

/** Options of `kill`. */
export interface KillOptions extends WaitOptions {
  /** Longest wait for tuples in flight. Default: `drainTimeout`. `'0s'` drops them. */
  readonly drain?: Duration
  /** The topology's name, needed on contexts marked as production: else CONFIRMATION_NEEDED. */
  readonly confirm?: string
}

/** Options of `rebalance`. What is not named stays. */
export interface RebalanceOptions extends WaitOptions {
  readonly workers?: number
  /** Executors by component id. Tasks follow, unless `tasks` was given for the component. */
  readonly executors?: Readonly<Record<string, number>>
  /** Tasks by component id. Keyed state moves along; what cannot be split refuses: STATE_NOT_RESCALABLE. */
  readonly tasks?: Readonly<Record<string, number>>
}

/** Figures at one moment. */
export interface TopologyMetrics {
  readonly at: number
  readonly components: readonly ComponentStatus[]
  readonly completeP50: number
  readonly completeP99: number
  readonly ackedPerSecond: number
  readonly failedPerSecond: number
  /** Everything else, under Prometheus names. */
  readonly samples: readonly MetricSample[]
}

/** Options of `tap`. */
export interface TapOptions<V> {
  /** Share of tuples, 0 to 1. Default 1. */
  readonly sample?: number
  /** Most per second. Default 100. */
  readonly rateMax?: number
  /** Only tuples for which this is true. It must stand alone, without anything from around it. */
  readonly where?: (values: V) => boolean
  /** End after so many. */
  readonly limit?: number
  readonly signal?: AbortSignal
}

/** A tuple seen by a tap. Masked fields (`traceMask`) read `***`. */
export interface TappedTuple<out V> {
  readonly at: number
  readonly task: number
  readonly values: V
}

/** Options of `trace`. */
export interface TraceOptions {
  readonly spout?: string
  /** It must stand alone. */
  readonly where?: (values: AnyValues) => boolean
  /** Longest wait. Default `'30s'`. */
  readonly timeout?: Duration
}

/** The tree of one spout tuple. */
export interface TupleTrace {
  readonly id: string
  readonly outcome: 'acked' | 'failed' | 'expired'
  readonly durationMs: number
  readonly steps: readonly TraceStep[]
}

/** One hop. `parent` is the index of the step that emitted it. */
export interface TraceStep {
  readonly parent: number | undefined
  readonly component: string
  readonly task: number
  readonly worker: string
  readonly stream: string
  readonly values: AnyValues
  /** From the spout's emit. */
  readonly arrivedMs: number
  readonly queuedMs: number
  readonly executeMs: number
}

/** Errors with the same code and place. */
export interface ErrorSummary {
  readonly code: ErrorCode
  readonly family: ErrorFamily
  readonly component: string
  readonly message: string
  readonly count: number
  readonly firstAt: number
  readonly lastAt: number
  readonly stack: string | undefined
  readonly details: Details
}

/** The cluster as a whole. */
export interface ClusterStatus {
  readonly leader: string | undefined
  readonly standbys: readonly string[]
  readonly coordinator: 'connected' | 'unavailable'
  /** True: there is no ZooKeeper, and everything is forgotten when the cluster ends. Of `dev-cluster`. */
  readonly isCoordinatorInMemory?: boolean | undefined
  readonly slots: { readonly total: number; readonly used: number }
  readonly topologies: number
  readonly version: string
}

/** A node. */
export interface NodeStatus {
  readonly node: string
  readonly state: 'up' | 'silent' | 'draining' | 'drained' | 'blacklisted'
  readonly slots: { readonly total: number; readonly used: number }
  readonly memory: { readonly totalBytes: number; readonly usedBytes: number }
  /** 1 is one core. */
  readonly cpu: { readonly total: number; readonly used: number }
  /** Signs that it may fail soon, in words. */
  readonly atRisk: readonly string[]
}

/** Something that happened. */
export interface ClusterEvent {
  readonly id: string
  readonly at: number
  /** For example `topology-submitted`, `worker-restarted`, `leader-changed`. */
  readonly kind: string
  readonly topology: string | undefined
  readonly node: string | undefined
  readonly message: string
  readonly details: Details
}
