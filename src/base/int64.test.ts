import { expect, test } from 'vitest'
import { bigintOf, hexOf, int64Of, keyText, parseHex, parseKeyText } from './int64.ts'

const words = [0, 1, -1, 0x7fffffff, -0x80000000, 0x12345678, -0x1234, 0xd800 << 16]
const ids = words.flatMap((hi) => words.map((lo) => ({ hi, lo })))

test('every id comes back from its hex text, its key and its integer', () => {
  for (const { hi, lo } of ids) {
    expect(parseHex(hexOf(hi, lo))).toEqual({ hi, lo })
    expect(parseKeyText(keyText(hi, lo))).toEqual({ hi, lo })
    expect(int64Of(bigintOf(hi, lo))).toEqual({ hi, lo })
  }
})

test('different ids have different keys', () => {
  expect(new Set(ids.map(({ hi, lo }) => keyText(hi, lo))).size).toBe(ids.length)
})

test('the texts are the ones people know', () => {
  expect(hexOf(1, -1)).toBe('00000001ffffffff')
  expect(bigintOf(-1, -2)).toBe(-2n)
  expect(parseHex('00000001FFFFFFFF')).toEqual({ hi: 1, lo: -1 })
  for (const bad of ['', '1', '00000001fffffffg', '00000001ffffffff0']) expect(parseHex(bad)).toBeUndefined()
})
