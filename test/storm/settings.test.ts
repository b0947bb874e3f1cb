// Storm's TopologyIntegrationTest, third part: settings of components, hooks, resources of workers. Numbers
// T12 … are those of Storm's tests.

import { bolt, defineTopology, fields, richBolt, type TaskHook, type WorkerHook } from 'typhoon'
import { completeTopology, mockSource } from 'typhoon/testing'
import { describe, expect, test } from 'vitest'
import { Live } from './live.ts'
import { ackBolt, Feeder, Num, Word, wordSpout } from './parts.ts'

const HookCounts = fields({ emitted: 'int', acked: 'int', failed: 'int', executed: 'int' })

/** The counts of a task's hook, where its bolt finds them. */
interface Counts {
  emitted: number
  acked: number
  failed: number
  executed: number
}

describe.each([1, 2])('on %i workers', (workers) => {
  // Storm's bolt says: at most 20 tasks, 30 spout tuples pending; the topology then says: at most 2. The test
  // reads the merged configuration back. Ours: what a definition says is overridden where it is placed, name
  // by name, the topology's own default is below both, and the cap on executors (`maxTaskParallelism`) is the
  // topology's. Instead of reading settings back, the test counts tasks, and tuples in flight while nobody
  // acks. Kryo registrations have no twin: schemas say how values are encoded.
  test('T12 component specific config: parallelism 2, pending 30 whatever the topology says', async () => {
    const feeder = new Feeder(Num, { maxSpoutPending: 30 })
    const held: unknown[] = []
    const holding = richBolt({ input: Num, executors: 20, execute: (tuple) => void held.push(tuple) })
    const config = defineTopology({
      name: 'config',
      config: { maxSpoutPending: 100 },
      build(builder) {
        const one = builder.setSpout('1', feeder.def, 1)
        builder.setBolt('2', holding, { executors: 2 }).shuffleGrouping(one)
        builder.setBolt('3', ackBolt, { executors: 20 }).shuffleGrouping(one)
      },
    })
    const live = await Live.start(config, { workers, config: { maxTaskParallelism: 3 } })
    expect(live.figures('2')).toMatchObject({ executorCount: 2, taskCount: 2 })
    expect(live.figures('3')).toMatchObject({ executorCount: 3, taskCount: 3 })
    for (let num = 0; num < 200; num += 1) feeder.feed({ num })
    await live.advance(5_000)
    expect(held).toHaveLength(30)
    expect(live.figures('1').pendingCount).toBe(30)
    live.run.kill()
  })

  // Storm: (0,0,0,0)(2,1,0,1)(4,1,1,2)(6,2,1,3). Its emit hook sees the messages to the acker as well, one
  // for each ack or fail: that is the second emit of each call. Ours sees what the bolt emits and nothing
  // else; see docs/decisions/0006-hook-counts.md. Acked, failed and executed are Storm's figures.
  test('T13 hooks: emitted, acked, failed and executed before each of four tuples', async () => {
    const byTask = new Map<number, Counts>()
    const countingHook = (): TaskHook => {
      const counts: Counts = { emitted: 0, acked: 0, failed: 0, executed: 0 }
      return {
        prepare: (context) => {
          if (context.component === '2') byTask.set(context.task, counts)
        },
        emit: () => {
          counts.emitted += 1
        },
        ack: () => {
          counts.acked += 1
        },
        fail: () => {
          counts.failed += 1
        },
        execute: () => {
          counts.executed += 1
        },
      }
    }
    const hooksBolt = richBolt({
      input: Num,
      output: HookCounts,
      prepare: (context) => byTask.get(context.task) as Counts,
      execute(tuple, collector, counts) {
        collector.emit({ ...counts })
        if (counts.acked - counts.failed === 0) collector.ack(tuple)
        else collector.fail(tuple)
      },
    })
    const feeder = new Feeder(Num)
    const hooks = defineTopology({
      name: 'hooks',
      build(builder) {
        builder.addTaskHook(countingHook)
        builder.setBolt('2', hooksBolt).shuffleGrouping(builder.setSpout('1', feeder.def))
      },
    })
    await using live = await Live.start(hooks, { workers })
    for (let num = 1; num <= 4; num += 1) feeder.feed({ num }, num)
    await live.advance(1_000)
    const seen = live.emitted('2') as readonly Counts[]
    expect(seen.map((each) => [each.emitted, each.acked, each.failed, each.executed])).toEqual([
      [0, 0, 0, 0],
      [1, 1, 0, 1],
      [2, 1, 1, 2],
      [3, 2, 1, 3],
    ])
    expect(feeder.acked).toEqual([1, 3])
    expect(feeder.failed.map(({ id }) => id)).toEqual([2, 4])
  })

  test('hooks of a spout see each verdict with its id; one that throws changes nothing', async () => {
    const seen: unknown[] = []
    const hook = (): TaskHook => ({
      emit: () => {
        throw new Error('a hook that throws')
      },
      spoutAck: (id) => seen.push(['acked', id]),
      spoutFail: (id, failure) => seen.push(['failed', id, failure.reason]),
    })
    const refusing = richBolt({
      input: Num,
      execute(tuple, collector) {
        if (tuple.values.num === 2) collector.fail(tuple, 'two')
        else collector.ack(tuple)
      },
    })
    const feeder = new Feeder(Num)
    const topology = defineTopology({
      name: 'spout-hooks',
      build(builder) {
        builder.addTaskHook(hook)
        builder.setBolt('2', refusing).shuffleGrouping(builder.setSpout('1', feeder.def))
      },
    })
    await using live = await Live.start(topology, { workers })
    for (let num = 1; num <= 3; num += 1) feeder.feed({ num }, num)
    await live.advance(1_000)
    expect(seen.map(String).toSorted()).toEqual(['acked,1', 'acked,3', 'failed,2,explicit'])
    expect(feeder.acked).toEqual([1, 3])
  })

  test('T14 user resources: what a worker hook puts there, the bolts of that worker find', async () => {
    const started: string[] = []
    const stopped: string[] = []
    const hook = (): WorkerHook => ({
      start(context) {
        started.push(context.worker.id)
        context.resources.set('secret', `of ${context.worker.id}`)
      },
      stop: (context) => {
        stopped.push(context.worker.id)
      },
    })
    const reading = bolt({
      input: Word,
      output: fields({ found: 'string', worker: 'string' }),
      prepare: (context) => context,
      execute: (_tuple, out, context) =>
        out.emit({ found: String(context.resources.get('secret')), worker: context.worker.id }),
    })
    const topology = defineTopology({
      name: 'resources',
      config: { workers },
      build(builder) {
        builder.addWorkerHook(hook)
        const one = builder.setSpout('1', wordSpout)
        builder.setBolt('2', reading, 4).shuffleGrouping(one)
      },
    })
    const rows = Array.from({ length: 40 }, (_, at) => ({ word: `w${at}` }))
    const run = await completeTopology(topology, { sources: () => [mockSource('1', rows)], seed: 1 })
    const found = run.read('2') as readonly { found: string; worker: string }[]
    expect(found).toHaveLength(40)
    expect(found.every(({ found, worker }) => found === `of ${worker}`)).toBe(true)
    expect(new Set(found.map(({ worker }) => worker)).size).toBe(workers)
    expect(started).toHaveLength(workers)
    expect(stopped).toEqual([])
    await run[Symbol.asyncDispose]()
    expect(stopped.toSorted()).toEqual(started.toSorted())
  })
})
