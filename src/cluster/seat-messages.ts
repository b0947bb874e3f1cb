/**
 * What a worker process and the supervisor of its node say to each other. JSON in frames
 * (message-channel.ts) over one connection that the worker dials, to an address the supervisor wrote into
 * its directory; so a worker outlives its supervisor and finds the next one.
 *
 *   worker                                         supervisor
 *   HELLO (who I am, what I run, if anything) ───▶  a spare; one of mine: adopted; a stranger: told to go
 *                                             ◀───  KNOWN…, ASSIGN (to a spare)
 *   STARTED | START_FAILED                    ───▶
 *                                             ◀───  RUN, PEERS, KNOWN…, REARRANGE, STOP
 *   HEARTBEAT every second, from its own loop ───▶  ◀───  LEASE, the answer; none for long: it ends itself
 *   POSITIONS as sources get on               ───▶  ◀─── STORED
 *   FAULT, FINISHED, EXITING                  ───▶
 *
 * A worker that was adopted goes on as it is: HELLO says its incarnation, STARTED that it runs, if it does;
 * run mode and peers' incarnations are told anew.
 */
import type { Json } from '../topology/describe/document.ts'
import type { PositionTexts } from './board.ts'
import type { RunMode } from './records.ts'

/**
 * Raised with every change by which one side would not understand the other: workers outlive their
 * supervisor, so the next one may be of another version. It starts workers that speak another one anew.
 * Of HELLO all members but `seat` stay as they are in every version.
 *
 *   1  first
 *   2  `known`; `rearranged` says to what
 */
export const SEAT_PROTOCOL = 2

/** What a worker is, for HELLO and for adoption. */
export interface SeatFacts {
  readonly topologyId: string
  readonly worker: number
  readonly port: number
  readonly incarnation: number
  readonly layout: number
  readonly layoutDigest: string
}

/** All that a spare process needs to become a worker. Plain values; the bundle is a file on this node. */
export interface SeatAssign extends SeatFacts {
  readonly kind: 'assign'
  readonly topologyName: string
  readonly node: string
  readonly bundlePath: string
  readonly args: Json
  readonly config: Json
  /** Executors and tasks by component, over what the module says. */
  readonly parallelism: Readonly<Record<string, { readonly executors?: number; readonly tasks?: number }>>
  readonly workers: number | undefined
  /** Worker of each executor, in order of their numbers; 0: placed nowhere. */
  readonly placement: readonly number[]
  /** Where to listen, and where the others are. */
  readonly listen: string
  readonly peers: readonly SeatPeer[]
  /** Of the topology; shown to peers. */
  readonly token: string
  readonly run: RunMode
  /**
   * Stored positions: component → partition → toPlainJson of a StoredPartition. More of them were in `known`
   * messages before this one.
   */
  readonly positions: Readonly<Record<string, Readonly<Record<string, string>>>>
  /** Files with keyed state that moved here, to be dealt to the tasks before they start. */
  readonly stateFiles: readonly string[]
  /** A folder of its own: logs, state. */
  readonly directory: string
  readonly heartbeatMs: number
  readonly leaseMs: number
}

/** A peer as the assignment has it. `incarnation` 0: not known; the peer says it itself. */
export interface SeatPeer {
  readonly worker: number
  readonly address: string
  readonly incarnation: number
}

export type ToWorker =
  | SeatAssign
  /** A piece of the positions of the `assign` or `rearrange` that follows on this connection. */
  | { readonly kind: 'known'; readonly positions: SeatAssign['positions'] }
  | { readonly kind: 'run'; readonly run: RunMode }
  | { readonly kind: 'peers'; readonly peers: readonly SeatPeer[] }
  /** Some executors go, some come; the rest are not touched. Only while nothing is in flight. */
  | {
      readonly kind: 'rearrange'
      readonly placement: readonly number[]
      readonly peers: readonly SeatPeer[]
      readonly stateFiles: readonly string[]
      /**
       * Stored positions, for sources that come; more were in `known` messages before. Without: as this
       * worker knew them last, so more is read again.
       */
      readonly positions?: SeatAssign['positions']
    }
  /** Writes keyed state of these executors to files below its directory. Only while nothing is in flight. */
  | { readonly kind: 'dump-state'; readonly executors: readonly number[] }
  /** In good order: not later than `graceMs` from now. */
  | { readonly kind: 'stop'; readonly graceMs: number }
  | { readonly kind: 'lease' }
  /** These stand on the board, as they were sent: a partition may have got on since. */
  | { readonly kind: 'stored'; readonly positions: SeatAssign['positions'] }
  | { readonly kind: 'log-level'; readonly logger: string; readonly level: string; readonly forMs: number }
  /** You are not one of mine. */
  | { readonly kind: 'dismiss'; readonly why: string }

export type ToSupervisor =
  | {
      readonly kind: 'hello'
      /** `SEAT_PROTOCOL` of the worker. */
      readonly protocol: number
      /** What the supervisor gave it at launch. */
      readonly secret: string
      readonly pid: number
      /** Time at which the process began, as the kernel counts it: a pid alone may be somebody else's. */
      readonly bornAt: string
      readonly seat: SeatFacts | undefined
    }
  | { readonly kind: 'started' }
  | { readonly kind: 'start-failed'; readonly fault: SeatFault }
  | { readonly kind: 'heartbeat'; readonly beat: SeatBeat }
  /** Component → partition → toPlainJson of a StoredPartition. What has changed since the last. */
  | {
      readonly kind: 'positions'
      readonly positions: Readonly<Record<string, Readonly<Record<string, string>>>>
    }
  /** placementDigest (layout.ts) of what it was asked for: another may have been asked for since. */
  | { readonly kind: 'rearranged'; readonly placementDigest: string }
  | { readonly kind: 'state-dumped'; readonly files: readonly StateFile[] }
  /** Errors as they are shown: throttled by the worker's desk. */
  | { readonly kind: 'fault'; readonly fault: SeatFault }
  /** The topology stops itself (`stop-topology`, too many failures). */
  | { readonly kind: 'stop-wanted'; readonly fault: SeatFault }
  | { readonly kind: 'dead-letter'; readonly letter: Json }
  /** About to end by itself, in a moment. */
  | {
      readonly kind: 'exiting'
      readonly reason: ExitReason
      readonly text: string
      /** Of an `outdated` one: the incarnation of it that its peers know. */
      readonly newest?: number | undefined
    }

