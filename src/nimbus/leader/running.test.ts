// Goal: a word counts from when it was given, however late it came: what a node repeats is no new word; what
// runs is what the workers have said that they have.
import { expect, test } from 'vitest'
import { placementText, placementTextDigest } from '../../cluster/layout.ts'
import type { AssignmentRecord } from '../../cluster/records.ts'
import type { NodeHeard } from '../monitor/heartbeat-book.ts'
import type { RoundFacts } from './facts.ts'
import { isSettled, runsNowhere, saidSince } from './running.ts'
import type { Shape } from './shape.ts'

const assignment = {
  topologyId: 't-1',
  workers: [
    { worker: 1, node: 'a', port: 1, generation: 1 },
    { worker: 2, node: 'b', port: 1, generation: 1 },
  ],
} as unknown as AssignmentRecord

/** Of each node: when its last heartbeat came, the one before, and how old its worker's word was in it. */
function factsOf(words: Readonly<Record<string, readonly [number, number | undefined, number]>>, dead = '') {
  const heard = new Map<string, NodeHeard>()
  for (const [node, [atMs, previousMs, beatAgeMs]] of Object.entries(words)) {
    const worker = node === 'a' ? 1 : 2
    const slots = [{ port: 1, topologyId: 't-1', worker, generation: 1, beatAgeMs }]
    const beat = { node, slots } as unknown as NodeHeard['beat']
    heard.set(node, { beat, atMs, ...(previousMs === undefined ? {} : { previousMs }) })
  }
  const seen = { heard, nowMs: 2_000, deadNodes: new Set([dead]), settings: { taskTimeoutMs: 30_000 } }
  return seen as unknown as RoundFacts
}

test('by its age: it came later by more than it was old', () => {
  const since = (...word: readonly [number, number | undefined, number]) =>
    saidSince(factsOf({ a: word, b: [1_500, 1_400, 0] }), assignment, 1_000, 'by its age')
  expect(since(1_200, undefined, 100)).toBe(true)
  expect(since(1_200, undefined, 300)).toBe(false)
})

test('certainly: it is younger than the heartbeat before', () => {
  const since = (...word: readonly [number, number | undefined, number]) =>
    saidSince(factsOf({ a: word, b: [1_500, 1_400, 0] }), assignment, 1_000, 'certainly')
  expect(since(1_200, 1_150, 100)).toBe(true)
  expect(since(1_200, 1_050, 100)).toBe(false)
  // It may have been on its way since before.
  expect(since(1_200, 900, 0)).toBe(false)
  expect(since(1_200, undefined, 0)).toBe(false)
})

test('nobody waits for the word of a dead node', () => {
  const words = { a: [1_500, 1_400, 0] as const, b: [200, 100, 0] as const }
  expect(saidSince(factsOf(words), assignment, 1_000, 'certainly')).toBe(false)
  expect(saidSince(factsOf(words, 'b'), assignment, 1_000, 'certainly')).toBe(true)
})

test('executors that change places one for one are not settled before each worker has its own', () => {
  const workersOf = (one: string, other: string) => [
    { worker: 1, node: 'a', port: 1, generation: 1, executors: one, address: 'a:1' },
    { worker: 2, node: 'b', port: 1, generation: 1, executors: other, address: 'b:1' },
  ]
  const placed = (one: string, other: string) =>
    ({ ...assignment, layout: 3, run: 'active', workers: workersOf(one, other) }) as AssignmentRecord
  const shape = { components: ['count', 'count'] } as unknown as Shape
  const components = [{ component: 'count', executors: 1 }]
  const factsWith = (a: AssignmentRecord, b: AssignmentRecord | undefined) => {
    const heard = new Map<string, unknown>()
    for (const [node, worker, has] of [['a', 1, a] as const, ['b', 2, b] as const]) {
      const placement = has && placementTextDigest(placementText(has))
      const place = { port: 1, topologyId: 't-1', worker, generation: 1, phase: 'running', layout: 3 }
      const slots = [{ ...place, placement, beat: { run: 'active', components } }]
      heard.set(node, { atMs: 1_900, beat: { node, slots } })
    }
    return { ...factsOf({}), heard } as RoundFacts
  }
  const wanted = placed('2', '1')
  expect(isSettled(factsWith(wanted, placed('1', '2')), wanted, shape)).toBe(false)
  expect(isSettled(factsWith(wanted, wanted), wanted, shape)).toBe(true)
  // A supervisor of an earlier version does not tell: counts are what there is.
  expect(isSettled(factsWith(wanted, undefined), wanted, shape)).toBe(true)
})

test('what has no process runs nowhere once it is known that it would start in a drain', () => {
  const drained = { ...assignment, run: 'drain' } as AssignmentRecord
  const runs = (...slots: readonly (readonly [phase: string, run: string | undefined, pid?: number])[]) => {
    const heard = new Map<string, unknown>()
    for (const [index, [phase, run, pid]] of slots.entries()) {
      const node = index === 0 ? 'a' : 'b'
      const slot = { port: 1, topologyId: 't-1', worker: index + 1, generation: 1, phase, run, pid }
      heard.set(node, { atMs: 1_900, beat: { node, slots: [slot] } })
    }
    return !runsNowhere({ ...factsOf({}), heard } as RoundFacts, drained)
  }
  expect(runs(['backing-off', 'drain'], ['fetching', 'drain'])).toBe(false)
  // Its view of the board is of before the drain: it would start with sources that go.
  expect(runs(['backing-off', 'active'], ['fetching', 'drain'])).toBe(true)
  // A supervisor of an earlier version does not tell.
  expect(runs(['backing-off', undefined], ['fetching', 'drain'])).toBe(true)
  expect(runs(['backing-off', 'drain', 7], ['fetching', 'drain'])).toBe(true)
  expect(runs(['backing-off', 'drain'])).toBe(true)
})
