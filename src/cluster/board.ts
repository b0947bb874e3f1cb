/**
 * The notice board, as daemons see it: what stands there now, and what they may write. The only way of
 * Nimbus and supervisors to the coordinator.
 *
 * A board outlives its sessions: when one expires a new one is begun, what was announced is announced again,
 * and the view is read anew. A leadership does not: it ends with its session, or when another has begun.
 *
 * Order: `open`, then the rest. `close` ends the session at once, so that ephemerals go.
 *
 * Invariants
 *   B1  every write of a leadership checks the epoch's node: none of a deposed leader takes effect
 *   B2  the view may lag, and never goes back within a session
 *   B3  a node that holds what no daemon wrote is named in `malformed`, and never written over
 */
import type { ConflictError } from '../base/errors.ts'
import type { Stoppable } from '../host/host.ts'
import type {
  AssignmentRecord,
  EpochRecord,
  NimbusRecord,
  NodeRecord,
  SubmitRecord,
  SupervisorRecord,
  TopologyRecord,
} from './records.ts'
import type { Versioned } from './versioned.ts'

/** What stands on the board, by id; a live picture. Do not keep the maps: read them when they are needed. */
export interface BoardView {
  readonly epoch: Versioned<EpochRecord> | undefined
  readonly topologies: ReadonlyMap<string, Versioned<TopologyRecord>>
  readonly assignments: ReadonlyMap<string, Versioned<AssignmentRecord>>
  readonly supervisors: ReadonlyMap<string, SupervisorRecord>
  readonly nodes: ReadonlyMap<string, Versioned<NodeRecord>>
  readonly nimbuses: ReadonlyMap<string, NimbusRecord>
  /** Name → id of the topology that has it. */
  readonly names: ReadonlyMap<string, string>
  /** Path → what is wrong with it. */
  readonly malformed: ReadonlyMap<string, string>
}

export type BoardPart =
  | 'epoch'
  | 'topologies'
  | 'assignments'
  | 'supervisors'
  | 'nodes'
  | 'nimbuses'
  | 'names'

export interface BoardChange {
  readonly part: BoardPart
  readonly id: string
}

/** `away`: no server answers, the session may live. `lost`: it is over, a new one is being begun. */
export type BoardState = 'connected' | 'away' | 'lost' | 'closed'

/** A change that a leader makes. `version` undefined: it must not be there yet. */
export type BoardWrite =
  | { readonly kind: 'put-topology'; readonly record: TopologyRecord; readonly version: number | undefined }
  | { readonly kind: 'delete-topology'; readonly id: string; readonly version: number }
  | {
      readonly kind: 'put-assignment'
      readonly record: AssignmentRecord
      readonly version: number | undefined
    }
  | { readonly kind: 'delete-assignment'; readonly id: string; readonly version: number }
  | { readonly kind: 'put-node'; readonly record: NodeRecord; readonly version: number | undefined }
  | { readonly kind: 'delete-node'; readonly node: string; readonly version: number }
  | { readonly kind: 'take-name'; readonly name: string; readonly id: string }
  | { readonly kind: 'free-name'; readonly name: string }
  /** Kept until `delete-submit`: with its topology, or when nobody can be waiting for it any more. */
  | { readonly kind: 'put-submit'; readonly record: SubmitRecord }
  | { readonly kind: 'delete-submit'; readonly key: string }

/** What a leader may do, as long as it is one. */
export interface Leadership {
  readonly epoch: number
  /** Judged at every read. False is final. */
  readonly isHeld: boolean
  /**
   * All or nothing, under a check of the epoch.
   * @throws ConflictError EPOCH_OLD (this leadership is over), RECORD_CHANGED, RECORD_EXISTS (read again);
   *   UsageError RECORD_TOO_LARGE; UnavailableError COORDINATOR_UNAVAILABLE with `details.outcome`
   */
  write(writes: readonly BoardWrite[]): Promise<void>
  /**
   * Positions of a killed topology, once nothing runs of it: at most `countMax` nodes, under a check of the
   * epoch. Safe to repeat. Errors as of `write`.
   * @returns how many went: fewer than `countMax` means that nothing is left
   */
  deletePositions(topologyId: string, countMax: number): Promise<number>
  /** Ids of topologies that have positions: for the clean-up of what is left over. */
  topologiesWithPositions(): Promise<readonly string[]>
  /** Gives it up, so that another can lead at once. */
  resign(): Promise<void>
}

export interface CampaignSpec {
  readonly nimbus: string
  readonly address: string
  readonly onLeader: (leadership: Leadership) => void
  readonly onStandby: (why: string) => void
}

/** Component → partition → toPlainJson of a StoredPartition. */
export type PositionTexts = Readonly<Record<string, Readonly<Record<string, string>>>>

export interface Board {
  readonly state: BoardState
  readonly view: BoardView

  /**
   * Resolves when connected, the tree is ours (made if there is none), and the view is whole.
   * @throws UnavailableError COORDINATOR_UNAVAILABLE not within `timeoutMs`; FormatError RECORD_MALFORMED the
   *   root belongs to something else; UsageError COORDINATOR_REFUSED
   */
  open(timeoutMs: number): Promise<void>
  onState(listener: (state: BoardState) => void): Stoppable
  /** Told after the view has changed. */
  onChange(listener: (change: BoardChange) => void): Stoppable
  /** After it, the view has everything that was written anywhere before the call. */
  sync(): Promise<void>

  /**
   * Puts up an ephemeral record, and again in every new session, until stopped.
   * @param formerOwners owners that are dead for sure: what they have left is replaced at once
   * @param isWanted asked before each try; once it says no nothing is put up any more
   * @throws ConflictError RECORD_EXISTS another living supervisor has the name; waited for one session first
   */
  announceSupervisor(
    record: SupervisorRecord,
    formerOwners?: readonly string[],
    isWanted?: () => boolean,
  ): Promise<Stoppable>
  announceNimbus(record: NimbusRecord, isWanted?: () => boolean): Promise<Stoppable>
  /**
   * Told when something that was announced could not be in a new session, since another living daemon has the
   * name now. It is not tried again: two that took it from each other in turns would both be broken.
   */
  onTaken(listener: (error: ConflictError) => void): Stoppable
  /** Stands for leader until stopped; may win, lose and win again. */
  campaign(spec: CampaignSpec): Stoppable
  /**
   * Takes the place of whoever leads with this epoch, for one who is sure that it is gone: whoever stands
   * next leads. Being wrong costs a change of leaders and nothing else. False: it leads no more anyway, or
   * nobody else stands for leader.
   */
  unseat(leader: EpochRecord): Promise<boolean>

  /** Answer to an earlier submit with this key. */
  submitOf(key: string): Promise<SubmitRecord | undefined>
  positionsOf(topologyId: string): Promise<PositionTexts>
  /**
   * Puts positions under a check that the assignment still has this version.
   * @throws ConflictError RECORD_CHANGED the assignment has changed: look whether the worker is still ours
   */
  putPositions(
    topologyId: string,
    assignmentVersion: number,
    positions: PositionTexts,
    incarnation: number,
  ): Promise<void>

  close(): Promise<void>
}
