import fc from 'fast-check'
import { expect, test } from 'vitest'
import { part, partText } from './paths.ts'

test('any name is one part of a path, and comes back', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (name) => {
      // Half of a surrogate pair has no UTF-8; names with one are refused at submit.
      fc.pre(!/\p{Surrogate}/u.test(name))
      const found = part(name)
      expect(found).not.toMatch(/^\.{0,2}$|[/\0]/)
      expect(partText(found)).toBe(name)
    }),
  )
})
