/**
 * Work that goes on after its call was answered, as it is seen on the board: so it can be left and found
 * again, also by the next leader. Pure.
 *
 *   id = kind:subject:version      version of the subject's record after the call wrote it
 */
import { UsageError } from '../../base/errors.ts'
import type { BoardView } from '../../cluster/board.ts'
import type { AssignmentRecord, TopologyRecord } from '../../cluster/records.ts'
import type { SlotBeat } from '../../rpc/heartbeat.ts'
import type { OperationStatus } from '../../rpc/nimbus-api.ts'

type Kind = OperationStatus['kind']

export interface OperationKey {
  readonly kind: Kind
  readonly subject: string
  readonly version: number
}

export interface OperationsSeen {
  readonly view: BoardView
  /** Slots of a topology as reported, in this assignment's generations. */
  readonly slotsOf: (assignment: AssignmentRecord) => readonly (SlotBeat | undefined)[]
}

const kinds: readonly Kind[] = ['submit', 'kill', 'rebalance', 'activate', 'deactivate', 'drain-node']

export function operationId({ kind, subject, version }: OperationKey): string {
  return `${kind}:${encodeURIComponent(subject)}:${version}`
}

/** @throws UsageError REQUEST_INVALID */
export function parseOperationId(id: string): OperationKey {
  const [name, subject, version, ...rest] = id.split(':')
  const kind = kinds.find((each) => each === name)
  const isNumber = version !== undefined && /^\d{1,15}$/.test(version)
  if (kind === undefined || subject === undefined || subject === '' || !isNumber || rest.length > 0)
    throw invalid(id)
  try {
    return { kind, subject: decodeURIComponent(subject), version: Number(version) }
  } catch {
    throw invalid(id)
  }
}

export function operationStatus(key: OperationKey, seen: OperationsSeen): OperationStatus {
  if (key.kind === 'drain-node') return drainStatus(key, seen)
  const topology = seen.view.topologies.get(key.subject)
  if (topology === undefined) return goneStatus(key)
  const assignment = seen.view.assignments.get(key.subject)?.record
  const { record } = topology
  if (record.quarantine !== undefined && key.kind !== 'kill')
    return failed(key, 'TOPOLOGY_QUARANTINED', record.quarantine)
  const slots = assignment === undefined ? [] : seen.slotsOf(assignment)
  switch (key.kind) {
    case 'submit':
      return startStatus(key, record, assignment, slots)
    case 'kill':
      return killStatus(key, record, assignment, slots)
    case 'rebalance':
      return rebalanceStatus(key, record, assignment, slots)
    default:
      return runStatus(key, record, slots)
  }
}

/** What was to be done with it cannot be done any more; a kill has done what it should. */
function goneStatus(key: OperationKey): OperationStatus {
  if (key.kind === 'kill') return done(key, 'gone')
  return failed(key, 'TOPOLOGY_NOT_FOUND', 'the topology is gone')
}

function startStatus(
  key: OperationKey,
  record: TopologyRecord,
  assignment: AssignmentRecord | undefined,
  slots: readonly (SlotBeat | undefined)[],
): OperationStatus {
  if (record.phase === 'killed') return failed(key, 'TOPOLOGY_WRONG_STATE', 'it is being killed')
  if (record.failure !== undefined) return failed(key, 'TOPOLOGY_WRONG_STATE', record.failure)
  if (assignment === undefined) return running(key, 'schedule', 0, undefined)
  const up = slots.filter((slot) => slot?.phase === 'running').length
  const total = assignment.workers.length
  if (up < total || total === 0)
    return running(key, total === 0 ? 'wait for slots' : 'start workers', up, total)
  return done(key, 'runs')
}

function killStatus(
  key: OperationKey,
  record: TopologyRecord,
  assignment: AssignmentRecord | undefined,
  slots: readonly (SlotBeat | undefined)[],
): OperationStatus {
  if (record.phase !== 'killed') return failed(key, 'TOPOLOGY_WRONG_STATE', 'it is not being killed')
  if (assignment === undefined) return running(key, 'stop workers', 0, undefined)
  const quiet = slots.filter((slot) => slot?.beat?.run === 'drain' && slot.beat.isQuiet).length
  return running(key, 'drain', quiet, assignment.workers.length)
}

function rebalanceStatus(
  key: OperationKey,
  record: TopologyRecord,
  assignment: AssignmentRecord | undefined,
  slots: readonly (SlotBeat | undefined)[],
): OperationStatus {
  if (record.phase === 'killed') return failed(key, 'TOPOLOGY_WRONG_STATE', 'it is being killed')
  const givenUp = record.givenUp?.find(({ version }) => version === key.version)
  if (givenUp !== undefined) return failed(key, 'REBALANCE_GIVEN_UP', givenUp.why)
  if (record.phase !== 'rebalancing') return done(key, 'rebalanced')
  if (assignment === undefined) return running(key, 'schedule', 0, undefined)
  const total = assignment.workers.length
  if (record.wanted === undefined) {
    const up = slots.filter((slot) => slot?.phase === 'running').length
    return running(key, 'start workers', up, total)
  }
  if (assignment.dump !== '') {
    const dumped = slots.filter((slot) => slot?.dumped !== undefined).length
    return running(key, 'write out keyed state', dumped, total)
  }
  const quiet = slots.filter((slot) => slot?.beat?.run === 'drain' && slot.beat.isQuiet).length
  return running(key, 'drain', quiet, total)
}

function runStatus(
  key: OperationKey,
  record: TopologyRecord,
  slots: readonly (SlotBeat | undefined)[],
): OperationStatus {
  const wanted = key.kind === 'activate' ? 'active' : 'inactive'
  const isRebalancing = record.phase === 'rebalancing'
  const phase = isRebalancing ? (record.phaseAfter ?? 'active') : record.phase
  if (phase !== wanted)
    return failed(key, 'TOPOLOGY_WRONG_STATE', `it is ${phase}: somebody else decided otherwise`)
  if (isRebalancing) return running(key, 'wait for the rebalance', 0, undefined)
  const told = slots.filter(
    (slot) => slot?.beat?.run === wanted && (wanted === 'active' || slot.beat.isQuiet),
  )
  if (told.length < slots.length) return running(key, 'tell workers', told.length, slots.length)
  return done(key, wanted)
}

function drainStatus(key: OperationKey, { view }: OperationsSeen): OperationStatus {
  const node = view.nodes.get(key.subject)?.record
  if (node?.isDraining !== true)
    return failed(key, 'RECORD_CHANGED', 'the node is not being drained any more')
  let left = 0
  for (const { record } of view.assignments.values())
    left += record.workers.filter((worker) => worker.node === key.subject).length
  return left === 0 ? done(key, 'drained') : { ...running(key, 'move workers', 0, undefined), total: left }
}

function running(key: OperationKey, step: string, done: number, total: number | undefined): OperationStatus {
  return { ...common(key), step, done, total, state: 'running', error: undefined }
}

function done(key: OperationKey, step: string): OperationStatus {
  return { ...common(key), step, done: 1, total: 1, state: 'done', error: undefined }
}

function failed(key: OperationKey, code: string, message: string): OperationStatus {
  return {
    ...common(key),
    step: 'failed',
    done: 0,
    total: undefined,
    state: 'failed',
    error: { code, message },
  }
}

function common(key: OperationKey): Pick<OperationStatus, 'id' | 'kind' | 'subject'> {
  return { id: operationId(key), kind: key.kind, subject: key.subject }
}

function invalid(id: string): UsageError {
  return new UsageError('REQUEST_INVALID', `'${id.slice(0, 200)}' is no id of an operation`, { field: 'id' })
}
