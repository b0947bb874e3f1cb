/**
 * What Nimbus can be asked, as one interface: routes (routes/) describe each call for the network,
 * dispatcher.ts brings requests here, nimbus/ carries them out.
 *
 * Every call may fail with NIMBUS_NOT_LEADER (`details.leader`: address of the leader, if known),
 * COORDINATOR_UNAVAILABLE, NOT_AUTHENTICATED, NOT_ALLOWED. Names of topologies: TOPOLOGY_NOT_FOUND.
 */
import type { BlobRef } from '../cluster/records.ts'
import type { SeatBeat } from '../cluster/seat-messages.ts'
import type { Json } from '../topology/describe/document.ts'
import type { TopologyOutline } from '../topology/describe/outline.ts'
import type {
  ClusterStatus,
  ErrorSummary,
  NodeStatus,
  TopologyMetrics,
  TopologyStatus,
  TopologySummary,
} from './contract.ts'
import type { HeartbeatReply, NodeHeartbeat, SlotPhase } from './heartbeat.ts'

/** Who calls. `admin` may do everything, `operator` all but submit and blobs, `reader` only looks. */
export interface Caller {
  readonly name: string
  readonly roles: readonly string[]
}

export interface SubmitRequest {
  readonly name: string
  readonly bundle: BlobRef
  readonly outline: BlobRef
  readonly args: Json
  readonly config: Json
  readonly isInactive: boolean
  readonly idempotencyKey: string | undefined
}

export interface SubmitReply {
  readonly id: string
  readonly name: string
  /** True: an earlier submit with this key; nothing was done. */
  readonly isRepeated: boolean
  readonly warnings: readonly string[]
}

export interface PreviewReply {
  readonly findings: readonly {
    readonly severity: 'error' | 'warning'
    readonly code: string
    readonly message: string
  }[]
  readonly changes: readonly {
    readonly kind: string
    readonly subject: string
    readonly before: string | undefined
    readonly after: string | undefined
  }[]
  readonly slots: { readonly needed: number; readonly free: number }
}

export interface RebalanceRequest {
  readonly workers: number | undefined
  readonly executors: Readonly<Record<string, number>>
  readonly tasks: Readonly<Record<string, number>>
  readonly scheduler: string | undefined
  /** Longest wait for tuples in flight. */
  readonly drainMs: number | undefined
  /** Under one key a topology is rebalanced once; asked again, the same operation is answered. */
  readonly idempotencyKey?: string | undefined
  /** As for the other changes of a topology. */
  readonly topologyId?: string | undefined
}

/** Work that goes on after its call was answered; to be looked at, and waited for, by id. */
export interface OperationStatus {
  readonly id: string
  readonly kind: 'submit' | 'kill' | 'rebalance' | 'activate' | 'deactivate' | 'drain-node'
  readonly subject: string
  readonly step: string
  readonly done: number
  readonly total: number | undefined
  readonly state: 'running' | 'done' | 'failed'
  readonly error: { readonly code: string; readonly message: string } | undefined
}

export interface WorkerStatus {
  readonly topology: string
  readonly worker: number
  readonly node: string
  readonly port: number
  readonly phase: SlotPhase
  readonly incarnation: number
  readonly pid: number | undefined
  readonly restartCount: number
  readonly why: string
  readonly executors: string
  readonly uptimeMs: number | undefined
  readonly beat: SeatBeat | undefined
  readonly atRisk: readonly string[]
}

export interface SlotStatus {
  readonly node: string
  readonly port: number
  readonly phase: SlotPhase
  readonly topology: string | undefined
  readonly worker: number | undefined
}

/** Figures over time, oldest first: at most so many as the history holds. */
export interface ResourceHistory {
  readonly subject: string
  readonly series: Readonly<Record<string, readonly { readonly at: number; readonly value: number }[]>>
  readonly atRisk: readonly string[]
}

export interface LogPiece {
  readonly node: string
  readonly port: number
  readonly worker: number
  readonly lines: readonly string[]
  /** Where to go on; empty: nothing was told yet. */
  readonly next: string
  /** Why there are no lines, if they could not be read. */
  readonly trouble?: string | undefined
}

