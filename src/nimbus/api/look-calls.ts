/** Calls that show how a topology gets on. */
import { isStreamError } from '../../base/errors.ts'
import type { WorkerAssignment } from '../../cluster/records.ts'
import type { LogPiece, LogQuery, NimbusApi } from '../../rpc/nimbus-api.ts'
import { permit } from '../permissions.ts'
import { type Desk, leading } from './desk.ts'
import { findTopology, shapeNow, topologySeen } from './find.ts'
import { checkComponent } from './known-component.ts'
import { metricsOf, workersOf } from './topology-status.ts'

type Calls = Pick<NimbusApi, 'metrics' | 'errors' | 'deadLetters' | 'workers' | 'logs' | 'setLogLevel'>

/** The logger of everything, as workers know it. */
const ROOT_LOGGER = 'root'
/** Supervisors asked at a time, and workers of one answer. */
const PARALLEL_MAX = 16
const LOG_WORKERS_MAX = 200
const LINES_MAX = 10_000

export function lookCalls(desk: Desk): Calls {
  const { settings, memory } = desk
  return {
    async metrics(caller, name) {
      permit(caller, 'look', settings)
      leading(desk)
      return metricsOf(topologySeen(desk, findTopology(desk, name)))
    },
    async errors(caller, name) {
      permit(caller, 'look', settings)
      leading(desk)
      return memory.errors.errorsOf(findTopology(desk, name).record.id)
    },
    async deadLetters(caller, name) {
      permit(caller, 'look', settings)
      leading(desk)
      return memory.errors.lettersOf(findTopology(desk, name).record.id)
    },
    async workers(caller, name) {
      permit(caller, 'look', settings)
      leading(desk)
      const seen = topologySeen(desk, findTopology(desk, name))
      return workersOf(seen, (node, worker) => memory.risks.ofWorker(node, seen.record.id, worker))
    },
    async logs(caller, name, query) {
      permit(caller, 'look', settings)
      leading(desk)
      const { record } = findTopology(desk, name)
      const workers = desk.board.view.assignments.get(record.id)?.record.workers ?? []
      const asked = workers.filter(({ worker }) => query.worker === undefined || query.worker === worker)
      return readLogs(desk, record.id, asked.slice(0, LOG_WORKERS_MAX), query)
    },
    async setLogLevel(caller, name, logger, level, forMs) {
      permit(caller, 'operate', settings)
      leading(desk)
      const { record } = findTopology(desk, name)
      const { id } = record
      const outline = shapeNow(desk, record)?.outline
      // Nobody else would say it: a worker has loggers for whatever name it is told.
      if (logger !== '' && outline !== undefined) checkComponent('log level', logger, outline, [ROOT_LOGGER])
      memory.levels.set(id, logger, { level, forMs, now: desk.host.clock.now() })
    },
  }
}

async function readLogs(
  desk: Desk,
  topologyId: string,
  workers: readonly WorkerAssignment[],
  query: LogQuery,
): Promise<readonly LogPiece[]> {
  const left = [...workers]
  const pieces: LogPiece[] = []
  const ask = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      pieces.push(await readLog(desk, topologyId, next, query))
    }
  }
  await Promise.all(Array.from({ length: PARALLEL_MAX }, ask))
  return pieces.sort((a, b) => a.worker - b.worker)
}

/** A node that does not answer is no reason to show nothing of the others. */
async function readLog(
  { board, peers }: Desk,
  topologyId: string,
  { node, port, worker }: WorkerAssignment,
  query: LogQuery,
): Promise<LogPiece> {
  const given = Object.hasOwn(query.after, `${node}:${port}`) ? query.after[`${node}:${port}`] : undefined
  // Empty is what stands for it while its node could not be asked.
  const after = given === '' ? undefined : given
  const address = board.view.supervisors.get(node)?.address
  const place = { node, port, worker }
  const none = (trouble: string): LogPiece => ({ ...place, lines: [], next: after ?? '', trouble })
  if (address === undefined) return none(`${node} is not there`)
  const linesMax = Math.max(1, Math.min(LINES_MAX, query.linesMax))
  try {
    return { ...place, ...(await peers.readLog(address, { topologyId, worker, port, after, linesMax })) }
  } catch (error) {
    if (!isStreamError(error)) throw error
    return none(`${node}: ${error.message}`)
  }
}
