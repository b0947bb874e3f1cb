// complete.test.ts
import { completeTopology, killWorker, mockSource } from 'typhoon/testing'
import { expect, test } from 'vitest'
import wordCount from './word-count.ts'

test('counts words', async () => {
  await using run = await completeTopology(wordCount, {
    sources: (h) => [mockSource(h.lines, [{ sentence: 'a b a' }])],
  })
  expect(run.read((h) => h.counts)).toContainEqual({ word: 'a', count: 2 })
  expect(run.written('store')).toHaveLength(3)
})

test('acks everything although a worker dies', async () => {
  const rows = Array.from({ length: 1_000 }, () => ({ sentence: 'a' }))
  await using run = await completeTopology(wordCount, {
    sources: (h) => [mockSource(h.lines, rows, { rate: 2_000 })],
    seed: 42,
    faults: [killWorker(1, { at: '200ms' })],
  })
  expect(run.acked).toBe(1_000)
})
