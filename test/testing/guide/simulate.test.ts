// simulate.test.ts
import { mockSource, randomFaults, simulate } from 'typhoon/testing'
import { expect, test } from 'vitest'
import wordCount from './word-count.ts'

test('nothing is lost, whatever breaks, in fifty orders of events', async () => {
  const rows = Array.from({ length: 100 }, (_, n) => ({ sentence: `w${n % 5}` }))
  await simulate(wordCount, {
    sources: (h) => [mockSource(h.lines, rows, { rate: 100, partitions: 2 })],
    faults: [randomFaults({ every: '200ms' })],
    runs: 50,
    seed: 1,
    check: (run) => expect(run.acked).toBe(100),
  })
})
