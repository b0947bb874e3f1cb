import { completeTopology, mockSource } from 'typhoon/testing'
import { expect, test } from 'vitest'
import { expectedOf, runExample } from '../run-example.ts'
import { customGrouping, orderRows, Seating, tenantsCount } from './topology.ts'

test('keeps a lane for vip orders, and the ring moves a quarter of the keys that fields move', async () => {
  const seating = new Seating()
  await using run = await completeTopology(customGrouping(seating), {
    sources: (handles) => [mockSource(handles.source, [...orderRows()])],
    sinks: 'real',
  })
  expect(run.acked).toBe(5_000)
  expect(seating.tasksOf('serve', 'vip')).toEqual([0])
  expect(seating.tasksOf('serve', 'other')).toEqual([1, 2, 3])
  for (let number = 0; number < tenantsCount; number += 1) {
    for (const bolt of ['fields-4', 'fields-5', 'ring-4', 'ring-5']) {
      expect(seating.tasksOf(bolt, `tenant-${number}`)).toHaveLength(1)
    }
  }
  const byRing = seating.movedCount('ring-4', 'ring-5')
  expect(byRing).toBeGreaterThan(0.1 * tenantsCount)
  expect(byRing).toBeLessThan(0.3 * tenantsCount)
  expect(seating.movedCount('fields-4', 'fields-5')).toBeGreaterThan(0.7 * tenantsCount)
})

test('typhoon run prints the same every time', () => {
  const { status, stdout } = runExample('custom-grouping')
  expect(stdout).toBe(expectedOf('custom-grouping'))
  expect(status).toBe(0)
})
