/** Odd values at run time: the same on the other side, or a typed error; nothing else is disturbed. */
import { describe, expect, test } from 'vitest'
import { bolt, encodable, fields, spoutFrom } from '../../src/index.ts'
import { StagedRun } from './staged-run.ts'

const any = fields({ id: 'int', value: encodable<unknown>() as never }) as never
const typed = fields({
  id: 'int',
  int: 'int',
  number: 'number',
  text: 'string',
  bytes: 'bytes',
  big: 'bigint',
})

function nested(depth: number): unknown {
  let value: unknown = 'core'
  for (let n = 0; n < depth; n += 1) value = n % 2 === 0 ? [value] : { in: value }
  return value
}

function cyclic(): object {
  const ring: Record<string, unknown> = { n: 1 }
  ring['self'] = ring
  return ring
}

const ownProto = JSON.parse('{"__proto__":{"polluted":true},"constructor":1}') as object

/** Values, and whether they travel. In one worker without serializing everything does. */
const values: ReadonlyArray<readonly [string, unknown, 'travels' | 'refused']> = [
  ['own __proto__', ownProto, 'travels'],
  ['NaN', Number.NaN, 'travels'],
  ['minus zero', -0, 'travels'],
  ['infinities', [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY], 'travels'],
  ['a small bigint', 5n, 'travels'],
  ['a huge bigint', -(2n ** 300n), 'travels'],
  ['bytes', new Uint8Array([0, 255, 128]), 'travels'],
  ['no bytes', new Uint8Array(0), 'travels'],
  ['a date', new Date(1_700_000_000_123), 'travels'],
  [
    'a map',
    new Map<unknown, unknown>([
      ['a', 1],
      [2, new Map([['b', null]])],
    ]),
    'travels',
  ],
  ['lone surrogates', 'a\ud800b', 'travels'],
  ['null', null, 'travels'],
  ['something cyclic', cyclic(), 'refused'],
  ['a function', () => 1, 'refused'],
  ['a symbol', Symbol('s'), 'refused'],
]

async function through(value: unknown, config: object) {
  const got: unknown[] = []
  const others: number[] = []
  const staged = await new StagedRun({
    config: { freezeTuples: 'never', maxReplays: 1, ...config },
    build(builder) {
      const items = [
        { id: 0, value: 'before' },
        { id: 1, value },
        { id: 2, value: 'after' },
      ]
      const source = builder.setSpout(
        'source',
        spoutFrom(any, () => items as never[]),
      )
      const last = bolt({
        input: any,
        execute: (tuple: { readonly values: { id: number; value: unknown } }) => {
          if (tuple.values.id === 1) got.push(tuple.values.value)
          else others.push(tuple.values.id)
        },
      } as never)
      builder.setBolt('last', last as never, { executors: 2 }).shuffleGrouping(source as never)
    },
  }).start()
  await staged.finish()
  return { got, others: others.sort(), staged }
}

const ways = [
  ['round trip at each emit', { testingAlwaysTrySerialize: true }],
  ['a link between two workers', { workers: 2 }],
] as const

describe.each(ways)('by %s', (_name, config) => {
  test.each(values)('%s', async (_what, value, fate) => {
    const { got, others, staged } = await through(value, config)
    expect(others).toEqual([0, 2])
    if (fate === 'travels') {
      expect(got.length).toBe(1)
      expect(Object.is(got[0], value) || typeof value === 'object').toBe(true)
      expect(got[0]).toEqual(value)
      expect(Object.getPrototypeOf({}).polluted).toBeUndefined()
      expect(staged.codes()).toEqual({})
      return
    }
    // Two tasks take turns: in two workers it may have met the one that is here, and so needed no bytes.
    if (got.length > 0) return
    expect(staged.figures('source').deadLetteredCount).toBe(1)
    expect(Object.keys(staged.codes())).toEqual(['VALUE_NOT_ENCODABLE'])
  })

  test('300 levels deep: the same or a typed error', async () => {
    const value = nested(300)
    const { got, others, staged } = await through(value, config)
    expect(others).toEqual([0, 2])
    if (got.length > 0) expect(got).toEqual([value])
    else expect(Object.keys(staged.codes())).toEqual(['VALUE_NOT_ENCODABLE'])
  })
})

