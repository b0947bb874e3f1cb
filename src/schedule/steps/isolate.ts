/**
 * Keeps nodes for topologies that shall be alone: first those it has already, then empty ones, then those
 * with the fewest workers of others, who have to go. Where slots are many is better than where they are few.
 */
import type { Draft } from '../draft/draft.ts'
import type { DraftNode } from '../draft/draft-node.ts'

export function keepNodes(
  drafts: readonly Draft[],
  nodes: readonly DraftNode[],
  isolation: Readonly<Record<string, number>>,
): void {
  const asked = (draft: Draft) =>
    Object.hasOwn(isolation, draft.topology.name) ? (isolation[draft.topology.name] ?? 0) : 0
  if (!drafts.some((draft) => asked(draft) > 0)) return
  const all = workersByNode(drafts)
  for (const draft of drafts) {
    const count = asked(draft)
    if (count <= 0) continue
    const mine = workersByNode([draft])
    const own = (node: DraftNode) => mine.get(node.name) ?? 0
    const others = (node: DraftNode) => (all.get(node.name) ?? 0) - own(node)
    const open = nodes.filter((node) => node.whyClosed === undefined && node.keptFor === undefined)
    open.sort(
      (a, b) => others(a) - others(b) || own(b) - own(a) || b.slotCount - a.slotCount || a.order - b.order,
    )
    const kept = open.slice(0, count)
    for (const node of kept) node.keptFor = draft.topology.topologyId
    draft.isolatedNodes = kept.length
    if (kept.length < count) {
      draft.notes.push(`wants ${count} nodes for itself, ${kept.length} are up and not kept for others`)
    }
  }
}

function workersByNode(drafts: readonly Draft[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const { topology } of drafts) {
    for (const { node } of topology.current?.workers ?? []) counts.set(node, (counts.get(node) ?? 0) + 1)
  }
  return counts
}
