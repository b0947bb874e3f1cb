/**
 * What stands on the notice board, as types. board.ts reads and writes it, parse-records.ts checks what it
 * reads, paths.ts says where it stands.
 *
 *   /leader/epoch                   EpochRecord, persistent. Every write of a leader checks its version
 *   /leader/candidates/…            ephemeral, sequential: one per Nimbus
 *   /nimbuses/<id>                  NimbusRecord, ephemeral
 *   /supervisors/<node>             SupervisorRecord, ephemeral: there while the session of its supervisor is
 *   /nodes/<node>                   NodeRecord, persistent: what the leader decided about a node
 *   /names/<name>                   id of the topology that has the name
 *   /topologies/<id>                TopologyRecord
 *   /assignments/<id>               AssignmentRecord
 *   /positions/<id>/<component>/<partition>   PositionRecord
 *   /submits/<key>                  SubmitRecord: the answer to a submit that is repeated
 *
 * Who writes: the leading Nimbus all but its own and the supervisors' ephemerals, and positions, which
 * supervisors write under a check of the assignment's version.
 *
 * Bounds: no record above `RECORD_BYTES_MAX`; what may grow with a topology (its document, its bundle) is a
 * blob, named here by its digest. Never here: heartbeats, figures, tuples, code.
 */
import type { Json } from '../topology/describe/document.ts'

/** Format of every record: raised when an older reader would misunderstand one. */
export const RECORD_FORMAT = 1
/** A quarter of what ZooKeeper takes: replies of several fit, too. */
export const RECORD_BYTES_MAX = 256 * 1024

/** A leadership. `epoch` only grows; the version of its node is what writes are checked against. */
export interface EpochRecord {
  readonly epoch: number
  readonly nimbus: string
  /** Where the leader's API is: `host:port`. */
  readonly address: string
}

export interface NimbusRecord {
  readonly nimbus: string
  readonly address: string
  readonly version: string
}

/** A node as its supervisor announces it. */
export interface SupervisorRecord {
  /** Name of the node: unique in the cluster, the same after a restart. */
  readonly node: string
  /** Host at which its workers are reached. */
  readonly host: string
  /** Where the supervisor answers (logs, profiles): `host:port`. */
  readonly address: string
  /** Ports of its slots. */
  readonly ports: readonly number[]
  readonly cpuPercent: number
  readonly memoryBytes: number
  readonly version: string
  /** Drawn at start: tells two supervisors of one name apart. */
  readonly owner: string
}

/** What the leader decided about a node. Absent: nothing. */
export interface NodeRecord {
  readonly node: string
  readonly isDraining: boolean
  /** Milliseconds since 1970; undefined: not on the blacklist. */
  readonly blacklistedUntil: number | undefined
  readonly why: string
}

/** A content-addressed blob: SHA-256 in hex. */
export interface BlobRef {
  readonly digest: string
  readonly sizeBytes: number
}

/**
 *   active ◀──▶ inactive      any of the two ──▶ rebalancing ──▶ back       any ──▶ killed ──▶ (record gone)
 */
export type TopologyPhase = 'active' | 'inactive' | 'rebalancing' | 'killed'

