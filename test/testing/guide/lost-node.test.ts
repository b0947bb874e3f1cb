// lost-node.test.ts
import { defineTopology, fields, plainSink, replayableSpout } from 'typhoon'
import { killNode, LocalCluster } from 'typhoon/testing'
import { expect, test } from 'vitest'

const Order = fields({ id: 'int' })
const shipped = new Set<number>()

const orders = replayableSpout({
  output: Order,
  partitions: () => ['north', 'south'],
  async *read(partition, after: number | undefined) {
    const first = partition === 'north' ? 0 : 5_000
    for (let n = (after ?? -1) + 1; n < 5_000; n += 1) yield { values: { id: first + n }, position: n }
  },
})

const ship = plainSink<{ id: number }>({
  batch: { linger: '20ms' },
  write(items) {
    for (const { id } of items) shipped.add(id)
  },
})

const shipping = defineTopology({
  name: 'shipping',
  config: { workers: 3, maxSpoutPending: 50 },
  build(builder) {
    const read = builder.setSpout('orders', orders, 2)
    builder.setBolt('ship', ship, 3).shuffleGrouping(read)
  },
})

test('every order is shipped although a machine is lost', async () => {
  await using cluster = await LocalCluster.start({ supervisors: 3, workers: 6, time: 'virtual', seed: 42 })
  await using topology = await cluster.submit(shipping)
  cluster.inject(killNode(1, { after: { acked: 1_000 } }))
  await topology.finished({ timeout: '5m' })
  expect(shipped.size).toBe(10_000)
  const nodes = await cluster.client.nodes()
  expect(nodes.find(({ node }) => node === 'n1')?.slots.used ?? 0).toBe(0)
})
