/** Walks over a graph of components: who is fed by whom, and where it goes round. */
import type { Component } from '../topology.ts'

type Components = ReadonlyMap<string, Component>

/** Ids of those who read each component. */
function readersById(components: Components): ReadonlyMap<string, readonly string[]> {
  const readers = new Map<string, string[]>()
  for (const component of components.values()) {
    for (const { componentId } of component.inputs) {
      const ids = readers.get(componentId) ?? []
      if (!ids.includes(component.id)) ids.push(component.id)
      readers.set(componentId, ids)
    }
  }
  return readers
}

/** These components, and all that get something from them over any number of steps. */
export function downstreamOf(components: Components, ids: readonly string[]): ReadonlySet<string> {
  const readers = readersById(components)
  return reached(ids, (id) => readers.get(id) ?? [])
}

/** This component, and all it gets something from over any number of steps. */
export function upstreamOf(components: Components, id: string): ReadonlySet<string> {
  return reached([id], (each) => components.get(each)?.inputs.map((input) => input.componentId) ?? [])
}

function reached(from: readonly string[], next: (id: string) => readonly string[]): ReadonlySet<string> {
  const seen = new Set(from)
  // A set may grow while it is walked; what was added is walked as well.
  for (const id of seen) for (const found of next(id)) seen.add(found)
  return seen
}

/**
 * Circles: one for each group of components that all reach each other, as a path that ends where it began.
 * Each is a shortest way back to the group's first component, in the order they were set.
 */
export function cyclesOf(components: Components): readonly (readonly string[])[] {
  const readers = readersById(components)
  const inCycle = new Set<string>()
  const cycles: string[][] = []
  for (const id of components.keys()) {
    if (inCycle.has(id)) continue
    const way = wayBack(id, readers)
    if (way === undefined) continue
    cycles.push(way)
    for (const each of groupOf(components, id)) inCycle.add(each)
  }
  return cycles
}

/** Components that both feed `id` and are fed by it. */
function groupOf(components: Components, id: string): readonly string[] {
  const down = downstreamOf(components, [id])
  return [...upstreamOf(components, id)].filter((each) => down.has(each))
}

/** The shortest way from a component to itself, with it at both ends. */
function wayBack(id: string, readers: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const cameFrom = new Map<string, string>()
  const queue = [id]
  for (const at of queue) {
    for (const next of readers.get(at) ?? []) {
      if (next === id) return path(id, at, cameFrom)
      if (cameFrom.has(next)) continue
      cameFrom.set(next, at)
      queue.push(next)
    }
  }
  return undefined
}

function path(id: string, last: string, cameFrom: ReadonlyMap<string, string>): string[] {
  const way = [id]
  for (let at: string | undefined = last; at !== undefined && at !== id; at = cameFrom.get(at))
    way.unshift(at)
  way.unshift(id)
  return way
}
