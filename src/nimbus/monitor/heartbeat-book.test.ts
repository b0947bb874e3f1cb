import { expect, test } from 'vitest'
import type { NodeHappening, NodeHeartbeat, SlotBeat } from '../../rpc/heartbeat.ts'
import { HeartbeatBook } from './heartbeat-book.ts'

const here = { owner: 'o', isAssigned: false }

function slot(more: Partial<SlotBeat> = {}): SlotBeat {
  return {
    port: 1,
    phase: 'running',
    topologyId: 't',
    worker: 1,
    generation: 1,
    incarnation: 16_384,
    layout: 1,
    pid: 7,
    restartCount: 0,
    why: '',
    beat: undefined,
    beatAgeMs: 0,
    placement: undefined,
    run: 'active',
    dumped: undefined,
    ...more,
  }
}

function beat(sequence: number, more: Partial<NodeHeartbeat> = {}): NodeHeartbeat {
  return {
    node: 'a',
    owner: 'o',
    sequence,
    machine: {
      cpuCount: 1,
      cpuUsed: 0,
      memoryTotalBytes: 1,
      memoryUsedBytes: 1,
      diskFreeBytes: 1,
      diskTotalBytes: 1,
      loopDelayMs: 0,
      supervisorRssBytes: 1,
      failedChecks: [],
    },
    slots: [],
    happenings: [],
    happeningsDropped: 0,
    ...more,
  }
}

test('H1: only what is newer counts, and a new owner counts from its own beginning', () => {
  const book = new HeartbeatBook()
  expect(book.take(beat(5), 10, here).isNew).toBe(true)
  expect(book.take(beat(5), 20, here).isNew).toBe(false)
  expect(book.take(beat(4), 20, here).isNew).toBe(false)
  expect(book.nodes.get('a')?.atMs).toBe(10)
  expect(book.take(beat(1, { owner: 'p' }), 30, { owner: 'p', isAssigned: false }).isNew).toBe(true)
  // The predecessor, late.
  expect(book.take(beat(6), 40, { owner: 'p', isAssigned: false }).isNew).toBe(false)
})

test('H2: strangers take no room; a known node without its session is believed', () => {
  const book = new HeartbeatBook()
  const gone = { owner: undefined, isAssigned: false }
  expect(book.take(beat(1), 0, gone).isNew).toBe(false)
  expect(book.take(beat(1), 0, { owner: undefined, isAssigned: true }).isNew).toBe(true)
  expect(book.take(beat(2), 0, gone).isNew).toBe(true)
  expect(book.take(beat(9, { owner: 'thief' }), 0, gone).isNew).toBe(false)
  book.keepOnly(() => false)
  expect(book.nodes.size).toBe(0)
})

test('H3: a happening that is told again is given out once', () => {
  const book = new HeartbeatBook()
  const letter = (at: number): NodeHappening => ({ kind: 'dead-letter', at, topologyId: 't', letter: at })
  expect(book.take(beat(1, { happenings: [letter(1)] }), 0, here).happenings).toHaveLength(1)
  expect(book.take(beat(2, { happenings: [letter(1), letter(2)] }), 0, here).happenings).toEqual([letter(2)])
})

test('news is what decisions rest on, not figures', () => {
  const book = new HeartbeatBook()
  const take = (sequence: number, each: SlotBeat): boolean =>
    book.take(beat(sequence, { slots: [each] }), 0, here).isNews
  expect(take(1, slot())).toBe(true)
  expect(take(2, slot({ beatAgeMs: 100, restartCount: 0 }))).toBe(false)
  expect(take(3, slot({ phase: 'backing-off' }))).toBe(true)
  expect(take(4, slot({ dumped: [] }))).toBe(true)
  expect(take(5, slot({ dumped: [], run: 'drain' }))).toBe(true)
  expect(book.slotsOf('t')).toHaveLength(1)
  expect(book.slotsOf('u')).toHaveLength(0)
})
