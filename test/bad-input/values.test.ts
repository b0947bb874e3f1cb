// Goal: any plain value comes through a topology as it was, and what cannot be carried is refused where it is
// emitted: a typed error, a counter, the policy of the component, and every other tuple of the run processed
// as if nothing were. Method: a source, a bolt and an end, by reference on one worker, in frames on two (the
// value crosses twice), and on one worker where everything is encoded and decoded.

import {
  bolt,
  type ComponentConfig,
  defineTopology,
  encodable,
  fields,
  keyedBolt,
  type Schema,
  spout,
  spoutFrom,
  type TopologyConfig,
  valueState,
} from 'typhoon'
import { describe, expect, test } from 'vitest'
import { isSame } from '../fixtures/wire/is-same.ts'
import { Live } from '../storm/live.ts'
import { Feeder } from '../storm/parts.ts'

/** A field of any type: what it holds is this suite's business. */
const anything = encodable<never>() as unknown as Schema<unknown>
const Item = fields({ id: 'int', any: anything })
interface Item {
  readonly id: number
  readonly any: unknown
}

interface Mode {
  readonly workers: number
  readonly config?: TopologyConfig
}

const modes: Record<string, Mode> = {
  'one worker': { workers: 1 },
  'two workers': { workers: 2 },
  'one worker, all encoded': { workers: 1, config: { testingAlwaysTrySerialize: true } },
}
/** Where values are encoded, so that some are refused. */
const encoding = Object.entries(modes).filter(([name]) => name !== 'one worker')

const pass = bolt({ input: Item, output: Item, execute: ({ values }, out) => out.emit(values) })

/** A source, `2`, and an end that keeps what it was handed. */
function through(source: unknown, middle: unknown, settings: ComponentConfig = {}) {
  const seen: Item[] = []
  const end = bolt({ input: Item, execute: ({ values }) => void seen.push(values as Item) })
  const topology = defineTopology({
    name: 'values',
    build(builder) {
      const one = builder.setSpout('1', source as never)
      const two = builder.setBolt('2', middle as typeof pass, settings).shuffleGrouping(one as never)
      builder.setBolt('3', end).shuffleGrouping(two)
    },
  })
  return { topology, seen }
}

function nest(levels: number): unknown {
  let value: unknown = 'leaf'
  for (let level = 0; level < levels; level += 1) value = level % 2 === 0 ? [value] : { deeper: value }
  return value
}

class Point {
  x = 1
  y = 2
}

