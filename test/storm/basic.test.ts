// Storm's TopologyIntegrationTest, first part: results of whole topologies. Numbers T1 … are those of Storm's
// tests. Goal: the values that Storm's tests expect, exactly, on one worker and on two. Method: the same
// graphs with the same mocked rows, run to their end in virtual time. Storm runs T1 with local messaging and
// with netty: here that is one worker (tuples handed over by calls) and two (frames over links).

import { bolt, defineTopology, fields, TopologyBuilder } from 'typhoon'
import { completeTopology, mockSource, testDriver } from 'typhoon/testing'
import { describe, expect, test } from 'vitest'
import { aggregatesCounter, globalCount, identity, sorted, Word, wordCounter, wordSpout } from './parts.ts'

const NATHAN_BOB_JOEY_NATHAN = ['nathan', 'bob', 'joey', 'nathan'].map((word) => ({ word }))

describe.each([1, 2])('on %i workers', (workers) => {
  test.each([true, false])('T1 basic topology, forced serialization %s', async (isSerialized) => {
    const basic = defineTopology({
      name: 'basic',
      config: { workers, testingAlwaysTrySerialize: isSerialized },
      build(builder) {
        const one = builder.setSpout('1', wordSpout, 3)
        const two = builder.setBolt('2', wordCounter, 4).fieldsGrouping(one, 'word')
        builder.setBolt('3', globalCount).globalGrouping(one)
        builder.setBolt('4', aggregatesCounter).globalGrouping(two)
      },
    })
    await using run = await completeTopology(basic, {
      sources: () => [mockSource('1', NATHAN_BOB_JOEY_NATHAN)],
      seed: 1,
    })
    expect(sorted(run.read('1'))).toEqual(sorted(NATHAN_BOB_JOEY_NATHAN))
    expect(sorted(run.read('2'))).toEqual(
      sorted([
        { word: 'nathan', count: 1 },
        { word: 'nathan', count: 2 },
        { word: 'bob', count: 1 },
        { word: 'joey', count: 1 },
      ]),
    )
    expect(run.read('3')).toEqual([{ count: 1 }, { count: 2 }, { count: 3 }, { count: 4 }])
    expect(run.read('4')).toEqual([{ count: 1 }, { count: 2 }, { count: 3 }, { count: 4 }])
    expect(run.acked).toBe(4)
  })

  test('T2 six tasks on three executors: each of them gets the one tuple of an all grouping', async () => {
    const emitTaskId = bolt({
      input: Word,
      output: fields({ index: 'int' }),
      prepare: (context) => context.taskIndex,
      execute: (_tuple, out, index) => out.emit({ index }),
    })
    const multi = defineTopology({
      name: 'multi',
      config: { workers },
      build(builder) {
        const one = builder.setSpout('1', wordSpout)
        builder.setBolt('2', emitTaskId, { executors: 3, tasks: 6 }).allGrouping(one)
      },
    })
    await using run = await completeTopology(multi, {
      sources: () => [mockSource('1', [{ word: 'a' }])],
      seed: 1,
    })
    expect(sorted(run.read('2'))).toEqual(sorted([0, 1, 2, 3, 4, 5].map((index) => ({ index }))))
  })

  // Storm lets a bolt subscribe to a component's `__system` stream, on which its worker's ticks come. We have
  // no such stream to name: ticks are asked for with `tickInterval` and come as calls of `onTick`. What the
  // test is about is the same: a bolt that takes tuples of the default stream by fields and gets the system's
  // as well is accepted, and its outputs are exactly its inputs, over three spout tasks and two workers.
  test('T6 system stream: a bolt that gets ticks beside its tuples puts out exactly a, b, c', async () => {
    let ticks = 0
    const ticked = bolt({
      input: Word,
      output: Word,
      tickInterval: '10ms',
      execute: ({ values }, out) => out.emit(values),
      onTick: () => {
        ticks += 1
      },
    })
    const system = defineTopology({
      name: 'system',
      config: { workers },
      build(builder) {
        const one = builder.setSpout('1', wordSpout, 3)
        builder.setBolt('2', ticked).fieldsGrouping(one, 'word')
      },
    })
    const rows = ['a', 'b', 'c'].map((word) => ({ word }))
    await using run = await completeTopology(system, {
      sources: () => [mockSource('1', rows, { rate: 10, partitions: 3 })],
      seed: 1,
    })
    expect(sorted(run.read('2'))).toEqual(sorted(rows))
    expect(ticks).toBeGreaterThan(10)
  })
})

describe('T5 validate topology structure', () => {
  function refused(source: string, stream: string, field: string): string | undefined {
    const builder = new TopologyBuilder()
    builder.setSpout('1', wordSpout, 3)
    builder.setBolt('2', identity, 4).fieldsGrouping(`${source}:${stream}`, field as 'word')
    try {
      builder.createTopology('structure')
      return undefined
    } catch (error) {
      return (error as { code: string }).code
    }
  }
  test('valid', () => expect(refused('1', 'default', 'word')).toBeUndefined())
  test('unknown component', () => expect(refused('3', 'default', 'word')).toBe('UNKNOWN_COMPONENT'))
  test('unknown field', () => expect(refused('1', 'default', 'non-exists-field')).toBe('UNKNOWN_FIELD'))
  test('unknown stream', () => expect(refused('1', 'non-exists-stream', 'word')).toBe('UNKNOWN_STREAM'))
})

// TickTupleTest: a tick comes about every second, whatever else comes.
test('ticks: a bolt without any tuple gets one each interval, no more and no fewer', async () => {
  const times: number[] = []
  const ticking = bolt({
    input: Word,
    tickInterval: '1s',
    prepare: (context) => context,
    execute() {},
    onTick: (_out, context) => {
      times.push(context.now())
    },
  })
  const topology = defineTopology({
    name: 'ticks',
    build(builder) {
      builder.setBolt('2', ticking).shuffleGrouping(builder.setSpout('1', wordSpout))
    },
  })
  await using driver = await testDriver(topology)
  await driver.advance('5s')
  expect(times).toEqual([1_000, 2_000, 3_000, 4_000, 5_000])
})
