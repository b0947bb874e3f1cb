/**
 * What the board orders for the slots of a node, in the words of slot.ts and of the worker. Pure.
 *
 *   assignments ─▶ one order for each port ─┬▶ wish: what the slot decides by
 *                                           ╰▶ ASSIGN, REARRANGE: what a worker is told
 *
 * Does not know: what runs now, files, processes.
 */
import { hasCode } from '../base/errors.ts'
import type { PositionTexts } from '../cluster/board.ts'
import { formatRanges, parseRanges } from '../cluster/executor-ranges.ts'
import { incarnationOf } from '../cluster/incarnation.ts'
import { placementText } from '../cluster/layout.ts'
import type { Pieces } from '../cluster/message-channel.ts'
import { partText, paths } from '../cluster/paths.ts'
import type {
  AssignmentRecord,
  BlobRef,
  RunMode,
  TopologyRecord,
  WorkerAssignment,
} from '../cluster/records.ts'
import {
  piecesOf,
  type SeatAssign,
  type SeatPeer,
  sizeOfPositions,
  type ToWorker,
} from '../cluster/seat-messages.ts'
import type { Versioned } from '../cluster/versioned.ts'
import { expandOutline, reshape, type TopologyOutline } from '../topology/describe/outline.ts'
import { isSameSeat, type SlotWish } from './slot.ts'

export interface SlotOrder {
  readonly assignment: AssignmentRecord
  readonly assignmentVersion: number
  /** undefined: the board's view does not have it yet. */
  readonly topology: TopologyRecord | undefined
  readonly own: WorkerAssignment
  readonly wish: SlotWish
}

/** What of the board counts here. */
export interface OrderView {
  readonly assignments: ReadonlyMap<string, Versioned<AssignmentRecord>>
  readonly topologies: ReadonlyMap<string, Versioned<TopologyRecord>>
}

/** `unknown`: the record cannot be understood. Nobody acts on it. */
export type Orders = ReadonlyMap<number, SlotOrder | 'unknown'>

/**
 * By port. Of two that want one port, which is a bug of a leader or a moment between two writes, the first by
 * id.
 */
export function ordersOf(view: OrderView, node: string): Orders {
  const orders = new Map<number, SlotOrder | 'unknown'>()
  const inOrder = [...view.assignments].sort(([one], [other]) => (one < other ? -1 : 1))
  for (const [id, { record, version }] of inOrder) {
    const topology = view.topologies.get(id)?.record
    for (const own of record.workers) {
      if (own.node !== node || orders.has(own.port)) continue
      const wish = tryWish(record, own)
      const order = { assignment: record, assignmentVersion: version, topology, own }
      orders.set(own.port, wish === undefined ? 'unknown' : { ...order, wish })
    }
  }
  return orders
}

function tryWish(record: AssignmentRecord, own: WorkerAssignment): SlotWish | undefined {
  try {
    return wishOf(record, own)
  } catch (error) {
    if (hasCode(error, 'RECORD_MALFORMED')) return undefined
    throw error
  }
}

function wishOf(record: AssignmentRecord, own: WorkerAssignment): SlotWish {
  return {
    topologyId: record.topologyId,
    worker: own.worker,
    generation: own.generation,
    layout: record.layout,
    placement: placementText(record),
    peers: JSON.stringify(peersOf(record, own)),
    run: record.run,
    dump: formatRanges(shared(record.dump, own.executors)),
  }
}

/**
 * What is ordered now of the life that a slot has, or would start next; undefined: nothing, or it is not
 * known.
 */
export function runOrdered(
  order: SlotOrder | 'nothing' | 'unknown',
  wish: SlotWish | undefined,
): RunMode | undefined {
  if (typeof order === 'string' || wish === undefined) return undefined
  return isSameSeat(order.wish, wish) ? order.wish.run : undefined
}

/**
 * The others. Nobody but a peer's own supervisor knows its restarts; from the first of its generation on is
 * what can be said, and keeps left-overs of earlier generations out.
 */
export function peersOf({ workers }: AssignmentRecord, own: WorkerAssignment): readonly SeatPeer[] {
  return workers
    .filter(({ worker }) => worker !== own.worker)
    .map(({ worker, address, generation }) => ({
      worker,
      address,
      incarnation: incarnationOf(generation, 0),
    }))
}

