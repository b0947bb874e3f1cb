import { expect, test } from 'vitest'
import { incarnationOf, RESTARTS_MAX } from '../../../cluster/incarnation.ts'
import type { SlotPhase } from '../../../rpc/heartbeat.ts'
import { defaultNimbusSettings } from '../../settings.ts'
import type { RoundFacts } from '../facts.ts'
import { StuckBook } from './stuck-book.ts'

const worker = { worker: 1, node: 'a', port: 1, address: 'a:1', generation: 3, executors: '1' }

function facts(nowMs: number, phase: SlotPhase, restart = 0): RoundFacts {
  const slot = { ...worker, topologyId: 't', phase, incarnation: incarnationOf(3, restart) }
  return {
    nowMs,
    settings: defaultNimbusSettings,
    heard: new Map([['a', { atMs: nowMs, beat: { slots: [slot] } }]]),
    view: { assignments: new Map([['t', { record: { topologyId: 't', workers: [worker] }, version: 1 }]]) },
  } as unknown as RoundFacts
}

test('a worker that never gets up is placed elsewhere after its grace', () => {
  const book = new StuckBook()
  expect(book.look(facts(0, 'starting')).size).toBe(0)
  expect(book.look(facts(119_000, 'backing-off')).size).toBe(0)
  expect([...book.look(facts(121_000, 'backing-off'))]).toEqual([['t', [1]]])
})

test('one that ran is restarted where it is, however often', () => {
  const book = new StuckBook()
  book.look(facts(0, 'running'))
  expect(book.look(facts(500_000, 'backing-off', 40)).size).toBe(0)
  expect([...book.look(facts(500_000, 'running', RESTARTS_MAX - 1))]).toEqual([['t', [1]]])
})
