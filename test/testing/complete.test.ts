import { bolt, defineTopology, fields, spoutFrom } from 'typhoon'
import { completeTopology, killWorker, mockSource, randomFaults, simulate } from 'typhoon/testing'
import { expect, test } from 'vitest'

const Line = fields({ sentence: 'string' })
const Word = fields({ word: 'string' })
const WordCount = fields({ word: 'string', count: 'int' })

const lines = spoutFrom(Line, () => {
  throw new Error('a real source was opened')
})
const split = bolt({
  input: Line,
  output: Word,
  execute(tuple, out) {
    for (const word of tuple.values.sentence.split(' ')) out.emit({ word })
  },
})
const count = bolt({
  input: Word,
  output: WordCount,
  prepare: () => new Map<string, number>(),
  execute(tuple, out, counts) {
    const { word } = tuple.values
    const n = (counts.get(word) ?? 0) + 1
    counts.set(word, n)
    out.emit({ word, count: n })
  },
})

const wordCount = defineTopology({
  name: 'word-count',
  config: { workers: 2, maxSpoutPending: 1_000, messageTimeout: '30s' },
  build(builder) {
    const source = builder.setSpout('lines', lines, 1)
    const words = builder.setBolt('split', split, 2).shuffleGrouping(source)
    const counts = builder.setBolt('count', count, 4).fieldsGrouping(words, 'word')
    return { source, words, counts }
  },
})

test('counts words', async () => {
  await using run = await completeTopology(wordCount, {
    sources: (h) => [mockSource(h.source, [{ sentence: 'a b a' }])],
  })
  expect(run.read((h) => h.counts)).toContainEqual({ word: 'a', count: 2 })
  expect(run.acked).toBe(1)
})

const thousand = Array.from({ length: 1_000 }, () => ({ sentence: 'a' }))

test('acks everything although a worker dies', async () => {
  await using run = await completeTopology(wordCount, {
    sources: (h) => [mockSource(h.source, thousand, { rate: 2_000 })],
    seed: 42,
    faults: [killWorker(1, { at: '200ms' }), killWorker(2, { at: '300ms' })],
  })
  expect(run.acked).toBe(1_000)
  expect(run.injected.map((each) => each.at)).toEqual([200, 300])
})

test('random faults change nothing at the end', async () => {
  await simulate(wordCount, {
    sources: (h) => [mockSource(h.source, thousand.slice(0, 200), { rate: 100, partitions: 3 })],
    faults: [randomFaults({ every: '200ms' })],
    runs: 10,
    seed: 1,
    check: (run) => expect(run.acked).toBe(200),
  })
})
