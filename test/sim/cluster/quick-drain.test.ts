// Goal: a topology in which nothing is in flight does not stand still for the sake of the periods of
// heartbeats: what a rebalance, a deactivate and a kill wait for is told when it happens. In virtual time.
import { expect, test } from 'vitest'
import { SimCluster } from '../../../src/testing/cluster/sim-cluster.ts'
import { bolt } from '../../../src/topology/bolt.ts'
import { defineTopology } from '../../../src/topology/define-topology.ts'
import { fields } from '../../../src/topology/schema/fields.ts'
import { replayableSpout } from '../../../src/topology/spout.ts'
import { type CountingModel, countingTopology, Ledger } from './counting.ts'

const idle: CountingModel = {
  name: 'idle',
  partitions: 2,
  items: 20,
  itemsPerSecond: 40,
  workers: 3,
  executors: { numbers: 1, relay: 2, sum: 3, collect: 1 },
  keys: 10,
}

type Wait = (forMs: number) => Promise<void>

async function clusterWith(
  seed: number,
  topology: (wait: Wait) => ReturnType<typeof countingTopology>,
): Promise<SimCluster> {
  const cluster = SimCluster.simulated({ seed, nodes: 2, slots: 2 })
  await cluster.start()
  const wait: Wait = (forMs) => new Promise((resolve) => cluster.world.timers.after(forMs, () => resolve()))
  await cluster.drive(cluster.submit(topology(wait)))
  await cluster.advance(10_000 + seed * 130)
  return cluster
}

function idleCluster(seed: number, workers: number): Promise<SimCluster> {
  const model = { ...idle, workers }
  return clusterWith(seed, (wait) => countingTopology(model, new Ledger(), (_node, forMs) => wait(forMs)))
}

/** What it was given it has done some tenths of a second after its sources were stopped. */
function slowTopology(wait: Wait) {
  const Numbered = fields({ n: 'int' })
  const numbers = replayableSpout({
    output: Numbered,
    partitions: () => ['all'],
    async *read(_partition, after: number | undefined, signal) {
      for (let n = (after ?? -1) + 1; !signal.aborted; n += 1) {
        yield [{ values: { n }, position: n }]
        await wait(20)
      }
    },
  })
  const slow = bolt({ input: Numbered, concurrency: 50, execute: () => wait(SLOW_MS) })
  return defineTopology({
    name: 'slow',
    config: { workers: 3 },
    build(builder) {
      builder.setBolt('slow', slow, 3).shuffleGrouping(builder.setSpout('numbers', numbers, 1))
    },
  })
}

/** Virtual time until an operation is over, and how long each of its steps took. */
async function timeOf(cluster: SimCluster, begin: () => Promise<{ readonly id: string }>) {
  const beganMs = cluster.world.nowMs
  const steps: Record<string, number> = {}
  const { id } = await cluster.drive(begin())
  for (let last = beganMs; ; ) {
    const status = await cluster.drive(cluster.client.call('operation', [id]))
    const nowMs = cluster.world.nowMs
    if (status.state !== 'running') return { state: status.state, tookMs: nowMs - beganMs, steps }
    steps[status.step] = (steps[status.step] ?? 0) + nowMs - last
    last = nowMs
    await cluster.advance(10)
  }
}

/** Far below the two to four seconds of periods that were waited for in a row; usual are 0.2 and 0.9. */
const TOLD_MS = 500
const DRAINED_MS = 1_500
const SLOW_MS = 400

test.each([1, 2, 3, 4, 5].flatMap((seed) => [1, 3].map((workers) => ({ seed, workers }))))(
  'a topology of $workers workers that is idle (seed $seed)',
  async ({ seed, workers }) => {
    const cluster = await idleCluster(seed, workers)
    const { client } = cluster
    const run = async (limitMs: number, begin: () => Promise<{ readonly id: string }>) => {
      const { state, tookMs, steps } = await timeOf(cluster, begin)
      expect([state, tookMs < limitMs ? 'in time' : { tookMs, steps }]).toEqual(['done', 'in time'])
      await cluster.advance(3_000)
    }
    await run(TOLD_MS, () => client.call('deactivate', ['idle']))
    await run(TOLD_MS, () => client.call('activate', ['idle']))
    const request = { workers: undefined, tasks: {}, scheduler: undefined, drainMs: undefined }
    await run(DRAINED_MS + TOLD_MS, () =>
      client.call('rebalance', ['idle', { ...request, executors: { relay: 3 } }]),
    )
    await run(DRAINED_MS, () => client.call('kill', ['idle', undefined]))
    expect(cluster.bugs).toEqual([])
  },
)

test.each([1, 2, 3, 4, 5])(
  'a topology with tuples in flight stops when they are done (seed %i)',
  async (seed) => {
    const cluster = await clusterWith(seed, slowTopology)
    const { state, tookMs, steps } = await timeOf(cluster, () => cluster.client.call('deactivate', ['slow']))
    const limitMs = SLOW_MS + TOLD_MS
    expect([state, tookMs < limitMs ? 'in time' : { tookMs, steps }]).toEqual(['done', 'in time'])
    expect(tookMs).toBeGreaterThan(SLOW_MS / 2)
    expect(cluster.bugs).toEqual([])
  },
)
