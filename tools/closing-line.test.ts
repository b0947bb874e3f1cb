import { describe, expect, test } from 'vitest'
import { addTallies, closingLine } from './closing-line.ts'

describe('the closing line', () => {
  test('names passed and failed, and skipped only when there is one', () => {
    expect(closingLine({ passed: 3, failed: 0, skipped: 0 })).toBe('3 passed, 0 failed')
    expect(closingLine({ passed: 3, failed: 1, skipped: 2 })).toBe('3 passed, 1 failed, 2 skipped')
  })

  test('adds up', () => {
    const one = { passed: 1, failed: 2, skipped: 3 }
    expect(addTallies(one, one, one)).toEqual({ passed: 3, failed: 6, skipped: 9 })
  })
})
