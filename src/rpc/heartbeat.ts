/**
 * What a supervisor tells the leader, once a second and at once when something happened: its node, its slots,
 * what the workers there say of themselves. Never in ZooKeeper; a leader that is new learns all of it
 * within a period.
 */
import type { BlobRef, RunMode } from '../cluster/records.ts'
import type { ExitReason, SeatBeat, SeatFault } from '../cluster/seat-messages.ts'
import type { Json } from '../topology/describe/document.ts'

export interface NodeHeartbeat {
  readonly node: string
  /** As in the supervisor's record: a heartbeat of a predecessor is not believed. */
  readonly owner: string
  /** Grows by one with each; a repeated or older one changes nothing. */
  readonly sequence: number
  readonly machine: NodeFigures
  readonly slots: readonly SlotBeat[]
  /** What has happened since the last heartbeat that was answered. At most 200; older ones are counted. */
  readonly happenings: readonly NodeHappening[]
  readonly happeningsDropped: number
}

export interface NodeFigures {
  readonly cpuCount: number
  /** 1 is one core. */
  readonly cpuUsed: number
  readonly memoryTotalBytes: number
  readonly memoryUsedBytes: number
  readonly diskFreeBytes: number
  readonly diskTotalBytes: number
  /** Of the supervisor's own loop. */
  readonly loopDelayMs: number
  readonly supervisorRssBytes: number
  /** Names of health checks that failed. */
  readonly failedChecks: readonly string[]
}

/** States of a slot, as supervisor/slot.ts has them. */
export type SlotPhase = 'empty' | 'fetching' | 'starting' | 'running' | 'killing' | 'backing-off'

export interface SlotBeat {
  readonly port: number
  readonly phase: SlotPhase
  readonly topologyId: string | undefined
  readonly worker: number
  readonly generation: number
  readonly incarnation: number
  readonly layout: number
  /**
   * placementTextDigest (cluster/layout.ts) of what the worker has said that it has: not of what it was asked
   * for. undefined: nothing is here, or its supervisor is of a version that does not tell.
   */
  readonly placement: string | undefined
  /**
   * What its supervisor would start it with now: of its order on the board, as far as that is seen. What the
   * worker has heard of it is in `beat`. undefined: there is no order, or its supervisor is of a version that
   * does not tell.
   */
  readonly run: RunMode | undefined
  readonly pid: number | undefined
  /** Restarts since it was assigned here. */
  readonly restartCount: number
  /** Why it is not running, in words; empty if it is. */
  readonly why: string
  /** The newest the worker sent, and its age. */
  readonly beat: SeatBeat | undefined
  readonly beatAgeMs: number
  /**
   * State written out for the assignment's `dump`, stored as blobs. undefined: not asked, or not done
   * yet.
   */
  readonly dumped: readonly DumpedState[] | undefined
}

export interface DumpedState extends BlobRef {
  readonly executor: number
}

export type NodeHappening =
  | {
      readonly kind: 'worker-started'
      readonly at: number
      readonly topologyId: string
      readonly worker: number
      readonly incarnation: number
      readonly tookMs: number
    }
  | {
      readonly kind: 'worker-exited'
      readonly at: number
      readonly topologyId: string
      readonly worker: number
      readonly incarnation: number
      readonly reason: ExitReason
      readonly text: string
    }
  | {
      readonly kind: 'fault'
      readonly at: number
      readonly topologyId: string
      readonly worker: number
      readonly fault: SeatFault
    }
  | {
      readonly kind: 'stop-wanted'
      readonly at: number
      readonly topologyId: string
      readonly fault: SeatFault
    }
  | { readonly kind: 'dead-letter'; readonly at: number; readonly topologyId: string; readonly letter: Json }
  | {
      readonly kind: 'blob-missing'
      readonly at: number
      readonly topologyId: string
      readonly digest: string
      readonly text: string
    }

export interface HeartbeatReply {
  /** Epoch of the leader that answered. */
  readonly epoch: number
  /** Levels of logs that shall hold on workers of this node. */
  readonly logLevels: readonly {
    readonly topologyId: string
    readonly logger: string
    readonly level: string
    readonly forMs: number
  }[]
}
