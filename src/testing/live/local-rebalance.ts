/**
 * What goes over from one run of a topology to the next, when workers or executors change: keyed state,
 * positions, and iterables, which cannot be opened again where they are.
 */
import { ConflictError, UsageError } from '../../base/errors.ts'
import type { ComponentConfig } from '../../config/topology-config.ts'
import { IterableSpoutTask } from '../../flow/executor/spout/iterable-spout-task.ts'
import type { RebalanceOptions } from '../../rpc/contract.ts'
import { expand } from '../../topology/expand.ts'
import type { Component, Topology } from '../../topology/topology.ts'
import type { Worker } from '../../worker/worker.ts'
import type { LocalRun } from '../local-run.ts'

/** The topology with other numbers. @throws UsageError UNKNOWN_COMPONENT, PARALLELISM_INVALID */
export function rebalanced(topology: Topology, { executors, tasks }: RebalanceOptions): Topology {
  const components = new Map<string, Component>(topology.components)
  for (const id of new Set([...Object.keys(executors ?? {}), ...Object.keys(tasks ?? {})])) {
    const component = components.get(id)
    if (component === undefined) {
      throw new UsageError('UNKNOWN_COMPONENT', `rebalance: there is no component "${id}"`, { component: id })
    }
    components.set(id, { ...component, placement: placementOf(component, executors?.[id], tasks?.[id]) })
  }
  const made = { ...topology, components }
  refuseUnsplittable(topology, made)
  return made
}

function placementOf(
  { placement, definition }: Component,
  executors: number | undefined,
  tasks: number | undefined,
): ComponentConfig {
  const { tasks: before, ...rest } = { ...definition.settings, ...placement }
  const wanted = executors ?? rest.executors
  return {
    ...rest,
    ...(wanted === undefined ? {} : { executors: wanted }),
    // Tasks follow the executors, unless they were given apart.
    ...(tasks === undefined ? (before === undefined ? {} : { tasks: before }) : { tasks }),
  }
}

function refuseUnsplittable(before: Topology, after: Topology): void {
  const old = expand(before).componentTasks
  const changed = [...expand(after).componentTasks].filter(
    ([id, tasks]) => old.get(id)?.length !== tasks.length,
  )
  const refused = changed.filter(([id]) => {
    const definition = before.components.get(id)?.definition
    if (definition?.kind === 'spout') return definition.form === 'iterable'
    return (
      definition !== undefined && definition.form !== 'keyed' && Object.keys(definition.states).length > 0
    )
  })
  if (refused.length === 0) return
  const names = refused.map(([id]) => id).join(', ')
  throw new UsageError(
    'STATE_NOT_RESCALABLE',
    `the number of tasks of ${names} cannot change: an iterable, or state of a task, has no parts`,
    { components: names },
  )
}

/** Iterables of a run that is drained, by component and task index. Its tasks give nothing any more. */
export function takeIterables(workers: readonly Worker[]): ReadonlyMap<string, AsyncIterator<unknown>> {
  const taken = new Map<string, AsyncIterator<unknown>>()
  for (const worker of workers) {
    for (const task of worker.spoutTasks) {
      if (task instanceof IterableSpoutTask) taken.set(placeOf(task), task.handOver())
    }
  }
  return taken
}

/** Gives them to the tasks in the same places. Each once: a worker that starts again later opens its own. */
export function giveIterables(worker: Worker, taken: Map<string, AsyncIterator<unknown>>): void {
  for (const task of worker.spoutTasks) {
    if (!(task instanceof IterableSpoutTask)) continue
    const source = taken.get(placeOf(task))
    if (source === undefined) continue
    taken.delete(placeOf(task))
    task.takeOver(source)
  }
}

/** @throws ConflictError REBALANCE_CONFLICT */
export function refuseTwice(isGoingOn: boolean, name: string): void {
  if (!isGoingOn) return
  throw new ConflictError('REBALANCE_CONFLICT', `${name} is being rebalanced`, { topology: name })
}

/** Only what runs can be changed. @throws ConflictError TOPOLOGY_WRONG_STATE */
export function refuseStopped(run: LocalRun, name: string): void {
  if (run.state !== 'stopped') return
  throw new ConflictError('TOPOLOGY_WRONG_STATE', `${name} is stopped`, { topology: name })
}

function placeOf({ self }: IterableSpoutTask): string {
  return `${self.componentId}/${self.taskIndex}`
}
