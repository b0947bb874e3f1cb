/** Each grouping's rule, on targets that only know their number and load. */
import { describe, expect, test } from 'vitest'
import { bucketOf, hashKey, hashText } from '../../base/hash.ts'
import { SeededRandom } from '../../base/random.ts'
import type { EngineTuple } from '../executor/tuple.ts'
import { ConsistentHashRoute, FieldsRoute, PartialKeyRoute } from './by-key.ts'
import { compileField, compileHasFields } from './field-access.ts'
import { AllRoute, CustomRoute, DirectRoute, GlobalRoute } from './fixed.ts'
import { ForwardRoute } from './forward.ts'
import { compileKeyReader } from './key-reader.ts'
import { RangeRoute, RangeSample } from './range.ts'
import { MANY } from './route.ts'
import { RandomRoute, ShuffleRoute } from './shuffle.ts'
import { Target } from './target.ts'

/**
 * Targets from task 11 on. `loads[i]` may change later; `locals` run here, the others behind a link, on
 * loops as `busy`.
 */
function targetsOf(
  count: number,
  loads: number[] = [],
  locals: readonly number[] = [],
  busy: Array<number | undefined> = [],
): Target[] {
  return Array.from({ length: count }, (_, index) => {
    const load = () => loads[index] ?? 0
    const receiver = { offer: () => undefined, load }
    const link = {
      send: () => undefined,
      sendEdges: () => undefined,
      sendMessage: () => undefined,
      loadOf: load,
      get busyShare() {
        return busy[index]
      },
      flush: () => undefined,
    }
    return new Target(11 + index, locals.includes(index) ? { receiver } : { link }, false, true)
  })
}

function shares(route: { choose(values: object): number }, count: number, rounds: number): number[] {
  const counts = new Array<number>(count).fill(0)
  for (let n = 0; n < rounds; n += 1) {
    const chosen = route.choose({ k: n })
    counts[chosen] = (counts[chosen] ?? 0) + 1
  }
  return counts
}

const random = () => new SeededRandom(3)
const plain = { isLoadAware: false, local: undefined, random: random() }

