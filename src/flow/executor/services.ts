/**
 * What every executor of a worker shares. Made once by the worker; executors know nothing of it but this.
 */
import type { Logger } from '../../base/log.ts'
import type { TopologySettings } from '../../config/settings.ts'
import type { TopologyConfig } from '../../config/topology-config.ts'
import type { Host, Random } from '../../host/host.ts'
import type { TaskHook } from '../../topology/hook.ts'
import type { AnyValues, DeadLetter } from '../../topology/tuple.ts'
import type { AckRouter } from '../ack/ack-router.ts'
import type { EdgeIds } from '../ack/edge-ids.ts'
import type { StreamRef } from '../route/stream-ref.ts'
import type { MetricBoard } from './metric-board.ts'
import type { WorkLoop } from './work-loop.ts'

/** An error to be shown: who, which code, what was thrown. */
export interface ReportedError {
  readonly componentId: string
  readonly task: number
  readonly error: unknown
}

/** What an executor asks of its worker. */
export interface WorkerDesk {
  /** Counts an error and shows it, at a limited rate. */
  report(reported: ReportedError): void
  /** @returns false: the store is full, act as if the policy were `fail` */
  storeDeadLetter(letter: DeadLetter): boolean
  /** The worker must end and start again; the reason is for the log. */
  restartWorker(reported: ReportedError): void
  /** The topology must be deactivated, everything stays for a look. */
  stopTopology(reported: ReportedError): void
  /** A source task has nothing left to give. */
  sourceFinished(task: number): void
  /** It has again: a partition was added. */
  sourceResumed(task: number): void
  /** Counts a failure of user code against `maxFailures`. */
  countFailure(reported: ReportedError): void
}

/** Restart positions, as far as sources need them. */
export interface PositionDesk {
  /** Where reading of a partition shall go on; undefined: from its beginning. */
  stored(componentId: string, partition: string): unknown
  /** Names of the partitions of a component, asked for once in a worker and shared by its tasks. */
  partitionsOf(
    componentId: string,
    ask: () => Promise<readonly string[]>,
    maxAgeMs: number,
  ): Promise<readonly string[]>
}

export interface EngineServices {
  readonly host: Host
  readonly random: Random
  readonly settings: TopologySettings
  /** All sources of configuration merged: what contexts show. */
  readonly config: TopologyConfig
  readonly topologyName: string
  readonly worker: { readonly id: string; readonly node: string; readonly port: number }
  readonly incarnation: number
  readonly loop: WorkLoop
  readonly ids: EdgeIds
  readonly acks: AckRouter
  readonly positions: PositionDesk
  readonly desk: WorkerDesk
  readonly log: Logger
  readonly metrics: MetricBoard
  readonly resources: ReadonlyMap<string, unknown>
  readonly makeHooks: ReadonlyArray<() => TaskHook>
  /** All streams of the topology by number. */
  readonly streams: readonly StreamRef[]
  readonly tasksOf: (componentId: string) => readonly number[]
  /**
   * Looks at values before they are emitted, and gives what is emitted: freezes, validates or encodes them as
   * the settings ask. undefined: nothing is asked, the fastest way.
   */
  readonly admit: ((ref: StreamRef, values: AnyValues) => AnyValues) | undefined
  /** Throws what a link would refuse of these values. undefined: no tuple leaves this worker. */
  tryEncode: ((ref: StreamRef, values: AnyValues) => void) | undefined
  /** Faults for tests: called before each call of a component; may throw. */
  readonly beforeCall: ((componentId: string, call: string) => void) | undefined
}
