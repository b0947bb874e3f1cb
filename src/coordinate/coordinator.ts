/**
 * The contract of what holds the notice board: a small tree of nodes with versions, sessions, ephemeral nodes
 * and watches. Shaped after ZooKeeper, which is the real one; `memory/` has one for tests, the simulator and
 * a cluster in one process. One conformance suite runs on all of them (test/contract).
 *
 * Who calls: `cluster` (records), and the recipes of this room. Nobody else.
 *
 * Paths begin with `/`, are relative to the coordinator's root (chroot), and have no empty, `.` or `..` part.
 *
 * Order: calls take effect in the order in which they were made, as long as the connection stands. Answers
 * and watch events come in the order of the tree's changes: who sees the event of a change has not yet been
 * given a read that is newer.
 *
 * Bounds: data of a node, and a whole `multi`, at most `DATA_BYTES_MAX`; every call has a deadline
 * (`callTimeoutMs` of the implementation, 10 s unless said otherwise); at most `PENDING_MAX` calls wait.
 *
 * Errors of every call
 *   COORDINATOR_UNAVAILABLE  no connection, or no answer in time. `details.outcome`: `none` (never sent) or
 *                            `unknown` (it may have been carried out: read back before trying again)
 *   SESSION_EXPIRED          the session is over, ephemerals are gone; make a new coordinator
 *   COORDINATOR_REFUSED      an access list does not allow it, or the credentials are wrong
 *   UsageError CONFIG_INVALID_VALUE  a path or size that cannot be (`RECORD_TOO_LARGE` for data)
 */
import type { Stoppable } from '../host/host.ts'

/** ZooKeeper's `jute.maxbuffer` less room for what stands around the data. */
export const DATA_BYTES_MAX = 1_000_000
/** Calls that wait for an answer; one more is refused with COORDINATOR_UNAVAILABLE. */
export const PENDING_MAX = 100_000
/** Matches every version. */
export const ANY_VERSION = -1

export type CreateMode =
  | 'persistent'
  | 'persistent-sequential'
  | 'ephemeral'
  | 'ephemeral-sequential'
  /** Goes by itself some time after its last child has. */
  | 'container'

export interface CreateOptions {
  /** Default `persistent`. */
  readonly mode?: CreateMode
  /** Of a persistent one: goes by itself when it has no children and was not written to for so long. */
  readonly ttlMs?: number
  /** Default: the coordinator's own (`createAcl`), else open. */
  readonly acl?: readonly Acl[]
}

/** Who may do what with a node. */
export interface Acl {
  readonly scheme: 'world' | 'digest' | 'auth' | 'sasl' | 'ip' | 'x509'
  readonly id: string
  readonly permissions: readonly ('read' | 'write' | 'create' | 'delete' | 'admin')[]
}

/** Facts of a node. */
export interface NodeStat {
  /** Writes of its data since it was made. */
  readonly version: number
  /** Children made and deleted. */
  readonly childrenVersion: number
  readonly aclVersion: number
  /** Number of the change that made it, and of the last that wrote its data: larger is later. */
  readonly createdZxid: bigint
  readonly modifiedZxid: bigint
  /** Milliseconds since 1970, by the server's clock. */
  readonly createdMs: number
  readonly modifiedMs: number
  /** Session that owns it, 0n if it is not ephemeral. */
  readonly ephemeralOwner: bigint
  readonly sizeBytes: number
  readonly childCount: number
}

export interface NodeData {
  readonly data: Uint8Array
  readonly stat: NodeStat
}

/** A part of a `multi`: all take effect, or none. */
export type Operation =
  | {
      readonly kind: 'create'
      readonly path: string
      readonly data: Uint8Array
      readonly options?: CreateOptions
    }
  | { readonly kind: 'set'; readonly path: string; readonly data: Uint8Array; readonly version?: number }
  | { readonly kind: 'delete'; readonly path: string; readonly version?: number }
  /** The node is there, with this version. */
  | { readonly kind: 'check'; readonly path: string; readonly version: number }