describe('shuffle', () => {
  test('every round reaches every task once, whatever the number of tasks', () => {
    for (let count = 1; count <= 7; count += 1) {
      const route = new ShuffleRoute('r', targetsOf(count), plain)
      for (let round = 0; round < 20; round += 1) {
        expect(shares(route, count, count)).toEqual(new Array<number>(count).fill(1))
      }
    }
  })

  test('a loaded task loses ten of its weight a refresh down to nothing, and wins back one', () => {
    const loads = [0, 0, 0.9]
    const route = new ShuffleRoute('r', targetsOf(3, loads), { ...plain, isLoadAware: true })
    route.refresh()
    // Weights 100, 100, 90 on a ring of a thousand places.
    const [first = 0, , last = 0] = shares(route, 3, 1_000)
    expect(Math.abs(first - 345)).toBeLessThan(5)
    expect(Math.abs(last - 310)).toBeLessThan(5)
    for (let n = 0; n < 9; n += 1) route.refresh()
    expect(shares(route, 3, 1_000)[2]).toBe(0)
    loads[2] = 0
    route.refresh()
    expect(shares(route, 3, 1_000)[2]).toBeGreaterThan(0)
    expect(shares(route, 3, 1_000)[2]).toBeLessThan(10)
    for (let n = 0; n < 100; n += 1) route.refresh()
    expect(shares(route, 3, 300)).toEqual([100, 100, 100])
  })

  test('loads that differ by no more than a twentieth make no difference', () => {
    const route = new ShuffleRoute('r', targetsOf(2, [0.1, 0.15]), { ...plain, isLoadAware: true })
    for (let n = 0; n < 20; n += 1) route.refresh()
    expect(shares(route, 2, 100)).toEqual([50, 50])
  })

  test('local first: only tasks here until they are too full, and again when they are nearly empty', () => {
    const loads = [0, 0, 0, 0]
    const local = { higher: 0.8, lower: 0.2, busyShare: () => undefined }
    const route = new ShuffleRoute('r', targetsOf(4, loads, [1, 2]), { ...plain, local })
    expect(shares(route, 4, 100)).toEqual([0, 50, 50, 0])
    loads[1] = 0.8
    loads[2] = 0.8
    route.refresh()
    expect(shares(route, 4, 100)).toEqual([0, 50, 50, 0])
    loads[2] = 0.9
    route.refresh()
    expect(shares(route, 4, 100)).toEqual([25, 25, 25, 25])
    loads[1] = 0.2
    loads[2] = 0.2
    route.refresh()
    expect(shares(route, 4, 100)).toEqual([25, 25, 25, 25])
    loads[1] = 0.1
    route.refresh()
    expect(shares(route, 4, 100)).toEqual([0, 50, 50, 0])
  })

  test('local first: a loop that is full sends to one that has time to spare, and to no other', () => {
    const busy: Array<number | undefined> = [0.3, undefined, undefined, 0.3]
    let busyHere: number | undefined
    const local = { higher: 0.8, lower: 0.2, busyShare: () => busyHere }
    const targets = targetsOf(4, [0, 0, 0, 0], [1], busy)
    const route = new ShuffleRoute('r', targets, { ...plain, isLoadAware: true, local })
    route.refresh()
    expect(shares(route, 4, 100)).toEqual([0, 100, 0, 0])
    busyHere = 0.8
    route.refresh()
    expect(shares(route, 4, 100)).toEqual([0, 100, 0, 0])
    busyHere = 1
    for (let n = 0; n < 10; n += 1) route.refresh()
    // What does not say how busy it is counts as full, and so does this loop beside those that are not.
    expect(shares(route, 4, 1_000)).toEqual([500, 0, 0, 500])
    // They have got enough: with the price of the way they are as loaded as we are.
    busy[0] = 0.9
    busy[3] = 0.9
    for (let n = 0; n < 50; n += 1) route.refresh()
    const [first = 0, here = 0, , last = 0] = shares(route, 4, 1_000)
    expect([first > 300, here > 100, last > 300]).toEqual([true, true, true])
    busyHere = 0.1
    route.refresh()
    expect(shares(route, 4, 100)).toEqual([0, 100, 0, 0])
  })

  test('local first: a task here that is empty is no reason to leave', () => {
    const local = { higher: 0.8, lower: 0.2, busyShare: () => 0.1 }
    const targets = targetsOf(7, [0, 1, 1, 1, 1, 1], [0, 1, 2, 3, 4, 5], [0, 0, 0, 0, 0, 0, 1])
    const route = new ShuffleRoute('r', targets, { ...plain, local, isLoadAware: true })
    route.refresh()
    expect(shares(route, 7, 700)[6]).toBe(0)
  })

  test('local first: where all loops are full nothing leaves, whatever left before', () => {
    const busy = [1, undefined]
    const local = { higher: 0.8, lower: 0.2, busyShare: () => 1 }
    const route = new ShuffleRoute('r', targetsOf(2, [0, 0], [1], busy), {
      ...plain,
      isLoadAware: true,
      local,
    })
    for (let n = 0; n < 5; n += 1) route.refresh()
    expect(shares(route, 2, 100)).toEqual([0, 100])
    busy[0] = 0
    route.refresh()
    expect(shares(route, 2, 100)[0]).toBeGreaterThan(40)
    busy[0] = 1
    for (let n = 0; n < 15; n += 1) route.refresh()
    expect(shares(route, 2, 100)).toEqual([0, 100])
  })

  test('local first without a task here is a shuffle over all', () => {
    const route = new ShuffleRoute('r', targetsOf(2), {
      ...plain,
      local: { higher: 0.8, lower: 0.2, busyShare: () => 1 },
    })
    expect(shares(route, 2, 100)).toEqual([50, 50])
  })
})

test('random reaches all tasks about evenly', () => {
  for (const share of shares(new RandomRoute('r', targetsOf(4), random()), 4, 40_000)) {
    expect(Math.abs(share - 10_000)).toBeLessThan(500)
  }
})

