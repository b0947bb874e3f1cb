// Goal: every primitive comes back as it went, in as many bytes as promised, and bytes that lie are refused.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hasCode } from '../base/errors.ts'
import { ByteReader } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'

function written(write: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter(4)
  write(writer)
  return writer.copy()
}

function back<T>(bytes: Uint8Array, read: (reader: ByteReader) => T): T {
  const reader = new ByteReader().open(bytes)
  const value = read(reader)
  reader.finish()
  return value
}

function refused(read: () => unknown): boolean {
  try {
    read()
    return false
  } catch (error) {
    return hasCode(error, 'FRAME_MALFORMED')
  }
}

const edges = [
  0,
  1,
  63,
  64,
  127,
  128,
  8191,
  8192,
  2 ** 27,
  2 ** 28,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32,
  2 ** 52,
  2 ** 53 - 1,
]

describe('int', () => {
  for (const edge of edges) {
    for (const value of [edge, edge - 1, -edge, -edge - 1].filter(Number.isSafeInteger)) {
      test(`keeps ${Object.is(value, -0) ? '-0' : value}`, () => {
        const bytes = written((w) => w.int(value))
        expect(
          Object.is(
            back(bytes, (r) => r.int()),
            value,
          ),
        ).toBe(true)
      })
    }
  }
  test('takes one byte from -64 to 63 and eight at most', () => {
    expect(written((w) => w.int(63)).length).toBe(1)
    expect(written((w) => w.int(-64)).length).toBe(1)
    expect(written((w) => w.int(64)).length).toBe(2)
    expect(written((w) => w.int(Number.MIN_SAFE_INTEGER)).length).toBe(8)
  })
  test('keeps any safe integer', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) =>
        Object.is(
          back(
            written((w) => w.int(value)),
            (r) => r.int(),
          ),
          value,
        ),
      ),
    )
  })
  test('of more than 53 bits is refused', () => {
    expect(refused(() => back(Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 127), (r) => r.int()))).toBe(
      true,
    )
    expect(refused(() => back(new Uint8Array(20).fill(255), (r) => r.int()))).toBe(true)
  })
})

describe('unsigned', () => {
  test('keeps every width', () => {
    for (const value of [0, 127, 128, 16383, 16384, 2 ** 21, 2 ** 28 - 1, 2 ** 28, 2 ** 31, 2 ** 32 - 1]) {
      expect(
        back(
          written((w) => w.unsigned(value)),
          (r) => r.unsigned(),
        ),
      ).toBe(value)
    }
  })
  test('of more than 32 bits is refused', () => {
    expect(refused(() => back(Uint8Array.of(255, 255, 255, 255, 31), (r) => r.unsigned()))).toBe(true)
    expect(refused(() => back(Uint8Array.of(255, 255, 255, 255, 255, 1), (r) => r.unsigned()))).toBe(true)
  })
})

describe('float', () => {
  test('keeps NaN, infinities, -0 and the smallest', () => {
    for (const value of [Number.NaN, Infinity, -Infinity, -0, 0, 5e-324, Number.MAX_VALUE, 0.1]) {
      expect(
        Object.is(
          back(
            written((w) => w.float(value)),
            (r) => r.float(),
          ),
          value,
        ),
      ).toBe(true)
    }
  })
})

