/**
 * Gives whole workers another slot: those that have lost theirs, then those that should leave it. They keep
 * number and executors, so nothing else of the topology is touched. Who finds no slot is dealt with later:
 * the executors of a lost worker go to the pool, who should leave stays for now.
 */
import { assertDefined } from '../../base/assert.ts'
import { chooseNode } from '../draft/choose-node.ts'
import { countsOf, demandOf } from '../draft/demand.ts'
import type { Draft, DraftWorker, HomelessWorker } from '../draft/draft.ts'
import type { DraftNode } from '../draft/draft-node.ts'

export function recoverLost(draft: Draft, nodes: readonly DraftNode[], seed: number): void {
  for (const lost of draft.homeless.splice(0)) {
    for (const executor of lost.executors) draft.pool.add(executor)
    draft.say(lost.worker, lost.why)
    const own = nodes.find(({ name }) => name === lost.node)
    const there =
      chooseFor(draft, nodes, { ...lost, avoid: own && new Set([own]), seed }) ??
      chooseFor(draft, nodes, { ...lost, avoid: undefined, seed })
    if (there !== undefined) settle(draft, there, lost)
  }
}

export function recoverLeaving(draft: Draft, nodes: readonly DraftNode[], seed: number): void {
  for (const worker of draft.leaving()) {
    const executors = [...worker.executors]
    const facts = { worker: worker.worker, executors, avoid: new Set([worker.node]), seed }
    const there = chooseWithout(draft, worker, () => chooseFor(draft, nodes, facts))
    if (there === undefined) continue
    draft.say(worker.worker, worker.whyLeaving ?? '')
    draft.close(worker)
    open(draft, there, { worker: worker.worker, generation: worker.generation + 1, executors })
  }
}

/** While its own executors do not count: rules speak of where it will be, not of where it was. */
function chooseWithout(
  draft: Draft,
  worker: DraftWorker,
  choose: () => DraftNode | undefined,
): DraftNode | undefined {
  if (draft.rules.isEmpty) return choose()
  const executors = [...worker.executors]
  for (const executor of executors) draft.remove(worker, executor)
  const chosen = choose()
  for (const executor of executors) draft.place(worker, executor)
  return chosen
}

interface Group {
  readonly worker: number
  readonly executors: readonly number[]
  readonly avoid: ReadonlySet<DraftNode> | undefined
  readonly seed: number
}

function chooseFor(draft: Draft, nodes: readonly DraftNode[], group: Group): DraftNode | undefined {
  const { cpuPercent, memoryBytes } = demandOf(draft, group.executors)
  return chooseNode(draft, nodes, {
    worker: group.worker,
    cpuPercent,
    memoryBytes,
    typicalCpu: cpuPercent,
    typicalMemory: memoryBytes,
    counts: draft.rules.isEmpty ? undefined : countsOf(draft, group.executors),
    avoid: group.avoid,
    seed: group.seed,
  })
}

function settle(draft: Draft, node: DraftNode, lost: HomelessWorker): void {
  const isOwn = node.name === lost.node
  const others = node.freePorts.filter((port) => !isOwn || port !== lost.port)
  const port = others[0] ?? node.freePorts[0]
  const isBack = isOwn && port === lost.port
  if (isBack) draft.notes.push(`worker ${lost.worker} stays in its slot: no other one is free`)
  const generation = isBack ? lost.generation : lost.generation + 1
  open(draft, node, { worker: lost.worker, generation, executors: lost.executors }, port)
}

function open(
  draft: Draft,
  node: DraftNode,
  group: { readonly worker: number; readonly generation: number; readonly executors: readonly number[] },
  port = node.freePorts[0],
): void {
  const slot = assertDefined(port, 'a chosen node has a free slot')
  const worker = draft.open(group.worker, node, slot, { generation: group.generation })
  for (const executor of group.executors) draft.place(worker, executor)
}