/** What became of a part of a `multi` that took effect: the path made, or the facts after a set. */
export type OperationResult =
  | { readonly kind: 'create'; readonly path: string }
  | { readonly kind: 'set'; readonly stat: NodeStat }
  | { readonly kind: 'delete' }
  | { readonly kind: 'check' }

export type WatchKind =
  /** The node's data, its making and deletion, and its children's names. */
  | 'node'
  /** All of that for the node and everything below it. */
  | 'tree'

/** A change that a watch saw. `reset`: some may have been missed; read again what matters. */
export interface WatchEvent {
  readonly kind: 'created' | 'deleted' | 'changed' | 'children' | 'reset'
  readonly path: string
}

/**
 *                  ┌───────────────┐
 *   connecting ──▶ connected ◀──▶ suspended ──▶ expired        any ──▶ closed
 *        ╰───────────────────────────▲ (never connected within the session's length)
 *
 * `suspended`: no server answers; the session may still live. `expired` comes from a server's word, or by
 * itself when no server has answered for the whole session: who leads must stop leading then. Final.
 */
export type SessionState = 'connecting' | 'connected' | 'suspended' | 'expired' | 'closed'

export interface Coordinator {
  /**
   * Worked out at every read from the time of the last answer, not by a timer: a process whose loop stood
   * still for longer than its session sees `expired` at once.
   */
  readonly state: SessionState
  /** 0n before the first connection. */
  readonly sessionId: bigint
  /** As agreed with the server; what was asked for before that. */
  readonly sessionTimeoutMs: number

  /** Told of every change of state, later in the same turn. */
  onState(listener: (state: SessionState) => void): Stoppable

  /**
   * Resolves when connected for the first time.
   * @throws UnavailableError COORDINATOR_UNAVAILABLE not within `timeoutMs`; COORDINATOR_REFUSED
   */
  connected(timeoutMs: number): Promise<void>

  /**
   * @returns the path, with its number if sequential. A sequential create whose answer was lost is found
   *   again by a tag in its name, not made twice.
   * @throws ConflictError RECORD_EXISTS; UsageError RECORD_MISSING (its parent)
   */
  create(path: string, data: Uint8Array, options?: CreateOptions): Promise<string>
  /** @throws UsageError RECORD_MISSING */
  get(path: string): Promise<NodeData>
  /** @throws UsageError RECORD_MISSING; ConflictError RECORD_CHANGED (another version) */
  set(path: string, data: Uint8Array, version?: number): Promise<NodeStat>
  /** @throws UsageError RECORD_MISSING; ConflictError RECORD_CHANGED, RECORD_NOT_EMPTY */
  delete(path: string, version?: number): Promise<void>
  /** undefined: there is none. */
  exists(path: string): Promise<NodeStat | undefined>
  /** Names, sorted. @throws UsageError RECORD_MISSING */
  children(path: string): Promise<readonly string[]>
  /**
   * All or nothing.
   * @throws the error of the first part that could not be, with `details.index`: its place in the list
   */
  multi(operations: readonly Operation[]): Promise<readonly OperationResult[]>
  /** After it, reads of this coordinator see everything that was written anywhere before the call. */
  sync(path: string): Promise<void>

  getAcl(path: string): Promise<readonly Acl[]>
  setAcl(path: string, acl: readonly Acl[], aclVersion?: number): Promise<NodeStat>

  /**
   * Calls for every change, until stopped. Lasts over reconnects: it is set again there, with a `reset` event
   * if changes may have been missed. The node need not exist. Resolves when it is set: read afterwards.
   */
  watch(path: string, kind: WatchKind, listener: (event: WatchEvent) => void): Promise<Stoppable>
  /**
   * Calls once, for the next change of a node (of its children's names, if `of` is `children`). One-shot
   * watches cost the server less than lasting ones where nobody listens for long. Told `reset` if the session
   * ends first.
   */
  watchOnce(path: string, of: 'data' | 'children', listener: (event: WatchEvent) => void): Promise<void>

  /** Ends the session: ephemerals go at once. Calls that wait fail. Safe to repeat. */
  close(): Promise<void>
}
