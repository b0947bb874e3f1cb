import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatRanges, parseRanges } from './executor-ranges.ts'

describe('executor ranges', () => {
  test('neighbours become a range', () => {
    expect(formatRanges([9, 2, 1, 3, 5, 4])).toBe('1-5,9')
    expect(formatRanges([7])).toBe('7')
    expect(formatRanges([])).toBe('')
  })

  test('whatever was written is read again', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 9_999 })), (numbers) => {
        expect(parseRanges(formatRanges(numbers))).toEqual([...numbers].sort((a, b) => a - b))
      }),
    )
  })

  test.each(['0', '3-1', '1,1', '5,4', '1-3,3', 'a', '1-', ',', '1 ,2', '-1'])(
    'what nobody writes is refused: %s',
    (text) => {
      expect(() => parseRanges(text)).toThrow(expect.objectContaining({ code: 'RECORD_MALFORMED' }))
    },
  )

  test('10,000 executors on even workers take few bytes', () => {
    const numbers = Array.from({ length: 2_500 }, (_, index) => 1 + index * 4)
    expect(formatRanges(numbers).length).toBeLessThan(16 * 1024)
  })
})
