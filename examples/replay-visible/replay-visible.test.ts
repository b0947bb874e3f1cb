import { completeTopology, killWorker, mockSource } from 'typhoon/testing'
import { expect, test } from 'vitest'
import { expectedOf, runExample } from '../run-example.ts'
import { Deliveries, jobsCount, replayVisible } from './topology.ts'

const rows = Array.from({ length: jobsCount }, (_, i) => ({ id: i + 1 }))

test('delivers every job although one call in a hundred fails and the worker dies half-way', async () => {
  const deliveries = new Deliveries()
  await using run = await completeTopology(replayVisible(deliveries), {
    sources: (handles) => [mockSource(handles.source, rows, { rate: 10_000 })],
    sinks: 'real',
    seed: 7,
  })
  expect(deliveries.hasCrashed).toBe(true)
  expect(deliveries.missing()).toEqual([])
  expect(run.failed).toBeGreaterThan(50)
  expect(deliveries.repeatedCount).toBeLessThan(jobsCount)
})

test('delivers every job although one of two workers is killed besides', async () => {
  const deliveries = new Deliveries()
  await using run = await completeTopology(replayVisible(deliveries), {
    sources: (handles) => [mockSource(handles.source, rows, { rate: 10_000 })],
    config: { workers: 2 },
    sinks: 'real',
    seed: 11,
    faults: [killWorker(2, { at: '300ms' })],
  })
  expect(run.injected).toHaveLength(1)
  expect(deliveries.missing()).toEqual([])
})

test('typhoon run prints that nothing is missing', () => {
  const { status, stdout, stderr } = runExample('replay-visible')
  expect(stdout).toContain(expectedOf('replay-visible'))
  expect(stderr).toContain('the worker dies half-way')
  expect(status).toBe(0)
})