export interface StateFile {
  readonly executor: number
  readonly path: string
  readonly sizeBytes: number
}

export interface SeatFault {
  readonly code: string
  readonly family: string
  readonly component: string
  readonly task: number
  readonly message: string
  readonly stack: string | undefined
  readonly at: number
}

/** Why a worker process ended. */
export type ExitReason =
  | 'crash'
  | 'out-of-memory'
  /** By somebody's signal. */
  | 'killed'
  | 'hung'
  | 'lease'
  /** A newer incarnation runs elsewhere. */
  | 'outdated'
  | 'assignment-changed'
  | 'restart-wanted'
  | 'start-failed'
  | 'shutdown'

/** A sign of life with what it has done: counters only grow within an incarnation. */
export interface SeatBeat {
  /** Turns of the work loop. Equal to the last one's while there is work: stuck. */
  readonly turns: number
  /** Nothing waits or is in flight in this worker, nor unacknowledged to another. */
  readonly isQuiet: boolean
  /** Every source task of this worker has read all. */
  readonly isFinished: boolean
  readonly run: RunMode
  readonly rssBytes: number
  readonly heapUsedBytes: number
  readonly heapLimitBytes: number
  readonly cpuMs: number
  /** Longest delay of the loop since the last beat, and its busy share. */
  readonly loopDelayMs: number
  readonly loopUtilisation: number
  readonly components: readonly ComponentBeat[]
  readonly links: readonly LinkBeat[]
}

/** Figures of the tasks of a component in this worker, since its start. */
export interface ComponentBeat {
  readonly component: string
  readonly kind: 'spout' | 'bolt'
  readonly executors: number
  readonly tasks: number
  readonly emittedCount: number
  readonly executedCount: number
  readonly ackedCount: number
  readonly failedCount: number
  readonly deadLetterCount: number
  /** Milliseconds of loop time. */
  readonly busyMs: number
  readonly blockedMs: number
  readonly inboxFill: number
  readonly executeP50: number
  readonly executeP99: number
  readonly completeP50: number
  readonly completeP99: number
  readonly lagCount: number | undefined
}

export interface LinkBeat {
  readonly worker: number
  readonly isSending: boolean
  readonly isReceiving: boolean
  readonly rttMs: number | undefined
  readonly queuedBytes: number
  readonly reconnectCount: number
}

/*
 * Restart positions in pieces, since messages have a bound: a topology may have many, or large ones. One
 * position alone is a piece, whatever its size; `RECORD_BYTES_MAX` bounds those that stand on the board.
 */

/** Partitions of one piece. */
const PARTITIONS_MAX = 10_000
/** Characters of one piece: with six bytes for each it is below `MESSAGE_BYTES_MAX`, and leaves room. */
const LENGTH_MAX = 2 * 1_024 * 1_024

/** How full a piece is. */
export class PieceMeter {
  private count = 0
  private length = 0

  /** False: it belongs into the next piece. */
  tryTake(partition: string, text: string): boolean {
    const length = this.length + partition.length + text.length
    if (this.count > 0 && (this.count >= PARTITIONS_MAX || length > LENGTH_MAX)) return false
    this.count += 1
    this.length = length
    return true
  }
}

/** At least one, which may be empty. */
export function* piecesOf(positions: PositionTexts): IterableIterator<PositionTexts> {
  let piece = new Map<string, [string, string][]>()
  let meter = new PieceMeter()
  for (const [component, partitions] of Object.entries(positions)) {
    for (const [partition, text] of Object.entries(partitions)) {
      if (!meter.tryTake(partition, text)) {
        yield plain(piece)
        piece = new Map()
        meter = new PieceMeter()
        meter.tryTake(partition, text)
      }
      const own = piece.get(component) ?? []
      own.push([partition, text])
      piece.set(component, own)
    }
  }
  yield plain(piece)
}

/** About how many bytes they hold: characters, which are a byte each but for rare ones. */
export function sizeOfPositions(positions: PositionTexts): number {
  let sizeBytes = 0
  for (const partitions of Object.values(positions)) {
    for (const [partition, text] of Object.entries(partitions)) sizeBytes += partition.length + text.length
  }
  return sizeBytes
}

export function joinPositions(pieces: readonly PositionTexts[]): PositionTexts {
  const joined = new Map<string, [string, string][]>()
  for (const piece of pieces) {
    for (const [component, partitions] of Object.entries(piece)) {
      const own = joined.get(component) ?? []
      for (const entry of Object.entries(partitions)) own.push(entry)
      joined.set(component, own)
    }
  }
  return plain(joined)
}

/** Names of users stay names: none of them becomes a prototype. */
function plain(positions: ReadonlyMap<string, readonly [string, string][]>): PositionTexts {
  return Object.fromEntries(
    [...positions].map(([component, partitions]) => [component, Object.fromEntries(partitions)]),
  )
}
