// Goal: what nobody looks after is never told as if all were well.
import { expect, test } from 'vitest'
import type { TopologyRecord } from '../../src/cluster/records.ts'
import { statusOf, type TopologySeen } from '../../src/nimbus/api/topology-status.ts'
import { RateBook } from '../../src/nimbus/monitor/rate-book.ts'
import { RestartBook } from '../../src/nimbus/monitor/restart-book.ts'
import { topology } from '../cluster/board-records.ts'

function seenOf(record: Partial<TopologyRecord>, trouble?: string): TopologySeen {
  return {
    record: topology('t-1', { name: 't', phase: 'inactive', ...record }),
    assignment: undefined,
    shape: undefined,
    trouble,
    slots: [],
    rates: new RateBook(),
    restarts: new RestartBook(),
    notes: [],
    now: 0,
    nowMs: 0,
  }
}

test.each([
  ['its outline is not here', seenOf({}, 'its blob is missing')],
  ['it is in quarantine, and its outline is broken', seenOf({ quarantine: 'a bug' })],
  ['the same while it should run', seenOf({ phase: 'active' }, 'its blob is missing')],
])('one that is not looked after has failed, also by its count: %s', (_, seen) => {
  const { state, unplaced } = statusOf(seen)
  expect(state).toBe('failed')
  expect(unplaced).toEqual([{ component: '', count: 1, why: seen.record.quarantine ?? seen.trouble }])
})

test('one that was deactivated, and is looked after, is well', () => {
  expect(statusOf(seenOf({}))).toMatchObject({ state: 'inactive', unplaced: [] })
})
