/**
 * Opens workers that a topology asked for and does not have, once there are slots. They get what is in the
 * pool, then the surplus of the others: as many executors as make the shares even, and not one more, since
 * each of them stops and starts. A topology that has all its workers is never shuffled.
 */
import { assert, assertDefined } from '../../base/assert.ts'
import { chooseNode } from '../draft/choose-node.ts'
import { demandOf, leastOf } from '../draft/demand.ts'
import type { Draft, DraftWorker } from '../draft/draft.ts'
import type { DraftNode } from '../draft/draft-node.ts'
import { heaviestFirst, shareOut } from '../draft/share-out.ts'

/**
 * Nodes of which it turned out that nothing may run there, by rules or for want of room, before it is given
 * up.
 */
const TRIES_MAX = 16

export function complete(draft: Draft, nodes: readonly DraftNode[], seed: number): void {
  // Who should leave takes the next free slot; until then there is none to grow into.
  if (draft.workers.size >= draft.workersWanted || draft.leaving().length > 0) return
  const useless = new Set<DraftNode>()
  for (let tries = 0; tries < TRIES_MAX && draft.workers.size < draft.workersWanted; tries += 1) {
    const donors = draft.staying()
    const opened = openMissing(draft, nodes, { seed, useless })
    fill(draft, donors, opened)
    const empty = opened.filter(({ executors }) => executors.size === 0)
    for (const worker of empty) {
      useless.add(worker.node)
      draft.close(worker)
    }
    for (const { worker, executors } of opened) {
      if (executors.size > 0)
        draft.say(worker, `asked for ${draft.workersWanted} workers, and a slot is free`)
    }
    if (empty.length === 0) return
  }
}

function fill(draft: Draft, donors: readonly DraftWorker[], opened: readonly DraftWorker[]): void {
  if (opened.length === 0) return
  const quotas = quotasOf(draft)
  const isBelow = (worker: DraftWorker) => worker.executors.size < (quotas.get(worker) ?? 0)
  shareOut(draft, opened, heaviestFirst(draft), isBelow)
  takeSurplus(draft, { donors, opened, quotas })
}

function openMissing(
  draft: Draft,
  nodes: readonly DraftNode[],
  facts: { readonly seed: number; readonly useless: ReadonlySet<DraftNode> },
): DraftWorker[] {
  const opened: DraftWorker[] = []
  const everything = draft.topology.executors.map(({ executor }) => executor)
  const all = demandOf(draft, everything)
  const least = leastOf(draft, everything)
  while (draft.workers.size < draft.workersWanted) {
    const worker = draft.freeNumber()
    const node = chooseNode(draft, nodes, {
      worker,
      ...least,
      typicalCpu: all.cpuPercent / draft.workersWanted,
      typicalMemory: all.memoryBytes / draft.workersWanted,
      counts: undefined,
      avoid: facts.useless,
      seed: facts.seed,
    })
    if (node === undefined) break
    const port = assertDefined(node.freePorts[0], 'a chosen node has a free slot')
    const was = draft.topology.current?.workers.find((each) => each.worker === worker)
    const generation = was === undefined ? draft.generationNew : was.generation + 1
    opened.push(draft.open(worker, node, port, { generation }))
  }
  return opened
}

/** Even shares that sum up to all executors; who has most now keeps the larger ones. */
function quotasOf(draft: Draft): ReadonlyMap<DraftWorker, number> {
  const workers = [...draft.workers.values()]
  workers.sort((a, b) => b.executors.size - a.executors.size || a.worker - b.worker)
  const count = draft.topology.executors.length
  const share = Math.floor(count / workers.length)
  const larger = count % workers.length
  return new Map(workers.map((worker, index) => [worker, index < larger ? share + 1 : share]))
}

interface Exchange {
  readonly donors: readonly DraftWorker[]
  readonly opened: readonly DraftWorker[]
  readonly quotas: ReadonlyMap<DraftWorker, number>
}

/** One executor a turn, to who misses most, so that a lack hits all new workers alike. */
function takeSurplus(draft: Draft, exchange: Exchange): void {
  const { donors, opened, quotas } = exchange
  const missing = (worker: DraftWorker) => (quotas.get(worker) ?? 0) - worker.executors.size
  for (let turn = 0; turn < draft.topology.executors.length; turn += 1) {
    const poor = opened.filter((worker) => missing(worker) > 0)
    poor.sort((a, b) => missing(b) - missing(a) || a.worker - b.worker)
    if (!poor.some((receiver) => tryGive(draft, receiver, exchange))) break
  }
  assert(
    donors.every((donor) => donor.executors.size > 0),
    'nobody gives all away',
  )
}

function tryGive(draft: Draft, receiver: DraftWorker, exchange: Exchange): boolean {
  const gift = findGift(draft, receiver, exchange)
  if (gift === undefined) return false
  draft.remove(gift.donor, gift.executor)
  draft.place(receiver, gift.executor)
  draft.say(gift.donor.worker, 'gives executors to workers that were missing')
  return true
}

/**
 * Of the donor with the largest surplus: an executor of the component it has most more of than the receiver.
 */
function findGift(
  draft: Draft,
  receiver: DraftWorker,
  { donors, quotas }: Exchange,
): { readonly donor: DraftWorker; readonly executor: number } | undefined {
  const surplus = (worker: DraftWorker) => worker.executors.size - (quotas.get(worker) ?? 0)
  const rich = donors.filter((donor) => surplus(donor) > 0 && donor.executors.size > 1)
  rich.sort((a, b) => surplus(b) - surplus(a) || a.worker - b.worker)
  for (const donor of rich) {
    let best: number | undefined
    let bestExcess = Number.NEGATIVE_INFINITY
    for (const executor of donor.executors) {
      const component = draft.component(executor)
      const excess = (donor.counts[component] ?? 0) - (receiver.counts[component] ?? 0)
      if (excess < bestExcess || (excess === bestExcess && executor < (best ?? 0))) continue
      if (!draft.fits(receiver, executor, donor.node)) continue
      best = executor
      bestExcess = excess
    }
    if (best !== undefined) return { donor, executor: best }
  }
  return undefined
}
