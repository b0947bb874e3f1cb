// Goal: any encodable value comes back the same by Object.is down to the leaves; all else is refused by its
// path; bytes that are damaged end in a typed error and never touch a prototype.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isSame } from '../../test/fixtures/wire/is-same.ts'
import { hasCode, StreamError } from '../base/errors.ts'
import { ByteReader } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'
import { readValue } from './value-reader.ts'
import { ValueWriter } from './value-writer.ts'

const values = new ValueWriter()

function encoded(value: unknown): Uint8Array {
  const writer = new ByteWriter(8)
  values.write(writer, value, 'words.any')
  return writer.copy()
}

function roundTrip(value: unknown): unknown {
  const reader = new ByteReader().open(encoded(value))
  const back = readValue(reader)
  reader.finish()
  return back
}

function refusal(value: unknown): StreamError {
  const writer = new ByteWriter(8)
  writer.byte(1)
  try {
    values.write(writer, value, 'words.any')
  } catch (error) {
    expect(writer.position, 'nothing half-written').toBe(1)
    if (error instanceof StreamError) return error
  }
  throw new Error('it was not refused')
}

function nest(levels: number): unknown {
  let value: unknown = 'core'
  for (let level = 0; level < levels; level++) value = level % 2 === 0 ? [value] : { inner: value }
  return value
}

const proto: unknown = JSON.parse(
  '{"__proto__": {"polluted": 1}, "constructor": {"prototype": {"x": 1}}, "toString": 1}',
)

describe('round trip', () => {
  const cases: Record<string, unknown> = {
    undefined: undefined,
    null: null,
    booleans: [true, false],
    'small ints': [0, 1, 126, 127, 128, -1],
    'minus zero': [-0, 0, { zero: -0 }],
    'numbers beyond ints': [0.5, 2 ** 53, -(2 ** 53), 1e300, Number.NaN, Infinity, -Infinity, 5e-324],
    'safe integers': [Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 2 ** 32],
    bigints: [0n, 1n, -1n, 2n ** 200n, -(2n ** 200n)],
    texts: ['', 'a', 'Grüße', '\uD800', '🚀', 'x'.repeat(5000)],
    bytes: [new Uint8Array(0), Uint8Array.of(0, 255), new Uint8Array(1000)],
    dates: [new Date(0), new Date(-1), new Date(8.64e15), new Date(Number.NaN)],
    'arrays with undefined': [undefined, null, undefined],
    maps: new Map<unknown, unknown>([
      ['a', 1],
      [{ k: 1 }, [2]],
      [Number.NaN, undefined],
      [undefined, new Map()],
    ]),
    sets: new Set<unknown>([1, 'a', undefined, null, new Set([1])]),
    'objects with undefined': { a: undefined, b: { c: undefined } },
    'objects with odd names': { '': 1, 'a b': 2, '1': 3, length: 4, '\u2028': 5, '\uD800': 6 },
    'a thenable of data': Object.fromEntries([['then', 1]]),
    'names that poison': proto,
    '300 levels': nest(300),
    '1,000 levels': nest(1000),
  }
  for (const [name, value] of Object.entries(cases)) {
    test(`keeps ${name}`, () => {
      const back = roundTrip(value)
      expect(isSame(back, value)).toBe(true)
    })
  }
  test('keeps an object without a prototype without one', () => {
    const bare = Object.assign(Object.create(null), { a: 1 })
    expect(Object.getPrototypeOf(roundTrip(bare))).toBe(null)
  })
  test('keeps __proto__ as a name and pollutes nothing', () => {
    const back = Object(roundTrip(proto))
    expect(Object.keys(back)).toEqual(['__proto__', 'constructor', 'toString'])
    expect(Object.getPrototypeOf(back)).toBe(Object.prototype)
    expect(Object('x').polluted).toBe(undefined)
    expect(back.polluted).toBe(undefined)
  })
  test('keeps the order of names, maps and sets', () => {
    expect(Object.keys(Object(roundTrip({ z: 1, a: 2, m: 3 })))).toEqual(['z', 'a', 'm'])
    expect([
      ...Object(
        roundTrip(
          new Map([
            ['z', 1],
            ['a', 2],
          ]),
        ),
      ).keys(),
    ]).toEqual(['z', 'a'])
  })
  test('makes a Uint8Array of a subclass and a plain object of a class without methods', () => {
    class Pool extends Uint8Array {}
    class Point {
      x = 1
    }
    expect(roundTrip(Pool.of(1, 2))).toStrictEqual(Uint8Array.of(1, 2))
    expect(roundTrip(new Point())).toStrictEqual({ x: 1 })
  })
  test('keeps what is shared, as two copies', () => {
    const shared = { a: 1 }
    expect(roundTrip([shared, shared])).toStrictEqual([{ a: 1 }, { a: 1 }])
  })
  test('keeps anything fast-check can think of', () => {
    const anything = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withNullPrototype: true,
      withUnicodeString: true,
    })
    fc.assert(
      fc.property(anything, (value) => isSame(roundTrip(value), value)),
      { numRuns: 500 },
    )
  })
})

