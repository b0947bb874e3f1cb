import { expect, test } from 'vitest'
import { sha1 } from './sha1.ts'
import { digestId, storedAcl } from './tree-acl.ts'

function hexOf(text: string): string {
  return [...sha1(new TextEncoder().encode(text))].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}

test('gives what the standard says, at every length of the last block', () => {
  expect(hexOf('')).toBe('da39a3ee5e6b4b0d3255bfef95601890afd80709')
  expect(hexOf('abc')).toBe('a9993e364706816aba3e25717850c26c9cd0d89d')
  expect(hexOf('abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq')).toBe(
    '84983e441c3bd26ebaae4aa1f95129e5e54670f1',
  )
  expect(hexOf('a'.repeat(1_000))).toBe('291e9a6c66994949b57ba5e650361e98fc36b1ba')
})

test('credentials become the digest that a server makes of them', () => {
  // What the real server's own generator gives for super:test.
  expect(digestId('super', 'test')).toBe('super:D/InIHSb7yEEbrWz8b9l71RjZJU=')
})

test('a list for oneself is stored for all that one is, and cannot be for nobody', () => {
  const own = [{ scheme: 'auth', id: '', permissions: ['read'] }] as const
  expect(storedAcl(own, ['u:x', 'v:y'])?.map((entry) => entry.id)).toEqual(['u:x', 'v:y'])
  expect(storedAcl(own, [])).toBeUndefined()
  expect(storedAcl([], ['u:x'])).toBeUndefined()
})
