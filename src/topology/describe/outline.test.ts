// Goal: what Nimbus numbers from the outline alone is what every worker numbers from the topology itself.
import { expect, test } from 'vitest'
import { bolt } from '../bolt.ts'
import { buildTopology } from '../build.ts'
import { defineTopology } from '../define-topology.ts'
import { expand } from '../expand.ts'
import { fields } from '../schema/fields.ts'
import { spoutFrom } from '../spout.ts'
import { expandOutline, outlineOf, reshape } from './outline.ts'

const Word = fields({ word: 'string' })
const def = defineTopology({
  name: 'words',
  config: { workers: 3 },
  build(builder) {
    const words = builder.setSpout(
      'words',
      spoutFrom(Word, () => [{ word: 'a' }]),
      2,
    )
    const split = bolt({ input: Word, output: Word, execute: (tuple, out) => out.emit(tuple.values) })
    const first = builder.setBolt('first', split, { executors: 2, tasks: 5 }).shuffleGrouping(words)
    builder.setBolt('second', split, 4).fieldsGrouping(first, 'word')
  },
})

test('an outline gives the numbers that the topology gives', () => {
  const { topology } = buildTopology(def)
  expect(expandOutline(outlineOf('words', topology))).toEqual(expand(topology))
})

test('a changed outline gives the numbers of a topology built with the change', () => {
  const { topology } = buildTopology(def)
  const changed = reshape(outlineOf('words', topology), {
    workers: 5,
    parallelism: { second: { executors: 6 }, first: { executors: 3 } },
  })
  const { topology: built } = buildTopology(def, {
    config: { workers: 5, ackerExecutors: 3 },
    components: { second: { executors: 6 }, first: { executors: 3 } },
  })
  expect(expandOutline(changed)).toEqual(expand(built))
  expect(changed.components.find(({ id }) => id === 'first')).toMatchObject({ executors: 3, tasks: 5 })
})

test('more workers alone number nothing anew', () => {
  const outline = outlineOf('words', buildTopology(def).topology)
  expect(expandOutline(reshape(outline, { workers: 9 }))).toEqual(expandOutline(outline))
})

test('an outline is plain JSON', () => {
  const outline = outlineOf('words', buildTopology(def).topology)
  expect(JSON.parse(JSON.stringify(outline))).toEqual(JSON.parse(JSON.stringify(outline)))
  expect(expandOutline(JSON.parse(JSON.stringify(outline)))).toEqual(expandOutline(outline))
})