export interface TopologyRecord {
  readonly id: string
  readonly name: string
  /** Of the module: 1 for the first submit under a name. */
  readonly version: number
  readonly phase: TopologyPhase
  /** Phase to go back to after a rebalance. */
  readonly phaseAfter: 'active' | 'inactive' | undefined
  /** Milliseconds since 1970 at which a killed or rebalancing topology is not waited for any longer. */
  readonly phaseDeadline: number | undefined
  /** How long that was from when it was written: whoever's clock is wrong waits no longer. */
  readonly phaseMs?: number | undefined
  /** How often this record was written since its rebalance was asked for. Default: never. */
  readonly phaseWrites?: number | undefined
  readonly submittedAt: number
  readonly idempotencyKey: string | undefined
  /** The module, one file of JavaScript. */
  readonly bundle: BlobRef
  /** A TopologyOutline with its TopologyDocument, as JSON. */
  readonly outline: BlobRef
  /** Arguments as given at submit, before the topology's own schema. */
  readonly args: Json
  /** Over the topology's own configuration, in TypeScript's form. */
  readonly config: Json
  /** Executors and tasks as rebalanced. What is not named is as in the outline. */
  readonly parallelism: Readonly<Record<string, { readonly executors?: number; readonly tasks?: number }>>
  /** As rebalanced; undefined: as in the outline. */
  readonly workers: number | undefined
  readonly scheduler: string | undefined
  /** What a rebalance that is going on will make of the four above. */
  readonly wanted: Pick<TopologyRecord, 'parallelism' | 'workers' | 'scheduler'> | undefined
  /** Why it is left alone, if it is. */
  readonly quarantine: string | undefined
  /** Why it stopped itself, if it did: it is inactive until somebody activates it. */
  readonly failure?: string | undefined
  /** The last rebalances that were given up, newest last; `version`: of this record when each began. */
  readonly givenUp?: readonly { readonly version: number; readonly why: string }[] | undefined
  /** The last rebalances asked for under a key, newest last; `version`: of this record as each began. */
  readonly rebalances?: readonly { readonly key: string; readonly version: number }[] | undefined
}

/** What all workers of a topology shall do now. */
export type RunMode =
  | 'active'
  /** Sources are not asked; what failed is not emitted again. */
  | 'inactive'
  /** Sources are not asked, but what fails is emitted again until nothing is in flight. */
  | 'drain'

/** Who runs what where. Written by the leader only, with its epoch. */
export interface AssignmentRecord {
  readonly topologyId: string
  readonly epoch: number
  /**
   * Grows when executors or tasks get other numbers. Workers of different layouts do not understand each
   * other.
   */
  readonly layout: number
  /** Digest of the layout (layout.ts): a worker whose build gives another refuses to start. */
  readonly layoutDigest: string
  readonly run: RunMode
  /** Workers show it to each other. A secret: never in logs or answers of the API. */
  readonly token: string
  readonly workers: readonly WorkerAssignment[]
  /**
   * Executors whose keyed state shall be written out now, while `run` is `drain`: it moves, or is dealt anew.
   * Their supervisors store it as blobs and tell the leader. Empty: none.
   */
  readonly dump: string
  /**
   * Keyed state for tasks that begin with this layout or move with this generation. Read at the first start
   * only: a worker that is restarted later begins without state, as it does everywhere in this version.
   */
  readonly state: readonly StateBlob[]
  /**
   * Highest generation that any worker of it ever had: one that is placed again after it was nowhere must not
   * be older than its left-over.
   */
  readonly generationMax?: number | undefined
  /** Executors that are placed nowhere, and why, as the scheduler says it. */
  readonly unplaced: readonly { readonly executors: string; readonly why: string }[]
}

export interface WorkerAssignment {
  /** Number in the topology, from 1. Kept while it moves. */
  readonly worker: number
  readonly node: string
  readonly port: number
  /** Where its peers reach it: `host:port`. */
  readonly address: string
  /**
   * Grows with every move of this worker and every new layout; with the restarts that its supervisor counts
   * it makes the incarnation (incarnation.ts).
   */
  readonly generation: number
  /** Numbers of its executors: `1-5,9`. */
  readonly executors: string
}

/** Keyed state of an executor of an earlier assignment, as its worker wrote it out. */
export interface StateBlob extends BlobRef {
  readonly component: string
}

/** How far a partition of a source is done. */
export interface PositionRecord {
  /** toPlainJson of a StoredPartition. */
  readonly stored: string
  /** Incarnation of the worker that said so. */
  readonly incarnation: number
}

/** What came of a submit, for who repeats it with the same key. */
export interface SubmitRecord {
  readonly key: string
  readonly topologyId: string
}
