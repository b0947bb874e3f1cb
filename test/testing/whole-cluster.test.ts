// A LocalCluster with supervisors: Nimbus, supervisors and workers, seen by the client, broken in every way.
import { defineTopology, fields, keyedBolt, plainSink, replayableSpout, valueState } from 'typhoon'
import {
  failComponent,
  hangWorker,
  killNimbus,
  killNode,
  killSupervisor,
  killWorker,
  LocalCluster,
  loseCoordinator,
  partition,
  randomFaults,
  skewClock,
  slowDisk,
} from 'typhoon/testing'
import { expect, test } from 'vitest'

const Numbered = fields({ key: 'string', n: 'int' })
const Counted = fields({ key: 'string', n: 'int', count: 'int' })

/**
 * Numbers that go on where they were, some hundred a second: a batch of the sink is acked when its time is
 * up, and so many are on their way at most.
 */
function numbers(seen: Set<number>, total: number, workers = 2) {
  const source = replayableSpout({
    output: Numbered,
    partitions: () => ['all'],
    async *read(_partition, after: number | undefined) {
      for (let n = (after ?? -1) + 1; n < total; n += 1) {
        yield { values: { key: `k${n % 5}`, n }, position: n }
      }
    },
  })
  const count = keyedBolt({
    input: Numbered,
    key: 'key',
    output: Counted,
    state: { total: valueState<number>({ initial: () => 0 }) },
    execute(tuple, out, { total: sum }) {
      sum.set(sum.get() + 1)
      out.emit({ ...tuple.values, count: sum.get() })
    },
  })
  const collect = plainSink<{ n: number }>({
    batch: { countMax: 100, linger: '50ms' },
    write(items) {
      for (const { n } of items) seen.add(n)
    },
  })
  return defineTopology({
    name: 'numbers',
    config: { workers, maxSpoutPending: 20, messageTimeout: '10s' },
    build(builder) {
      const read = builder.setSpout('read', source)
      const counts = builder.setBolt('count', count, 2).fieldsGrouping(read, 'key')
      builder.setBolt('collect', collect).shuffleGrouping(counts)
      return { read, counts }
    },
  })
}

const start = (supervisors: number, more = {}) =>
  LocalCluster.start({ supervisors, workers: 4, time: 'virtual', seed: 7, ...more })

test.each(['real', 'virtual'] as const)(
  'a topology runs to its end on a whole cluster in %s time, and is seen doing so',
  async (time) => {
    const seen = new Set<number>()
    await using cluster = await start(2, { time })
    await using topology = await cluster.submit(numbers(seen, 300))
    const trace = await topology.trace({ timeout: '20s' })
    expect(trace).toMatchObject({
      outcome: 'acked',
      steps: [{ component: 'count' }, { component: 'collect' }],
    })
    await topology.ready()
    await topology.finished()
    expect(seen.size).toBe(300)
    expect(await topology.readState('count', 'total', 'k1')).toBe(60)
    expect(await topology.status()).toMatchObject({ name: 'numbers', state: 'active', workers: 2 })
    const { client } = cluster
    expect(await client.cluster()).toMatchObject({ topologies: 1, slots: { total: 4, used: 2 } })
    expect((await client.nodes()).map(({ node, state }) => [node, state])).toEqual([
      ['n1', 'up'],
      ['n2', 'up'],
    ])
    expect(await client.topology('numbers')).toBe(topology)
    await topology.kill()
    expect(await client.list()).toEqual([])
  },
)

test('the same seed is the same run', async () => {
  const runs = []
  for (let n = 0; n < 2; n += 1) {
    const seen = new Set<number>()
    await using cluster = await start(2)
    await using topology = await cluster.submit(numbers(seen, 2_000))
    cluster.inject(killNode(1, { at: '3s' }))
    await cluster.advance('12s')
    const { components } = await topology.status()
    runs.push({ seen: [...seen], components, events: await eventsOf(cluster) })
  }
  expect(runs[0]).toEqual(runs[1])
  expect(runs[0]?.events.join()).toMatch(/topology-submitted.*worker-moved/)
})

