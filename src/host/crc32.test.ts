import { expect, test } from 'vitest'
import { crc32 } from './crc32.ts'

test('gives the published checksums', () => {
  const of = (text: string) => crc32(new TextEncoder().encode(text))
  expect(of('')).toBe(0)
  expect(of('a')).toBe(0xe8b7be43)
  expect(of('123456789')).toBe(0xcbf43926)
})
