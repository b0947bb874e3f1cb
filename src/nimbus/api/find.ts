/** Finding and changing a topology by its name, against the board as it is now. */
import { ConflictError, hasCode, UsageError } from '../../base/errors.ts'
import { nearest } from '../../base/nearest.ts'
import { parseRanges } from '../../cluster/executor-ranges.ts'
import { paths } from '../../cluster/paths.ts'
import type { TopologyRecord } from '../../cluster/records.ts'
import type { Versioned } from '../../cluster/versioned.ts'
import { ACKER, type ExecutorPlan } from '../../topology/expand.ts'
import { changesOf, isMalformed } from '../leader/facts.ts'
import { slotOf } from '../leader/running.ts'
import { type Shape, shapeOf } from '../leader/shape.ts'
import { type Desk, leading, notLeader } from './desk.ts'
import type { OperationsSeen } from './operations.ts'
import type { TopologySeen } from './topology-status.ts'

/** Times that a change is decided anew because the record was changed meanwhile. */
const CHANGES_MAX = 5

/**
 * `wantedId`: no other that has the name by now.
 * @throws UsageError TOPOLOGY_NOT_FOUND; ConflictError TOPOLOGY_QUARANTINED
 */
export function findTopology({ board }: Desk, name: string, wantedId?: string): Versioned<TopologyRecord> {
  const id = board.view.names.get(name)
  if (wantedId !== undefined && id !== undefined && id !== wantedId) throw replaced(name, wantedId, id)
  if (id !== undefined && isMalformed(board.view, paths.topology(id))) throw unreadable(name, id)
  const found = id === undefined ? undefined : board.view.topologies.get(id)
  if (found !== undefined) return found
  const near = nearest(name, board.view.names.keys())
  const hint = near === undefined ? '' : `; did you mean "${near}"?`
  throw new UsageError('TOPOLOGY_NOT_FOUND', `no topology named '${name.slice(0, 200)}' is running${hint}`)
}

function replaced(name: string, wantedId: string, id: string): UsageError {
  const text = `the topology ${wantedId.slice(0, 300)} is not running; ${id} has the name '${name}' now`
  return new UsageError('TOPOLOGY_NOT_FOUND', text, { topology: name })
}

function unreadable(name: string, id: string): ConflictError {
  const text = `the record ${paths.topology(id)} of ${name} cannot be read, so it is left alone`
  return new ConflictError('TOPOLOGY_QUARANTINED', text, { topology: name })
}

/** What is to become of a record that has this version; undefined: it is as it should be. */
export type RecordChange = (record: TopologyRecord, version: number) => TopologyRecord | undefined

/** A topology that is to be changed: whichever has the name, or only the one of this id. */
export interface TopologyNamed {
  readonly name: string
  readonly id: string | undefined
}

/**
 * Writes what `change` makes of the record. What it needs to know of the topology is read before.
 * @returns the record as it is then, with its version
 */
export async function changeTopology(
  desk: Desk,
  { name, id }: TopologyNamed,
  change: RecordChange,
): Promise<Versioned<TopologyRecord> & { readonly isChanged: boolean }> {
  const reign = leading(desk)
  for (let attempt = 1; ; attempt += 1) {
    await desk.board.sync()
    const { record, version } = findTopology(desk, name, id)
    await desk.outlines.fetch(record)
    const changed = change(record, version)
    if (changed === undefined) return { record, version, isChanged: false }
    try {
      await reign.leadership.write([{ kind: 'put-topology', record: changed, version }])
      reign.kick()
      return { record: changed, version: version + 1, isChanged: true }
    } catch (error) {
      if (hasCode(error, 'EPOCH_OLD')) throw notLeader(desk)
      // The round writes records, too: read again, decide again.
      if (!hasCode(error, 'RECORD_CHANGED') || attempt >= CHANGES_MAX) throw error
    }
  }
}

/** @throws ConflictError TOPOLOGY_QUARANTINED, TOPOLOGY_WRONG_STATE */
export function refuseUnchangeable(record: TopologyRecord): void {
  const { name, phase, quarantine } = record
  if (phase === 'killed') throw wrongState(record, 'being killed')
  if (quarantine === undefined) return
  throw new ConflictError('TOPOLOGY_QUARANTINED', `${name} is left alone: ${quarantine}`, { topology: name })
}

function wrongState({ name }: TopologyRecord, what: string): ConflictError {
  return new ConflictError('TOPOLOGY_WRONG_STATE', `${name} is ${what}`, { topology: name })
}

/** undefined: its outline is not here. */
export function shapeNow({ outlines }: Desk, record: TopologyRecord): Shape | undefined {
  const outline = outlines.outlineOf(record)
  return outline && shapeOf(outline, changesOf(record))
}

export function topologySeen(desk: Desk, { record }: Versioned<TopologyRecord>): TopologySeen {
  const { memory, board, host, sync } = desk
  const shape = shapeNow(desk, record)
  const missing = sync.missing.get(record.outline.digest) ?? sync.missing.get(record.bundle.digest)
  const trouble = memory.quarantined.get(record.id) ?? missing
  return {
    record,
    assignment: board.view.assignments.get(record.id)?.record,
    shape,
    trouble,
    slots: memory.book.slotsOf(record.id),
    rates: memory.ratesOf(record.id),
    restarts: memory.restarts,
    notes: memory.notes.get(record.id) ?? [],
    now: host.clock.now(),
    nowMs: host.clock.monotonicMs(),
  }
}

export function operationsSeen(desk: Desk): OperationsSeen {
  const { board, memory, host, settings } = desk
  const facts = { heard: memory.book.nodes, nowMs: host.clock.monotonicMs(), settings }
  return {
    view: board.view,
    workersOf: ({ topologyId, workers }) => {
      const record = board.view.topologies.get(topologyId)?.record
      const plans = (record && shapeNow(desk, record))?.expanded.executors ?? []
      return workers.map((worker) => {
        const slot = slotOf(facts, topologyId, worker)
        return { slot, tasks: tasksIn(parseRanges(worker.executors), plans) }
      })
    },
  }
}

/** Without ackers. An executor of which nothing is known counts as one. */
function tasksIn(executors: readonly number[], plans: readonly ExecutorPlan[]): number {
  return executors.reduce((sum, executor) => {
    const plan = plans[executor - 1]
    return sum + (plan === undefined ? 1 : plan.componentId === ACKER ? 0 : plan.tasks.length)
  }, 0)
}
