// Storm's GroupingIntegrationTest: which task gets what.

import { bolt, type CustomGrouping, defineTopology, fields } from 'typhoon'
import { completeTopology, mockSource } from 'typhoon/testing'
import { describe, expect, test } from 'vitest'
import { globalCount, sorted, Word, wordSpout } from './parts.ts'

/** Emits which task got which word. */
const whoGot = bolt({
  input: Word,
  output: fields({ task: 'int', word: 'string' }),
  prepare: (context) => context.taskIndex,
  execute: ({ values: { word } }, out, task) => out.emit({ task, word }),
})

interface Got {
  readonly task: number
  readonly word: string
}

describe.each([1, 2])('on %i workers', (workers) => {
  test('shuffle: 24 tuples on 6 tasks are four for each of them', async () => {
    const topology = defineTopology({
      name: 'shuffle',
      config: { workers, disableLoadawareMessaging: true },
      build(builder) {
        builder.setBolt('2', globalCount, 6).shuffleGrouping(builder.setSpout('1', wordSpout, 4))
      },
    })
    const rows = Array.from({ length: 24 }, (_, at) => ({ word: at % 2 === 0 ? 'a' : 'b' }))
    await using run = await completeTopology(topology, {
      sources: () => [mockSource('1', rows)],
      seed: 1,
    })
    const each = [1, 2, 3, 4].flatMap((count) => Array.from({ length: 6 }, () => ({ count })))
    expect(sorted(run.read('2'))).toEqual(sorted(each))
  })

  test('fields: a word always comes to the same task, whichever task sent it', async () => {
    const topology = defineTopology({
      name: 'by-field',
      config: { workers },
      build(builder) {
        builder.setBolt('2', whoGot, 6).fieldsGrouping(builder.setSpout('1', wordSpout, 4), 'word')
      },
    })
    const rows = Array.from({ length: 30 }, () => [{ word: 'a' }, { word: 'b' }, { word: 'c' }]).flat()
    await using run = await completeTopology(topology, {
      sources: () => [mockSource('1', rows, { partitions: 4 })],
      seed: 1,
    })
    const got = run.read('2') as readonly Got[]
    expect(got).toHaveLength(90)
    for (const word of ['a', 'b', 'c']) {
      expect(new Set(got.filter((each) => each.word === word).map(({ task }) => task)).size).toBe(1)
    }
  })

  test('custom: Storm’s NGrouping, each tuple to the first two of four tasks', async () => {
    const firstTwo: CustomGrouping<{ word: string }> = (targets) => {
      const chosen = targets.toSorted((a, b) => a - b).slice(0, 2)
      return () => chosen
    }
    const topology = defineTopology({
      name: 'custom',
      config: { workers },
      build(builder) {
        builder.setBolt('2', whoGot, 4).customGrouping(builder.setSpout('1', wordSpout), firstTwo)
      },
    })
    await using run = await completeTopology(topology, {
      sources: () => [mockSource('1', [{ word: 'a' }, { word: 'b' }])],
      seed: 1,
    })
    const got = run.read('2') as readonly Got[]
    expect(got.map(({ task }) => task).toSorted()).toEqual([0, 0, 1, 1])
  })

  test('global: all tuples to the task with the lowest number, in the order of one sender', async () => {
    const topology = defineTopology({
      name: 'global',
      config: { workers },
      build(builder) {
        builder.setBolt('2', whoGot, 4).globalGrouping(builder.setSpout('1', wordSpout))
      },
    })
    const rows = Array.from({ length: 50 }, (_, at) => ({ word: `w${at}` }))
    await using run = await completeTopology(topology, {
      sources: () => [mockSource('1', rows)],
      seed: 1,
    })
    expect(run.read('2')).toEqual(rows.map(({ word }) => ({ task: 0, word })))
  })

  // JCQueueBackpressureTest: what is fed faster than it is worked on is held back, and stays in order.
  test('a slow reader with a tiny inbox gets everything, in order', async () => {
    const slow = bolt({
      input: Word,
      output: Word,
      executorReceiveBufferSize: 2,
      execute: async ({ values }, out) => {
        await Promise.resolve()
        out.emit(values)
      },
    })
    const topology = defineTopology({
      name: 'slow',
      config: { workers },
      build(builder) {
        builder.setBolt('2', slow).shuffleGrouping(builder.setSpout('1', wordSpout))
      },
    })
    const rows = Array.from({ length: 2_000 }, (_, at) => ({ word: `w${at}` }))
    await using run = await completeTopology(topology, {
      sources: () => [mockSource('1', rows)],
      seed: 1,
    })
    expect(run.read('2')).toEqual(rows)
    expect(run.acked).toBe(2_000)
  })
})
