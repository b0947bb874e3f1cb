// Goal: a node that is cut off from the board and from every Nimbus, but heard by its peers, works on until
// its work is moved, as decision 0011 says; then its peers end it, and nothing is lost, also when it comes
// back. Method: only the links to the daemons are cut; the invariants of the simulator are looked at all the
// while.
import { describe, expect, test } from 'vitest'
import { LEASE_GRACE_MS } from '../../../src/nimbus/judge/judge-node.ts'
import { defaultNimbusSettings } from '../../../src/nimbus/settings.ts'
import { SimCluster } from '../../../src/testing/cluster/sim-cluster.ts'
import { ClusterChecks } from './checks.ts'
import { type CountingModel, countingTopology, Ledger, missingOf } from './counting.ts'

const CUT = 'n2'
const LOOK_MS = 50
const counting: CountingModel = {
  name: 'words',
  partitions: 2,
  items: 2_400,
  itemsPerSecond: 40,
  workers: 3,
  executors: { numbers: 1, relay: 2, sum: 4, collect: 1 },
  keys: 10,
}

class World {
  readonly violations: string[] = []
  readonly ledger = new Ledger()
  readonly cluster: SimCluster
  private readonly checks: ClusterChecks

  constructor(seed: number) {
    const size = { nimbuses: 2, nodes: 3 }
    this.checks = new ClusterChecks({
      model: size,
      cluster: () => this.cluster,
      ledgers: new Map([[counting.name, this.ledger]]),
      violate: (text) => this.violations.push(text),
    })
    this.cluster = SimCluster.simulated({
      seed,
      ...size,
      slots: 2,
      onWrite: (record) => this.checks.onWrite(record),
      onWorkerSeated: (process) => this.checks.onSeated(process),
    })
  }

  async begin(): Promise<void> {
    const { cluster } = this
    await cluster.start()
    const wait = (_node: string, forMs: number) =>
      new Promise<void>((resolve) => cluster.world.timers.after(forMs, resolve))
    await cluster.drive(cluster.submit(countingTopology(counting, this.ledger, wait)))
  }

  async pass(forMs: number): Promise<void> {
    for (const endMs = this.cluster.world.nowMs + forMs; this.cluster.world.nowMs < endMs; ) {
      await this.cluster.advance(LOOK_MS)
      this.checks.look()
    }
  }

  async until(isSo: () => boolean, limitMs: number): Promise<void> {
    for (const endMs = this.cluster.world.nowMs + limitMs; this.cluster.world.nowMs < endMs && !isSo(); ) {
      await this.pass(LOOK_MS)
    }
    expect(isSo()).toBe(true)
  }

  /** Nodes that the board says workers run on. */
  get assigned(): readonly string[] {
    const [id = ''] = this.cluster.ensemble.peekChildren('/typhoon/assignments')
    const text = new TextDecoder().decode(this.cluster.ensemble.peek(`/typhoon/assignments/${id}`)?.data)
    return [...text.matchAll(/"node":"([^"]+)"/g)].map(([, node = '']) => node)
  }

  get isCutOffWorking(): boolean {
    return this.cluster.processes.living.some(({ node, assign }) => node === CUT && assign !== undefined)
  }
}

describe('a node cut off from board and Nimbuses, heard by its peers', () => {
  test.each([1, 2, 3, 4, 5])(
    'works on, is moved after the wait, ends, and loses nothing (seed %d)',
    async (seed) => {
      const world = new World(seed)
      const { cluster } = world
      await world.begin()
      await world.until(() => world.assigned.includes(CUT) && world.isCutOffWorking, 20_000)
      await world.pass(5_000)
      for (const nimbus of cluster.nimbusNames) cluster.world.net.cut(CUT, nimbus)
      cluster.ensemble.cut(CUT, 'silent')
      const cutAtMs = cluster.world.nowMs

      // Its supervisor renews its leases all the same.
      await world.pass(defaultNimbusSettings.leaseMs - 2_000)
      expect(world.isCutOffWorking).toBe(true)
      await world.until(() => !world.assigned.includes(CUT), 30_000)
      // Heard by peers, so its supervisor was given its time; heartbeats come once a second.
      const waitMs = defaultNimbusSettings.leaseMs + LEASE_GRACE_MS
      expect(cluster.world.nowMs - cutAtMs).toBeGreaterThan(waitMs - 2_000)
      // Whoever has come in its place is known to its peers, and they tell it.
      await world.until(() => !world.isCutOffWorking, 5_000)
      const seenBefore = world.ledger.seen.size
      await world.pass(20_000)
      expect(world.isCutOffWorking).toBe(false)
      expect(world.ledger.seen.size).toBeGreaterThan(seenBefore)

      for (const nimbus of cluster.nimbusNames) cluster.world.net.heal(CUT, nimbus)
      cluster.ensemble.heal(CUT)
      await world.until(() => missingOf(counting, world.ledger).length === 0, 180_000)
      expect(world.violations).toEqual([])
      expect(cluster.bugs).toEqual([])
    },
  )
})
