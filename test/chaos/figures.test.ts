// Goal: the checker itself. A lost, a repeated and an invented word are each told, and times are those drawn
// in figures.ts.
import { describe, expect, test } from 'vitest'
import { effectOf, lastLinesOf, quantilesOf, verdictOf } from './figures.ts'
import { numberOf } from './workload.ts'

const emission = { startMs: 1_000, linesPerSecond: 10, lastLines: [2, 3], wordCountOf: () => 2 }
const all = [0, 1, 2, 3].flatMap((line) => [0, 1].map((place) => numberOf(line, place)))
const sights = all.map((number) => ({ number, atMs: 1_500 }))

describe('verdict', () => {
  test('everything once: nothing to say', () => {
    expect(verdictOf(sights, emission)).toEqual({ emitted: 8, lost: [], duplicated: 0, invented: 0 })
  })

  test('a lost one is named', () => {
    expect(verdictOf(sights.slice(1), emission).lost).toEqual([numberOf(0, 0)])
  })

  test('a repeated one is counted, an invented one, too', () => {
    const more = [...sights, ...sights.slice(0, 2), { number: numberOf(9, 0), atMs: 1 }]
    expect(verdictOf(more, emission)).toMatchObject({ lost: [], duplicated: 2, invented: 1 })
  })
})

test('tasks are back with their last first tuple, data is whole with the last late word', () => {
  // Lines are due at 1000, 1100, 1200, 1300; the fault is at 1150, tasks are back at 1280.
  const firsts = [
    { component: 'count', task: 1, pid: 1, atMs: 1_005 },
    { component: 'count', task: 1, pid: 2, atMs: 1_250 },
    { component: 'split', task: 2, pid: 2, atMs: 1_280 },
  ]
  const seen = [
    { number: numberOf(0, 0), atMs: 1_010 },
    { number: numberOf(1, 0), atMs: 1_420 },
    { number: numberOf(2, 0), atMs: 1_300 },
    { number: numberOf(3, 0), atMs: 1_600 },
  ]
  expect(effectOf(1_150, 5_000, seen, firsts, emission)).toEqual({
    tasksBackMs: 130,
    dataWholeMs: 270,
    restartedTasks: 2,
  })
})

test('a partition that is behind is not asked for lines that it did not emit', () => {
  const some = sights.filter(({ number }) => number !== numberOf(3, 0) && number !== numberOf(3, 1))
  const lastLines = lastLinesOf(some, 2)
  expect(lastLines).toEqual([2, 1])
  expect(verdictOf(some, { ...emission, lastLines })).toMatchObject({ emitted: 6, lost: [] })
})

test('quantiles are by nearest rank', () => {
  const values = Array.from({ length: 20 }, (_, index) => index + 1)
  expect(quantilesOf(values)).toEqual({ p50: 10, p90: 18, p99: 20, max: 20 })
  expect(quantilesOf([])).toBeUndefined()
})
