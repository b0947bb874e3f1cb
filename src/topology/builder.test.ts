// Goal: what one call alone can tell is told at once; what is built is what was said.
import { describe, expect, test } from 'vitest'
import { bolt } from './bolt.ts'
import { closeBuilder, TopologyBuilder } from './builder.ts'
import { BaseBasicBolt } from './classes.ts'
import type { StreamHandle } from './handle.ts'
import { direct, fields } from './schema/fields.ts'
import { printSink } from './sink.ts'
import { spoutFrom } from './spout.ts'
import type { Grouping } from './topology.ts'
import type { DeadLetter } from './tuple.ts'

const Word = fields({ word: 'string' })
const words = spoutFrom(Word, () => [])
const pass = bolt({ input: Word, output: { default: Word, bad: Word, to: direct(Word) }, execute() {} })

function codeOf(act: () => unknown): string {
  try {
    act()
  } catch (error) {
    return error instanceof Error && 'code' in error ? `${error.code}: ${error.message}` : String(error)
  }
  return 'nothing was thrown'
}

describe('placing', () => {
  test('an id twice', () => {
    const builder = new TopologyBuilder()
    builder.setSpout('words', words)
    expect(codeOf(() => builder.setBolt('words', pass))).toMatch(
      /^DUPLICATE_COMPONENT: there are two components 'words', first at .*builder\.test\.ts:\d+:\d+$/,
    )
  })

  test.each(['__acker', 'a:b', 'a/b', 'a b', '', 'ö', '*'])('the id %j cannot be used', (id) => {
    expect(codeOf(() => new TopologyBuilder().setSpout(id, words))).toBe(
      `RESERVED_ID: the id '${id}' cannot be used: ids are letters, digits, minus, dot and single ` +
        `underscores`,
    )
  })

  test.each(['a', 'a-b.c_d', '9', '_x'])('the id %j can be used', (id) => {
    expect(codeOf(() => new TopologyBuilder().setSpout(id, words))).toBe('nothing was thrown')
  })

  test.each([0, -1, 1.5, Number.NaN])('%d executors', (executors) => {
    expect(codeOf(() => new TopologyBuilder().setSpout('words', words, executors))).toBe(
      `PARALLELISM_INVALID: 'words' is placed with executors ${executors}; wanted a whole number from 1`,
    )
  })

  test('no tasks', () => {
    expect(codeOf(() => new TopologyBuilder().setSpout('words', words, { tasks: 0 }))).toBe(
      "PARALLELISM_INVALID: 'words' is placed with tasks 0; wanted a whole number from 1",
    )
  })

  test('what is neither a definition nor makes one', () => {
    const set = (given: unknown) => codeOf(() => new TopologyBuilder().setBolt('b', given as typeof pass))
    class Print extends BaseBasicBolt {
      override execute(): void {}
    }
    expect(set(words)).toBe("CONFIG_INVALID_VALUE: setBolt('b') was given a spout")
    expect(set(new Print())).toBe(
      "CONFIG_INVALID_VALUE: setBolt('b') was given an instance of Print: " +
        'give a function that makes one, () => new Print()',
    )
    expect(set(Print)).toBe(
      "CONFIG_INVALID_VALUE: setBolt('b') was given the class Print: " +
        'give a function that makes one, () => new Print()',
    )
    expect(set(undefined)).toBe(
      "CONFIG_INVALID_VALUE: setBolt('b') needs a bolt, or a function that makes one, but was given nothing",
    )
  })

  test('nothing after the topology was created', () => {
    const builder = new TopologyBuilder()
    const source = builder.setSpout('words', words)
    const end = builder.setBolt('end', printSink()).shuffleGrouping(source)
    builder.createTopology()
    for (const late of [
      () => builder.setSpout('more', words),
      () => end.shuffleGrouping(source),
      () => builder.addTaskHook(() => ({})),
      () => builder.createTopology(),
    ]) {
      expect(codeOf(late)).toMatch(/^BUILDER_CLOSED: .* comes after the topology was created$/)
    }
  })
})

