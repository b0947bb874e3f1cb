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
  readonly workersOf: (assignment: AssignmentRecord) => readonly WorkerSeen[]
}

interface WorkerSeen {
  /** As reported, if it is in this assignment's generation. */
  readonly slot: SlotBeat | undefined
  /** Of its components: how far work is, is counted in tasks. */
  readonly tasks: number
}

/** Topologies that a step names. */
const NAMED_MAX = 5

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
  const workers = assignment === undefined ? [] : seen.workersOf(assignment)
  switch (key.kind) {
    case 'submit':
      return startStatus(key, record, assignment, workers)
    case 'kill':
      return killStatus(key, record, assignment, workers)
    case 'rebalance':
      return rebalanceStatus(key, record, assignment, workers)
    default:
      return runStatus(key, record, workers)
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
  workers: readonly WorkerSeen[],
): OperationStatus {
  if (record.phase === 'killed') return failed(key, 'TOPOLOGY_WRONG_STATE', 'it is being killed')
  if (record.failure !== undefined) return failed(key, 'TOPOLOGY_WRONG_STATE', record.failure)
  if (assignment === undefined) return running(key, 'schedule', 0, undefined)
  if (workers.length === 0) return running(key, 'wait for slots', 0, undefined)
  if (!workers.every(isUp)) return counting(key, 'start workers', workers, isUp)
  return done(key, 'runs')
}

function killStatus(
  key: OperationKey,
  record: TopologyRecord,
  assignment: AssignmentRecord | undefined,
  workers: readonly WorkerSeen[],
): OperationStatus {
  if (record.phase !== 'killed') return failed(key, 'TOPOLOGY_WRONG_STATE', 'it is not being killed')
  if (assignment === undefined) return running(key, 'stop workers', 0, undefined)
  return counting(key, 'drain', workers, isDrained)
}

function rebalanceStatus(
  key: OperationKey,
  record: TopologyRecord,
  assignment: AssignmentRecord | undefined,
  workers: readonly WorkerSeen[],
): OperationStatus {
  if (record.phase === 'killed') return failed(key, 'TOPOLOGY_WRONG_STATE', 'it is being killed')
  const givenUp = record.givenUp?.find(({ version }) => version === key.version)
  if (givenUp !== undefined) return failed(key, 'REBALANCE_GIVEN_UP', givenUp.why)
  if (record.phase !== 'rebalancing') return done(key, 'rebalanced')
  if (assignment === undefined) return running(key, 'schedule', 0, undefined)
  if (record.wanted === undefined) return counting(key, 'start workers', workers, isUp)
  if (assignment.dump !== '') {
    return counting(key, 'write out keyed state', workers, ({ slot }) => slot?.dumped !== undefined)
  }
  return counting(key, 'drain', workers, isDrained)
}

function runStatus(
  key: OperationKey,
  record: TopologyRecord,
  workers: readonly WorkerSeen[],
): OperationStatus {
  const wanted = key.kind === 'activate' ? 'active' : 'inactive'
  const isRebalancing = record.phase === 'rebalancing'
  const phase = isRebalancing ? (record.phaseAfter ?? 'active') : record.phase
  if (phase !== wanted)
    return failed(key, 'TOPOLOGY_WRONG_STATE', `it is ${phase}: somebody else decided otherwise`)
  if (isRebalancing) return running(key, 'wait for the rebalance', 0, undefined)
  const isTold = ({ slot }: WorkerSeen): boolean =>
    slot?.beat?.run === wanted && (wanted === 'active' || slot.beat.isQuiet)
  return workers.every(isTold) ? done(key, wanted) : counting(key, 'tell workers', workers, isTold)
}

function isUp({ slot }: WorkerSeen): boolean {
  return slot?.phase === 'running'
}

function isDrained({ slot }: WorkerSeen): boolean {
  return slot?.beat?.run === 'drain' && slot.beat.isQuiet
}

function drainStatus(key: OperationKey, { view, workersOf }: OperationsSeen): OperationStatus {
  const node = view.nodes.get(key.subject)?.record
  if (node?.isDraining !== true)
    return failed(key, 'RECORD_CHANGED', 'the node is not being drained any more')
  const left = [...view.assignments.values()].flatMap(({ record }) =>
    workersOf(record).flatMap((worker, index) =>
      record.workers[index]?.node === key.subject ? [{ worker, topologyId: record.topologyId }] : [],
    ),
  )
  if (left.length === 0) return done(key, 'drained')
  const step = noRoom(view, left) ?? 'move workers'
  return counting(
    key,
    step,
    left.map(({ worker }) => worker),
    () => false,
  )
}

/** Why nothing moves, where that needs no scheduler to be seen; undefined: it may move. */
function noRoom(view: BoardView, left: readonly { readonly topologyId: string }[]): string | undefined {
  const open = [...view.supervisors.values()].filter(
    ({ node }) => view.nodes.get(node)?.record.isDraining !== true,
  )
  const taken = new Set<string>()
  for (const { record } of view.assignments.values())
    for (const { node, port } of record.workers) taken.add(`${node}:${port}`)
  if (open.some(({ node, ports }) => ports.some((port) => !taken.has(`${node}:${port}`)))) return undefined
  const ids = new Set(left.map(({ topologyId }) => topologyId))
  const names = [...ids].map((id) => view.topologies.get(id)?.record.name ?? id)
  const more = names.length > NAMED_MAX ? ' …' : ''
  const count = `${left.length} worker${left.length === 1 ? '' : 's'}`
  const whose = `${count} of ${names.slice(0, NAMED_MAX).join(', ')}${more}`
  return open.length === 0
    ? `wait: no other node is left to take ${whose}`
    : `wait: no other node has a free slot for ${whose}`
}

/** So many tasks as are in workers of which it holds, of all. */
function counting(
  key: OperationKey,
  step: string,
  workers: readonly WorkerSeen[],
  holds: (worker: WorkerSeen) => boolean,
): OperationStatus {
  const sum = (some: readonly WorkerSeen[]): number => some.reduce((total, { tasks }) => total + tasks, 0)
  return running(key, step, sum(workers.filter(holds)), sum(workers))
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
