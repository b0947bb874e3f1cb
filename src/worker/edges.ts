/**
 * What the graph says of the edges between components: which are forward (so that bolts can be called
 * directly), which are part of a cycle (so that nobody waits there). Pure.
 */
import type { Component, Input, Topology } from '../topology/topology.ts'
import type { WorkerSpec } from './spec.ts'

/** Components from which `from` can be reached again: the two are on a cycle if both directions hold. */
export function cyclicEdges(topology: Topology): (from: string, to: string) => boolean {
  const readers = new Map<string, Set<string>>()
  for (const component of topology.components.values()) {
    for (const input of component.inputs) {
      const known = readers.get(input.componentId) ?? new Set()
      readers.set(input.componentId, known.add(component.id))
    }
  }
  const reach = new Map<string, ReadonlySet<string>>()
  for (const id of topology.components.keys()) reach.set(id, reachable(id, readers))
  return (from, to) => reach.get(to)?.has(from) === true
}

function reachable(start: string, readers: ReadonlyMap<string, ReadonlySet<string>>): ReadonlySet<string> {
  const found = new Set([start])
  const queue = [start]
  for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
    for (const next of readers.get(id) ?? []) {
      if (found.has(next)) continue
      found.add(next)
      queue.push(next)
    }
  }
  return found
}

/** How an edge between two components runs inside a worker. */
export interface EdgeForm {
  /** The reading bolt is called directly, where it runs here and nothing stands before it. */
  readonly isChained: boolean
  /** The sender waits when the reader's inbox is full. */
  readonly isHolding: boolean
  /** Each sending task has a reading task of its own. */
  readonly isPaired: boolean
}

/**
 * Whatever the grouping, a tuple for a task of this worker is handed over by a call, unless something stands
 * before it there, a cycle would call into itself, or the user broke the chain
 * (docs/decisions/0005-direct-calls.md). As many senders as readers of a local-or-shuffle grouping, all in
 * this worker, are paired for good.
 */
export function edgeForm(
  spec: WorkerSpec,
  reader: Component,
  input: Input,
  here: { readonly senders: number; readonly targets: number },
  isCyclic: boolean,
): EdgeForm {
  const targets = spec.expanded.componentTasks.get(reader.id)?.length ?? 0
  const senders = spec.expanded.componentTasks.get(input.componentId)?.length ?? 0
  const { kind } = input.grouping
  const isAllHere = here.senders === senders && here.targets === targets
  const isPaired = kind === 'localOrShuffle' && targets === senders && targets > 1 && isAllHere
  const mayChain = spec.settings.components.get(reader.id)?.chain !== false && !isCyclic
  return { isChained: mayChain, isHolding: !isCyclic, isPaired }
}
