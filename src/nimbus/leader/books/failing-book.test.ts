// Goal: what fails again and again is told once, and nobody counts on it until it goes well or is tried anew.
import { expect, test } from 'vitest'
import { FailingBook } from './failing-book.ts'

const refused = { code: 'COORDINATOR_REFUSED', family: 'usage' } as const
const conflict = { code: 'RECORD_CHANGED', family: 'conflict' } as const

test('a failure is told once, a conflict when it comes again', () => {
  const book = new FailingBook()
  expect([0, 1, 2].map((atMs) => book.failed('a', refused, atMs))).toEqual([true, false, false])
  expect([0, 1, 2].map((atMs) => book.failed('b', conflict, atMs))).toEqual([false, true, false])
  book.written('a')
  expect(book.failed('a', refused, 3)).toBe(true)
})

test('who fails three times in a row is not counted on, until it is written or not tried for a while', () => {
  const book = new FailingBook()
  for (const atMs of [0, 1_000]) book.failed('a', conflict, atMs)
  expect([...book.unwritable(1_000)]).toEqual([])
  for (const id of ['a', 'b', 'b', 'b']) book.failed(id, conflict, 2_000)
  expect([...book.unwritable(2_000)]).toEqual(['a', 'b'])
  book.written('a')
  expect([...book.unwritable(11_999)]).toEqual(['b'])
  expect([...book.unwritable(12_000)]).toEqual([])
  // One more, and it is doubted again.
  book.failed('b', conflict, 12_000)
  expect([...book.unwritable(12_000)]).toEqual(['b'])
})

test('those who are too large to change places stay apart, whatever else of them is written', () => {
  const book = new FailingBook()
  book.tooLarge(['a', 'b'], 600_000)
  book.written('a')
  expect([...book.unwritable(599_999)]).toEqual(['a', 'b'])
  book.forget((id) => id !== 'a')
  expect([...book.unwritable(0)]).toEqual(['b'])
  expect([...book.unwritable(600_000)]).toEqual([])
})