describe('fields', () => {
  test('the task is the bucket of the hash of the value', () => {
    const route = new FieldsRoute('r', targetsOf(5), ['word'])
    for (const word of ['', 'a', 'storm', 'straße', '日本']) {
      expect(route.choose({ word })).toBe(bucketOf(hashText(word), 5))
    }
    for (const word of [0, -0, 1.5, -7, 2n ** 70n, true, null]) {
      expect(route.choose({ word })).toBe(bucketOf(hashKey(word), 5))
    }
  })

  test('these keys have these tasks in every version: state is placed by them', () => {
    const route = new FieldsRoute('r', targetsOf(8), ['k'])
    const chosen = ['apple', 'pear', 'fig', 1, 2, 3, true, 10n].map((k) => route.choose({ k }))
    expect(chosen).toMatchInlineSnapshot(`
      [
        0,
        5,
        3,
        7,
        2,
        3,
        3,
        4,
      ]
    `)
    const two = new FieldsRoute('r', targetsOf(8), ['a', 'b'])
    expect([
      two.choose({ a: 'x', b: 1 }),
      two.choose({ a: 'x', b: 2 }),
      two.choose({ a: 'y', b: 1 }),
    ]).toMatchInlineSnapshot(`
      [
        0,
        7,
        7,
      ]
    `)
  })

  test('the same number as integer, float and minus zero has the same task', () => {
    const route = new FieldsRoute('r', targetsOf(1_000), ['k'])
    expect(route.choose({ k: -0 })).toBe(route.choose({ k: 0 }))
    expect(route.choose({ k: 3 })).toBe(route.choose({ k: 3.0 }))
    expect(route.choose({ k: Number.NaN })).toBe(route.choose({ k: Number.NaN }))
  })

  test('a value that is no key is refused with its code', () => {
    const route = new FieldsRoute('r', targetsOf(2), ['k'])
    for (const k of [{}, () => 1, Symbol('x')]) {
      expect(() => route.choose({ k })).toThrow(expect.objectContaining({ code: 'VALUE_NOT_ENCODABLE' }))
    }
  })
})

describe('partial key', () => {
  test('a key goes to two tasks at most, evenly where nothing else was sent', () => {
    const route = new PartialKeyRoute('r', targetsOf(6), ['k'])
    for (const k of ['a', 'b', 'c', 'd']) {
      const counts = new Map<number, number>()
      for (let n = 0; n < 1_000; n += 1) {
        const chosen = route.choose({ k })
        counts.set(chosen, (counts.get(chosen) ?? 0) + 1)
      }
      expect(counts.size).toBeLessThan(3)
    }
    const alone = new PartialKeyRoute('r', targetsOf(6), ['k'])
    const counts = shares({ choose: () => alone.choose({ k: 'hot' }) }, 6, 1_000).filter((count) => count > 0)
    expect(counts).toEqual([500, 500])
  })

  test('with one task it is that one', () => {
    expect(new PartialKeyRoute('r', targetsOf(1), ['k']).choose({ k: 'a' })).toBe(0)
  })
})

describe('consistent hash', () => {
  const keys = Array.from({ length: 10_000 }, (_, n) => ({ k: `key ${n}` }))

  test('one task more moves about its share of the keys, and all of them to it', () => {
    const before = new ConsistentHashRoute('r', targetsOf(9), ['k'])
    const after = new ConsistentHashRoute('r', targetsOf(10), ['k'])
    const moved = keys.filter((key) => before.choose(key) !== after.choose(key))
    expect(moved.length).toBeGreaterThan(600)
    expect(moved.length).toBeLessThan(1_400)
    expect(moved.every((key) => after.choose(key) === 9)).toBe(true)
  })

  test('no task gets more than half again its share', () => {
    const route = new ConsistentHashRoute('r', targetsOf(10), ['k'])
    const counts = new Array<number>(10).fill(0)
    for (const key of keys) counts[route.choose(key)] = (counts[route.choose(key)] ?? 0) + 1
    expect(Math.max(...counts)).toBeLessThan(1_500)
    expect(Math.min(...counts)).toBeGreaterThan(500)
  })
})

