/**
 * Keyed state on its way to other tasks: after a rebalance, a reload, an upgrade. Each key goes where its
 * tuples go.
 */
import { ConflictError } from '../../base/errors.ts'
import { bucketOf, hashKey } from '../../base/hash.ts'
import { KeyedTask } from '../../flow/executor/bolt/keyed-task.ts'
import type { KeyedEntry } from '../../state/state-entry.ts'
import type { ExpandedTopology } from '../../topology/expand.ts'
import type { Topology } from '../../topology/topology.ts'
import type { Worker } from '../worker.ts'

/** All keyed state of some workers, by component. They must be quiet. */
export function carriedState(workers: readonly Worker[]): ReadonlyMap<string, readonly KeyedEntry[]> {
  const carried = new Map<string, KeyedEntry[]>()
  for (const worker of workers) {
    for (const task of worker.boltTasks) {
      if (!(task instanceof KeyedTask)) continue
      const entries = carried.get(task.self.componentId) ?? []
      entries.push(...task.store.entries())
      carried.set(task.self.componentId, entries)
    }
  }
  return carried
}

/**
 * Puts state into the tasks that the fields grouping on its key would choose. State of components that are
 * gone is left.
 */
export function dealState(
  carried: ReadonlyMap<string, readonly KeyedEntry[]>,
  workers: readonly Worker[],
  expanded: ExpandedTopology,
): void {
  for (const worker of workers) {
    for (const task of worker.boltTasks) {
      if (!(task instanceof KeyedTask)) continue
      const { componentId, taskIndex } = task.self
      const count = expanded.componentTasks.get(componentId)?.length ?? 1
      for (const entry of carried.get(componentId) ?? []) {
        if (bucketOf(hashKey(entry.key), count) === taskIndex) task.store.load(entry)
      }
      task.onStateLoaded()
    }
  }
}

/**
 * What keyed state a topology cannot take over: by component and name.
 * @throws ConflictError STATE_DROPPED
 */
export function refuseDropped(
  carried: ReadonlyMap<string, readonly KeyedEntry[]>,
  topology: Topology,
  allowed: ReadonlySet<string> = new Set(),
): void {
  const dropped = new Set<string>()
  for (const [componentId, entries] of carried) {
    const definition = topology.components.get(componentId)?.definition
    const states = definition?.kind === 'bolt' && definition.form === 'keyed' ? definition.states : {}
    for (const { parts } of entries) {
      for (const { name } of parts) {
        if (!Object.hasOwn(states, name) && !allowed.has(name)) dropped.add(`${componentId}.${name}`)
      }
    }
  }
  if (dropped.size === 0) return
  const names = [...dropped].sort().join(', ')
  throw new ConflictError(
    'STATE_DROPPED',
    `the new version does not have state that the old one holds: ${names}`,
    { states: names },
  )
}
