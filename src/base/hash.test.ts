// Method: published vectors of MurmurHash3 x86_32 with seed 0, and that the fast path for ASCII is the slow
// one.
import { describe, expect, test } from 'vitest'
import { hasCode } from './errors.ts'
import { bucketOf, hashAt, hashBytes, hashKey, hashNumber, hashText } from './hash.ts'
import { SeededRandom } from './random.ts'

const utf8 = (text: string) => new TextEncoder().encode(text)
const hex = (hash: number) => (hash >>> 0).toString(16).padStart(8, '0')

describe('hash of a text', () => {
  test.each([
    ['', '00000000'],
    ['test', 'ba6bd213'],
    ['Hello, world!', 'c0363e43'],
    ['The quick brown fox jumps over the lazy dog', '2e4ff723'],
    ['aaaa', hex(hashBytes(Uint8Array.of(97, 97, 97, 97)))],
  ])('%j is %s', (text, wanted) => expect(hex(hashText(text))).toBe(wanted))

  test.each([
    ['21 43 65 87', 'f55b516b'],
    ['21 43 65', '7e4a8634'],
    ['21 43', 'a0f7b07a'],
    ['21', '72661cf4'],
    ['ff ff ff ff', '76293b50'],
    ['00 00 00 00', '2362f9de'],
    ['00', '514e28b7'],
  ])('bytes %s are %s', (bytes, wanted) => {
    expect(hex(hashBytes(Uint8Array.from(bytes.split(' '), (byte) => Number.parseInt(byte, 16))))).toBe(
      wanted,
    )
  })

  test('is the hash of its UTF-8 bytes, whatever the letters and the length', () => {
    const random = new SeededRandom(1)
    const letters = ['a', 'z', '0', '\0', '\x7f', '\x80', 'é', '€', '𝄞', '\ud800', '\udc00']
    for (let round = 0; round < 2_000; round += 1) {
      const kinds = round % 2 === 0 ? 5 : letters.length
      const text = Array.from({ length: random.below(40) }, () => letters[random.below(kinds)]).join('')
      expect(hashText(text)).toBe(hashBytes(utf8(text)))
    }
    const long = 'ü'.repeat(5_000)
    expect(hashText(long)).toBe(hashBytes(utf8(long)))
  })
})

describe('hash of a key', () => {
  const float64 = (value: number) => {
    const bytes = new Uint8Array(8)
    new DataView(bytes.buffer).setFloat64(0, value, true)
    return bytes
  }

  test('a number is hashed by its eight bytes, little endian', () => {
    for (const value of [0, 1, -1, 0.1, 1e300, Number.MAX_SAFE_INTEGER, Number.POSITIVE_INFINITY]) {
      expect(hashNumber(value)).toBe(hashBytes(float64(value)))
      expect(hashKey(value)).toBe(hashNumber(value))
    }
    expect(hashKey(-0)).toBe(hashKey(0))
    expect(hashKey(Number.NaN)).toBe(hashBytes(float64(Number.NaN)))
    expect(hashKey(new Date(5))).toBe(hashKey(5))
  })

  test('a bigint is hashed by its 64 bits, a larger one by its text', () => {
    const bytes = new Uint8Array(8)
    for (const value of [0n, 1n, -1n, 2n ** 63n - 1n, -(2n ** 63n)]) {
      new DataView(bytes.buffer).setBigInt64(0, value, true)
      expect(hashKey(value)).toBe(hashBytes(bytes))
    }
    expect(hashKey(2n ** 63n)).toBe(hashText('8000000000000000'))
    expect(hashKey(2n ** 64n)).not.toBe(hashKey(0n))
  })

  test('the rest has hashes of its own', () => {
    expect([true, false, null].map((value) => hashKey(value))).toEqual(
      [1, 0, 2].map((byte) => hashBytes(Uint8Array.of(byte))),
    )
    expect(hashKey(undefined)).toBe(hashKey(null))
    expect(hashKey(Uint8Array.of(1, 2))).toBe(hashBytes(Uint8Array.of(1, 2)))
  })

  test('a list is the hash of its elements: order and borders count', () => {
    const list = new Uint8Array(8)
    new DataView(list.buffer).setInt32(0, hashKey('a'), true)
    new DataView(list.buffer).setInt32(4, hashKey(7), true)
    expect(hashKey(['a', 7])).toBe(hashBytes(list))
    expect(hashKey([7, 'a'])).not.toBe(hashKey(['a', 7]))
    expect(hashKey(['ab', 'c'])).not.toBe(hashKey(['a', 'bc']))
    expect(hashKey([])).not.toBe(hashKey([[]]))
  })

  test('values at positions are hashed as the key they make', () => {
    const values = ['a', 7, null, 'b']
    expect(hashAt(values, [0])).toBe(hashKey('a'))
    expect(hashAt(values, [3, 1])).toBe(hashKey(['b', 7]))
    expect(hashAt(values, [9])).toBe(hashKey(undefined))
  })

  test('what is no value is refused', () => {
    let deep: unknown = 1
    for (let depth = 0; depth < 50; depth += 1) deep = [deep]
    for (const bad of [{}, Symbol('x'), () => 1, new Map(), deep, [{}]]) {
      let thrown: unknown
      try {
        hashKey(bad)
      } catch (error) {
        thrown = error
      }
      expect(hasCode(thrown, 'VALUE_NOT_ENCODABLE')).toBe(true)
    }
  })

  test('keys spread evenly over buckets', () => {
    const counts = new Array<number>(128).fill(0)
    for (let i = 0; i < 128_000; i += 1) {
      const bucket = bucketOf(hashKey(`user-${i}`), 128)
      counts[bucket] = (counts[bucket] ?? 0) + 1
    }
    // Chi-square with 127 degrees of freedom: beyond 200 once in 30,000 for a fair hash.
    expect(counts.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0)).toBeLessThan(200)
  })
})