describe('text', () => {
  const texts = {
    empty: '',
    ascii: 'word',
    'of 48 and 49 characters': `${'a'.repeat(48)}|${'b'.repeat(49)}`,
    latin: 'Grüße',
    wide: '日本語 🚀',
    'a byte order mark in front': '\uFEFFx',
    'a replacement character': 'a\uFFFDb',
    'a lone high surrogate': 'a\uD800',
    'a lone low surrogate': '\uDC00b',
    'surrogates the wrong way round': '\uDC00\uD800',
    'NUL and DEL': '\u0000\u007f\u0080',
  }
  for (const [name, text] of Object.entries(texts)) {
    for (const times of [1, 7, 60, 3000]) {
      test(`keeps ${name}, ${times} times over`, () => {
        const long = text.repeat(times)
        expect(
          back(
            written((w) => w.text(long)),
            (r) => r.text(),
          ),
        ).toBe(long)
      })
    }
  }
  test('keeps any UTF-16 at all, one after the other through one cache', () => {
    const reader = new ByteReader()
    const writer = new ByteWriter(4)
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: fc.nat(0xffff).map((c) => String.fromCharCode(c)) })),
        (texts16) => {
          writer.position = 0
          for (const text of texts16) writer.text(text)
          reader.open(writer.bytes, 0, writer.position)
          return texts16.every((text) => reader.text() === text)
        },
      ),
    )
  })
  test('survives the growth of the array at any moment', () => {
    for (const text of ['é', '🚀', 'ü'.repeat(70), '\uD800x']) {
      for (let sizeBytes = 1; sizeBytes < 300; sizeBytes++) {
        const writer = new ByteWriter(sizeBytes)
        writer.text('ab')
        writer.text(text)
        const reader = new ByteReader().open(writer.copy())
        expect(reader.text() + reader.text()).toBe(`ab${text}`)
      }
    }
  })
  test('asks for no more room than a long ASCII text needs', () => {
    const writer = new ByteWriter(16, 1100)
    writer.text('x'.repeat(1000))
    expect(writer.position).toBe(1002)
  })
  test('gives the very bytes of two texts that share a slot of the cache', () => {
    const reader = new ByteReader()
    const all = Array.from({ length: 30_000 }, (_, i) => i.toString(36))
    for (let round = 0; round < 2; round++) {
      for (const text of all) {
        const bytes = written((w) => w.text(text))
        expect(reader.open(bytes).text() === text).toBe(true)
      }
    }
  })
  test('that is no UTF-8, short or long, is refused', () => {
    for (const bad of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xe2, 0x82]]) {
      expect(refused(() => back(Uint8Array.of(bad.length + 1, ...bad), (r) => r.text()))).toBe(true)
      const long = [...new Array<number>(60).fill(97), ...bad]
      expect(refused(() => back(Uint8Array.of(long.length + 1, ...long), (r) => r.text()))).toBe(true)
    }
  })
  test('does not read beyond its end into what follows in the array', () => {
    const bytes = written((w) => w.text('secret'))
    expect(refused(() => new ByteReader().open(bytes, 0, 4).text())).toBe(true)
  })
})

describe('bigint', () => {
  const big = [
    0n,
    -1n,
    2n ** 63n - 1n,
    -(2n ** 63n),
    2n ** 63n,
    -(2n ** 63n) - 1n,
    2n ** 64n,
    10n ** 50n,
    -(7n ** 9999n),
  ]
  for (const value of big) {
    test(`keeps ${value.toString().slice(0, 24)} of ${value.toString().length} characters`, () => {
      expect(
        back(
          written((w) => w.bigint(value)),
          (r) => r.bigint(),
        ),
      ).toBe(value)
    })
  }
  test('keeps any', () => {
    fc.assert(
      fc.property(
        fc.bigInt(),
        (value) =>
          back(
            written((w) => w.bigint(value)),
            (r) => r.bigint(),
          ) === value,
      ),
    )
  })
  test('without digits is refused', () => {
    expect(refused(() => back(Uint8Array.of(1), (r) => r.bigint()))).toBe(true)
  })
})

describe('bytes', () => {
  test('come back as a copy of their own, also from a subclass', () => {
    class Pool extends Uint8Array {}
    const source = written((w) => w.blob(Pool.of(1, 2, 3)))
    const blob = back(source, (r) => r.blob())
    source.fill(9)
    expect(blob).toStrictEqual(Uint8Array.of(1, 2, 3))
    expect(blob.buffer.byteLength).toBe(3)
  })
})

describe('the writer', () => {
  test('refuses to grow beyond its limit', () => {
    const writer = new ByteWriter(4, 8)
    writer.float(1)
    expect(() => writer.byte(1)).toThrow(expect.objectContaining({ code: 'TUPLE_TOO_LARGE' }))
  })
  test('puts a length of any width in front', () => {
    for (const length of [0, 1, 127, 128, 16383, 16384, 70_000]) {
      const writer = new ByteWriter(4)
      writer.byte(0)
      for (let i = 0; i < length; i++) writer.byte(i & 255)
      writer.prefixLength(1)
      const blob = new ByteReader().open(writer.copy()).blob()
      expect(blob.length).toBe(length)
      expect(blob.every((byte, i) => byte === (i & 255))).toBe(true)
    }
  })
})
