/** Why executors are placed nowhere, and why a topology has fewer workers than it asked for, in words. */
import { isAllowed } from '../draft/choose-node.ts'
import type { Draft } from '../draft/draft.ts'
import type { DraftNode } from '../draft/draft-node.ts'
import type { Unplaced } from '../plan.ts'

/** What is in the pool, by component and reason. */
export function explainUnplaced(draft: Draft, nodes: readonly DraftNode[]): readonly Unplaced[] {
  const groups = new Map<string, { component: string; executors: number[]; why: string }>()
  for (const executor of [...draft.pool].sort((a, b) => a - b)) {
    const { component } = draft.executor(executor)
    const why = whyUnplaced(draft, nodes, executor)
    const key = `${component}\n${why}`
    const group = groups.get(key) ?? { component, executors: [], why }
    group.executors.push(executor)
    groups.set(key, group)
  }
  return [...groups.values()]
}

/** Workers that should leave their node and could not. */
export function explainStaying(draft: Draft): readonly string[] {
  return draft.leaving().map(({ worker, node, whyLeaving }) => {
    return `worker ${worker} stays on ${node.name} although ${whyLeaving}: nothing else can take it`
  })
}

/** Nothing: it has the workers it asked for, or none, which explainUnplaced tells. */
export function explainShortage(draft: Draft, nodes: readonly DraftNode[]): readonly string[] {
  return [...explainCut(draft), ...explainMissing(draft, nodes)]
}

/** More were asked for than there is something to do for. */
function explainCut({ topology, workersWanted }: Draft): readonly string[] {
  const { workers, executors } = topology
  if (workers <= workersWanted) return []
  const why = `it has ${countOf(executors.length, 'executor')}, and a worker needs one at least`
  return [`asked for ${countOf(workers, 'worker')}, can have ${workersWanted}: ${why}`]
}

function explainMissing(draft: Draft, nodes: readonly DraftNode[]): readonly string[] {
  const missing = draft.workersWanted - draft.workers.size
  if (missing <= 0 || draft.workers.size === 0) return []
  const free = freeSlots(draft, nodes)
  const head = `${draft.workers.size} of ${draft.workersWanted} workers`
  if (free >= missing) return [`${head}: no node with a free slot takes another`]
  return [`${head}: needs ${countOf(missing, 'more slot')}, ${free} ${isOrAre(free)} free ${where(draft)}`]
}

function whyUnplaced(draft: Draft, nodes: readonly DraftNode[], executor: number): string {
  const allowed = nodes.filter((node) => isAllowed(draft, node))
  if (allowed.length === 0) {
    if (draft.isolatedNodes !== undefined) return 'none of the nodes it shall have for itself is up'
    return nodes.some(({ whyClosed }) => whyClosed === undefined)
      ? 'every node that is up is kept for another topology'
      : 'no node is up that takes new workers'
  }
  const within = allowed.filter((node) => node.freePorts.length > 0 || draft.workersOn(node) > 0)
  if (within.length === 0) {
    return `needs ${countOf(draft.workersWanted, 'slot')}, none is free ${where(draft)}`
  }
  return whyRoom(draft, within, executor) ?? whyRules(draft, executor) ?? whyWorkers(draft, within, executor)
}

function whyRoom(draft: Draft, nodes: readonly DraftNode[], executor: number): string | undefined {
  if (!draft.isResourceAware) return undefined
  const { cpuPercent, memoryBytes } = draft.executor(executor)
  const byMemory = largest(nodes, (node) => node.memoryFree)
  if (memoryBytes > byMemory.free) {
    return `asks for ${size(memoryBytes)}, the largest free is ${size(byMemory.free)} on ${byMemory.node}`
  }
  const byCpu = largest(nodes, (node) => node.cpuFree)
  if (cpuPercent > byCpu.free + 1e-6) {
    const found = `the largest free is ${percent(byCpu.free)} on ${byCpu.node}`
    return `asks for ${percent(cpuPercent)} of a core, ${found}`
  }
  if (nodes.some((node) => node.hasRoom(cpuPercent, memoryBytes))) return undefined
  return `asks for ${percent(cpuPercent)} of a core and ${size(memoryBytes)}, no node has both free`
}

function whyRules(draft: Draft, executor: number): string | undefined {
  const component = draft.component(executor)
  const most = draft.rules.nodeMax[component] ?? Number.POSITIVE_INFINITY
  const name = draft.components[component] ?? ''
  const foes = [...(draft.rules.apartNodes[component] ?? []), ...(draft.rules.apartWorkers[component] ?? [])]
  const limits: string[] = []
  if (most < Number.POSITIVE_INFINITY) limits.push(`a node takes ${most} of '${name}' at most`)
  if (foes.length > 0) {
    limits.push(`it is kept apart from ${foes.map((foe) => `'${draft.components[foe] ?? ''}'`).join(', ')}`)
  }
  if (limits.length === 0) return undefined
  return `${limits.join(', and ')}: none of its ${countOf(draft.workers.size, 'worker')} may take it`
}

/** There is room, but on a node where it has no worker, and no slot or worker is left to have one there. */
function whyWorkers(draft: Draft, nodes: readonly DraftNode[], executor: number): string {
  const { cpuPercent, memoryBytes } = draft.executor(executor)
  const node = nodes.find((each) => each.hasRoom(cpuPercent, memoryBytes))?.name ?? ''
  const count = countOf(draft.workers.size, 'worker')
  return `its ${count} ${isOrAre(draft.workers.size)} on full nodes; with one more it would fit on ${node}`
}

function largest(nodes: readonly DraftNode[], freeOf: (node: DraftNode) => number) {
  let free = Number.NEGATIVE_INFINITY
  let node = ''
  for (const each of nodes) {
    if (freeOf(each) <= free) continue
    free = freeOf(each)
    node = each.name
  }
  return { free: Math.max(0, free), node }
}

function freeSlots(draft: Draft, nodes: readonly DraftNode[]): number {
  return nodes.reduce((sum, node) => sum + (isAllowed(draft, node) ? node.freePorts.length : 0), 0)
}

function where(draft: Draft): string {
  return draft.isolatedNodes === undefined ? 'on nodes that are up' : 'on the nodes it has for itself'
}

function countOf(count: number, name: string): string {
  return `${count} ${name}${count === 1 ? '' : 's'}`
}

function isOrAre(count: number): string {
  return count === 1 ? 'is' : 'are'
}

function percent(value: number): string {
  return `${Math.round(value * 10) / 10} %`
}

/** Two digits: for people. */
function size(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit += 1
  }
  return `${Math.round(value * 10) / 10} ${units[unit]}`
}
