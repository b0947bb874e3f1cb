// simulate.test.ts
import { mockSource, randomFaults, simulate } from 'typhoon/testing'
import { expect, test } from 'vitest'
import wordCount from './word-count.ts'

test('nothing is lost, whatever breaks, in twenty orders of events', async () => {
  const rows = Array.from({ length: 100 }, (_, n) => ({ sentence: `w${n % 5}` }))
  await simulate(wordCount, {
    sources: (h) => [mockSource(h.lines, rows, { rate: 100, partitions: 2 })],
    faults: [randomFaults({ every: '200ms' })],
    runs: 20,
    seed: 1,
    // What failed more often than maxReplays allows is among the dead letters.
    check: (run) => expect(run.acked + run.deadLetters.length).toBe(100),
  })
})
