/** What changes between two plans of a topology, worker by worker. Pure. */
import type { MoveKind, PlannedMove } from './plan.ts'
import type { PlannedWorker } from './request.ts'

/** What two plans alone do not show. */
type Told = 'why' | 'isLeaving'

export interface PlanDiff {
  /** As they were: slot, executors and generation. */
  readonly kept: readonly number[]
  /** By number of the worker. */
  readonly changes: readonly Omit<PlannedMove, Told>[]
}

/** Every worker of either plan is in `kept`, or in `changes` once. */
export function diffPlans(before: readonly PlannedWorker[], after: readonly PlannedWorker[]): PlanDiff {
  const earlier = new Map(before.map((each) => [each.worker, each]))
  const kept: number[] = []
  const changes: Omit<PlannedMove, Told>[] = []
  for (const each of after) {
    const was = earlier.get(each.worker)
    earlier.delete(each.worker)
    const kind = kindOf(was, each)
    if (kind === undefined) kept.push(each.worker)
    else changes.push(changeOf(kind, was, each))
  }
  for (const was of earlier.values()) changes.push(changeOf('gone', was, undefined))
  return { kept, changes: changes.sort((a, b) => a.worker - b.worker) }
}

/** undefined: nothing has changed. */
function kindOf(was: PlannedWorker | undefined, is: PlannedWorker): MoveKind | undefined {
  if (was === undefined) return 'new'
  if (was.node !== is.node || was.port !== is.port) return 'moved'
  if (was.generation !== is.generation) return 'renewed'
  return isSameList(was.executors, is.executors) ? undefined : 'rearranged'
}

function changeOf(
  kind: MoveKind,
  was: PlannedWorker | undefined,
  is: PlannedWorker | undefined,
): Omit<PlannedMove, Told> {
  const had = new Set(was?.executors)
  const has = new Set(is?.executors)
  return {
    kind,
    worker: is?.worker ?? was?.worker ?? 0,
    from: was && { node: was.node, port: was.port },
    to: is && { node: is.node, port: is.port },
    gained: [...has].filter((executor) => !had.has(executor)),
    given: [...had].filter((executor) => !has.has(executor)),
  }
}

function isSameList(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((value, index) => value === b[index])
}
