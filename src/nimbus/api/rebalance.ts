/** What a rebalance asks for, checked against what runs. Pure. */
import { ConflictError, UsageError } from '../../base/errors.ts'
import type { TopologyRecord } from '../../cluster/records.ts'
import type { RebalanceRequest } from '../../rpc/nimbus-api.ts'
import type { TopologyOutline } from '../../topology/describe/outline.ts'
import { changesOf } from '../leader/facts.ts'
import { type Changes, mergeChanges, pinAckers, shapeOf } from '../leader/shape.ts'
import type { NimbusSettings } from '../settings.ts'
import { judgeOutline, refusalError } from '../submit/judge-outline.ts'
import { TASKS_MAX } from '../submit/outline-check.ts'
import { checkComponent } from './known-component.ts'

const strategies: readonly string[] = ['even', 'random', 'weighted', 'resource-aware']
/** Key groups that keyed state is dealt by. */
const KEY_GROUPS = 128

/**
 * What is wanted, for the record; undefined: everything is so already. @throws UsageError
 * UNKNOWN_COMPONENT, PARALLELISM_INVALID, STATE_NOT_RESCALABLE, REQUEST_INVALID; ConflictError
 *   REBALANCE_CONFLICT
 */
export function wantedChanges(
  record: TopologyRecord,
  outline: TopologyOutline,
  request: RebalanceRequest,
  settings: NimbusSettings,
): Changes | undefined {
  if (record.phase === 'rebalancing') {
    const text = `${record.name} is being rebalanced`
    throw new ConflictError('REBALANCE_CONFLICT', text, { topology: record.name })
  }
  const { scheduler, workers } = request
  if (scheduler !== undefined && !strategies.includes(scheduler)) {
    const text = `there is no scheduler '${scheduler}'; there are ${strategies.join(', ')}`
    throw new UsageError('REQUEST_INVALID', text, { field: 'scheduler' })
  }
  const now = changesOf(record)
  const before = shapeOf(outline, now)
  const wanted = pinAckers({ parallelism: parallelismOf(outline, request), workers, scheduler }, before)
  const after = shapeOf(outline, mergeChanges(now, wanted))
  checkNumbers(after.outline)
  refuseUnsplittable(before.outline, after.outline)
  const [refusal] = judgeOutline(after.outline, record.config, settings)
  if (refusal !== undefined) throw refusalError(refusal)
  const isSame =
    before.digest === after.digest &&
    before.outline.workers === after.outline.workers &&
    before.outline.scheduler === after.outline.scheduler
  return isSame ? undefined : wanted
}

function parallelismOf(
  outline: TopologyOutline,
  { executors, tasks }: RebalanceRequest,
): TopologyRecord['parallelism'] {
  const found: Record<string, { executors?: number; tasks?: number }> = {}
  for (const id of new Set([...Object.keys(executors), ...Object.keys(tasks)])) {
    checkComponent('rebalance', id, outline)
    const [wantedExecutors, wantedTasks] = [executors[id], tasks[id]]
    found[id] = {
      ...(wantedExecutors === undefined ? {} : { executors: wantedExecutors }),
      ...(wantedTasks === undefined ? {} : { tasks: wantedTasks }),
    }
  }
  return found
}

function checkNumbers(outline: TopologyOutline): void {
  let sum = 0
  for (const { id, executors, tasks } of outline.components) {
    if (!Number.isSafeInteger(executors) || !Number.isSafeInteger(tasks) || executors < 1)
      throw invalid(`'${id}': executors and tasks are whole numbers from 1`)
    if (executors > tasks) throw invalid(`'${id}' would have ${executors} executors for ${tasks} tasks`)
    if (isKeyed(outline, id) && tasks > KEY_GROUPS)
      throw invalid(`'${id}' would have ${tasks} tasks for ${KEY_GROUPS} key groups`)
    sum += tasks
  }
  if (sum > TASKS_MAX) throw invalid(`${sum} tasks, a topology has at most ${TASKS_MAX}`)
}

function isKeyed({ document }: TopologyOutline, id: string): boolean {
  return Object.hasOwn(document.components, id) && document.components[id]?.form === 'keyed'
}

/** An iterable, or state of a task as a whole, has no parts that could be dealt anew. */
function refuseUnsplittable(before: TopologyOutline, after: TopologyOutline): void {
  const old = new Map(before.components.map(({ id, tasks }) => [id, tasks]))
  const refused = after.components.filter(({ id, tasks, kind }) => {
    if (kind === 'system' || old.get(id) === tasks) return false
    const { form, state } = before.document.components[id] ?? { form: '', state: {} }
    return form === 'iterable' || (form !== 'keyed' && Object.keys(state).length > 0)
  })
  if (refused.length === 0) return
  const names = refused.map(({ id }) => id).join(', ')
  const text = `the number of tasks of ${names} cannot change: an iterable, or state of a task, has no parts`
  throw new UsageError('STATE_NOT_RESCALABLE', text, { components: names })
}

function invalid(message: string): UsageError {
  return new UsageError('PARALLELISM_INVALID', message)
}