export interface LogQuery {
  /** Pieces come from there on; by `node:port`, as `next` of the piece before said. */
  readonly after: Readonly<Record<string, string>>
  readonly worker: number | undefined
  readonly linesMax: number
}

export interface EventPage {
  readonly events: readonly {
    readonly id: string
    readonly at: number
    readonly kind: string
    readonly topology: string | undefined
    readonly node: string | undefined
    readonly message: string
    readonly details: Readonly<Record<string, string | number | boolean>>
  }[]
  readonly next: string
}

/** Who leads, as it calls itself. */
export interface LeadershipStatus {
  readonly nimbus: string
  /** Where others are told that it is; maybe not where it was asked. */
  readonly address: string
}

export interface NimbusApi {
  submit(caller: Caller, request: SubmitRequest): Promise<SubmitReply>
  preview(caller: Caller, request: SubmitRequest): Promise<PreviewReply>
  topologies(caller: Caller): Promise<readonly TopologySummary[]>
  topology(caller: Caller, name: string): Promise<TopologyStatus>
  outline(caller: Caller, name: string): Promise<TopologyOutline>
  /**
   * This and the next three: with an id, only that topology is meant. Another that has its name by now is
   * TOPOLOGY_NOT_FOUND, so whoever asks again cannot hit it.
   */
  activate(caller: Caller, name: string, topologyId?: string): Promise<OperationStatus>
  deactivate(caller: Caller, name: string, topologyId?: string): Promise<OperationStatus>
  kill(
    caller: Caller,
    name: string,
    drainMs: number | undefined,
    topologyId?: string,
  ): Promise<OperationStatus>
  rebalance(caller: Caller, name: string, request: RebalanceRequest): Promise<OperationStatus>
  operation(caller: Caller, id: string): Promise<OperationStatus>
  metrics(caller: Caller, name: string): Promise<TopologyMetrics>
  errors(caller: Caller, name: string): Promise<readonly ErrorSummary[]>
  deadLetters(caller: Caller, name: string): Promise<readonly Json[]>
  workers(caller: Caller, name: string): Promise<readonly WorkerStatus[]>
  logs(caller: Caller, name: string, query: LogQuery): Promise<readonly LogPiece[]>
  setLogLevel(caller: Caller, name: string, logger: string, level: string, forMs: number): Promise<void>

  /** Answered by the leader alone. @throws NIMBUS_NOT_LEADER */
  leadership(caller: Caller): Promise<LeadershipStatus>
  /** Every Nimbus answers it; a standby knows little of slots. */
  cluster(caller: Caller): Promise<ClusterStatus>
  nodes(caller: Caller): Promise<readonly NodeStatus[]>
  slots(caller: Caller): Promise<readonly SlotStatus[]>
  history(caller: Caller, node: string): Promise<readonly ResourceHistory[]>
  drain(caller: Caller, node: string): Promise<OperationStatus>
  undrain(caller: Caller, node: string): Promise<void>
  /** Waits up to `waitMs` for something newer than `after`. */
  events(caller: Caller, after: string | undefined, waitMs: number): Promise<EventPage>

  /** The board as it stands, read only; secrets are masked. */
  boardList(caller: Caller, path: string): Promise<readonly string[]>
  boardRead(caller: Caller, path: string): Promise<Json>

  blobs(caller: Caller): Promise<readonly BlobRef[]>
  /** From `offset` on, at most `sizeBytes`. @throws BLOB_MISSING */
  readBlob(caller: Caller, digest: string, offset: number, sizeBytes: number): Promise<Uint8Array>
  /**
   * Whole, in one piece; stored only if the bytes have the digest. @throws BUNDLE_INVALID,
   * BUNDLE_TOO_LARGE
   */
  writeBlob(caller: Caller, digest: string, bytes: Uint8Array): Promise<BlobRef>
  deleteBlob(caller: Caller, digest: string): Promise<void>

  heartbeat(caller: Caller, beat: NodeHeartbeat): Promise<HeartbeatReply>
}
