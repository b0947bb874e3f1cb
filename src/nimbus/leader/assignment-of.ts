/**
 * A plan as the record that stands on the board. Pure.
 *
 * Invariants
 *   A1  a generation that a topology has used is never used again by a worker that is not the same
 *   A2  the token is drawn once in a topology's life
 *   A3  nothing is written that says what stands there already
 *   A4  executors change their workers in place only while nothing is in flight; else every worker begins
 *       anew, for routes and positions must not change hands under tuples that are on their way
 *   A5  no generation above GENERATIONS_MAX: a record with one could not be read
 */
import { formatRanges, parseRanges } from '../../cluster/executor-ranges.ts'
import { GENERATIONS_MAX } from '../../cluster/incarnation.ts'
import type { AssignmentRecord, RunMode, StateBlob, WorkerAssignment } from '../../cluster/records.ts'
import type { TopologyPlan } from '../../schedule/plan.ts'
import type { PlannedWorker } from '../../schedule/request.ts'
import type { RoundFacts } from './facts.ts'
import type { Shape } from './shape.ts'

export interface AssignmentWish {
  readonly topologyId: string
  readonly current: AssignmentRecord | undefined
  readonly plan: TopologyPlan
  readonly shape: Shape
  readonly run: RunMode
  readonly dump: string
  /** undefined: what stands there, as long as nothing moves. */
  readonly state: readonly StateBlob[] | undefined
  /** Nothing is in flight, and sources wait: executors may change their workers while others go on. */
  readonly isDrained?: boolean
}

export function assignmentOf(facts: RoundFacts, wish: AssignmentWish): AssignmentRecord {
  const { current, plan, shape, topologyId } = wish
  const floor = highestGeneration(current)
  const placed = plan.workers.map((worker) => workerOf(facts, worker, current, floor))
  const mustRestart = wish.isDrained !== true && isDealtAnew(current, shape.digest, placed)
  const workers = mustRestart ? placed.map((worker) => restarted(worker, floor)) : placed
  const isStill = plan.moves.length === 0
  const generationMax = workers.reduce(
    (most, { generation }) => Math.max(most, generation),
    Math.max(floor, 1),
  )
  if (generationMax > GENERATIONS_MAX) throw new GenerationsUsedUp()
  return {
    topologyId,
    epoch: facts.epoch,
    layout: layoutOf(current, shape.digest),
    layoutDigest: shape.digest,
    run: wish.run,
    token: current?.token ?? facts.newToken(),
    workers,
    dump: wish.dump,
    state: wish.state ?? (isStill ? (current?.state ?? []) : []),
    generationMax,
    unplaced: plan.unplaced.map(({ executors, why }) => ({ executors: formatRanges(executors), why })),
  }
}

/** A5: who decides puts the topology in quarantine. Its workers go on as long as nothing has to move. */
class GenerationsUsedUp extends Error {
  constructor() {
    super(
      `its workers were moved ${GENERATIONS_MAX} times, more cannot be counted: kill it and submit it again`,
    )
  }
}

/** Some executor has another worker than before, under the same numbers. */
export function isDealtAnew(
  current: AssignmentRecord | undefined,
  layoutDigest: string,
  workers: readonly Pick<WorkerAssignment, 'worker' | 'executors'>[],
): boolean {
  if (current === undefined || current.layoutDigest !== layoutDigest) return false
  const before = new Map(current.workers.map(({ worker, executors }) => [worker, executors]))
  return before.size !== workers.length || workers.some((each) => before.get(each.worker) !== each.executors)
}

function restarted(worker: WorkerAssignment, floor: number): WorkerAssignment {
  return { ...worker, generation: Math.max(worker.generation, floor + 1) }
}

/** A3: the epoch alone is no reason to write. */
export function isSameAssignment(a: AssignmentRecord | undefined, b: AssignmentRecord): boolean {
  if (a === undefined) return false
  return comparable(a) === comparable(b)
}

function comparable({ epoch: _epoch, generationMax: _most, ...rest }: AssignmentRecord): string {
  return JSON.stringify([
    rest.layout,
    rest.layoutDigest,
    rest.run,
    rest.token,
    rest.dump,
    rest.workers.map((each) => [
      each.worker,
      each.node,
      each.port,
      each.address,
      each.generation,
      each.executors,
    ]),
    rest.state.map(({ component, digest }) => [component, digest]),
    rest.unplaced.map(({ executors, why }) => [executors, why]),
  ])
}

function layoutOf(current: AssignmentRecord | undefined, digest: string): number {
  if (current === undefined) return 1
  return current.layoutDigest === digest ? current.layout : current.layout + 1
}

function workerOf(
  facts: RoundFacts,
  planned: PlannedWorker,
  current: AssignmentRecord | undefined,
  floor: number,
): WorkerAssignment {
  const { worker, node, port, executors } = planned
  const before = current?.workers.find((each) => each.worker === worker)
  const host = facts.view.supervisors.get(node)?.host
  // A node whose session is away keeps what it has, also its address.
  const address = before?.node === node && host === undefined ? before.address : addressOf(host ?? node, port)
  // A1: a worker that was nowhere may have left one behind that still lives on a node that is cut off.
  const isNew = before === undefined && current !== undefined
  const generation = isNew ? Math.max(planned.generation, floor + 1) : planned.generation
  return { worker, node, port, address, generation, executors: formatRanges(executors) }
}

function addressOf(host: string, port: number): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]:${port}` : `${host}:${port}`
}

function highestGeneration(current: AssignmentRecord | undefined): number {
  if (current === undefined) return 0
  return current.workers.reduce((most, each) => Math.max(most, each.generation), current.generationMax ?? 0)
}

/** Executors by the worker that has them. */
export function workersOfExecutors(assignment: AssignmentRecord): ReadonlyMap<number, WorkerAssignment> {
  const found = new Map<number, WorkerAssignment>()
  for (const worker of assignment.workers) {
    for (const executor of parseRanges(worker.executors)) found.set(executor, worker)
  }
  return found
}
