/** What a seed draws: machines, topologies, faults and what is asked of the cluster meanwhile. */
import type { SeededRandom } from '../../../src/base/random.ts'
import type { CountingModel } from './counting.ts'

export interface ClusterModel {
  readonly nimbuses: number
  readonly nodes: number
  readonly slots: number
  /** Most workers a topology may ask for. */
  readonly workersMax: number
  readonly topologies: readonly CountingModel[]
  /** Virtual time of the phase with faults. */
  readonly faultsMs: number
  readonly ensemble: {
    readonly delayMsMin: number
    readonly delayMsMax: number
    readonly unknownShare: number
    readonly staleShare: number
    readonly lagMsMax: number
  }
}

export function drawClusterModel(random: SeededRandom, minutes: number): ClusterModel {
  const between = (least: number, most: number) => least + random.below(most - least + 1)
  const faultsMs = minutes * 60_000 * (0.5 + 0.5 * random.next())
  const nodes = between(2, 4)
  const slots = between(2, 4)
  const topologyCount = between(1, 2)
  // When everything is healed there is room for all.
  const workersMax = Math.min(4, Math.floor((nodes * slots) / topologyCount))
  const topologies = Array.from({ length: topologyCount }, (_, index) => {
    const itemsPerSecond = between(20, 80)
    return {
      name: `count-${index + 1}`,
      partitions: between(1, 3),
      // Sources go on through the faults, and a while longer.
      items: Math.ceil((itemsPerSecond * faultsMs * 1.1) / 1_000),
      itemsPerSecond,
      workers: between(1, workersMax),
      executors: {
        numbers: between(1, 2),
        relay: between(1, 3),
        sum: between(1, 4),
        collect: between(1, 2),
      },
      keys: between(1, 20),
    }
  })
  const isRough = random.chance(0.5)
  return {
    nimbuses: between(1, 3),
    nodes,
    slots,
    workersMax,
    topologies,
    faultsMs,
    ensemble: {
      delayMsMin: random.next(),
      delayMsMax: 1 + random.next() * 20,
      unknownShare: isRough ? random.next() * 0.03 : 0,
      staleShare: random.chance(0.5) ? random.next() * 0.2 : 0,
      lagMsMax: 200,
    },
  }
}

export function clusterModelText(model: ClusterModel): string {
  const { nimbuses, nodes, slots, topologies, ensemble } = model
  const each = topologies.map(({ name, partitions, items, workers, executors }) => {
    return `${name}: ${partitions}×${items} items, ${workers} workers, ${JSON.stringify(executors)}`
  })
  const share = `unknown ${ensemble.unknownShare.toFixed(3)} stale ${ensemble.staleShare.toFixed(2)}`
  return `${nimbuses} nimbuses, ${nodes} nodes × ${slots} slots, ${share}; ${each.join('; ')}`
}
