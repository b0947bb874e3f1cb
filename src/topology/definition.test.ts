// Goal: makers give definitions that say what they were given, and refuse at once what cannot run.
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { bolt, richBolt } from './bolt.ts'
import { type BoltDefinition, definitionOf, type SpoutDefinition } from './definition.ts'
import { keyedBolt } from './keyed-bolt.ts'
import { direct, fields } from './schema/fields.ts'
import { streamSchemaOf } from './schema/stream-schema.ts'
import {
  acceptDuplicates,
  idempotentSink,
  plainSink,
  printSink,
  sinkTakesValue,
  transactionalSink,
} from './sink.ts'
import { replayableSource, replayableSpout, spout, spoutFrom } from './spout.ts'
import { keyValueState, listState, mapState, timer, valueState } from './state-declaration.ts'

const Word = fields({ word: 'string' })

function boltOf(value: unknown): BoltDefinition {
  const definition = definitionOf(value)
  if (definition?.kind !== 'bolt') throw new Error('no bolt')
  return definition
}

function spoutOf(value: unknown): SpoutDefinition {
  const definition = definitionOf(value)
  if (definition?.kind !== 'spout') throw new Error('no spout')
  return definition
}

describe('bolt and richBolt', () => {
  test('take spec, streams and settings apart', () => {
    const spec = {
      input: Word,
      output: { default: Word, to: direct(Word) },
      concurrency: 3,
      onError: 'skip',
      taskState: { seen: keyValueState<string, number>({ rescale: 'by-key' }) },
      execute() {},
    } as const
    const definition = boltOf(bolt(spec))
    expect(definition.form).toBe('basic')
    expect(definition.inputs?.map(({ names }) => names)).toEqual([['word']])
    expect([...definition.outputs.values()].map((stream) => [stream.streamId, stream.direct])).toEqual([
      ['default', false],
      ['to', true],
    ])
    expect(definition.settings).toEqual({ concurrency: 3, onError: 'skip' })
    expect(definition.states['seen']).toMatchObject({ scope: 'task', kind: 'keyValue', rescale: 'by-key' })
    expect(definition.spec).toBe(spec)
    expect(boltOf(richBolt(spec)).form).toBe('rich')
  })

  test('say nothing where nothing was said', () => {
    expect(boltOf(bolt({ execute() {} }))).toMatchObject({ inputs: undefined, settings: {}, states: {} })
  })

  test('refuse at once what cannot run', () => {
    const make = (spec: unknown) => bolt(spec as { execute(): void })
    expect(() => make(undefined)).toThrow('bolt needs an object, but was given nothing')
    expect(() => make({})).toThrow('bolt has no execute')
    expect(() => make({ exceute() {} })).toThrow('bolt has no execute; did you mean it by "exceute"?')
    expect(() => make({ execute: 3 })).toThrow('bolt: execute must be a function, but is a number')
    expect(() => make({ execute() {}, onTick: 3 })).toThrow(
      'bolt: onTick must be a function, but is ' + 'a number',
    )
    expect(() => make({ execute() {}, input: 'word' })).toThrow(
      'bolt: input must be a schema, or a list of schemas, but is a string',
    )
    expect(() => make({ execute() {}, output: { bad: 3 } })).toThrow(
      'bolt: the stream bad must be given a schema, but is a number',
    )
    expect(() => make({ execute() {}, taskState: { n: valueState() } })).toThrow(
      'bolt: the state n must be made by keyValueState, but is an object',
    )
  })
})