describe('range', () => {
  test('a value at a boundary belongs to the range above it', () => {
    const route = new RangeRoute('r', targetsOf(3), 'k', new RangeSample(3, { boundaries: [10, 20] }))
    expect([-5, 9.9, 10, 19, 20, 1e9].map((k) => route.choose({ k }))).toEqual([0, 0, 1, 1, 2, 2])
    const words = new RangeRoute('r', targetsOf(2), 'k', new RangeSample(2, { boundaries: ['m'] }))
    expect(['a', 'lz', 'm', 'z'].map((k) => words.choose({ k }))).toEqual([0, 0, 1, 1])
  })

  test('boundaries are learnt from a sample, by its quantiles, shared by the senders of a worker', () => {
    const sample = new RangeSample(4, { sampleCount: 100 })
    const [a, b] = [1, 2].map(() => new RangeRoute('r', targetsOf(4), 'k', sample))
    const value = new SeededRandom(5)
    for (let n = 0; n < 50; n += 1) {
      a?.choose({ k: n * 2 })
      b?.choose({ k: 99 - n * 2 })
      value.next()
    }
    expect(sample.boundaries).toEqual([25, 50, 75])
    expect([0, 24, 25, 60, 80].map((k) => a?.choose({ k }))).toEqual([0, 0, 1, 2, 3])
  })

  test('until then the hash decides', () => {
    const route = new RangeRoute('r', targetsOf(4), 'k', new RangeSample(4, { sampleCount: 100 }))
    expect(route.choose({ k: 'x' })).toBe(bucketOf(hashText('x'), 4))
  })

  test('fewer boundaries than ranges leave the last tasks empty, more do not go beyond them', () => {
    const few = new RangeRoute('r', targetsOf(4), 'k', new RangeSample(4, { boundaries: [1] }))
    expect([0, 1, 9].map((k) => few.choose({ k }))).toEqual([0, 1, 1])
    const many = new RangeRoute('r', targetsOf(2), 'k', new RangeSample(2, { boundaries: [1, 2, 3] }))
    expect([0, 1, 9].map((k) => many.choose({ k }))).toEqual([0, 1, 1])
  })
})

describe('those that do not look at values', () => {
  test("global is the lowest task, forward the sender's own, all is everybody", () => {
    expect(new GlobalRoute('r', targetsOf(3)).choose()).toBe(0)
    expect(new ForwardRoute('r', targetsOf(3), 2).choose()).toBe(2)
    const all = new AllRoute('r', targetsOf(3))
    expect(all.choose()).toBe(MANY)
    expect(all.many.map((target) => target.task)).toEqual([11, 12, 13])
  })

  test('direct reaches nobody by itself, and knows its tasks', () => {
    const route = new DirectRoute('r', targetsOf(2))
    expect([route.choose(), route.many]).toEqual([MANY, []])
    expect([route.targetOf(12)?.task, route.targetOf(13)]).toEqual([12, undefined])
  })

  test('custom takes one task or several, and refuses what is none of them', () => {
    let answer: unknown = 12
    const route = new CustomRoute('r', targetsOf(3), () => answer as number)
    expect(route.choose({})).toBe(1)
    answer = [13, 11, 13]
    expect(route.choose({})).toBe(MANY)
    expect(route.many.map((target) => target.task)).toEqual([13, 11, 13])
    answer = []
    expect([route.choose({}), route.many]).toEqual([MANY, []])
    for (const bad of [1, [11, 99], undefined, 'eleven', null, Number.NaN]) {
      answer = bad
      expect(() => route.choose({})).toThrow(expect.objectContaining({ code: 'TASK_UNKNOWN' }))
    }
  })
})

describe('access to fields', () => {
  test('names with quotes, line ends and of built-in members are read as they are', () => {
    for (const name of ['a"b', "it's", 'a\nb', '\u2028', '__proto__', 'constructor', ']; throw 1; [']) {
      const values = Object.fromEntries([[name, 5]])
      Object.defineProperty(values, name, { value: 5, enumerable: true })
      expect(compileField(name)(values)).toBe(5)
      expect(compileHasFields([name])(values)).toBe(true)
    }
    expect(compileHasFields(['a', 'b'])({ a: null, b: 0 })).toBe(true)
    expect(compileHasFields(['a', 'b'])({ a: 1 })).toBe(false)
    expect(compileHasFields([])({})).toBe(true)
  })

  test('the order key is the value of one field, the text of several, and one without fields', () => {
    const read = compileKeyReader(
      new Map([
        [0, ['a']],
        [1, ['a', 'b']],
      ]),
    )
    const keyOf = (number: number, values: object) =>
      read({ stream: { number }, values } as unknown as EngineTuple)
    expect(keyOf(0, { a: 'x' })).toBe('x')
    expect(keyOf(0, { a: 5n })).toBe(5n)
    expect(keyOf(1, { a: 1, b: '1' })).not.toBe(keyOf(1, { a: '1', b: 1 }))
    expect(keyOf(1, { a: 1, b: 2 })).toBe(keyOf(1, { a: 1, b: 2 }))
    expect(keyOf(0, { a: [1, 'x'] })).toBe(keyOf(0, { a: [1, 'x'] }))
    expect(keyOf(7, { a: 1 })).toBeUndefined()
  })
})
