/**
 * Which node a worker goes to. Pure: the same drafts, the same answer; ties go by the names of nodes.
 *
 *   even             fewest workers of this topology, then the smallest share of slots taken
 *   weighted         fewest workers for what the node offers, of all topologies
 *   random           any free slot, by seed, topology and number of the worker
 *   resource-aware   room for an average worker, then fewest workers of this topology, then most room
 *
 * Whatever the strategy, a node that is dead, drained, on the blacklist, full, or kept for others is none.
 */
import { SeededRandom } from '../../base/random.ts'
import type { Draft } from './draft.ts'
import type { DraftNode } from './draft-node.ts'

/** What a worker brings along. */
export interface Wish {
  readonly worker: number
  /** Must be free at the node, if resources count. */
  readonly cpuPercent: number
  readonly memoryBytes: number
  /** Of an average worker of this topology: how much room is much. */
  readonly typicalCpu: number
  readonly typicalMemory: number
  /** Executors it has already, by component: rules must hold for all of them. */
  readonly counts: readonly number[] | undefined
  /** Left out. */
  readonly avoid: ReadonlySet<DraftNode> | undefined
  readonly seed: number
}

export function chooseNode(draft: Draft, nodes: readonly DraftNode[], wish: Wish): DraftNode | undefined {
  const { strategy } = draft.topology
  if (strategy === 'random') return chooseAny(draft, nodes, wish)
  const { first, second } = ranks[strategy]
  let best: DraftNode | undefined
  let bestFirst = 0
  let bestSecond = 0
  for (const node of nodes) {
    if (node.freePorts.length === 0 || !isOpen(draft, node, wish)) continue
    const nodeFirst = first(draft, node, wish)
    if (best !== undefined && nodeFirst > bestFirst) continue
    const nodeSecond = second(draft, node, wish)
    if (best !== undefined && nodeFirst === bestFirst && nodeSecond >= bestSecond) continue
    best = node
    bestFirst = nodeFirst
    bestSecond = nodeSecond
  }
  return best
}

type Rank = (draft: Draft, node: DraftNode, wish: Wish) => number

const workersThere: Rank = (draft, node) => draft.workersOn(node)

/** Lower is better; the second one counts where the first is the same. Numbers only: asked for every node. */
const ranks: Readonly<Record<'even' | 'weighted' | 'resource-aware', { first: Rank; second: Rank }>> = {
  even: { first: workersThere, second: (_, node) => node.takenCount / node.slotCount },
  weighted: { first: (_, node) => (node.takenCount + 1) / weightOf(node), second: workersThere },
  'resource-aware': {
    first: (draft, node, wish) => {
      return roomAt(draft, node, wish) >= 1 ? draft.workersOn(node) : Number.MAX_SAFE_INTEGER
    },
    second: (draft, node, wish) => -roomAt(draft, node, wish),
  },
}

/** Is the node one of those this topology may use at all? */
export function isAllowed(draft: Draft, node: DraftNode): boolean {
  if (node.whyClosed !== undefined) return false
  const own = draft.isolatedNodes === undefined ? undefined : draft.topology.topologyId
  return node.keptFor === own
}

function isOpen(draft: Draft, node: DraftNode, wish: Wish): boolean {
  if (wish.avoid?.has(node) === true || !isAllowed(draft, node)) return false
  if (draft.isResourceAware && !node.hasRoom(wish.cpuPercent, wish.memoryBytes)) return false
  if (draft.rules.isEmpty || wish.counts === undefined) return true
  return wish.counts.every((count, component) => count === 0 || draft.keepsRules(node, component, count))
}

/** A core and 1 GiB weigh the same: what nodes are told apart by, not a measure of speed. */
function weightOf({ cpuPercent, memoryBytes }: DraftNode): number {
  return Math.max(cpuPercent / 100 + memoryBytes / 2 ** 30, Number.MIN_VALUE)
}

/** How many average workers fit. Workers opened there that have nothing yet will want their share as well. */
function roomAt(draft: Draft, node: DraftNode, { typicalCpu, typicalMemory }: Wish): number {
  const byCpu = typicalCpu > 0 ? node.cpuFree / typicalCpu : Number.MAX_SAFE_INTEGER
  const byMemory = typicalMemory > 0 ? node.memoryFree / typicalMemory : Number.MAX_SAFE_INTEGER
  return Math.min(byCpu, byMemory) - emptyWorkersOn(draft, node)
}

function emptyWorkersOn(draft: Draft, node: DraftNode): number {
  if (draft.workersOn(node) === 0) return 0
  let count = 0
  for (const worker of draft.workers.values()) {
    if (worker.node === node && worker.executors.size === 0) count += 1
  }
  return count
}

function chooseAny(draft: Draft, nodes: readonly DraftNode[], wish: Wish): DraftNode | undefined {
  const open = nodes.filter((node) => node.freePorts.length > 0 && isOpen(draft, node, wish))
  const slots = open.reduce((sum, node) => sum + node.freePorts.length, 0)
  const random = new SeededRandom(wish.seed).split(`${draft.topology.topologyId} ${wish.worker}`)
  let left = random.below(slots)
  for (const node of open) {
    if (left < node.freePorts.length) return node
    left -= node.freePorts.length
  }
  return undefined
}