describe('groupings', () => {
  /** What a bolt reads after `say`, but for the place. */
  function inputsAfter(say: (handle: ReturnType<typeof placed>['handle']) => unknown): readonly object[] {
    const { builder, handle } = placed()
    say(handle)
    const topology = closeBuilder(builder, undefined)
    return topology.components.get('pass')?.inputs.map(({ where, ...input }) => input) ?? []
  }

  function placed() {
    const builder = new TopologyBuilder()
    builder.setSpout('words', words)
    return { builder, handle: builder.setBolt('pass', pass) }
  }

  const from = (grouping: Grouping) => [{ componentId: 'words', streamId: 'default', grouping }]
  const custom = () => () => 1

  test('each says its kind', () => {
    expect(inputsAfter((b) => b.shuffleGrouping('words'))).toEqual(from({ kind: 'shuffle' }))
    expect(inputsAfter((b) => b.allGrouping('words'))).toEqual(from({ kind: 'all' }))
    expect(inputsAfter((b) => b.globalGrouping('words'))).toEqual(from({ kind: 'global' }))
    expect(inputsAfter((b) => b.noneGrouping('words'))).toEqual(from({ kind: 'none' }))
    expect(inputsAfter((b) => b.randomGrouping('words'))).toEqual(from({ kind: 'random' }))
    expect(inputsAfter((b) => b.localOrShuffleGrouping('words'))).toEqual(from({ kind: 'localOrShuffle' }))
    expect(inputsAfter((b) => b.directGrouping('words'))).toEqual(from({ kind: 'direct' }))
    expect(inputsAfter((b) => b.customGrouping('words', custom))).toEqual(
      from({ kind: 'custom', make: custom }),
    )
  })

  test('those by fields say them, too', () => {
    const names = { fields: ['word'] }
    expect(inputsAfter((b) => b.fieldsGrouping('words', 'word'))).toEqual(from({ kind: 'fields', ...names }))
    expect(inputsAfter((b) => b.partialKeyGrouping('words', 'word'))).toEqual(
      from({ kind: 'partialKey', ...names }),
    )
    expect(inputsAfter((b) => b.consistentHashGrouping('words', 'word'))).toEqual(
      from({ kind: 'consistentHash', ...names }),
    )
    expect(inputsAfter((b) => b.rangeGrouping('words', 'word', { boundaries: ['m'] }))).toEqual(
      from({ kind: 'range', field: 'word', boundaries: ['m'] }),
    )
    expect(inputsAfter((b) => b.rangeGrouping('words', 'word', { sampleCount: 9 }))).toEqual(
      from({ kind: 'range', field: 'word', sampleCount: 9 }),
    )
  })

  test('a source is an id with or without a stream, or a handle', () => {
    const builder = new TopologyBuilder()
    const first = builder.setBolt('first', pass)
    builder
      .setBolt('reader', bolt({ execute() {} }))
      .shuffleGrouping('first')
      .shuffleGrouping('first:bad')
      .shuffleGrouping(first)
      .shuffleGrouping(first.stream('bad'))
      .directGrouping(first.stream('to'))
      .shuffleGrouping(first.deadLetters)
    const { inputs = [] } = closeBuilder(builder, undefined).components.get('reader') ?? {}
    expect(inputs.map(({ componentId, streamId }) => `${componentId}:${streamId}`)).toEqual([
      'first:default',
      'first:bad',
      'first:default',
      'first:bad',
      'first:to',
      'first:__dead',
    ])
  })

  test('what cannot be one is told at once', () => {
    const { handle } = placed()
    const noSource = undefined as unknown as string
    expect(codeOf(() => handle.shuffleGrouping(noSource))).toBe(
      "CONFIG_INVALID_VALUE: a grouping of 'pass' needs a handle or an id as its source, but was " +
        'given nothing',
    )
    expect(codeOf(() => handle.fieldsGrouping('words', ...([] as unknown as ['word'])))).toBe(
      "CONFIG_INVALID_VALUE: a fields grouping of 'pass' names no field",
    )
    expect(codeOf(() => handle.rangeGrouping('words', 'word', {} as never))).toBe(
      'CONFIG_INVALID_VALUE: rangeGrouping needs boundaries, a list, or sampleCount, a whole number from 1',
    )
    expect(codeOf(() => handle.customGrouping('words', 3 as never))).toBe(
      'CONFIG_INVALID_VALUE: customGrouping needs a function, but was given a number',
    )
  })

  test('each remembers where it was said', () => {
    const { builder, handle } = placed()
    handle.shuffleGrouping('words')
    const component = closeBuilder(builder, undefined).components.get('pass')
    expect(component?.where).toMatch(/builder\.test\.ts:\d+:\d+$/)
    expect(component?.inputs[0]?.where).toMatch(/builder\.test\.ts:\d+:\d+$/)
  })
})

test('a handle shows ids only', () => {
  const builder = new TopologyBuilder()
  expect({ ...builder.setSpout('words', words) }).toEqual({
    componentId: 'words',
    streamId: 'default',
    isSource: true,
  })
})

test('all dead letters come from everybody but those who read them, and what these feed', () => {
  const read = bolt({ output: Word, execute(_tuple) {} })
  const builder = new TopologyBuilder()
  const source = builder.setSpout('words', words)
  builder.setBolt('pass', pass).shuffleGrouping(source)
  const letters: StreamHandle<DeadLetter> = builder.deadLetters
  const reader = builder.setBolt('reader', read).shuffleGrouping(letters)
  builder.setBolt('after', printSink()).shuffleGrouping(reader)
  builder.setBolt('second', read).shuffleGrouping(letters)
  const { components } = closeBuilder(builder, undefined)
  const read1 = components
    .get('reader')
    ?.inputs.map(({ componentId, streamId }) => `${componentId}:${streamId}`)
  expect(read1).toEqual(['words:__dead', 'pass:__dead'])
  expect(components.get('second')?.inputs.map(({ componentId }) => componentId)).toEqual(['words', 'pass'])
})
