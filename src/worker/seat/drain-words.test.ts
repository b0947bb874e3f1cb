// Goal: the first word of a drain leaves at once, others are bounded in rate and number, whatever happens.
import { expect, test } from 'vitest'
import { AGAIN_MS, AGAINS_MAX, DrainWords, NEWS_MAX } from './drain-words.ts'

/** Looks every 50 ms; times at which a heartbeat was due. */
function dueTimes(words: DrainWords, forMs: number, isQuietAt: (ms: number) => boolean): readonly number[] {
  const due: number[] = []
  for (let ms = 0; ms < forMs; ms += 50) {
    if (!words.isDue('drain', isQuietAt(ms), ms)) continue
    due.push(ms)
    words.said('drain', isQuietAt(ms), ms)
  }
  return due
}

test('the first words are due at once, also just after a heartbeat, and are said again after a while', () => {
  const words = new DrainWords()
  words.said('drain', false, 90)
  expect(dueTimes(words, 700, (ms) => ms >= 100 && ms !== 150)).toEqual([100, 150, 200, 450])
})

test('a worker that is quiet now and then says so four times a second at most', () => {
  const due = dueTimes(new DrainWords(), 5_000, (ms) => ms % 100 === 0).slice(NEWS_MAX - 1)
  expect(due.length).toBeGreaterThan(10)
  expect(due.every((ms, index) => index === 0 || ms - (due[index - 1] ?? 0) >= AGAIN_MS)).toBe(true)
})

test('a drain that does not end is left to the period, and the next one begins anew', () => {
  const words = new DrainWords()
  expect(dueTimes(words, 600_000, () => true)).toHaveLength(AGAINS_MAX + 1)
  words.said('active', false, 600_000)
  expect(words.isDue('drain', true, 600_001)).toBe(true)
})

test('of an active worker nothing is due, nor is not being quiet', () => {
  const words = new DrainWords()
  expect(words.isDue('active', true, 1_000)).toBe(false)
  for (const run of ['inactive', 'drain'] as const) expect(words.isDue(run, false, 1_000)).toBe(false)
})

test('an inactive worker says at once that it is quiet now, a few times, and nothing again', () => {
  const words = new DrainWords()
  words.said('active', false, 0)
  words.said('inactive', false, 10)
  expect(words.isDue('inactive', false, 15)).toBe(false)
  expect(words.isDue('inactive', true, 20)).toBe(true)
  words.said('inactive', true, 20)
  expect(words.isDue('inactive', true, 60_000)).toBe(false)
  expect(words.isDue('inactive', false, 60_000)).toBe(false)
  let dueCount = 1
  for (let round = 0; round < 20; round += 1) {
    words.said('inactive', false, 60_000)
    if (words.isDue('inactive', true, 60_000)) dueCount += 1
    words.said('inactive', true, 60_000)
  }
  expect(dueCount).toBe(NEWS_MAX)
  // Of a drain that follows, nothing was said yet.
  expect(words.isDue('drain', true, 60_001)).toBe(true)
})
