// Goal: what the sink wrote is read on, whole lines only, and the first line with a missing word is known.
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { SightBook } from './sights.ts'
import { numberOf } from './workload.ts'

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sights-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

/** Lines of two words; the third has none. */
const wordCountOf = (line: number) => (line === 2 ? 0 : 2)
const text = (...words: readonly (readonly [line: number, place: number])[]) =>
  words.map(([line, place]) => `${numberOf(line, place)} 5\n`).join('')

test('the first open line is the oldest of which a word is missing, in whatever order they come', () => {
  const book = new SightBook(directory, wordCountOf)
  const write = (name: string, what: string) => appendFileSync(join(directory, name), what)
  expect(book.firstOpenLine()).toBe(0)
  write('seen-1-9.log', text([1, 0], [1, 1], [0, 1]))
  expect(book.firstOpenLine()).toBe(0)
  write('seen-2-9.log', text([0, 0]))
  // The line without words is not known to be read before the next of its partition is.
  expect(book.firstOpenLine()).toBe(2)
  write('seen-2-9.log', text([4, 0], [4, 1]))
  expect(book.firstOpenLine()).toBe(3)
})

test('what is half written is read when it is whole; other files are not read', () => {
  const book = new SightBook(directory, wordCountOf)
  const path = join(directory, 'seen-1-9.log')
  const whole = text([0, 0], [0, 1])
  appendFileSync(path, whole.slice(0, -4))
  appendFileSync(join(directory, 'first.log'), 'split 1 9 5\n')
  book.look()
  expect(book.all).toEqual([{ number: numberOf(0, 0), atMs: 5 }])
  appendFileSync(path, whole.slice(-4))
  book.look()
  expect(book.all).toEqual([0, 1].map((place) => ({ number: numberOf(0, place), atMs: 5 })))
})
