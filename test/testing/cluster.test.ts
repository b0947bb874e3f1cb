import { bolt, defineTopology, fields, keyedBolt, spoutFrom, valueState } from 'typhoon'
import { failComponent, killWorker, LocalCluster, slowDisk } from 'typhoon/testing'
import { expect, test } from 'vitest'

const Word = fields({ word: 'string', n: 'int' })
const Count = fields({ word: 'string', count: 'int' })
const TOTAL = 300

const count = keyedBolt({
  input: Word,
  key: 'word',
  output: Count,
  state: { total: valueState<number>({ initial: () => 0 }) },
  execute(tuple, out, { total }) {
    total.set(total.get() + 1)
    out.emit({ word: tuple.values.word, count: total.get() })
  },
})

function words(name: string, total = TOTAL, workers = 2) {
  return defineTopology({
    name,
    config: { workers, maxSpoutPending: 10, traceMask: ['secret'] },
    build(builder) {
      const source = builder.setSpout(
        'words',
        spoutFrom(Word, async function* () {
          for (let n = 0; n < total; n += 1) {
            if (n % 10 === 0) await Promise.resolve()
            yield { word: `w${n % 5}`, n }
          }
        }),
      )
      const passed = builder
        .setBolt(
          'pass',
          bolt({ input: Word, output: Word, execute: (tuple, out) => out.emit(tuple.values) }),
          2,
        )
        .shuffleGrouping(source)
      const counts = builder.setBolt('count', count, 2).fieldsGrouping(passed, 'word')
      return { source, passed, counts }
    },
  })
}

test.each(['real', 'virtual'] as const)(
  'a topology runs to its end in %s time, and is seen doing so',
  async (time) => {
    await using cluster = await LocalCluster.start({ workers: 2, time, seed: 7 })
    await using topology = await cluster.submit(words('words'))
    expect(topology.handles.counts.componentId).toBe('count')
    await topology.ready()
    await topology.finished()
    expect(await topology.readState('count', 'total', 'w1')).toBe(TOTAL / 5)
    const status = await topology.status()
    expect(status).toMatchObject({ name: 'words', state: 'active', workers: 2, bottleneck: undefined })
    const source = status.components.find(({ component }) => component === 'words')
    expect(source).toMatchObject({ kind: 'spout', ackedCount: TOTAL, failedCount: 0, restartCount: 0 })
    for await (const metrics of topology.metrics({ every: '100ms' })) {
      expect(metrics.components.length).toBe(3)
      expect(metrics.samples.length).toBeGreaterThan(0)
      break
    }
  },
)

test('rebalance carries keyed state over and goes on with an iterable where it was', async () => {
  await using cluster = await LocalCluster.start({ workers: 3, time: 'virtual', seed: 7 })
  await using topology = await cluster.submit(words('words', 20_000))
  await topology.ready()
  await topology.rebalance({ workers: 3, executors: { count: 5 } })
  const status = await topology.status()
  expect(status.workers).toBe(3)
  expect(status.components.find(({ component }) => component === 'count')?.tasks).toBe(5)
  await topology.finished()
  expect(await topology.readState('count', 'total', 'w1')).toBe(4_000)
})

test('an iterable has no parts: a rebalance of its tasks is refused and changes nothing', async () => {
  await using cluster = await LocalCluster.start({ time: 'virtual', seed: 7 })
  await using topology = await cluster.submit(words('words'))
  await expect(topology.rebalance({ executors: { words: 2 } })).rejects.toMatchObject({
    code: 'STATE_NOT_RESCALABLE',
  })
  await expect(topology.rebalance({ executors: { nobody: 2 } })).rejects.toMatchObject({
    code: 'UNKNOWN_COMPONENT',
  })
  await topology.finished()
})

test('several topologies share the workers, names and workers are taken once', async () => {
  await using cluster = await LocalCluster.start({ workers: 3, time: 'virtual', seed: 7 })
  const first = await cluster.submit(words('first'))
  const second = await cluster.submit(words('second'))
  expect((await second.status()).workers).toBe(1)
  await expect(cluster.submit(words('first'))).rejects.toMatchObject({ code: 'TOPOLOGY_NAME_TAKEN' })
  await expect(cluster.submit(words('third'))).rejects.toMatchObject({ code: 'NOT_ENOUGH_SLOTS' })
  await first.finished()
  await first.kill()
  await expect(first.status()).rejects.toMatchObject({ code: 'TOPOLOGY_WRONG_STATE' })
  const third = await cluster.submit(words('third'))
  await Promise.all([second.finished(), third.finished()])
})

test('a tap sees a sample of a stream, and ends by itself', async () => {
  await using cluster = await LocalCluster.start({ time: 'virtual', seed: 7 })
  await using topology = await cluster.submit(words('words', 5_000))
  const seen: number[] = []
  const reading = (async () => {
    const where = (values: { n: number }) => values.n % 2 === 1
    for await (const { values } of topology.tap(topology.handles.passed, { limit: 5, where }))
      seen.push(values.n)
  })()
  await topology.finished()
  await reading
  expect(seen.length).toBe(5)
  expect(seen.every((n) => n % 2 === 1)).toBe(true)
  expect(() => topology.tap('pass:nothing')).toThrow(/no stream pass:nothing/)
})

test('a trace follows one tuple through its tree, over workers', async () => {
  await using cluster = await LocalCluster.start({ time: 'virtual', seed: 7 })
  await using topology = await cluster.submit(words('words', 5_000))
  const trace = await topology.trace({ spout: 'words', where: (values) => values['n'] > 100 })
  expect(trace.outcome).toBe('acked')
  expect(trace.steps.map(({ component, parent }) => [component, parent])).toEqual([
    ['pass', undefined],
    ['count', 0],
  ])
  expect(trace.steps[0]?.values['n']).toBeGreaterThan(100)
})

test('faults strike: a worker dies and comes back, calls fail, and disks need virtual time', async () => {
  await using cluster = await LocalCluster.start({ time: 'virtual', seed: 7 })
  await using topology = await cluster.submit(words('words', 20_000))
  cluster.inject(failComponent('count', { at: '5ms', count: 3 }))
  // The source is in the other worker: an iterable would begin again with its own.
  const ofSource = (await topology.status()).workers
  cluster.inject(killWorker(ofSource === 2 ? 1 : 2, { at: '20ms' }))
  await cluster.advance('2s')
  const components = (await topology.status()).components
  expect(components.some(({ restartCount }) => restartCount === 1)).toBe(true)
  expect(await topology.errors()).toMatchObject([{ code: 'EXECUTE_THREW', component: 'count', count: 3 }])
  await topology.finished()
  await using real = await LocalCluster.start()
  expect(() => real.inject(slowDisk('1s', { at: '1ms', for: '1s' }))).toThrow(/virtual time only/)
  expect(() => real.inject(killWorker(9, { at: '1ms' }))).toThrow(/no worker 9/)
  await expect(real.advance('1s')).rejects.toMatchObject({ code: 'CONFIG_CONTRADICTION' })
})