describe('refusal', () => {
  class Account {
    balance = 1
    pay(): void {
      this.balance = 0
    }
  }
  class Special extends Account {}
  const cyclic: Record<string, unknown> = { a: [1] }
  cyclic['a'] = [{ back: cyclic }]
  const cases: Record<string, [unknown, string]> = {
    'a function': [{ order: { items: [1, () => 1] } }, 'words.any.order.items[1]'],
    'a symbol': [[Symbol('x')], 'words.any[0]'],
    'a promise': [{ p: Promise.resolve(1) }, 'words.any.p'],
    'an object with methods': [{ account: new Account() }, 'words.any.account'],
    'an object with methods of a base class': [new Special(), 'words.any'],
    'a regular expression': [/x/, 'words.any'],
    'an error': [new Error('x'), 'words.any'],
    'a weak map': [new WeakMap(), 'words.any'],
    'another typed array': [new Float64Array(1), 'words.any'],
    'an array buffer': [new ArrayBuffer(1), 'words.any'],
    'a boxed text': [Object('x'), 'words.any'],
    'a map with a function': [new Map([['k', () => 1]]), 'words.any.k'],
    'a set with a symbol': [new Set([1, Symbol('x')]), 'words.any[1]'],
    'an array with a hole': [new Array(2), 'words.any[0]'],
    'a symbol as a name': [{ o: { [Symbol('x')]: 1 } }, 'words.any.o'],
    '1,001 levels': [nest(1001), 'words.any'],
  }
  for (const [name, [value, path]] of Object.entries(cases)) {
    test(`names the path to ${name}`, () => {
      const error = refusal(value)
      expect(error.code).toBe('VALUE_NOT_ENCODABLE')
      if (name !== '1,001 levels') expect(error.details['path']).toBe(path)
    })
  }
  test('of a cycle comes soon, however wide it is', () => {
    const wide: unknown[] = Array.from({ length: 2000 }, (_, i) => i)
    wide.push(wide)
    expect(refusal(wide).message).toContain('cycle')
    expect(refusal(cyclic).message).toContain('cycle')
  })
  test('passes on what a getter throws and leaves nothing', () => {
    const writer = new ByteWriter(8)
    const value = {
      get boom(): never {
        throw new TypeError('mine')
      },
    }
    expect(() => values.write(writer, value, 'x')).toThrow('mine')
    expect(writer.position).toBe(0)
  })
  test('of a nest that fans out without end comes at the size limit', () => {
    let value: unknown = 'leaf'
    for (let level = 0; level < 60; level++) value = [value, value]
    const writer = new ByteWriter(64, 100_000)
    expect(() => values.write(writer, value, 'x')).toThrow(
      expect.objectContaining({ code: 'TUPLE_TOO_LARGE' }),
    )
    expect(writer.position).toBe(0)
  })
})

describe('damaged bytes', () => {
  const sample = encoded({
    a: [1, -5, 0.5, 2n ** 70n, 'text', 'Grüße', '\uD800', undefined, null, true],
    m: new Map([['k', new Set([new Date(5)])]]),
    b: Uint8Array.of(1, 2, 3),
    __proto__: null,
  })

  function outcome(bytes: Uint8Array): 'value' | 'malformed' {
    try {
      const reader = new ByteReader().open(bytes)
      readValue(reader)
      reader.finish()
      return 'value'
    } catch (error) {
      if (hasCode(error, 'FRAME_MALFORMED')) return 'malformed'
      throw error
    }
  }

  test('cut anywhere are malformed', () => {
    for (let length = 0; length < sample.length; length++)
      expect(outcome(sample.slice(0, length))).toBe('malformed')
    expect(outcome(sample)).toBe('value')
  })
  test('with any bit turned are a value or malformed', () => {
    const seen = new Set<string>()
    for (let bit = 0; bit < sample.length * 8; bit++) {
      const bytes = sample.slice()
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      seen.add(outcome(bytes))
    }
    expect(seen).toEqual(new Set(['value', 'malformed']))
  })
  test('at random are a value or malformed', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        outcome(bytes)
      }),
      { numRuns: 3000 },
    )
    expect(Object.keys(Object.prototype)).toEqual([])
  })
  test('that announce much reserve nothing', () => {
    // 1,000 nested arrays, each said to have as many elements as bytes are left.
    const bytes = new Uint8Array(40_000)
    for (let at = 0; at + 4 <= bytes.length; at += 4)
      bytes.set([0x8a, 0x80 | (30_000 & 127), 0x80 | ((30_000 >> 7) & 127), 1], at)
    expect(outcome(bytes)).toBe('malformed')
    expect(outcome(Uint8Array.of(0x8a, 255, 255, 255, 255, 15))).toBe('malformed')
    expect(outcome(Uint8Array.of(0x88, 255, 255, 255, 255, 15))).toBe('malformed')
  })
  test('nested deeper than allowed are malformed and do not overflow the stack', () => {
    const bytes = new Uint8Array(20_000).fill(1)
    for (let at = 0; at < bytes.length; at += 2) bytes[at] = 0x8a
    expect(outcome(bytes)).toBe('malformed')
  })
})