describe('keyedBolt', () => {
  const state = { n: valueState<number>(), flush: timer('event-time') }
  const spec = { input: Word, key: 'word', state, execute() {}, onTimer: { flush() {} } } as const

  test('knows its key and its state', () => {
    const definition = boltOf(keyedBolt(spec))
    expect(definition).toMatchObject({ form: 'keyed', key: ['word'] })
    expect(definition.states['flush']).toMatchObject({ scope: 'key', kind: 'timer', time: 'event-time' })
  })

  test('refuses at once what cannot run', () => {
    const make = (changes: object) => keyedBolt({ ...spec, ...changes } as typeof spec)
    expect(() => make({ key: undefined })).toThrow(
      'keyedBolt: key must be the name of a field, or a list of them, but is nothing',
    )
    expect(() => make({ input: undefined })).toThrow('keyedBolt has no input')
    expect(() => make({ state: undefined })).toThrow('keyedBolt has no state')
    expect(() => make({ state: { 'a b': valueState() }, onTimer: {} })).toThrow(
      'keyedBolt: the state name "a b" may hold letters, digits and minus only',
    )
    expect(() => make({ onTimer: {} })).toThrow(
      'keyedBolt has the timer flush, but no function onTimer.flush',
    )
    expect(() => make({ onTimer: { flush() {}, flsuh() {} } })).toThrow(
      'keyedBolt has onTimer.flsuh, but no timer of that name in its state; did you mean "flush"?',
    )
  })
})

describe('declared state', () => {
  test('has its defaults in place', () => {
    expect(valueState<number>()).toEqual({
      scope: 'key',
      kind: 'value',
      version: 1,
      migrate: undefined,
      schema: undefined,
      ttlMs: undefined,
      ttlFrom: 'write',
      initial: undefined,
      countMax: undefined,
      onFull: 'refuse',
      time: undefined,
      rescale: 'refuse',
    })
  })

  test('keeps what was said', () => {
    const options = {
      version: 2,
      ttl: '1m',
      ttlFrom: 'read',
      offset: 5,
      migrate(old: unknown) {
        return Number(old) + this.offset
      },
    } as const
    const { offset, ...known } = options
    const declared: unknown = valueState<number>({ ...known, migrate: (old) => Number(old) + offset })
    expect(declared).toMatchObject({ version: 2, ttlMs: 60_000, ttlFrom: 'read' })
    expect(Reflect.get(Object(declared), 'migrate')?.(1, 1)).toBe(6)
    expect(listState<number>({ countMax: 3, onFull: 'drop-oldest' })).toMatchObject({
      kind: 'list',
      countMax: 3,
      onFull: 'drop-oldest',
    })
    expect(mapState<string, number>({ schema: z.number() })).toMatchObject({ kind: 'map' })
  })

  test('refuses what it cannot be', () => {
    expect(() => valueState({ initail: () => 1 } as never)).toThrow(
      'valueState has no option initail; there are version, migrate, schema, ttl, ttlFrom, initial',
    )
    expect(() => valueState({ ttl: '1 minute' as never })).toThrow("valueState: ttl is '1 minute'")
    expect(() => valueState({ version: 0 })).toThrow(
      'valueState: version must be a whole number from 1, but is 0',
    )
    expect(() => listState({ onFull: 'drop' as never })).toThrow(
      "listState: onFull must be 'refuse' or 'drop-oldest'",
    )
    expect(() => valueState({ schema: 3 as never })).toThrow('valueState: schema must be a schema')
    expect(() => timer('eventtime' as never)).toThrow("timer needs 'event-time' or 'processing-time'")
  })
})

describe('spouts', () => {
  test('spout keeps the functions it was given', () => {
    const spec = { output: Word, maxSpoutPending: 5, nextTuple() {} }
    expect(spoutOf(spout(spec))).toMatchObject({
      form: 'plain',
      replay: 'plain',
      settings: { maxSpoutPending: 5 },
    })
    expect(spoutOf(spout(spec)).spec).toBe(spec)
    expect(() => spout({ nextTuple() {} } as never)).toThrow('spout has no output')
    expect(() => spout({ output: Word } as never)).toThrow('spout has no nextTuple')
  })

  test('spoutFrom takes a schema and a function', () => {
    const definition = spoutOf(spoutFrom(Word, () => [{ word: 'a' }], { maxReplays: 2 }))
    expect(definition).toMatchObject({ form: 'iterable', replay: 'plain', settings: { maxReplays: 2 } })
    expect(() => spoutFrom(Word, [] as never)).toThrow(
      'spoutFrom needs a function that gives items, but was given a list',
    )
    expect(() => spoutFrom('word' as never, () => [])).toThrow(
      'spoutFrom needs the schema of its ' + 'items as output',
    )
    expect(() => spoutFrom(Word, () => [], { eventTime: {} as never })).toThrow(
      'spoutFrom: eventTime needs a function of, which gives the time of an item',
    )
  })

  test('replayableSpout needs partitions and read', () => {
    const spec = { output: Word, partitions: () => ['0'], async *read() {} }
    expect(spoutOf(replayableSpout(spec))).toMatchObject({ form: 'replayable', replay: 'replayable' })
    expect(() => replayableSpout({ ...spec, read: undefined } as never)).toThrow(
      'replayableSpout ' + 'has no read',
    )
  })

  test('event time is asked with values, also of items that are no objects', () => {
    const source = replayableSource<string>({
      output: streamSchemaOf(z.string()),
      settings: {},
      eventTime: { of: (item) => String(item).length, idleAfter: '1s' },
      spec: { partitions: () => [], async *read() {} },
    })
    const { eventTime } = spoutOf(source)
    expect(eventTime?.of({ value: 'four' })).toBe(4)
    expect(eventTime?.idleAfter).toBe('1s')
  })
})

