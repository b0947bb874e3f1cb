// Goal: each mistake in a graph is told with what was found, what there is, and the nearest right name.
// Method: one small topology with one mistake each; the findings are compared whole, but for their places.
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import {
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
import { UsageError } from '../base/errors.ts'
import type { TopologyConfig } from '../config/topology-config.ts'
import { bolt, richBolt } from './bolt.ts'
import { closeBuilder, TopologyBuilder } from './builder.ts'
import { keyedBolt } from './keyed-bolt.ts'
import { direct, encodable, fields } from './schema/fields.ts'
import { spoutFrom } from './spout.ts'
import { timer } from './state-declaration.ts'
import { TOPOLOGY_NAME_RULE } from './topology-name.ts'
import { checkTopology } from './validate.ts'

test('a sound topology has nothing to be told', () => {
  const built = findings((b) => {
    b.setBolt('end', end).shuffleGrouping(
      b.setBolt('pass', pass).fieldsGrouping(b.setSpout('words', words), 'word'),
    )
  })
  expect(built).toEqual([])
})

describe('what a bolt reads', () => {
  test('a component that is not there, with the nearest', () => {
    const found = errors((b) => {
      b.setSpout('words', words)
      b.setBolt('pass', pass).shuffleGrouping('word')
    })
    expect(found[0]).toBe(
      "error UNKNOWN_COMPONENT: bolt 'pass' reads 'word', but there is no component 'word'; there " +
        'are words, pass; ' +
        'did you mean "words"?',
    )
  })

  test('a stream that is not there, with the nearest', () => {
    const two = bolt({ input: Word, output: { default: Word, rejected: Word }, execute() {} })
    const found = errors((b) => {
      b.setBolt('two', two).shuffleGrouping(b.setSpout('words', words))
      b.setBolt('end', end).shuffleGrouping('two:rejectd')
    })
    expect(found).toEqual([
      "error UNKNOWN_STREAM: bolt 'end' reads 'two:rejectd', but 'two' has no stream 'rejectd'; it " +
        'has default, ' +
        'rejected; did you mean "rejected"?',
    ])
  })

  test('a stream of a component that emits nothing', () => {
    const found = errors((b) => {
      b.setBolt('end', end).shuffleGrouping(b.setSpout('words', words))
      b.setBolt('after', end).shuffleGrouping('end')
    })
    expect(found).toEqual([
      "error UNKNOWN_STREAM: bolt 'after' reads 'end', but 'end' has no stream 'default'; it emits nothing",
    ])
  })

  test('a field that is not there, with the nearest', () => {
    const found = errors((b) => {
      b.setSpout('words', words)
      b.setBolt('pass', pass).fieldsGrouping('words', 'wrod' as 'word')
      b.setBolt('ranged', pass, 3).rangeGrouping('words', 'time' as 'at', { boundaries: [1, 2] })
    })
    expect(found).toEqual([
      "error UNKNOWN_FIELD: bolt 'pass' groups 'words' by \"wrod\", but that stream has no such " +
        'field; it has word, ' +
        'at; did you mean "word"?',
      "error UNKNOWN_FIELD: bolt 'ranged' groups 'words' by \"time\", but that stream has no such " +
        'field; it has word, at',
    ])
  })

  test('fields of another kind, and fields that are missing', () => {
    const wants = bolt({ input: fields({ word: 'int', who: 'string' }), execute() {} })
    const found = errors((b) => {
      b.setSpout('words', words)
      b.setBolt('wants', wants).shuffleGrouping('words')
    })
    expect(found).toEqual([
      "error INPUT_MISMATCH: bolt 'wants' reads 'words', whose fields do not fit its input: " +
        '"word" is string, wanted int; "who" is missing, there are word, at',
    ])
  })

  test('one of several shapes is enough; the nearest one is told if none fits', () => {
    const Other = fields({ id: 'int', name: 'string', more: 'bytes' })
    const either = bolt({ input: [Other, Word], execute() {} })
    const neither = bolt({ input: [Other, fields({ word: 'bigint' })], execute() {} })
    const found = errors((b) => {
      b.setSpout('words', words)
      b.setBolt('either', either).shuffleGrouping('words')
      b.setBolt('neither', neither).shuffleGrouping('words')
    })
    expect(found).toEqual([
      "error INPUT_MISMATCH: bolt 'neither' reads 'words', whose fields do not fit its input: " +
        '"word" is string, wanted bigint',
    ])
  })

  test('kinds fit as TypeScript would say', () => {
    const From = fields({ a: 'int', b: 'string', c: encodable<{ x: number }>(), d: 'int[]' })
    const fitting = fields({ a: 'number | null', b: 'string | null', c: 'string', d: 'int[]' })
    const source = spoutFrom(From, () => [])
    const found = errors((b) => {
      b.setSpout('from', source)
      b.setBolt('fits', bolt({ input: fitting, execute() {} })).shuffleGrouping('from')
      b.setBolt('list', bolt({ input: fields({ d: 'int' }), execute() {} })).shuffleGrouping('from')
    })
    expect(found).toEqual([
      "error INPUT_MISMATCH: bolt 'list' reads 'from', whose fields do not fit its input: \"d\" is " +
        'int[], wanted int',
    ])
  })

  test('a null where none may be, and a field that may be missing', () => {
    const source = spoutFrom(fields({ a: 'int | null' }), () => [])
    const zod = z.object({ a: z.string(), b: z.string().optional() })
    const found = errors((b) => {
      b.setSpout('from', source)
      b.setBolt('null', bolt({ input: fields({ a: 'int' }), execute() {} })).shuffleGrouping('from')
      b.setBolt('optional', bolt({ input: zod, execute() {} })).shuffleGrouping('from')
      b.setSpout(
        'zod',
        spoutFrom(zod, () => []),
      )
      b.setBolt('wants', bolt({ input: fields({ b: 'string' }), execute() {} })).shuffleGrouping('zod')
    })
    expect(found).toEqual([
      "error INPUT_MISMATCH: bolt 'null' reads 'from', whose fields do not fit its input: \"a\" is " +
        'int | null, wanted int',
      "error INPUT_MISMATCH: bolt 'wants' reads 'zod', whose fields do not fit its input: " +
        '"b" may be missing, wanted string',
    ])
  })

  test('direct streams and direct groupings go together', () => {
    const dispatch = bolt({ input: Word, output: { default: Word, to: direct(Word) }, execute() {} })
    const found = errors((b) => {
      b.setBolt('dispatch', dispatch).shuffleGrouping(b.setSpout('words', words))
      b.setBolt('right', end).directGrouping('dispatch:to').allGrouping('dispatch')
      b.setBolt('shuffled', end).shuffleGrouping('dispatch:to')
      b.setBolt('plain', end).directGrouping('dispatch')
    })
    expect(found).toEqual([
      "error DIRECT_STREAM_MISMATCH: bolt 'shuffled' reads the direct stream 'dispatch:to' by a " +
        'shuffle grouping; ' +
        'wanted directGrouping',
      "error DIRECT_STREAM_MISMATCH: bolt 'plain' reads 'dispatch' by directGrouping, but that " +
        'stream is not direct; ' +
        'declare it with direct(…)',
    ])
  })

  test('keyed state wants a fields grouping on exactly its key', () => {
    const pairs = keyedBolt({ input: Word, key: ['word', 'at'], state, execute() {} })
    const found = errors((b) => {
      b.setSpout('words', words)
      b.setBolt('right', pairs).fieldsGrouping('words', 'word', 'at')
      b.setBolt('half', pairs).fieldsGrouping('words', ...(['word'] as unknown as ['word', 'at']))
      b.setBolt('turned', pairs).fieldsGrouping('words', ...(['at', 'word'] as unknown as ['word', 'at']))
      const handle: object = b.setBolt('shuffled', count)
      Reflect.get(handle, 'shuffleGrouping').call(handle, 'words')
    })
    expect(found).toEqual([
      "error KEY_GROUPING_MISMATCH: bolt 'half' keeps state by word, at, but reads 'words' by a " +
        'fields grouping on word; wanted fieldsGrouping on word, at',
      "error KEY_GROUPING_MISMATCH: bolt 'turned' keeps state by word, at, but reads 'words' by a " +
        'fields grouping on at, word; wanted fieldsGrouping on word, at',
      "error KEY_GROUPING_MISMATCH: bolt 'shuffled' keeps state by word, but reads 'words' by a " +
        'shuffle grouping; ' +
        'wanted fieldsGrouping on word',
    ])
  })

  test('ranges ascend, and are one fewer than tasks', () => {
    const found = errors((b) => {
      b.setSpout('words', words)
      b.setBolt('right', pass, 3).rangeGrouping('words', 'at', { boundaries: [1, 2] })
      b.setBolt('learnt', pass, 3).rangeGrouping('words', 'at', { sampleCount: 10 })
      b.setBolt('falling', pass, 3).rangeGrouping('words', 'at', { boundaries: [2, 2] })
      b.setBolt('few', pass, 4).rangeGrouping('words', 'at', { boundaries: [1] })
    })
    expect(found).toEqual([
      "error CONFIG_INVALID_VALUE: bolt 'falling' reads by ranges whose boundaries do not ascend: 2, 2",
      "error PARALLELISM_INVALID: bolt 'few' has 4 tasks, but reads by ranges with 1 boundary; " +
        'wanted one boundary fewer than tasks',
    ])
  })
})

describe('the graph as a whole', () => {
  test('a topology without a spout', () => {
    const found = errors((b) => b.setBolt('end', end).shuffleGrouping('end'))
    expect(found).toContain(
      'error EMPTY_TOPOLOGY: the topology has no spout, so nothing ever happens; its bolts are end',
    )
    expect(errors(() => undefined)).toEqual([
      'error EMPTY_TOPOLOGY: the topology has no spout, so nothing ever happens; its bolts are none',
    ])
  })

  test('a bolt without a grouping is told, what hangs on it is not', () => {
    const found = errors((b) => {
      b.setSpout('words', words)
      b.setBolt('end', end).shuffleGrouping(b.setBolt('pass', pass))
    })
    expect(found).toEqual(["error NO_INPUT: bolt 'pass' has no grouping, so it never gets a tuple"])
  })

  test('a circle that no spout feeds', () => {
    const found = errors((b) => {
      b.setSpout('words', words)
      b.setBolt('a', pass).shuffleGrouping('b')
      b.setBolt('b', pass).shuffleGrouping('a')
      b.setBolt('c', pass).shuffleGrouping('b')
    })
    expect(found).toEqual(["error NO_INPUT: bolt 'a' is in a circle that no spout feeds: a → b → a"])
  })

  test('a circle of plain bolts is a warning, one with a rich bolt is none', () => {
    const rich = richBolt({ input: Word, output: Word, execute() {} })
    const circle = (middle: typeof pass) =>
      findings((b) => {
        b.setSpout('words', words)
        b.setBolt('a', pass).shuffleGrouping('words').shuffleGrouping('b')
        b.setBolt('b', middle).shuffleGrouping('a')
      })
    expect(circle(pass)).toEqual([
      "warning cycle: bolt 'a' is in a circle, and tuples may go round for ever: a → b → a",
    ])
    expect(circle(rich)).toEqual([])
  })

  test('a circle whose tuples nobody tracks, whatever its bolts are', () => {
    const rich = richBolt({ input: Word, output: Word, execute() {} })
    const circle = (config: TopologyConfig) => {
      const builder = new TopologyBuilder(config)
      builder.setSpout('words', words)
      builder.setBolt('a', rich).shuffleGrouping('words').shuffleGrouping('b')
      builder.setBolt('b', pass).shuffleGrouping('a')
      return checkTopology(closeBuilder(builder, 'x')).filter(({ severity }) => severity === 'error')
    }
    expect(circle({})).toEqual([])
    expect(circle({ ackerExecutors: 1 })).toEqual([])
    const what = "bolt 'a' is in a circle in which nothing bounds how many tuples go round: a → b → a; "
    const why = 'so no tuple is tracked and maxSpoutPending holds nothing back; '
    expect(circle({ guarantee: 'at-most-once' })).toMatchObject([
      {
        code: 'CONFIG_CONTRADICTION',
        message:
          `${what}guarantee is at-most-once, ${why}` +
          "set guarantee to 'at-least-once', or break the circle",
      },
    ])
    expect(circle({ ackerExecutors: 0 })).toMatchObject([
      {
        code: 'CONFIG_CONTRADICTION',
        message: `${what}ackerExecutors is 0, ${why}take ackerExecutors 0 out, or break the circle`,
      },
    ])
  })

  test('a circle under exactly-once', () => {
    const found = errorsExactlyOnce((b) => {
      b.setSpout('words', replayed)
      b.setBolt('a', pass).shuffleGrouping('words').shuffleGrouping('a')
    })
    expect(found).toEqual([
      "CYCLE_UNDER_EXACTLY_ONCE: bolt 'a' is in a circle, which barriers of a checkpoint cannot pass: a → a",
    ])
  })

  test('an event-time timer needs time along every way', () => {
    const timed = spoutFrom(Word, () => [], { eventTime: { of: (values) => values.at } })
    const flush = keyedBolt({
      input: Word,
      key: 'word',
      state: { flush: timer('event-time') },
      execute() {},
      onTimer: { flush() {} },
    })
    const found = errors((b) => {
      b.setSpout('timed', timed)
      b.setSpout('timeless', words)
      b.setBolt('pass', pass).shuffleGrouping('timeless')
      b.setBolt('right', flush).fieldsGrouping('timed', 'word')
      b.setBolt('wrong', flush).fieldsGrouping('timed', 'word').fieldsGrouping('pass', 'word')
    })
    expect(found).toEqual([
      "error EVENT_TIME_MISSING: bolt 'wrong' has the event-time timer 'flush', but is fed without " +
        'event time by ' +
        "'timeless'; give the source eventTime",
    ])
  })

  test('a name that cannot be used', () => {
    const saysOf = (name: string) => {
      const builder = new TopologyBuilder()
      builder.setBolt('end', end).shuffleGrouping(builder.setSpout('words', words))
      return checkTopology(closeBuilder(builder, name)).map(({ message }) => message)
    }
    expect(saysOf('my topology')).toEqual([
      `the topology's name 'my topology' cannot be used: ${TOPOLOGY_NAME_RULE}`,
    ])
    // It is shown as it would be written, not as a terminal would take it.
    expect(saysOf('a\0b')[0]).toContain("'a\\u0000b'")
    expect(saysOf('-x')[0]).toContain('begins with a letter, a digit or one underscore')
    expect(saysOf('--')).toHaveLength(1)
    expect(saysOf('x'.repeat(300))).toEqual([
      `the topology's name '${'x'.repeat(60)}…' cannot be used: ${TOPOLOGY_NAME_RULE}`,
    ])
    for (const name of ['words', '_words', '9', 'a-b_c', 'x'.repeat(128)]) expect(saysOf(name)).toEqual([])
  })

  test('a stream that nobody reads is a warning', () => {
    const found = findings((b) => b.setBolt('pass', pass).shuffleGrouping(b.setSpout('words', words)))
    expect(found).toEqual(["warning unread-stream: bolt 'pass' emits stream 'default', which nobody reads"])
  })
})

test('all findings come as one error, the first one in its code, each with its place', () => {
  const builder = new TopologyBuilder()
  builder.setSpout('words', words)
  builder.setBolt('a', end).shuffleGrouping('wrods')
  builder.setBolt('b', end)
  let thrown: unknown
  try {
    builder.createTopology('two')
  } catch (error) {
    thrown = error
  }
  if (!(thrown instanceof UsageError)) throw new Error('nothing was thrown')
  const lines = thrown.message.split('\n')
  expect(thrown.code).toBe('UNKNOWN_COMPONENT')
  expect(lines[0]).toBe('the topology two has 2 errors:')
  expect(lines[1]).toMatch(/^ {2}bolt 'a' reads 'wrods', .* \(.*validate\.test\.ts:\d+:\d+\)$/)
  expect(lines[2]).toMatch(/^ {2}bolt 'b' has no grouping, .* \(.*validate\.test\.ts:\d+:\d+\)$/)
  expect(String(thrown.details['findings']).split('\n')).toEqual([
    `UNKNOWN_COMPONENT: ${lines[1]?.trim()}`,
    `NO_INPUT: ${lines[2]?.trim()}`,
  ])
  expect(thrown.details['component']).toBe('a')
})
