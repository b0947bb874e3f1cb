// Goal: state that was moved stays in the assignment for as long as somebody may need it, and no longer, also
// where the scheduler has no plan: it would be kept for good, and dealt again to who starts later.
import { expect, test } from 'vitest'
import { placementText, placementTextDigest } from '../../cluster/layout.ts'
import type { AssignmentRecord, TopologyRecord } from '../../cluster/records.ts'
import type { RoundFacts } from './facts.ts'
import type { Case } from './round-case.ts'
import type { Shape } from './shape.ts'
import { writesOf } from './writes-of.ts'

const state = [{ component: 'count', digest: 'd', sizeBytes: 1 }]
const worker = { worker: 1, node: 'a', port: 1, generation: 1, executors: '1', address: 'a:1' }
const assignment = {
  topologyId: 't-1',
  layout: 1,
  run: 'drain',
  workers: [worker],
  dump: '',
  state,
} as unknown as AssignmentRecord

/** Assignment that ends a rebalance whose worker has come as far as this, without a plan. */
function resumed(phase: 'starting' | 'running', leftMs: number): AssignmentRecord | undefined {
  const record = { id: 't-1', name: 'words', phase: 'rebalancing', phaseAfter: 'inactive' }
  const placement = placementTextDigest(placementText(assignment))
  const place = { port: 1, topologyId: 't-1', worker: 1, generation: 1, phase, layout: 1, placement }
  const slots = [{ ...place, beat: { run: 'drain', components: [{ component: 'count', executors: 1 }] } }]
  const facts = {
    epoch: 7,
    now: 2_000,
    nowMs: 2_000,
    heard: new Map([['a', { atMs: 1_900, beat: { node: 'a', slots } }]]),
    deadNodes: new Set(),
    settings: { taskTimeoutMs: 30_000 },
    phaseLeftMs: () => leftMs,
  } as unknown as RoundFacts
  const shape = { components: ['count'] } as unknown as Shape
  const topology = { record: record as unknown as TopologyRecord, version: 3 }
  const each: Case = {
    topology,
    assignment: { record: assignment, version: 2 },
    step: 'resume',
    shape,
    wanted: shape,
  }
  const written = writesOf(facts, each, undefined, 'its scheduler throws')?.writes ?? []
  return written.flatMap((write) => (write.kind === 'put-assignment' ? [write.record] : []))[0]
}

test('a rebalance that ends without a plan leaves no state behind once its workers run', () => {
  expect(resumed('running', 10_000)).toEqual({ ...assignment, epoch: 7, run: 'inactive', state: [] })
})

test('workers that have not come when its time is over find their state', () => {
  expect(resumed('starting', 0)).toEqual({ ...assignment, epoch: 7, run: 'inactive' })
})
