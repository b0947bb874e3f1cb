// Goal: who offends again is left apart for longer each time, up to a bound, and in the end it is forgiven.
import { expect, test } from 'vitest'
import type { RoundFacts } from '../facts.ts'
import { APART_MAX_MS, APART_MS, ApartBook, circumstances } from './apart-book.ts'

const same = (): string => 'same'

/** How long it is apart after an offence at that time. */
function apartMs(book: ApartBook, id: string, atMs: number): number {
  book.offended(id, 'a bug', atMs, 'same')
  let untilMs = atMs
  while (book.setApart(untilMs, same).has(id)) untilMs += 10_000
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
  book.setApart(first + APART_MAX_MS, same)
  expect(apartMs(book, 'a', first + APART_MAX_MS)).toBe(APART_MS)
  book.forget((id) => id !== 'a')
  expect(apartMs(book, 'a', 0)).toBe(APART_MS)
})

test('who is another by now is asked about at once, but what it did before is not forgotten', () => {
  const book = new ApartBook()
  book.offended('a', 'a bug', 0, 'same')
  expect([...book.setApart(1, same)]).toEqual([['a', 'a bug']])
  expect([...book.setApart(1, () => 'another')]).toEqual([])
  book.offended('a', 'a bug', 1, 'another')
  expect(book.setApart(1 + APART_MS, () => 'another').has('a')).toBe(true)
  expect(book.setApart(1 + 2 * APART_MS, () => 'another').has('a')).toBe(false)
})

test('another is who was changed, has lost a worker, or has other nodes before it', () => {
  const factsOf = (
    version: number,
    nodes: readonly string[],
    lost: readonly number[],
    dead: string[] = [],
  ) => {
    const supervisors = new Map(nodes.map((node) => [node, { node, ports: [1] }]))
    const view = { topologies: new Map([['a', { version }]]), supervisors, nodes: new Map() }
    const facts = { view, lostWorkers: new Map([['a', lost]]), deadNodes: new Set(dead) }
    // Of a round's facts only these are looked at.
    return circumstances(facts as unknown as RoundFacts)('a')
  }
  const before = factsOf(1, ['m', 'n'], [])
  expect(factsOf(1, ['n', 'm'], [])).toBe(before)
  for (const other of [
    factsOf(2, ['m', 'n'], []),
    factsOf(1, ['m'], []),
    factsOf(1, ['m', 'n'], [1]),
    factsOf(1, ['m', 'n'], [], ['m']),
  ])
    expect(other).not.toBe(before)
})
