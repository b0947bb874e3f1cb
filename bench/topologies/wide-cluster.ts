/** A large cluster for the scheduler: 1,000 nodes of 4 slots, 200 topologies, 10,000 executors. */
import {
  NO_RULES,
  type ScheduleNode,
  type ScheduleRequest,
  type Strategy,
} from '../../src/schedule/request.ts'

export const NODE_COUNT = 1000
export const TOPOLOGY_COUNT = 200
const EXECUTORS_EACH = 50
const WORKERS_EACH = 18
const GIB = 2 ** 30

/** Nothing runs yet. 3,600 of 4,000 slots will be taken. */
export function wideCluster(strategy: Strategy): ScheduleRequest {
  const nodes = Array.from({ length: NODE_COUNT }, (_, index): ScheduleNode => {
    const up = { isDead: false, isSilent: false, isDraining: false, isBlacklisted: false, used: undefined }
    const ports = [6700, 6701, 6702, 6703]
    return { node: `node-${index}`, ports, cpuPercent: 400, memoryBytes: 8 * GIB, ...up }
  })
  const topologies = Array.from({ length: TOPOLOGY_COUNT }, (_, index) => {
    const executors = Array.from({ length: EXECUTORS_EACH }, (_each, at) => {
      const component = at < 10 ? 'spout' : at < 30 ? 'split' : 'count'
      return { executor: at + 1, component, cpuPercent: 10, memoryBytes: GIB / 8 }
    })
    const topologyId = `topology-${index}`
    const asked = { workers: WORKERS_EACH, rules: NO_RULES, current: undefined, lostWorkers: [] }
    return { topologyId, name: topologyId, strategy, executors, ...asked }
  })
  return { nodes, topologies, isolation: {}, seed: 1 }
}

/** The round after: what was planned runs, and one node is dead. */
export function afterLossOf(
  node: string,
  request: ScheduleRequest,
  plan: { readonly topologies: readonly { readonly workers: readonly WorkerOf[] }[] },
): ScheduleRequest {
  return {
    ...request,
    nodes: request.nodes.map((each) => (each.node === node ? { ...each, isDead: true } : each)),
    topologies: request.topologies.map((topology, index) => {
      return { ...topology, current: { workers: plan.topologies[index]?.workers ?? [], isSameLayout: true } }
    }),
  }
}

type WorkerOf = NonNullable<ScheduleRequest['topologies'][number]['current']>['workers'][number]
