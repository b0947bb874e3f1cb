// Goal: who offends again is left apart for longer each time, up to a bound, and in the end it is forgiven.
import { expect, test } from 'vitest'
import { APART_MAX_MS, APART_MS, ApartBook } from './apart-book.ts'

/** How long it is apart after an offence at that time. */
function apartMs(book: ApartBook, id: string, atMs: number): number {
  book.offended(id, 'a bug', atMs)
  let untilMs = atMs
  while (book.setApart(untilMs).has(id)) untilMs += 10_000
  return untilMs - atMs
}

test('each further offence doubles the time, up to a bound', () => {
  const book = new ApartBook()
  let nowMs = 0
  const times: number[] = []
  for (let offence = 0; offence < 8; offence += 1) {
    times.push(apartMs(book, 'a', nowMs))
    nowMs += times.at(-1) ?? 0
  }
  expect(times).toEqual([1, 2, 4, 8, 16, 30, 30, 30].map((minutes) => minutes * 60_000))
  expect(times[0]).toBe(APART_MS)
  // Of another one nothing is known.
  expect(apartMs(book, 'b', nowMs)).toBe(APART_MS)
})

test('who did not offend for long, or is gone, is taken for new', () => {
  const book = new ApartBook()
  const first = apartMs(book, 'a', 0)
  book.setApart(first + APART_MAX_MS)
  expect(apartMs(book, 'a', first + APART_MAX_MS)).toBe(APART_MS)
  book.forget((id) => id !== 'a')
  expect(apartMs(book, 'a', 0)).toBe(APART_MS)
})
