// Goal: what nobody looks after is never told as if all were well.
import { expect, test } from 'vitest'
import type { TopologyRecord } from '../../cluster/records.ts'
import { RateBook } from '../monitor/rate-book.ts'
import { RestartBook } from '../monitor/restart-book.ts'
import { statusOf, type TopologySeen } from './topology-status.ts'

const blob = { digest: 'b', sizeBytes: 1 }

function seenOf(record: Partial<TopologyRecord>, trouble?: string): TopologySeen {
  return {
    record: {
      id: 't-1',
      name: 't',
      version: 1,
      phase: 'inactive',
      phaseAfter: undefined,
      phaseDeadline: undefined,
      submittedAt: 0,
      idempotencyKey: undefined,
      bundle: blob,
      outline: blob,
      args: null,
      config: {},
      parallelism: {},
      workers: undefined,
      scheduler: undefined,
      wanted: undefined,
      quarantine: undefined,
      ...record,
    },
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
