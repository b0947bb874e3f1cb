/** Calls that change topologies, and show what becomes of that. */
import { UnavailableError } from '../../base/errors.ts'
import type { TopologyRecord } from '../../cluster/records.ts'
import type { NimbusApi, OperationStatus, RebalanceRequest } from '../../rpc/nimbus-api.ts'
import { permit } from '../permissions.ts'
import { checkKey } from '../submit/name-rules.ts'
import { type Desk, leading } from './desk.ts'
import {
  changeTopology,
  findTopology,
  operationsSeen,
  type RecordChange,
  refuseUnchangeable,
  shapeNow,
  type TopologyNamed,
  topologySeen,
} from './find.ts'
import { operationStatus, parseOperationId } from './operations.ts'
import { wantedChanges } from './rebalance.ts'
import { statusOf, summaryOf } from './topology-status.ts'

type Calls = Pick<
  NimbusApi,
  'topologies' | 'topology' | 'outline' | 'activate' | 'deactivate' | 'kill' | 'rebalance' | 'operation'
>

/** Keys of rebalances that are kept with a topology: a client asks again within its call's time, or never. */
const KEYS_MAX = 8
const DRAIN_MS_MAX = 24 * 3_600_000
/** Of a topology whose outline is not here, so that its own is not known. */
const DRAIN_MS = 30_000

export function topologyCalls(desk: Desk): Calls {
  const { settings } = desk
  const run = (named: TopologyNamed, phase: 'active' | 'inactive'): Promise<OperationStatus> => {
    const kind = phase === 'active' ? 'activate' : 'deactivate'
    return operate(desk, kind, named, (record) => runChange(record, phase))
  }
  return {
    async topologies(caller) {
      permit(caller, 'look', settings)
      leading(desk)
      return [...desk.board.view.topologies.values()]
        .map((each) => summaryOf(topologySeen(desk, each)))
        .sort((a, b) => (a.name < b.name ? -1 : 1))
    },
    async topology(caller, name) {
      permit(caller, 'look', settings)
      leading(desk)
      return statusOf(topologySeen(desk, findTopology(desk, name)))
    },
    async outline(caller, name) {
      permit(caller, 'look', settings)
      leading(desk)
      const { record } = findTopology(desk, name)
      await desk.outlines.fetch(record)
      return knownShape(desk, record).outline
    },
    async activate(caller, name, id) {
      permit(caller, 'operate', settings)
      return run({ name, id }, 'active')
    },
    async deactivate(caller, name, id) {
      permit(caller, 'operate', settings)
      return run({ name, id }, 'inactive')
    },
    async kill(caller, name, drainMs, id) {
      permit(caller, 'operate', settings)
      return operate(desk, 'kill', { name, id }, (record) => killChange(desk, record, drainMs))
    },
    async rebalance(caller, name, request) {
      permit(caller, 'operate', settings)
      const { idempotencyKey: key, topologyId: id } = request
      if (key !== undefined) checkKey(key)
      const change: RecordChange = (record, version) => rebalanceChange(desk, request, record, version)
      return operate(desk, 'rebalance', { name, id }, change, key)
    },
    async operation(caller, id) {
      permit(caller, 'look', settings)
      leading(desk)
      const key = parseOperationId(id)
      await desk.board.sync()
      return operationStatus(key, operationsSeen(desk))
    },
  }
}

const participles = {
  activate: 'activated',
  deactivate: 'deactivated',
  kill: 'killed',
  rebalance: 'rebalanced',
} as const

async function operate(
  desk: Desk,
  kind: 'activate' | 'deactivate' | 'kill' | 'rebalance',
  named: TopologyNamed,
  change: RecordChange,
  key?: string,
): Promise<OperationStatus> {
  const { record, version, isChanged } = await changeTopology(desk, named, change)
  const { id, name } = record
  if (isChanged) {
    const message = `${name} is to be ${participles[kind]}`
    desk.memory.events.add({ at: desk.host.clock.now(), kind: `topology-${kind}`, topology: name, message })
    desk.log.info('topology changed', { topology: id, kind })
    // The answer shows what the write brought about.
    await desk.board.sync()
  }
  const begun = begunUnder(record, key) ?? version
  return operationStatus({ kind, subject: id, version: begun }, operationsSeen(desk))
}

