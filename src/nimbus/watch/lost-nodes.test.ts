// Goal: two signs move a node, and a cluster that comes back is not a cluster that dies.
import { expect, test } from 'vitest'
import { isEmpty, type LossLimits, lostNodes, type NodeSigns } from './lost-nodes.ts'

const limits: LossLimits = {
  nowMs: 100_000,
  leaderSinceMs: 10_000,
  backMs: undefined,
  wasEmpty: false,
  silentMs: 5_000,
  leaseMs: 10_000,
}

function node(name: string, more: Partial<NodeSigns> = {}): NodeSigns {
  return {
    node: name,
    sessionLostSinceMs: undefined,
    heartbeatMs: 99_500,
    peersHeardMs: undefined,
    knownSinceMs: 0,
    ...more,
  }
}

const gone = { sessionLostSinceMs: 90_000, heartbeatMs: 90_000 }
const unheard = { sessionLostSinceMs: Number.NEGATIVE_INFINITY, heartbeatMs: undefined }

function lost(signs: readonly NodeSigns[], more: Partial<LossLimits> = {}): string {
  return [...lostNodes(signs, { ...limits, ...more })].join()
}

test('N1: two signs', () => {
  expect(lost([node('a', { heartbeatMs: 1 })])).toBe('')
  expect(lost([node('a', { sessionLostSinceMs: 1 })])).toBe('')
  expect(lost([node('a', gone), node('b')])).toBe('a')
  // Its workers are heard: its supervisor has the length of a lease to come back.
  expect(lost([node('a', { ...gone, peersHeardMs: 99_000 })])).toBe('')
  expect(lost([node('a', { ...gone, heartbeatMs: 80_000, peersHeardMs: 99_000 })])).toBe('a')
})

test('a new leader does not wait for one that was gone before it', () => {
  const young = { leaderSinceMs: 99_990 }
  expect(lost([node('a', unheard), node('b'), node('c')], young)).toBe('a')
  expect(lost([node('a', unheard), node('b')], young)).toBe('a')
})

test('N2: when most are gone at once, it waits for them', () => {
  const young = { leaderSinceMs: 99_990, wasEmpty: true }
  expect(lost([node('a', unheard), node('b', unheard), node('c')], young)).toBe('')
  expect(lost([node('a', unheard), node('b'), node('c')], young)).toBe('')
  expect(lost([node('a', unheard), node('b', unheard), node('c')], { wasEmpty: true })).toBe('a,b')
  expect(isEmpty([node('a', unheard), node('b', unheard), node('c')])).toBe(true)
  expect(isEmpty([node('a', unheard), node('b')])).toBe(false)
  const back = { backMs: 95_000 }
  expect(lost([node('a', unheard), node('b'), node('c')], back)).toBe('')
  expect(lost([node('a', unheard), node('b'), node('c')], { backMs: 80_000 })).toBe('a')
  // One that was heard, and fell silent, is lost all the same.
  expect(lost([node('a', gone), node('b', unheard), node('c', unheard)], young)).toBe('a')
})
