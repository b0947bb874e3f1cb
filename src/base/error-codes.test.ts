import { describe, expect, test } from 'vitest'
import { errorCode, errorCodeEntry, errorCodes, isErrorCode } from './error-codes.ts'

describe('the table of error codes', () => {
  test('numbers are unique and fit their range', () => {
    const numbers = errorCodes.map((facts) => facts.number)
    expect(new Set(numbers).size).toBe(numbers.length)
    for (const number of numbers) expect(number).toMatch(/^E[1-7]\d{3}$/)
    expect(numbers).toEqual([...numbers].sort())
  })

  test('codes never go away: each range holds at least what was published', () => {
    const counts = new Map<string, number>()
    for (const { number } of errorCodes) {
      const range = number.slice(0, 2)
      counts.set(range, (counts.get(range) ?? 0) + 1)
    }
    const published = { E1: 23, E2: 8, E3: 17, E4: 24, E5: 16, E6: 13, E7: 9 }
    for (const [range, count] of Object.entries(published))
      expect(counts.get(range)).toBeGreaterThanOrEqual(count)
  })

  test('meaning and action are sentences', () => {
    for (const { code, meaning, action } of errorCodes) {
      expect(code).toMatch(/^[A-Z]+(_[A-Z]+)*$/)
      expect(meaning, code).toMatch(/^.{10,}\.$/)
      expect(action, code).toMatch(/^.{10,}\.$/)
    }
  })

  test('only what is unavailable may be tried again', () => {
    for (const facts of errorCodes) expect(facts.retryable).toBe(facts.family === 'unavailable')
  })

  test.each(['UNKNOWN_FIELD', 'unknown-field', ' e1004 '])('%s is found', (name) => {
    expect(errorCode(name)).toMatchObject({ found: { code: 'UNKNOWN_FIELD', number: 'E1004' } })
  })

  test('a name that is not there gets the nearest one', () => {
    expect(errorCode('UNKOWN_FEILD')).toEqual({ found: undefined, suggestion: 'UNKNOWN_FIELD' })
    expect(errorCode('something else entirely')).toEqual({ found: undefined, suggestion: undefined })
    expect(errorCode('E1099').found).toBeUndefined()
  })

  test('what comes over the wire is tested before it is believed', () => {
    expect(isErrorCode('LINK_LOST')).toBe(true)
    expect(isErrorCode('toString')).toBe(false)
    expect(errorCodeEntry('LINK_LOST').family).toBe('unavailable')
  })
})