test('in one worker a value is handed over as it is', async () => {
  for (const [, value] of values) {
    const { got, others } = await through(value, {})
    expect(others).toEqual([0, 2])
    expect(Object.is(got[0], value)).toBe(true)
  }
})

test('frozen values: cyclic ones and odd objects do no harm', async () => {
  for (const [, value] of values) {
    const { got } = await through(value, { freezeTuples: 'always' })
    expect(got.length).toBe(1)
  }
})

describe('typed fields given the wrong kind', () => {
  const good = { id: 1, int: 1, number: 1.5, text: 'a', bytes: new Uint8Array([1]), big: 1n }
  const wrong: ReadonlyArray<readonly [string, object]> = [
    ['a fraction for an int', { ...good, int: 1.5 }],
    ['a text for a number', { ...good, number: '1' }],
    ['a number for a text', { ...good, text: 5 }],
    ['a list for bytes', { ...good, bytes: [1] }],
    ['a number for a bigint', { ...good, big: 1 }],
    ['null', { ...good, text: null }],
    ['a missing field', { ...good, text: undefined }],
    ['no object', 5 as never],
  ]

  test.each(wrong)('%s: a dead letter with a typed error, the others pass', async (_name, item) => {
    const seen: number[] = []
    const staged = await new StagedRun({
      config: { testingAlwaysTrySerialize: true },
      build(builder) {
        const items = [{ ...good, id: 0 }, item, { ...good, id: 2 }]
        const source = builder.setSpout(
          'source',
          spoutFrom(typed, () => items as never[]),
        )
        builder
          .setBolt('last', bolt({ input: typed, execute: (tuple) => void seen.push(tuple.values.id) }))
          .shuffleGrouping(source)
      },
    }).start()
    await staged.finish()
    expect(seen).toEqual([0, 2])
    expect(staged.figures('source').deadLetteredCount).toBe(1)
    const [code = ''] = Object.keys(staged.codes())
    expect(['VALUE_NOT_ENCODABLE', 'VALUE_OUT_OF_RANGE', 'EMIT_NOT_DECLARED']).toContain(code)
  })
})

test('a bolt that emits what a link refuses fails its tuple, with books that balance', async () => {
  const seen: number[] = []
  const staged = await new StagedRun({
    config: { workers: 2, maxReplays: 1 },
    build(builder) {
      const source = builder.setSpout(
        'source',
        spoutFrom(fields({ n: 'int' }), () => [{ n: 0 }, { n: 1 }, { n: 2 }]),
      )
      const bad = bolt({
        input: fields({ n: 'int' }),
        output: any,
        execute: (tuple, out) => {
          const { n } = tuple.values
          const emit = (values: object) => out.emit(values as never)
          emit({ id: n, value: 'first' })
          emit({ id: n, value: n === 1 ? () => 1 : 'second' })
        },
      })
      const last = bolt({
        input: any,
        execute: (tuple: { readonly values: { id: number } }) => void seen.push(tuple.values.id),
      } as never)
      const next = builder.setBolt('bad', bad).shuffleGrouping(source)
      builder.setBolt('last', last as never, { executors: 4 }).allGrouping(next as never)
    },
  }).start()
  await staged.finish()
  expect(seen.filter((n) => n !== 1).length).toBe(16)
  expect(staged.figures('source')).toMatchObject({ ackedCount: 2, deadLetteredCount: 1, expiredCount: 0 })
  expect(staged.codes()).toMatchObject({ VALUE_NOT_ENCODABLE: 2, REPLAYS_EXHAUSTED: 1 })
})
