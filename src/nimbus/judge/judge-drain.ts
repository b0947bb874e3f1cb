/**
 * Shall a node at risk be drained before it fails? The policy behind `nimbus.drain.at.risk`. Pure: it asks
 * the scheduler what would become of the workers there.
 *
 * Invariants
 *   P1  one node at a time: while any drains, or has been drained and not given back, none is proposed
 *   P2  never if the rest cannot take all its workers: what runs must run on, in as many workers
 */
import type { ScheduleRequest } from '../../schedule/request.ts'
import { schedule } from '../../schedule/schedule.ts'

export interface DrainSeen {
  /** `nimbus.drain.at.risk`. */
  readonly isEnabled: boolean
  /** The plan as it stands, and the nodes. */
  readonly request: ScheduleRequest
  /** Node → evidence. */
  readonly risks: ReadonlyMap<string, readonly string[]>
}

export interface DrainVerdict {
  /** undefined: none. */
  readonly node: string | undefined
  readonly why: string
}

export function judgeDrain({ isEnabled, request, risks }: DrainSeen): DrainVerdict {
  if (!isEnabled) return { node: undefined, why: 'nimbus.drain.at.risk is off' }
  const draining = request.nodes.find((node) => node.isDraining)
  if (draining !== undefined) return { node: undefined, why: `${draining.node} is drained already` }
  const usable = request.nodes.filter(({ isDead, isSilent, isBlacklisted }) => {
    return !(isDead || isSilent || isBlacklisted)
  })
  const evidence = (node: string) => risks.get(node) ?? []
  const candidates = usable.map(({ node }) => node).filter((node) => evidence(node).length > 0)
  // Most signs first; the name settles ties.
  candidates.sort((a, b) => evidence(b).length - evidence(a).length || (a < b ? -1 : 1))
  let refused = ''
  for (const node of candidates) {
    const trouble = whatWouldBeLost(request, node)
    if (trouble === undefined) return { node, why: evidence(node).join('; ') }
    refused ||= `${node} is at risk (${evidence(node)[0]}), but ${trouble}`
  }
  return { node: undefined, why: refused === '' ? 'no node is at risk' : refused }
}

/** undefined: nothing. */
function whatWouldBeLost(request: ScheduleRequest, node: string): string | undefined {
  const nodes = request.nodes.map((each) => (each.node === node ? { ...each, isDraining: true } : each))
  const plan = schedule({ ...request, nodes })
  for (const [index, { workers, topologyId }] of plan.topologies.entries()) {
    const current = request.topologies[index]?.current?.workers ?? []
    if (!current.some((worker) => worker.node === node)) continue
    if (workers.some((worker) => worker.node === node) || workers.length < current.length) {
      return `no other node can take workers of ${topologyId}`
    }
    const count = (list: typeof workers) => list.reduce((sum, { executors }) => sum + executors.length, 0)
    if (count(workers) < count(current)) return `executors of ${topologyId} would run nowhere`
  }
  return undefined
}