/** Worker of each executor, in order of their numbers; 0: placed nowhere. */
export function placementOf(record: AssignmentRecord, executorCount: number): readonly number[] {
  const placement = new Array<number>(executorCount).fill(0)
  for (const { worker, executors } of record.workers) {
    for (const executor of parseRanges(executors)) placement[executor - 1] = worker
  }
  return Array.from(placement, (worker) => worker ?? 0)
}

/** Components by executor, at `number - 1`, as this topology is shaped now. */
export function componentsOf(outline: TopologyOutline, topology: TopologyRecord): readonly string[] {
  const { parallelism, workers } = topology
  const shape = expandOutline(reshape(outline, { parallelism, workers }))
  return shape.executors.map(({ componentId }) => componentId)
}

/** State that moves to executors of this worker. */
export function stateFor(order: SlotOrder, components: readonly string[]): readonly BlobRef[] {
  const own = new Set(parseRanges(order.own.executors).map((executor) => components[executor - 1]))
  return order.assignment.state.filter(({ component }) => own.has(component))
}

export interface AssignParts {
  readonly restart: number
  readonly executorCount: number
  readonly bundlePath: string
  readonly listen: string
  readonly directory: string
  readonly positions: PositionTexts
  readonly stateFiles: readonly string[]
  readonly heartbeatMs: number
  readonly leaseMs: number
}

export function assignOf(order: SlotOrder, topology: TopologyRecord, parts: AssignParts): SeatAssign {
  const { assignment, own } = order
  return {
    kind: 'assign',
    topologyId: assignment.topologyId,
    worker: own.worker,
    port: own.port,
    incarnation: incarnationOf(own.generation, parts.restart),
    layout: assignment.layout,
    layoutDigest: assignment.layoutDigest,
    topologyName: topology.name,
    node: own.node,
    bundlePath: parts.bundlePath,
    args: topology.args,
    config: topology.config,
    parallelism: topology.parallelism,
    workers: topology.workers,
    placement: placementOf(assignment, parts.executorCount),
    listen: parts.listen,
    peers: peersOf(assignment, own),
    token: assignment.token,
    run: assignment.run,
    positions: parts.positions,
    stateFiles: parts.stateFiles,
    directory: parts.directory,
    heartbeatMs: parts.heartbeatMs,
    leaseMs: parts.leaseMs,
  }
}

/** What a worker is told with these positions, after the pieces that do not fit into its message. */
export function inPieces(
  positions: PositionTexts,
  message: (positions: PositionTexts) => ToWorker,
): Pieces<ToWorker> {
  return { messages: knownAnd(positions, message), sizeBytes: sizeOfPositions(positions) }
}

function* knownAnd(
  positions: PositionTexts,
  message: (positions: PositionTexts) => ToWorker,
): IterableIterator<ToWorker> {
  let last: PositionTexts = {}
  let isFirst = true
  for (const piece of piecesOf(positions)) {
    if (!isFirst) yield { kind: 'known', positions: last }
    last = piece
    isFirst = false
  }
  yield message(last)
}

export function storedInPieces(stored: PositionTexts): Pieces<ToWorker> {
  return { messages: storedOnly(stored), sizeBytes: sizeOfPositions(stored) }
}

function* storedOnly(stored: PositionTexts): IterableIterator<ToWorker> {
  for (const positions of piecesOf(stored)) yield { kind: 'stored', positions }
}

function shared(one: string, other: string): readonly number[] {
  const right = new Set(parseRanges(other))
  return parseRanges(one).filter((executor) => right.has(executor))
}

/** Ids of topologies whose assignments nobody understands, of the paths of records that are malformed. */
export function damagedAssignments(malformed: ReadonlyMap<string, string>): ReadonlySet<string> {
  const damaged = new Set<string>()
  for (const path of malformed.keys()) {
    const at = path.lastIndexOf(`${paths.assignments}/`)
    if (at >= 0) damaged.add(partText(path.slice(at + paths.assignments.length + 1)))
  }
  return damaged
}