test('in real time workers hang and die and daemons start again, too', async () => {
  const seen = new Set<number>()
  await using cluster = await start(2, { time: 'real' })
  await using topology = await cluster.submit(numbers(seen, 2_000))
  cluster.inject(killWorker(1, { after: { acked: 200 } }))
  cluster.inject(hangWorker(2, { after: { acked: 400 }, for: '300ms' }))
  cluster.inject(killSupervisor(1, { after: { acked: 600 } }))
  cluster.inject(killNimbus({ after: { acked: 800 } }))
  cluster.inject(loseCoordinator({ after: { acked: 1_000 }, for: '200ms' }))
  await topology.finished({ timeout: '1m' })
  expect(seen.size).toBe(2_000)
  // Those of the leader that is gone are gone with it, but for what came after.
  expect(await cluster.client.cluster()).toMatchObject({ leader: 'nimbus1:6627', coordinator: 'connected' })
})

test('a lost node: its workers go to another one, nothing is lost, the machine comes back', async () => {
  const seen = new Set<number>()
  await using cluster = await start(3, { workers: 6 })
  await using topology = await cluster.submit(numbers(seen, 20_000))
  await topology.ready()
  const node = (await nodesOf(cluster)).find(({ used }) => used > 0)
  const number = Number(node?.node.slice(1))
  cluster.inject(killNode(number, { at: '1s' }))
  await cluster.advance('30s')
  const lost = (await nodesOf(cluster)).find(({ node: name }) => name === `n${number}`)
  expect(lost?.state === 'silent' || lost === undefined).toBe(true)
  await topology.finished({ timeout: '10m' })
  expect(seen.size).toBe(20_000)
  await cluster.advance('2m')
  expect((await nodesOf(cluster)).map(({ state }) => state)).toEqual(['up', 'up', 'up'])
})

test('daemons and the coordinator come and go: the topology goes on', async () => {
  const seen = new Set<number>()
  await using cluster = await start(2)
  await using topology = await cluster.submit(numbers(seen, 20_000))
  await topology.ready()
  cluster.inject(killSupervisor(1, { at: '1s' }))
  cluster.inject(killNimbus({ at: '2s' }))
  cluster.inject(loseCoordinator({ at: '5s', for: '20s' }))
  cluster.inject(skewClock(2, '1h', { at: '6s', for: '10s' }))
  const before = (await topology.status()).components.map(({ restartCount }) => restartCount)
  await cluster.advance('15s')
  // The coordinator is away: Nimbus cannot lead, workers do not need either of them.
  const seenBefore = seen.size
  await cluster.advance('5s')
  expect(seen.size).toBeGreaterThan(seenBefore)
  await topology.finished({ timeout: '10m' })
  expect(seen.size).toBe(20_000)
  expect((await topology.status()).components.map(({ restartCount }) => restartCount)).toEqual(before)
})

test('workers die, hang, are cut off; calls fail', async () => {
  const seen = new Set<number>()
  await using cluster = await start(2)
  await using topology = await cluster.submit(numbers(seen, 20_000))
  await topology.ready()
  cluster.inject(killWorker(1, { after: { acked: 1_000 } }))
  cluster.inject(partition([1], [2], { at: '8s', for: '5s' }))
  cluster.inject(failComponent('count', { at: '20s', count: 3 }))
  await topology.finished({ timeout: '10m' })
  expect(seen.size).toBe(20_000)
  const { components } = await topology.status()
  expect(components.some(({ restartCount }) => restartCount > 0)).toBe(true)
  expect(await topology.errors()).toMatchObject([{ code: 'EXECUTE_THREW', component: 'count' }])
})

