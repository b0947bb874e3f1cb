/**
 * A topology's shape: its outline with what was changed since, expanded to numbers. Pure, and kept by the
 * caller: expanding ten thousand tasks each round would cost more than the round.
 */
import { parseRanges } from '../../cluster/executor-ranges.ts'
import { layoutDigest } from '../../cluster/layout.ts'
import type { AssignmentRecord, TopologyRecord } from '../../cluster/records.ts'
import { expandOutline, reshape, type TopologyOutline } from '../../topology/describe/outline.ts'
import type { ExpandedTopology } from '../../topology/expand.ts'
import { ACKER } from '../../topology/expand.ts'

export type Changes = Pick<TopologyRecord, 'parallelism' | 'workers' | 'scheduler'>

export interface Shape {
  readonly outline: TopologyOutline
  readonly expanded: ExpandedTopology
  readonly digest: string
  /** Component of each executor; the executor `n` is at `n - 1`. */
  readonly components: readonly string[]
}

export function shapeOf(outline: TopologyOutline, changes: Changes): Shape {
  const { workers, parallelism, scheduler } = changes
  const reshaped = reshape(outline, { workers, parallelism })
  const expanded = expandOutline(reshaped)
  return {
    outline: { ...reshaped, scheduler: scheduler ?? outline.scheduler },
    expanded,
    digest: layoutDigest(expanded),
    components: expanded.executors.map(({ componentId }) => componentId),
  }
}

/** What a rebalance makes of what is changed already: what is not named stays. */
export function mergeChanges(now: Changes, wanted: Changes): Changes {
  const parallelism = { ...now.parallelism }
  for (const [component, change] of Object.entries(wanted.parallelism)) {
    parallelism[component] = { ...parallelism[component], ...change }
  }
  return {
    parallelism,
    workers: wanted.workers ?? now.workers,
    scheduler: wanted.scheduler ?? now.scheduler,
  }
}

/**
 * Ackers stay as many as they are: their number would follow the workers' otherwise, and number all tasks
 * anew.
 */
export function pinAckers(wanted: Changes, shape: Shape): Changes {
  const ackers = shape.outline.components.find(({ id }) => id === ACKER)
  if (ackers === undefined || wanted.parallelism[ACKER] !== undefined) return wanted
  return { ...wanted, parallelism: { ...wanted.parallelism, [ACKER]: { executors: ackers.executors } } }
}

/** True if a component keeps something for its keys that must come along when it moves. */
export function hasState(outline: TopologyOutline, component: string): boolean {
  const { components } = outline.document
  if (!Object.hasOwn(components, component)) return false
  return Object.keys(components[component]?.state ?? {}).length > 0
}

/** Executors of keyed components that run under an assignment, with their component. */
export function statefulExecutors(
  shape: Shape,
  assignment: AssignmentRecord,
): readonly { readonly executor: number; readonly component: string; readonly worker: number }[] {
  return assignment.workers.flatMap(({ worker, executors }) =>
    parseRanges(executors).flatMap((executor) => {
      const component = shape.components[executor - 1]
      if (component === undefined || !hasState(shape.outline, component)) return []
      return [{ executor, component, worker }]
    }),
  )
}

/** Shapes by what makes them: most topologies look the same in every round. */
export class ShapeCache {
  private shapes = new Map<string, Shape>()
  private used = new Map<string, Shape>()

  of(digest: string, outline: TopologyOutline, changes: Changes): Shape {
    const key = `${digest} ${JSON.stringify(changes)}`
    const shape = this.used.get(key) ?? this.shapes.get(key) ?? shapeOf(outline, changes)
    this.used.set(key, shape)
    return shape
  }

  /** Forgets what was not asked for since the last call. */
  endRound(): void {
    this.shapes = this.used
    this.used = new Map()
  }
}
