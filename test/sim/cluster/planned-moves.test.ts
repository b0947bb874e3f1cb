// Goal: what is moved although it lives takes its keyed state along: a node that is drained, and executors
// that are spread over slots that have come free. Method: counts per key, which are exactly right in the end
// only if nothing was forgotten, and nothing counted twice.
import { describe, expect, test } from 'vitest'
import { SimCluster } from '../../../src/testing/cluster/sim-cluster.ts'
import { type CountingModel, countingTopology, countsOf, Ledger, missingOf } from './counting.ts'

const plain: CountingModel = {
  name: 'words',
  partitions: 2,
  items: 700,
  itemsPerSecond: 40,
  workers: 3,
  executors: { numbers: 1, relay: 2, sum: 4, collect: 1 },
  keys: 10,
}

class World {
  readonly cluster: SimCluster
  readonly ledgers = new Map<CountingModel, Ledger>()

  constructor(seed: number, nodes: number) {
    this.cluster = SimCluster.simulated({ seed, nodes, slots: 2 })
  }

  async submit(model: CountingModel): Promise<void> {
    const ledger = new Ledger()
    this.ledgers.set(model, ledger)
    const wait = (_node: string, forMs: number) =>
      new Promise<void>((resolve) => this.cluster.world.timers.after(forMs, resolve))
    await this.cluster.drive(this.cluster.submit(countingTopology(model, ledger, wait)))
  }

  nodesOf({ name }: CountingModel): readonly string[] {
    const living = this.cluster.processes.living.filter(({ assign }) =>
      assign?.topologyId.startsWith(`${name}-`),
    )
    return [...new Set(living.map(({ node }) => node))].sort()
  }

  async events(): Promise<readonly string[]> {
    const page = await this.cluster.drive(this.cluster.client.call('events', [undefined, 0]))
    return page.events.map(({ kind, message }) => `${kind}: ${message}`)
  }

  /** All that came out, in the end. */
  async checkCounts(): Promise<void> {
    for (const [model, ledger] of this.ledgers) {
      await this.cluster.until(() => missingOf(model, ledger).length === 0, 180_000, 'all of it')
      await this.cluster.advance(2_000)
      expect(new Map([...ledger.counts].sort())).toEqual(new Map([...countsOf(model)].sort()))
      expect(ledger.repeatedCount).toBe(0)
    }
    expect(this.cluster.bugs).toEqual([])
  }
}

describe('a drained node', () => {
  test.each([1, 2, 3])('hands its workers over with their keyed state (seed %d)', async (seed) => {
    const world = new World(seed, 3)
    await world.cluster.start()
    await world.submit(plain)
    await world.submit({ ...plain, name: 'more', workers: 1 })
    await world.cluster.advance(8_000)
    const [model = plain] = world.ledgers.keys()
    const [node = ''] = world.nodesOf(model)
    await world.cluster.drive(world.cluster.client.call('drain', [node]))
    const isEmpty = () => [...world.ledgers.keys()].every((each) => !world.nodesOf(each).includes(node))
    await world.cluster.until(isEmpty, 30_000, 'an empty node')
    await world.checkCounts()
  })
})

describe('slots that come free', () => {
  test.each([1, 2, 3])('are used without forgetting anything (seed %d)', async (seed) => {
    const world = new World(seed, 2)
    world.cluster.startNimbus('nimbus1')
    world.cluster.startSupervisor('n1')
    await world.cluster.until(() => world.cluster.leader !== undefined, 60_000, 'a leader')
    await world.cluster.until(() => world.cluster.supervisors.size === 1, 60_000, 'a node')
    const model = { ...plain, workers: 4 }
    await world.submit(model)
    await world.cluster.advance(8_000)
    expect(world.nodesOf(model)).toEqual(['n1'])
    world.cluster.startSupervisor('n2')
    await world.cluster.until(() => world.nodesOf(model).includes('n2'), 30_000, 'both nodes used')
    await world.checkCounts()
  })
})