/** Version of the record when a rebalance was begun under the key; undefined: none was. */
function begunUnder({ rebalances }: TopologyRecord, key: string | undefined): number | undefined {
  return key === undefined ? undefined : rebalances?.find((each) => each.key === key)?.version
}

function rebalanceChange(
  desk: Desk,
  request: RebalanceRequest,
  record: TopologyRecord,
  version: number,
): TopologyRecord | undefined {
  const { idempotencyKey: key } = request
  // Before anything that might refuse it: it was taken.
  if (begunUnder(record, key) !== undefined) return undefined
  refuseUnchangeable(record)
  const { outline } = knownOutline(desk, record)
  const wanted = wantedChanges(record, outline, request, desk.settings)
  if (wanted === undefined || record.phase === 'rebalancing' || record.phase === 'killed') return undefined
  const phaseMs = drainTime(request.drainMs, outline.drainTimeoutMs)
  const phaseDeadline = desk.host.clock.now() + phaseMs
  const begun = key === undefined ? [] : [{ key, version: version + 1 }]
  return {
    ...record,
    phase: 'rebalancing',
    phaseAfter: record.phase,
    phaseDeadline,
    phaseMs,
    wanted,
    rebalances: [...(record.rebalances ?? []), ...begun].slice(-KEYS_MAX),
  }
}

function runChange(record: TopologyRecord, phase: 'active' | 'inactive'): TopologyRecord | undefined {
  refuseUnchangeable(record)
  // The cluster may have begun it by itself: nobody is sent away for that. It becomes so when that is over.
  if (record.phase === 'rebalancing') {
    const isSame = record.phaseAfter === phase && record.failure === undefined
    const phaseWrites = (record.phaseWrites ?? 0) + 1
    return isSame ? undefined : { ...record, phaseAfter: phase, phaseWrites, failure: undefined }
  }
  const isSame = record.phase === phase && record.failure === undefined
  return isSame ? undefined : { ...record, phase, failure: undefined }
}

/** A second kill may shorten the wait of the first, never lengthen it. */
function killChange(
  desk: Desk,
  record: TopologyRecord,
  drainMs: number | undefined,
): TopologyRecord | undefined {
  const own = shapeNow(desk, record)?.outline.drainTimeoutMs ?? DRAIN_MS
  const phaseMs = drainTime(drainMs, own)
  if (record.phase === 'killed' && (leading(desk).phaseLeftMs(record) ?? 0) <= phaseMs) return undefined
  const phaseDeadline = desk.host.clock.now() + phaseMs
  return { ...record, phase: 'killed', phaseAfter: undefined, phaseDeadline, phaseMs, wanted: undefined }
}

function drainTime(wanted: number | undefined, own: number): number {
  return Math.max(0, Math.min(DRAIN_MS_MAX, wanted ?? own))
}

function knownShape(desk: Desk, record: TopologyRecord): NonNullable<ReturnType<typeof shapeNow>> {
  const shape = shapeNow(desk, record)
  if (shape !== undefined) return shape
  throw missingOutline(record)
}

function knownOutline(
  { outlines }: Desk,
  record: TopologyRecord,
): { readonly outline: NonNullable<ReturnType<Desk['outlines']['outlineOf']>> } {
  const outline = outlines.outlineOf(record)
  if (outline !== undefined) return { outline }
  throw missingOutline(record)
}

function missingOutline({ name, outline }: TopologyRecord): UnavailableError {
  const text = `the outline of ${name} is not on this Nimbus yet`
  return new UnavailableError('BLOB_MISSING', text, { digest: outline.digest })
}