describe('sinks', () => {
  const transaction = {
    begin: () => 1,
    write() {},
    prepare: () => ({ id: 1 }),
    commit() {},
    rollBack() {},
  }

  test('know their kind', () => {
    expect(boltOf(plainSink({ write() {} }))).toMatchObject({ form: 'sink', sinkKind: 'plain' })
    expect(boltOf(idempotentSink({ write() {}, key: () => 1 }))).toMatchObject({ sinkKind: 'idempotent' })
    expect(boltOf(transactionalSink(transaction))).toMatchObject({ sinkKind: 'transactional' })
  })

  test('need every call of their kind', () => {
    expect(() => plainSink({} as never)).toThrow('plainSink has no write')
    expect(() => idempotentSink({ write() {} } as never)).toThrow('idempotentSink has no key')
    expect(() => transactionalSink({ ...transaction, commit: undefined } as never)).toThrow(
      'transactionalSink has no commit',
    )
  })

  test('duplicates that do no harm make a plain sink acceptable, and nothing else of it', () => {
    const spec = { write() {}, batch: { countMax: 3 } }
    const accepted = boltOf(acceptDuplicates(plainSink(spec)))
    expect(accepted).toMatchObject({ sinkKind: 'idempotent' })
    expect(accepted.spec).toBe(spec)
    const sink = transactionalSink(transaction)
    expect(boltOf(acceptDuplicates(sink))).toBe(sink)
    expect(() => acceptDuplicates(bolt({ execute() {} }) as never)).toThrow(
      'acceptDuplicates needs a sink, but was given an object',
    )
  })

  test('a print sink prints a line for each item once it has a host', () => {
    const lines: string[] = []
    const { spec } = boltOf(printSink('out'))
    if (!('bindHost' in spec) || spec.bindHost === undefined) throw new Error('no bindHost')
    const bound = spec.bindHost({ print: (line: string) => lines.push(line) } as never)
    const items = ['text', { n: 1n, at: new Map([['a', new Set([1])]]), b: new Uint8Array(3) }, undefined]
    Reflect.apply(Reflect.get(bound, 'write'), bound, [items])
    expect(lines).toEqual(['out: text', 'out: {"n":"1n","at":{"a":[1]},"b":"3 bytes"}', 'out: undefined'])
  })

  test('an item is the values, or what is in the field value', () => {
    const text = streamSchemaOf(z.string())
    const one = streamSchemaOf(fields({ value: 'string' }))
    const two = streamSchemaOf(fields({ value: 'string', more: 'int' }))
    const taking = (input?: z.ZodType) => boltOf(plainSink({ ...(input ? { input } : {}), write() {} }))
    const takes = (input?: z.ZodType) =>
      [text, one, two].map((stream) => sinkTakesValue(taking(input), stream))
    expect(takes()).toEqual([true, true, false])
    expect(takes(z.string())).toEqual([true, true, true])
    expect(takes(z.object({ value: z.string() }))).toEqual([false, false, false])
  })
})

test('what is none of ours is no definition', () => {
  for (const value of [undefined, 3, {}, { kind: 'bolt' }, () => 1])
    expect(definitionOf(value)).toBeUndefined()
})
