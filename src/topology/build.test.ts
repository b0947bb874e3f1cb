// biome-ignore-all lint/suspicious/noThenProperty: it is what an error policy is made of
// Goal: a topology is built with its arguments and overrides, checked whole, and the same each time.
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { bolt } from './bolt.ts'
import { argsSchemaOf, buildTopology, buildTopologyTwice, nameOf, parseArgs } from './build.ts'
import { TopologyBuilder } from './builder.ts'
import { defineTopology } from './define-topology.ts'
import { topologyDocument } from './describe/document.ts'
import { fields } from './schema/fields.ts'
import { plainSink, printSink } from './sink.ts'
import { spoutFrom } from './spout.ts'
import type { TopologyDef } from './topology-def.ts'

const Word = fields({ word: 'string' })
const words = spoutFrom(Word, () => [])
const pass = bolt({ input: Word, output: Word, execute() {} })

const sample = defineTopology({
  name: 'sample',
  config: { workers: 2, maxSpoutPending: 5 },
  args: z.object({ words: z.string().default('words'), tasks: z.coerce.number().default(1) }),
  build(builder, args) {
    const source = builder.setSpout(args.words, words, { tasks: args.tasks })
    builder.setBolt('print', printSink()).shuffleGrouping(source)
    return { source }
  },
})

describe('arguments', () => {
  test('none at all: what the schema makes of none', () => {
    expect(buildTopology(sample).handles.source.componentId).toBe('words')
  })

  test('given ones are taken as they are, parsed ones come from texts', () => {
    expect(buildTopology(sample, { args: { words: 'w', tasks: 3 } }).handles.source.componentId).toBe('w')
    expect(parseArgs(sample, { tasks: '3' })).toEqual({ words: 'words', tasks: 3 })
  })

  test('what does not fit is told with every issue', () => {
    expect(() => parseArgs(sample, { words: 1, tasks: 'x' })).toThrow(
      /^the arguments of sample do not fit: words: .*string.*; tasks: .*number.*$/,
    )
  })

  test('its schema and name can be asked for', () => {
    expect(argsSchemaOf(sample)).toBeDefined()
    expect(nameOf(sample)).toBe('sample')
    expect(sample.name).toBe('sample')
  })
})

describe('overrides', () => {
  test('lie over configuration and placements', () => {
    const { topology } = buildTopology(sample, {
      config: { workers: 1 },
      components: { words: { executors: 2, tasks: 4 } },
    })
    expect(topology.config).toEqual({ workers: 1, maxSpoutPending: 5 })
    expect(topology.components.get('words')?.placement).toEqual({ executors: 2, tasks: 4 })
  })

  test('for a component that is not there', () => {
    expect(() => buildTopology(sample, { components: { word: { tasks: 4 } } })).toThrow(
      "settings are given for 'word', but there is no such component; there are words, print; did " +
        "you mean 'words'?",
    )
  })

  test('are checked with the rest', () => {
    const config = { guarantee: 'exactly-once' } as const
    expect(() => buildTopology(sample, { config })).toThrow("spout 'words' cannot go back")
  })
})

describe('what is no topology', () => {
  const built = (def: unknown) => buildTopology(def as TopologyDef)

  test('is told by what it is', () => {
    expect(() => built(undefined)).toThrow('the default export is no topology, but nothing')
    expect(() => built(words)).toThrow('the default export is no topology, but an object')
  })

  test('a build that waits', () => {
    const later = defineTopology({ name: 'later', build: (async () => ({})) as never })
    expect(() => built(later)).toThrow(
      'build of the topology later is async; it must give the same graph without waiting',
    )
  })

  test('defineTopology without what it needs', () => {
    const define = (spec: unknown) => defineTopology(spec as { name: string; build(): void })
    expect(() => define({ name: 'x' })).toThrow('defineTopology has no build')
    expect(() => define({ name: 'x', biuld() {} })).toThrow(
      'defineTopology has no build; did you mean it by "biuld"?',
    )
    expect(() => define({ build() {} })).toThrow('defineTopology: name must be a text, but is nothing')
    expect(() => define({ name: 'x', build() {}, configuration: {} })).toThrow(
      'defineTopology has no configuration; there are name, config, args, build',
    )
  })
})

describe('twice', () => {
  test('the same graph is the same', () => {
    expect(buildTopologyTwice(sample).topology.name).toBe('sample')
  })

  test('another graph is told by its first difference', () => {
    let runs = 0
    const fickle = defineTopology({
      name: 'fickle',
      build(builder) {
        runs += 1
        builder.setBolt('pass', pass, runs).shuffleGrouping(builder.setSpout('words', words))
      },
    })
    expect(() => buildTopologyTwice(fickle)).toThrow(
      'two runs of build gave two graphs: components.pass.settings.executors: 1 / 2; ' +
        'take times, random numbers and environment out of it',
    )
  })
})

test('a builder makes a topology without defineTopology', () => {
  const builder = new TopologyBuilder({ workers: 3 })
  builder.setBolt('print', printSink()).shuffleGrouping(builder.setSpout('words', words))
  const { topology } = buildTopology(builder.createTopology('by-hand'))
  expect(topologyDocument(topology)).toEqual({
    name: 'by-hand',
    config: { workers: 3 },
    components: {
      words: {
        kind: 'spout',
        form: 'iterable',
        replay: 'plain',
        sink: null,
        key: null,
        state: {},
        settings: {},
        streams: { default: { fields: { word: 'string' }, direct: false, readers: ['print'] } },
        inputs: [],
      },
      print: {
        kind: 'bolt',
        form: 'sink',
        replay: null,
        sink: 'idempotent',
        key: null,
        state: {},
        settings: {},
        streams: {},
        inputs: [{ component: 'words', stream: 'default', grouping: 'shuffle', fields: [], ranges: null }],
      },
    },
  })
})

test('the document is JSON, whatever settings hold', () => {
  const builder = new TopologyBuilder()
  const retryIf = () => true
  builder.setSpout('words', words)
  builder
    .setBolt('out', plainSink({ onError: { retries: 1, then: 'skip', retryIf }, write() {} }), 3)
    .rangeGrouping('words', 'word', { boundaries: ['g', 'p'] })
  const document = topologyDocument(buildTopology(builder.createTopology()).topology)
  expect(JSON.parse(JSON.stringify(document))).toEqual(document)
  expect(document.components['out']?.settings).toEqual({
    onError: { retries: 1, then: 'skip', retryIf: 'a function' },
    executors: 3,
  })
  expect(document.components['out']?.inputs[0]).toMatchObject({ grouping: 'range', ranges: ['g', 'p'] })
})
