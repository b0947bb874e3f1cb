/**
 * Places a topology that has nothing running: as many workers as it asks for and slots allow, then its
 * executors over them. With a new layout the slots it has are kept and count as its first workers.
 *
 * Even if executors fit anywhere, the plain way is the result. If some are left over, for want of room or by
 * rules, other ways are tried, and the one that leaves fewest is taken: packing is not searched through.
 */
import { assertDefined } from '../../base/assert.ts'
import { chooseNode } from '../draft/choose-node.ts'
import { colourComponents } from '../draft/compiled-rules.ts'
import { demandOf, leastOf } from '../draft/demand.ts'
import type { Draft, DraftWorker } from '../draft/draft.ts'
import type { DraftNode } from '../draft/draft-node.ts'
import { type Allow, heaviestFirst, inTurn, packIn, shareOut } from '../draft/share-out.ts'

export function begin(draft: Draft, nodes: readonly DraftNode[], seed: number): void {
  if (draft.pool.size === 0 || draft.pool.size < draft.topology.executors.length) return
  openWorkers(draft, nodes, seed)
  if (draft.workers.size === 0) return
  const left = tryAll(draft)
  if (left > 0 && draft.topology.current !== undefined) beginElsewhere(draft, nodes, { seed, left })
  for (const worker of [...draft.workers.values()]) if (worker.executors.size === 0) draft.close(worker)
}

function openWorkers(draft: Draft, nodes: readonly DraftNode[], seed: number): void {
  const least = leastOf(draft, [...draft.pool])
  const all = demandOf(draft, [...draft.pool])
  while (draft.workers.size < draft.workersWanted) {
    const worker = draft.freeNumber()
    const node = chooseNode(draft, nodes, {
      worker,
      ...least,
      typicalCpu: all.cpuPercent / draft.workersWanted,
      typicalMemory: all.memoryBytes / draft.workersWanted,
      counts: undefined,
      avoid: undefined,
      seed,
    })
    if (node === undefined) break
    const port = assertDefined(node.freePorts[0], 'a chosen node has a free slot')
    draft.open(worker, node, port, { generation: generationOf(draft, worker) })
  }
}

/** Of a worker that had this number before: above all that ran under any. */
function generationOf(draft: Draft, worker: number): number {
  const was = draft.topology.current?.workers.find((each) => each.worker === worker)
  return was === undefined ? draft.generationNew : was.generation + 1
}

/** The slots of before were not enough for the new layout: nothing runs any more, so all may go elsewhere. */
function beginElsewhere(
  draft: Draft,
  nodes: readonly DraftNode[],
  first: { readonly seed: number; readonly left: number },
): void {
  const before = [...draft.workers.values()]
  const was = before.map((worker) => ({ ...worker, executors: [...worker.executors] }))
  for (const worker of before) draft.close(worker)
  openWorkers(draft, nodes, first.seed)
  if (tryAll(draft) < first.left) return
  for (const worker of [...draft.workers.values()]) draft.close(worker)
  for (const { worker, node, port, generation, executors } of was) {
    const again = draft.open(worker, node, port, { generation })
    for (const executor of executors) draft.place(again, executor)
  }
}

/** Tries ways until nothing is left over, and ends with the best of them. Returns how many are left. */
function tryAll(draft: Draft): number {
  const workers = draft.staying()
  const ways: (() => void)[] = [() => shareOut(draft, workers, inTurn(draft))]
  if (!draft.rules.isEmpty) {
    const allow = byColour(draft, workers)
    ways.push(() => shareOut(draft, workers, heaviestFirst(draft)))
    ways.push(() => shareOut(draft, workers, heaviestFirst(draft), allow))
  }
  if (draft.isResourceAware) {
    ways.push(() => shareOut(draft, workers, heaviestFirst(draft)))
    ways.push(() => packIn(draft, workers, heaviestFirst(draft)))
  }
  let best = 0
  let least = Number.POSITIVE_INFINITY
  for (const [index, way] of ways.entries()) {
    clear(draft, workers)
    way()
    if (draft.pool.size === 0) return 0
    if (draft.pool.size >= least) continue
    best = index
    least = draft.pool.size
  }
  clear(draft, workers)
  ways[best]?.()
  return draft.pool.size
}

function clear(draft: Draft, workers: readonly DraftWorker[]): void {
  for (const worker of workers) for (const executor of [...worker.executors]) draft.remove(worker, executor)
}

/**
 * Nodes (or workers, if rules speak of workers only) dealt to the colours of components, by how many
 * executors a colour has: components that are kept apart cannot take each other's last place then.
 */
function byColour(draft: Draft, workers: readonly DraftWorker[]): Allow {
  const colours = colourComponents(draft.rules)
  const count = Math.max(-1, ...colours) + 1
  const isByNode = draft.rules.apartNodes.some((list) => list.length > 0)
  const placeOf = (worker: DraftWorker) => (isByNode ? worker.node : worker)
  const places = [...new Set(workers.map(placeOf))]
  const sizes = new Array<number>(count).fill(0)
  for (const executor of draft.pool) {
    const colour = colours[draft.component(executor)] ?? -1
    if (colour >= 0) sizes[colour] = (sizes[colour] ?? 0) + 1
  }
  const colourOf = new Map<unknown, number>()
  const given = new Array<number>(count).fill(0)
  for (const place of places) {
    // To whom has most executors for each place it would have then.
    let next = 0
    for (let colour = 1; colour < count; colour += 1) {
      const mine = (sizes[colour] ?? 0) / ((given[colour] ?? 0) || 0.001)
      if (mine > (sizes[next] ?? 0) / ((given[next] ?? 0) || 0.001)) next = colour
    }
    given[next] = (given[next] ?? 0) + 1
    colourOf.set(place, next)
  }
  return (worker, executor) => {
    const colour = colours[draft.component(executor)] ?? -1
    return colour < 0 || colourOf.get(placeOf(worker)) === colour
  }
}
