import { expect, test } from 'vitest'
import { GENERATIONS_MAX, generationOf, incarnationOf, RESTARTS_MAX, restartOf } from './incarnation.ts'

test('a move beats every restart before it, and both can be read again', () => {
  expect(incarnationOf(2, 0)).toBeGreaterThan(incarnationOf(1, RESTARTS_MAX))
  const incarnation = incarnationOf(7, 12)
  expect([generationOf(incarnation), restartOf(incarnation)]).toEqual([7, 12])
})

test('the greatest fits what the wire has room for', () => {
  expect(incarnationOf(GENERATIONS_MAX, RESTARTS_MAX)).toBeLessThanOrEqual(0xffff_ffff)
})
