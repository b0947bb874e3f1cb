// Goal: each mistake in one component is told with what was found, and what would be right.
// Method: one small topology with one mistake each; the findings are compared whole, but for their places.
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import {
  type Build,
  count,
  end,
  errors,
  errorsExactlyOnce,
  findings,
  pass,
  replayed,
  state,
  Word,
  words,
} from '../../test/fixtures/topology/small-graph.ts'
import { bolt } from './bolt.ts'
import { keyedBolt } from './keyed-bolt.ts'
import { acceptDuplicates, plainSink } from './sink.ts'
import { spoutFrom } from './spout.ts'
import { keyValueState } from './state-declaration.ts'

describe('one component', () => {
  test('a schema without names', () => {
    const nameless = spoutFrom(z.record(z.string(), z.number()), () => [])
    const found = errors((b) => b.setBolt('end', end).fieldsGrouping(b.setSpout('words', nameless), 'a'))
    expect(found).toEqual([
      "error SCHEMA_HAS_NO_FIELDS: spout 'words' emits 'words' with a schema that does not say its fields; " +
        "name them: fields(schema, ['id', …])",
    ])
  })

  test('a stream id that is ours, or reads as something else', () => {
    const odd = bolt({ output: { __dead: Word, 'a:b': Word }, execute() {} })
    const found = errors((b) => b.setBolt('odd', odd).shuffleGrouping(b.setSpout('words', words)))
    expect(found).toEqual([
      "error RESERVED_ID: bolt 'odd' has a stream '__dead'; ids are letters, digits, minus, dot and " +
        'single underscores',
      "error RESERVED_ID: bolt 'odd' has a stream 'a:b'; ids are letters, digits, minus, dot and " +
        'single underscores',
    ])
  })

  test('two states that a file system may take for one', () => {
    const twice = bolt({ taskState: { seen: keyValueState(), Seen: keyValueState() }, execute() {} })
    const found = errors((b) => b.setBolt('twice', twice).shuffleGrouping(b.setSpout('words', words)))
    expect(found).toEqual([
      "error DUPLICATE_STATE: bolt 'twice' has the states 'seen' and 'Seen', which differ by case alone",
    ])
  })

  test('a key that the input does not have', () => {
    const odd = keyedBolt({ input: Word, key: 'wrod' as 'word', state, execute() {} })
    const found = errors((b) => b.setBolt('odd', odd).fieldsGrouping(b.setSpout('words', words), 'word'))
    expect(found).toContain(
      'error UNKNOWN_FIELD: bolt \'odd\' has the key "wrod", but its input has no such field; it has ' +
        'word, at; ' +
        'did you mean "word"?',
    )
  })

  test('exactly-once takes sources that can go back, and sinks that do no harm', () => {
    const plain = plainSink<{ word: string }>({ write() {} })
    const found = errorsExactlyOnce((b) => {
      b.setSpout('plain', words as never)
      b.setSpout('replayed', replayed)
      b.setBolt('out', plain as never).shuffleGrouping('replayed')
      b.setBolt('accepted', acceptDuplicates(plain)).shuffleGrouping('plain')
    })
    expect(found).toEqual([
      "GUARANTEE_NOT_POSSIBLE: spout 'plain' cannot go back, so the topology cannot be exactly-once; " +
        'wanted a replayable source',
      "GUARANTEE_NOT_POSSIBLE: bolt 'out' is a plain sink, so the topology cannot be exactly-once; " +
        'wanted a transactional or idempotent one, or acceptDuplicates(sink) where doubles do no harm',
    ])
  })

  test('executors have tasks, and keyed tasks have key groups', () => {
    const found = errors(
      (b) => {
        b.setSpout('words', words)
        b.setBolt('few', pass, { executors: 4, tasks: 2 }).shuffleGrouping('words')
        b.setBolt('many', count, 9).fieldsGrouping('words', 'word')
      },
      { keyGroups: 8 },
    )
    expect(found).toEqual([
      "error PARALLELISM_INVALID: bolt 'few' has 4 executors for 2 tasks; every executor needs a task",
      "error PARALLELISM_INVALID: bolt 'many' has 9 tasks, but its state is cut into 8 key groups " +
        '(keyGroups)',
    ])
  })

  test('ticks need an interval, from wherever it comes', () => {
    const ticking = bolt({ execute() {}, onTick() {} })
    const build: Build = (b) => b.setBolt('ticking', ticking).shuffleGrouping(b.setSpout('words', words))
    expect(errors(build)).toEqual([
      "error TICK_WITHOUT_INTERVAL: bolt 'ticking' has onTick, but no tickInterval",
    ])
    expect(errors(build, { tickInterval: '1s' })).toEqual([])
  })

  test('an async bolt with one call at a time is a warning', () => {
    const asking = bolt({ async execute() {} })
    const built = (concurrency: number) =>
      findings((b) =>
        b.setBolt('asking', asking, { concurrency }).shuffleGrouping(b.setSpout('words', words)),
      )
    expect(built(1)).toEqual([
      "warning one-call-at-a-time: bolt 'asking' is async, but has one call open at a time " +
        '(concurrency 1); ' +
        'raise concurrency to let calls overlap',
    ])
    expect(built(8)).toEqual([])
  })

  test('order by key needs a key', () => {
    const keyed = bolt({ concurrency: 8, order: 'key', async execute() {} })
    const found = errors((b) => {
      b.setSpout('words', words)
      b.setBolt('keyed', keyed).fieldsGrouping('words', 'word').shuffleGrouping('words')
    })
    expect(found).toEqual([
      "error CONFIG_CONTRADICTION: bolt 'keyed' keeps the order of each key, but reads 'words' by a " +
        'shuffle grouping, ' +
        'which has no key; wanted fieldsGrouping, or another order',
    ])
  })

  test('settings that do not exist, are out of bounds, or mean nothing here', () => {
    const odd = { ...{ execute() {} }, concurency: 3 }
    const found = findings((b) => {
      b.setSpout('words', words, { tickInterval: '1s' })
      b.setBolt('odd', bolt(odd)).shuffleGrouping('words')
      b.setBolt('far', end, { concurrency: 1e9 }).shuffleGrouping('words')
    })
    expect(found.map((line) => line.split(':')[0])).toEqual([
      'error CONFIG_UNKNOWN_KEY',
      'error CONFIG_INVALID_VALUE',
      'warning CONFIG_CONTRADICTION',
    ])
    expect(found[2]).toContain("spout 'words' is given tickInterval, which has a meaning for bolts only")
    expect(found[0]).toContain(
      "bolt 'odd': there is no configuration key concurency; did you mean concurrency",
    )
  })

  test('a default that is wrong is told once, not for each component', () => {
    const config = { concurrency: 0 }
    const found = errors((b) => {
      b.setBolt('a', end).shuffleGrouping(b.setSpout('words', words))
      b.setBolt('b', end).shuffleGrouping('words')
    }, config)
    expect(found).toHaveLength(1)
    expect(found[0]).toContain('error CONFIG_INVALID_VALUE: concurrency is 0')
  })
})
