// Goal: a word counts from when it was given, however late it came: what a node repeats is no new word.
import { expect, test } from 'vitest'
import type { AssignmentRecord } from '../../cluster/records.ts'
import type { NodeHeard } from '../monitor/heartbeat-book.ts'
import type { RoundFacts } from './facts.ts'
import { saidSince } from './running.ts'

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