test('random faults strike everything, until the cluster is closed', async () => {
  const seen = new Set<number>()
  await using cluster = await start(3, { workers: 6 })
  cluster.inject(randomFaults({ every: '3s' }))
  await using topology = await cluster.submit(numbers(seen, 10_000))
  await topology.finished({ timeout: '30m' })
  expect(seen.size).toBe(10_000)
})

test('a rebalance moves executors with their state; a module is submitted by its path', async () => {
  const seen = new Set<number>()
  await using cluster = await start(2)
  await using topology = await cluster.submit(numbers(seen, 10_000))
  await topology.ready()
  await topology.rebalance({ workers: 3, executors: { count: 4 } })
  await topology.finished({ timeout: '10m' })
  expect(await topology.readState('count', 'total', 'k1')).toBe(2_000)
  const { client } = cluster
  const file = new URL('./guide/word-count.ts', import.meta.url)
  const preview = await client.preview(file)
  expect(preview).toMatchObject({ name: 'word-count', slots: { free: 1 } })
  await using other = await client.submit(file, { config: { workers: 1 } })
  expect(other.name).toBe('word-count')
  await expect(client.submit(file)).rejects.toMatchObject({ code: 'TOPOLOGY_NAME_TAKEN' })
  await expect(client.topology('nobody')).rejects.toMatchObject({ code: 'TOPOLOGY_NOT_FOUND' })
  await client.drain('n1')
  expect((await nodesOf(cluster)).find(({ node }) => node === 'n1')?.used).toBe(0)
})

test('a client that was closed says so; the cluster goes on, and drains what runs when it ends', async () => {
  const seen = new Set<number>()
  const cluster = await start(1)
  {
    await using client = cluster.client
    expect(await client.list()).toEqual([])
  }
  await expect(cluster.client.list()).rejects.toMatchObject({ code: 'REQUEST_INVALID' })
  const topology = await cluster.submit(numbers(seen, 1_000_000))
  await topology.ready()
  await cluster.close()
  // A sink's batch that was open is written when a topology is drained.
  const seenCount = seen.size
  expect(seenCount).toBeGreaterThan(0)
  expect(Math.max(...seen)).toBe(seenCount - 1)
})

test('what cannot be had is refused with the way to it', async () => {
  await using alone = await LocalCluster.start({ time: 'virtual' })
  expect(() => alone.client).toThrow(/supervisors: 1/)
  for (const fault of [
    killNode(1, { at: '1s' }),
    killSupervisor(1, { at: '1s' }),
    killNimbus({ at: '1s' }),
    loseCoordinator({ at: '1s', for: '1s' }),
  ]) {
    expect(() => alone.inject(fault)).toThrow(/LocalCluster.start\(\{ supervisors: 2 \}\)/)
  }
  await using cluster = await start(2, { time: 'real' })
  expect(() => cluster.inject(killNode(3, { at: '1s' }))).toThrow(/no node 3/)
  expect(() => cluster.inject(killWorker(5, { at: '1s' }))).toThrow(/no worker 5/)
  expect(() => cluster.inject(slowDisk('1s', { at: '1s', for: '1s' }))).toThrow(/virtual time only/)
  await expect(cluster.advance('1s')).rejects.toMatchObject({ code: 'CONFIG_CONTRADICTION' })
  await expect(LocalCluster.start({ supervisors: 3, workers: 2 })).rejects.toMatchObject({
    code: 'CONFIG_INVALID_VALUE',
  })
})

async function nodesOf(cluster: LocalCluster) {
  const nodes = await cluster.client.nodes()
  return nodes.map(({ node, state, slots }) => ({ node, state, used: slots.used }))
}

/** What has happened so far. The clock moves while it is read. */
async function eventsOf(cluster: LocalCluster): Promise<string[]> {
  const found: string[] = []
  const end = new AbortController()
  const reading = (async () => {
    for await (const { kind, at } of cluster.client.events({ after: '0-0', signal: end.signal })) {
      found.push(`${at} ${kind}`)
    }
  })()
  await cluster.advance('1s')
  end.abort()
  await cluster.advance('1s')
  await reading
  return found
}
