import { expect, test } from 'vitest'
import type { BoardView } from '../../cluster/board.ts'
import type { AssignmentRecord, NodeRecord, TopologyRecord } from '../../cluster/records.ts'
import { unnamedBlobs } from '../blobs/blob-clean-up.ts'
import { decideCleanUp } from './clean-up.ts'

const assignment = { state: [] as unknown } as AssignmentRecord
const topology = {
  bundle: { digest: 'b', sizeBytes: 1 },
  outline: { digest: 'o', sizeBytes: 1 },
} as TopologyRecord

function view(more: Partial<Record<keyof BoardView, ReadonlyMap<string, unknown>>> = {}): BoardView {
  const empty = new Map()
  return {
    epoch: undefined,
    topologies: new Map([['t', { record: topology, version: 1 }]]),
    assignments: new Map(['t', 'gone'].map((id) => [id, { record: assignment, version: 4 }])),
    supervisors: empty,
    nodes: empty,
    nimbuses: empty,
    names: new Map([
      ['words', 't'],
      ['ghost', 'gone'],
    ]),
    malformed: empty,
    ...more,
  } as BoardView
}

function keys(
  seen: BoardView,
  before: readonly string[] = [],
  positionIds: readonly string[] = [],
): string[] {
  const { due } = decideCleanUp({ view: seen, positionIds, now: 1e12, before: new Set(before) })
  return due.map(({ key }) => key)
}

test('C2: what is left over goes when it was so before', () => {
  const facts = { view: view(), positionIds: ['t', 'old', 'gone'], now: 0, before: new Set<string>() }
  const first = decideCleanUp(facts)
  expect(first.due).toEqual([])
  expect([...first.seen]).toEqual(['assignment gone', 'name ghost gone', 'positions old'])
  const second = decideCleanUp({ ...facts, before: first.seen })
  expect(second.due.flatMap(({ writes }) => writes)).toEqual([
    { kind: 'delete-assignment', id: 'gone', version: 4 },
    { kind: 'free-name', name: 'ghost' },
  ])
  expect(second.due.at(-1)?.positionsOf).toBe('old')
})

test('C1: nothing goes that a record which cannot be read may name', () => {
  const all = ['assignment gone', 'name ghost gone', 'positions gone']
  const broken = view({ malformed: new Map([['/typhoon/topologies/gone', 'no JSON']]) })
  expect(keys(broken, all, ['gone'])).toEqual([])
  const noAssignment = view({
    assignments: new Map(),
    malformed: new Map([['/typhoon/assignments/gone', 'no JSON']]),
  })
  expect(keys(noAssignment, all, ['gone'])).toEqual(['name ghost gone'])
})

test('C3: fifty a round', () => {
  const names = new Map(Array.from({ length: 80 }, (_, n) => [`n${n}`, 'gone']))
  const seen = view({ names, assignments: new Map() })
  expect(
    keys(
      seen,
      [...names.keys()].map((name) => `name ${name} gone`),
    ),
  ).toHaveLength(50)
})

test('a node of which nothing is said any more', () => {
  const node = (record: Partial<NodeRecord>) => ({ record, version: 2 })
  const nodes = new Map([
    ['idle', node({ isDraining: false, blacklistedUntil: undefined })],
    ['drained', node({ isDraining: true })],
    ['listed', node({ isDraining: false, blacklistedUntil: 2e12 })],
  ])
  const seen = view({ nodes, assignments: new Map(), names: new Map() })
  expect(keys(seen, ['node idle', 'node drained', 'node listed'])).toEqual(['node idle'])
})

test('blobs that nobody names go when they are old, and none while a record cannot be read', () => {
  const seen = view({ assignments: new Map() })
  const stored = ['b', 'o', 'x', 'y'].map((digest) => ({
    digest,
    sizeBytes: 1,
    usedAt: digest === 'y' ? 90 : 0,
  }))
  expect(unnamedBlobs(seen, stored, 100, 50)).toEqual(['x'])
  const broken = view({ malformed: new Map([['/r/assignments/q', 'no JSON']]), assignments: new Map() })
  expect(unnamedBlobs(broken, stored, 100, 50)).toEqual([])
})
