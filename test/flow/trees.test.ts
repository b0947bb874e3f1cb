/** Trees over the whole data path: what counts as done, for spout and acker in one worker and in two. */
import { expect, test } from 'vitest'
import { bolt, fields, plainSink, richBolt, spoutFrom } from '../../src/index.ts'
import type { Tuple } from '../../src/topology/tuple.ts'
import { complete, type StagedConfig, StagedRun } from './staged-run.ts'

const number = fields({ n: 'int' })

function* upTo(count: number) {
  for (let n = 0; n < count; n += 1) yield { n }
}

const placements: ReadonlyArray<readonly [string, StagedConfig]> = [
  ['one worker', { workers: 1 }],
  ['two workers, an acker in each', { workers: 2 }],
  ['two workers, one acker', { workers: 2, ackerExecutors: 1 }],
  ['three workers, one acker', { workers: 3, ackerExecutors: 1 }],
  ['three workers, two ackers', { workers: 3, ackerExecutors: 2 }],
]

test.each(placements)('with %s every item reaches every leaf and is acked once', async (_name, config) => {
  const seen = new Map<number, number>()
  const staged = await complete({
    config,
    build(builder) {
      const source = builder.setSpout(
        'source',
        spoutFrom(number, () => upTo(500)),
      )
      const twice = bolt({
        input: number,
        output: number,
        execute: (tuple, out) => {
          out.emit({ n: tuple.values.n })
          out.emit({ n: tuple.values.n })
        },
      })
      const first = builder.setBolt('first', twice, { executors: 2 }).shuffleGrouping(source)
      const second = builder.setBolt('second', twice, { executors: 3 }).fieldsGrouping(first, 'n')
      const sink = plainSink<{ n: number }>({
        write: (items) => {
          for (const { n } of items) seen.set(n, (seen.get(n) ?? 0) + 1)
        },
      })
      builder.setBolt('sink', sink, { executors: 2 }).shuffleGrouping(second)
    },
  })
  expect(seen.size).toBe(500)
  expect([...new Set(seen.values())]).toEqual([4])
  expect(staged.figures('source')).toMatchObject({ ackedCount: 500, failedCount: 0, pendingCount: 0 })
  expect(staged.codes()).toEqual({})
})

/** A chain of calls within the emit answers its first tuple before the acker has heard of the tree. */
test.each(placements)('with %s no tree is done while a tuple of it is held', async (_name, config) => {
  const held: Array<() => void> = []
  const staged = await new StagedRun({
    config,
    build(builder) {
      const source = builder.setSpout(
        'source',
        spoutFrom(number, () => upTo(20)),
      )
      const pass = bolt({
        input: number,
        output: number,
        execute: (tuple, out) => out.emit({ n: tuple.values.n }),
      })
      const chained = builder.setBolt('chained', pass).shuffleGrouping(source)
      const holder = richBolt({
        input: number,
        execute: (tuple, out) => {
          held.push(() => out.ack(tuple))
        },
      })
      builder.setBolt('holder', holder, { executors: 4, chain: false }).shuffleGrouping(chained)
    },
  }).start()
  await staged.pass(5_000)
  expect(held.length).toBe(20)
  expect(staged.figures('source')).toMatchObject({ ackedCount: 0, pendingCount: 20 })
  for (const ack of held) ack()
  await staged.finish()
  expect(staged.figures('source')).toMatchObject({ ackedCount: 20, failedCount: 0 })
})

test.each(placements)('with %s joined tuples close the trees of all their anchors', async (_name, config) => {
  const joined: number[] = []
  const staged = await complete({
    config,
    build(builder) {
      const source = builder.setSpout(
        'source',
        spoutFrom(number, () => upTo(30)),
      )
      let waiting: Tuple<{ n: number }>[] = []
      const joiner = richBolt({
        input: number,
        output: number,
        execute: (tuple, out) => {
          waiting.push(tuple)
          if (waiting.length < 3) return
          // An anchor twice, and the same anchors in another order: the books must balance all the same.
          out.emit({ n: tuple.values.n }, { anchor: [...waiting, tuple] })
          out.emit({ n: tuple.values.n }, { anchor: [...waiting].reverse() })
          for (const each of waiting) out.ack(each)
          waiting = []
        },
      })
      const join = builder.setBolt('join', joiner).globalGrouping(source)
      // Joined tuples split and are joined once more, so trees share parts.
      const again = richBolt({
        input: number,
        execute: (tuple, out) => {
          joined.push(tuple.values.n)
          out.ack(tuple)
        },
      })
      const pass = bolt({
        input: number,
        output: number,
        execute: (tuple, out) => out.emit({ n: tuple.values.n }),
      })
      const spread = builder.setBolt('spread', pass, { executors: 3 }).shuffleGrouping(join)
      builder.setBolt('last', again, { executors: 2 }).shuffleGrouping(spread)
    },
  })
  expect(joined.length).toBe(20)
  expect(staged.figures('source')).toMatchObject({ ackedCount: 30, failedCount: 0 })
})

test.each(placements)(
  'with %s an explicit fail tells the reason, and the item comes again',
  async (_name, config) => {
    const attempts = new Map<number, number>()
    const staged = await complete({
      config,
      build(builder) {
        const source = builder.setSpout(
          'source',
          spoutFrom(number, () => upTo(40)),
        )
        const failing = richBolt({
          input: number,
          execute: (tuple, out) => {
            const attempt = (attempts.get(tuple.values.n) ?? 0) + 1
            attempts.set(tuple.values.n, attempt)
            if (attempt < 3) out.fail(tuple, 'not yet')
            else out.ack(tuple)
          },
        })
        builder.setBolt('failing', failing, { executors: 3 }).fieldsGrouping(source, 'n')
      },
    })
    expect([...new Set(attempts.values())]).toEqual([3])
    expect(staged.figures('source')).toMatchObject({ ackedCount: 40, failedCount: 80, replayedCount: 80 })
  },
)

test('emits nobody reads are acked at once', async () => {
  const staged = await complete({
    build: (builder) => {
      builder.setSpout(
        'source',
        spoutFrom(number, () => upTo(3_000)),
      )
    },
  })
  expect(staged.figures('source')).toMatchObject({ ackedCount: 3_000, transferredCount: 0 })
})
