// Goal: what is heard for the first time is told from what is said again, and that has a bound.
import { expect, test } from 'vitest'
import type { SeatBeat } from '../cluster/seat-messages.ts'
import { AGAINS_MAX, HeardWord, NEWS_MAX } from './slot-words.ts'

function word(run: SeatBeat['run'], isQuiet: boolean, components = 1): SeatBeat {
  // Of a heartbeat only these are looked at.
  return { run, isQuiet, components: Array.from({ length: components }) } as unknown as SeatBeat
}

test('a run mode, the first changes of a drained worker and more components are news', () => {
  const heard = new HeardWord()
  const said = [word('active', false), word('active', false), word('drain', false), word('drain', true)]
  expect(said.map((each) => heard.take(each))).toEqual(['new', 'nothing', 'new', 'new'])
  expect(heard.take(word('drain', true, 2))).toBe('new')
  expect(heard.take(word('inactive', false, 2))).toBe('new')
})

test('of an active worker quietness is of no interest', () => {
  const heard = new HeardWord()
  heard.take(word('active', false))
  const kinds = [true, false, true].map((isQuiet) => heard.take(word('active', isQuiet)))
  expect(kinds).toEqual(['nothing', 'nothing', 'nothing'])
})

test('of an inactive worker it is news that it is quiet now, a few times', () => {
  const heard = new HeardWord()
  heard.take(word('inactive', false))
  const said = [true, true, false, true]
  expect(said.map((isQuiet) => heard.take(word('inactive', isQuiet)))).toEqual([
    'new',
    'nothing',
    'nothing',
    'new',
  ])
  const kinds = Array.from({ length: 100 }, (_, index) => heard.take(word('inactive', index % 2 === 1)))
  expect(kinds.filter((kind) => kind !== 'nothing')).toEqual(['new', 'new'])
  expect(NEWS_MAX).toBe(4)
})

test('a worker that is quiet now and then says little that is new, and that is bounded', () => {
  const heard = new HeardWord()
  heard.take(word('drain', true))
  const kinds = Array.from({ length: 1_000 }, (_, index) => heard.take(word('drain', index % 2 === 1)))
  expect(kinds.filter((kind) => kind === 'new')).toHaveLength(NEWS_MAX)
  expect(kinds.filter((kind) => kind === 'again')).toHaveLength(AGAINS_MAX)
  heard.take(word('active', false))
  expect([true, true, false].map((isQuiet) => heard.take(word('drain', isQuiet)))).toEqual([
    'new',
    'again',
    'new',
  ])
})
