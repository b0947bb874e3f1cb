/** Nodes, slots and the cluster as they are shown. Pure. */
import type { BoardView } from '../../cluster/board.ts'
import type { NodeStatus } from '../../rpc/contract.ts'
import type { SlotStatus } from '../../rpc/nimbus-api.ts'
import type { NodeHeard } from '../monitor/heartbeat-book.ts'

export interface NodesSeen {
  readonly view: BoardView
  readonly heard: ReadonlyMap<string, NodeHeard>
  /** Milliseconds since 1970, and monotonic. */
  readonly now: number
  readonly nowMs: number
  readonly silentMs: number
  readonly riskOf: (node: string) => readonly string[]
}

export function nodeStatuses(seen: NodesSeen): readonly NodeStatus[] {
  return nodeNames(seen).map((node) => nodeStatus(node, seen))
}

/** Nodes that are there, that were heard, and that somebody decided something about. */
export function nodeNames({ view, heard }: NodesSeen): readonly string[] {
  return [...new Set([...view.supervisors.keys(), ...heard.keys(), ...view.nodes.keys()])].sort()
}

function nodeStatus(node: string, seen: NodesSeen): NodeStatus {
  const { view, heard, riskOf } = seen
  const supervisor = view.supervisors.get(node)
  const machine = heard.get(node)?.beat.machine
  return {
    node,
    state: stateOf(node, seen),
    slots: { total: supervisor?.ports.length ?? 0, used: assignedTo(view, node) },
    memory: {
      totalBytes: machine?.memoryTotalBytes ?? supervisor?.memoryBytes ?? 0,
      usedBytes: machine?.memoryUsedBytes ?? 0,
    },
    cpu: {
      total: machine?.cpuCount ?? (supervisor?.cpuPercent ?? 0) / 100,
      used: machine?.cpuUsed ?? 0,
    },
    atRisk: riskOf(node),
  }
}

function stateOf(node: string, { view, heard, now, nowMs, silentMs }: NodesSeen): NodeStatus['state'] {
  const record = view.nodes.get(node)?.record
  const found = heard.get(node)
  if (record?.isDraining === true) return assignedTo(view, node) === 0 ? 'drained' : 'draining'
  if ((record?.blacklistedUntil ?? 0) > now) return 'blacklisted'
  if (found === undefined || nowMs - found.atMs > silentMs) return 'silent'
  return 'up'
}

export function slotStatuses({ view, heard }: NodesSeen): readonly SlotStatus[] {
  const assigned = new Map<string, { readonly topology: string; readonly worker: number }>()
  for (const [id, { record }] of view.assignments) {
    const topology = view.topologies.get(id)?.record.name ?? id
    for (const { node, port, worker } of record.workers) assigned.set(`${node}:${port}`, { topology, worker })
  }
  return [...view.supervisors.values()]
    .sort((a, b) => (a.node < b.node ? -1 : 1))
    .flatMap(({ node, ports }) =>
      [...ports]
        .sort((a, b) => a - b)
        .map((port): SlotStatus => {
          const has = assigned.get(`${node}:${port}`)
          const slot = heard.get(node)?.beat.slots.find((each) => each.port === port)
          return { node, port, phase: slot?.phase ?? 'empty', topology: has?.topology, worker: has?.worker }
        }),
    )
}

/** Slots that a new worker could get. */
export function freeSlots({ view, now }: Pick<NodesSeen, 'view' | 'now'>): number {
  let free = 0
  for (const { node, ports } of view.supervisors.values()) {
    const record = view.nodes.get(node)?.record
    if (record?.isDraining === true || (record?.blacklistedUntil ?? 0) > now) continue
    free += Math.max(0, ports.length - assignedTo(view, node))
  }
  return free
}

export function assignedTo(view: BoardView, node: string): number {
  let count = 0
  for (const { record } of view.assignments.values())
    count += record.workers.filter((worker) => worker.node === node).length
  return count
}