const exact: Record<string, () => unknown> = {
  'own __proto__': () => JSON.parse('{"__proto__": {"isAdmin": true}, "constructor": 1, "toString": 2}'),
  'no prototype': () => Object.assign(Object.create(null), { a: 1 }),
  NaN: () => Number.NaN,
  '-0': () => -0,
  infinities: () => [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  'numbers at the edges': () => [
    2 ** 53 - 1,
    -(2 ** 53) + 1,
    2 ** 53,
    5e-324,
    1.7e308,
    0.1,
    2 ** 31,
    -(2 ** 31) - 1,
  ],
  bigints: () => [0n, -1n, 2n ** 64n, -(2n ** 200n)],
  bytes: () => Uint8Array.of(0, 255, 1),
  'no bytes': () => new Uint8Array(0),
  'a date': () => new Date(86_400_000.0),
  'a date before 1970': () => new Date(-1),
  'a date that is none': () => new Date(Number.NaN),
  'a map': () =>
    new Map<unknown, unknown>([
      ['k', new Map([[1n, -0]])],
      [Number.NaN, 'nan'],
      [[1], { a: 1 }],
    ]),
  'a set': () => new Set<unknown>([1, 'a', undefined]),
  'undefined inside': () => ({ a: undefined, b: [undefined, null] }),
  null: () => null,
  'an empty text': () => '',
  'half a surrogate pair': () => ['\uD800', 'a\uDC00b', '\u0000'],
  'a long text': () => 'grüße ☃ '.repeat(20_000),
  'a nest of 300': () => nest(300),
  'a wide list': () => Array.from({ length: 10_000 }, (_, at) => at - 5_000),
  'keys in their order': () => ({ z: 1, a: 2, '10': 3, '9': 4 }),
}

describe.each(Object.entries(modes))('exact round trip, %s', (_name, mode) => {
  test('of every plain value there is', async () => {
    const names = Object.keys(exact)
    const items = names.map((name, id) => ({ id, any: exact[name]?.() }))
    const { topology, seen } = through(
      spoutFrom(Item, () => items),
      pass,
    )
    await using live = await Live.start(topology, mode)
    expect(await live.ended()).toBeNull()
    for (const { id, any } of seen) {
      const name = names[id] ?? ''
      expect([name, isSame(any, exact[name]?.())]).toEqual([name, true])
    }
    expect(seen.map(({ id }) => id).toSorted((a, b) => a - b)).toEqual(names.map((_, id) => id))
    expect(live.errors).toEqual({})
    expect(live.figures('1').ackedCount).toBe(names.length)
    expect(Object.keys(Object.prototype)).toEqual([])
  })

  test('of keys that are names of every object', async () => {
    const keys = ['__proto__', 'constructor', 'toString', '', 'hasOwnProperty', '\u0000']
    const Key = fields({ key: 'string' })
    const feeder = new Feeder(Key)
    const counting = keyedBolt({
      input: Key,
      key: 'key',
      output: fields({ key: 'string', n: 'int' }),
      state: { n: valueState<number>({ initial: () => 0 }) },
      execute({ values: { key } }, out, { n }) {
        n.set(n.get() + 1)
        out.emit({ key, n: n.get() })
      },
    })
    const topology = defineTopology({
      name: 'keys',
      build(builder) {
        builder.setBolt('2', counting, 3).fieldsGrouping(builder.setSpout('1', feeder.def), 'key')
      },
    })
    await using live = await Live.start(topology, mode)
    for (let round = 0; round < 3; round += 1) for (const key of keys) feeder.feed({ key })
    await live.advance(1_000)
    const last = new Map((live.emitted('2') as { key: string; n: number }[]).map(({ key, n }) => [key, n]))
    expect(last).toEqual(new Map(keys.map((key) => [key, 3])))
  })

  test('of keys that are numbers: NaN is one key, and so are 0 and -0', async () => {
    const Key = fields({ key: 'number' })
    const feeder = new Feeder(Key)
    const counting = keyedBolt({
      input: Key,
      key: 'key',
      output: fields({ key: 'number', n: 'int' }),
      state: { n: valueState<number>({ initial: () => 0 }) },
      execute({ values: { key } }, out, { n }) {
        n.set(n.get() + 1)
        out.emit({ key, n: n.get() })
      },
    })
    const topology = defineTopology({
      name: 'keys',
      build(builder) {
        builder.setBolt('2', counting, 3).fieldsGrouping(builder.setSpout('1', feeder.def), 'key')
      },
    })
    await using live = await Live.start(topology, mode)
    for (const key of [Number.NaN, 0, -0, Number.NaN, 0, -0, 1e308, Number.NaN]) feeder.feed({ key })
    await live.advance(1_000)
    const counts = (live.emitted('2') as { key: number; n: number }[]).filter(({ key }) =>
      Object.is(key, Number.NaN),
    )
    expect(counts.map(({ n }) => n)).toEqual([1, 2, 3])
    const zeros = (live.emitted('2') as { key: number; n: number }[]).filter(({ key }) => key === 0)
    expect(zeros.map(({ n }) => n)).toEqual([1, 2, 3, 4])
  })
})

const cyclic = (): unknown => {
  const one: Record<string, unknown> = { a: [1] }
  one['a'] = [{ back: one }]
  return one
}

const refused: Record<string, { readonly make: () => unknown; readonly code?: string }> = {
  'a cycle': { make: cyclic },
  'a function': { make: () => ({ f: () => 1 }) },
  'a symbol': { make: () => [Symbol('s')] },
  'a promise': { make: () => ({ p: Promise.resolve(1) }) },
  'an instance with methods': { make: () => /x/ },
  'a list with holes': { make: () => new Array(3) },
  'a nest of 1,001': { make: () => nest(1_001) },
  'five megabytes': { make: () => 'x'.repeat(5 * 1024 * 1024), code: 'TUPLE_TOO_LARGE' },
}

const COUNT = 40
const BAD = 17

/** Emits what it gets, but a bad value for one of them. */
function spoiling(make: () => unknown) {
  return bolt({
    input: Item,
    output: Item,
    execute({ values }, out) {
      out.emit({ id: values.id, any: values.id === BAD ? make() : 'good' })
    },
  })
}

const goodSource = () =>
  spoutFrom(Item, () => Array.from({ length: COUNT }, (_, id) => ({ id, any: id })), { maxReplays: 2 })
const others = Array.from({ length: COUNT }, (_, id) => id).filter((id) => id !== BAD)
const ids = (seen: readonly Item[]) => seen.map(({ id }) => id).toSorted((a, b) => a - b)

describe.each(encoding)('refused where it is emitted, %s', (_name, mode) => {
  for (const [what, { make, code = 'VALUE_NOT_ENCODABLE' }] of Object.entries(refused)) {
    // Sizes are looked at where frames are made, and only there.
    const isTold = code === 'VALUE_NOT_ENCODABLE' || mode.workers > 1
    if (!isTold) continue

    test(`${what}: to the dead letters, with the input of the call that made it`, async () => {
      const { topology, seen } = through(goodSource(), spoiling(make), { onError: 'dead-letter' })
      await using live = await Live.start(topology, mode)
      expect(await live.ended()).toBeNull()
      expect(live.deadLetters).toMatchObject([
        { component: '2', code, attempts: 1, values: { id: BAD, any: BAD } },
      ])
      expect(ids(seen)).toEqual(others)
      expect(live.errors).toEqual({ [code]: 1 })
      expect(live.figures('1')).toMatchObject({ ackedCount: COUNT, failedCount: 0 })
      expect(live.figures('2')).toMatchObject({
        threwCount: 1,
        deadLetteredCount: 1,
        skippedCount: 0,
        ackedCount: COUNT,
        failedCount: 0,
      })
    })
  }

  test('skip: acked and counted, nothing else', async () => {
    const { topology, seen } = through(goodSource(), spoiling(cyclic), { onError: 'skip' })
    await using live = await Live.start(topology, mode)
    expect(await live.ended()).toBeNull()
    expect(ids(seen)).toEqual(others)
    expect(live.deadLetters).toEqual([])
    expect(live.figures('2')).toMatchObject({ threwCount: 1, skippedCount: 1, ackedCount: COUNT })
  })

  test('fail: replayed as often as allowed, then given up by the source', async () => {
    const { topology, seen } = through(goodSource(), spoiling(cyclic))
    await using live = await Live.start(topology, mode)
    expect(await live.ended()).toBeNull()
    expect(ids(seen)).toEqual(others)
    expect(live.deadLetters).toMatchObject([
      { component: '1', code: 'REPLAYS_EXHAUSTED', attempts: 3, values: { id: BAD, any: BAD } },
    ])
    expect(live.errors).toEqual({ VALUE_NOT_ENCODABLE: 3, REPLAYS_EXHAUSTED: 1 })
    expect(live.figures('2')).toMatchObject({ threwCount: 3, failedCount: 3, ackedCount: COUNT - 1 })
    expect(live.figures('1')).toMatchObject({ replayedCount: 2, failedCount: 3, deadLetteredCount: 1 })
  })

  test('from a source made of an iterable: a dead letter at once, and the next item', async () => {
    const items = Array.from({ length: COUNT }, (_, id) => ({ id, any: id === BAD ? cyclic() : id }))
    const { topology, seen } = through(
      spoutFrom(Item, () => items),
      pass,
    )
    await using live = await Live.start(topology, mode)
    expect(await live.ended()).toBeNull()
    expect(ids(seen)).toEqual(others)
    expect(live.deadLetters).toMatchObject([{ component: '1', code: 'VALUE_NOT_ENCODABLE', attempts: 1 }])
    expect(live.figures('1')).toMatchObject({ ackedCount: COUNT - 1, threwCount: 1, deadLetteredCount: 1 })
  })

  test('from a spout of Storm’s form: nextTuple sees the error, nothing is in flight for it', async () => {
    const seenBySpout: unknown[] = []
    const source = spout({
      output: Item,
      open: () => ({ id: 0 }),
      nextTuple(out, self) {
        if (self.id === COUNT) return
        const id = self.id
        self.id += 1
        try {
          out.emit({ id, any: id === BAD ? cyclic() : id }, { messageId: id })
        } catch (error) {
          seenBySpout.push((error as { code: string }).code)
        }
      },
    })
    const { topology, seen } = through(source, pass)
    await using live = await Live.start(topology, mode)
    await live.until(() => seen.length === COUNT - 1)
    await live.rest()
    expect(ids(seen)).toEqual(others)
    expect(seenBySpout).toEqual(['VALUE_NOT_ENCODABLE'])
    expect(live.figures('1')).toMatchObject({ ackedCount: COUNT - 1, failedCount: 0, pendingCount: 0 })
  })
})

// Goal: a call whose emit is refused has left no trace, as one that threw by itself.
describe.each(encoding)('a refused emit is a call that threw, %s', (_name, mode) => {
  // biome-ignore lint/suspicious/noThenProperty: the policy's name
  const retried = { retries: 2, backoff: { first: '10ms' }, then: 'dead-letter' } as const
  test('retries: the value stays what it is, so they are used up, and then the policy acts', async () => {
    const { topology, seen } = through(goodSource(), spoiling(cyclic), { onError: retried })
    await using live = await Live.start(topology, mode)
    expect(await live.ended()).toBeNull()
    expect(ids(seen)).toEqual(others)
    expect(live.deadLetters).toMatchObject([{ component: '2', code: 'VALUE_NOT_ENCODABLE', attempts: 3 }])
    expect(live.figures('2')).toMatchObject({ threwCount: 3, retriedCount: 2, ackedCount: COUNT })
  })

  test('retries of an async bolt in the order of its inputs: nobody overtakes it', async () => {
    const later = bolt({
      input: Item,
      output: Item,
      concurrency: 8,
      onError: retried,
      async execute({ values: { id } }, out) {
        await Promise.resolve()
        if (id === BAD) tries += 1
        out.emit({ id, any: id === BAD && tries < 3 ? cyclic() : 'good' })
      },
    })
    let tries = 0
    const { topology, seen } = through(goodSource(), later)
    await using live = await Live.start(topology, mode)
    expect(await live.ended()).toBeNull()
    expect(seen.map(({ id }) => id)).toEqual(Array.from({ length: COUNT }, (_, id) => id))
    expect(live.figures('2')).toMatchObject({ threwCount: 2, retriedCount: 2, ackedCount: COUNT })
  })

  test('a call that emits a good value and then a bad one has emitted neither', async () => {
    const both = bolt({
      input: Item,
      output: Item,
      onError: 'skip',
      execute({ values: { id } }, out) {
        out.emit({ id, any: 'good' })
        if (id === BAD) out.emit({ id, any: cyclic() })
      },
    })
    const { topology, seen } = through(goodSource(), both)
    await using live = await Live.start(topology, mode)
    expect(await live.ended()).toBeNull()
    expect(ids(seen)).toEqual(others)
    expect(live.figures('2').skippedCount).toBe(1)
  })

  test('a keyed bolt whose emit is refused has written no state', async () => {
    const counting = keyedBolt({
      input: Item,
      key: 'id',
      output: Item,
      state: { n: valueState<number>({ initial: () => 0 }) },
      onError: retried,
      execute({ values: { id } }, out, { n }) {
        n.set(n.get() + 1)
        // The second try is a good one: what the first has counted must be gone.
        tries += id === BAD ? 1 : 0
        out.emit({ id, any: id === BAD && tries === 1 ? cyclic() : n.get() })
      },
    })
    let tries = 0
    const seen: Item[] = []
    const end = bolt({ input: Item, execute: ({ values }) => void seen.push(values as Item) })
    const topology = defineTopology({
      name: 'keyed',
      build(builder) {
        const one = builder.setSpout('1', goodSource())
        builder.setBolt('3', end).shuffleGrouping(builder.setBolt('2', counting).fieldsGrouping(one, 'id'))
      },
    })
    await using live = await Live.start(topology, mode)
    expect(await live.ended()).toBeNull()
    expect(ids(seen)).toEqual(Array.from({ length: COUNT }, (_, id) => id))
    expect(seen.find(({ id }) => id === BAD)?.any).toBe(1)
  })
})

describe('by reference within a worker', () => {
  test('nothing is encoded, so what could not be sent is handed over as it is', async () => {
    const point = new Point()
    const loop = cyclic()
    const items = [point, loop, () => 1, Symbol('s')].map((any, id) => ({ id, any }))
    const { topology, seen } = through(
      spoutFrom(Item, () => items),
      pass,
    )
    await using live = await Live.start(topology, { workers: 1 })
    expect(await live.ended()).toBeNull()
    expect(seen.every(({ id, any }) => any === items[id]?.any)).toBe(true)
    expect(seen).toHaveLength(4)
  })
})
