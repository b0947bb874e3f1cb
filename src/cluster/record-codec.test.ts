// Goal: what is written is read again, member by member; what nobody of ours wrote is refused with its place.
import { describe, expect, test } from 'vitest'
import { GENERATIONS_MAX } from './incarnation.ts'
import { recordCodecs } from './record-codec.ts'
import type { AssignmentRecord, NodeRecord, SupervisorRecord, TopologyRecord } from './records.ts'

const blob = { digest: 'a'.repeat(64), sizeBytes: 12 }

/** Every member is set, so that one that a schema forgets is missed here. */
const topology: Required<TopologyRecord> = {
  id: 'words-1-x',
  name: 'words',
  version: 1,
  phase: 'rebalancing',
  phaseAfter: 'active',
  phaseDeadline: 5,
  phaseMs: 4,
  phaseWrites: 2,
  submittedAt: 1,
  idempotencyKey: 'k',
  bundle: blob,
  outline: blob,
  args: { input: ['a', 1, null, true] },
  config: {},
  parallelism: { count: { executors: 3, tasks: 6 } },
  workers: 2,
  scheduler: 'even',
  wanted: { parallelism: {}, workers: 3, scheduler: 'random' },
  quarantine: 'why',
  failure: 'E3012',
  givenUp: [{ version: 7, why: 'no room' }],
  rebalances: [{ key: 'k2', version: 8 }],
}
const assignment: Required<AssignmentRecord> = {
  topologyId: 'words-1-x',
  epoch: 3,
  layout: 1,
  layoutDigest: '5-1f',
  run: 'drain',
  token: 't',
  workers: [{ worker: 1, node: 'a', port: 6700, address: 'a:6700', generation: 2, executors: '1-5' }],
  dump: '1-2',
  state: [{ component: 'count', ...blob }],
  generationMax: 2,
  unplaced: [{ executors: '6', why: 'no slot' }],
}
const supervisor: Required<SupervisorRecord> = {
  node: 'a',
  host: 'h',
  address: 'h:1',
  ports: [6700],
  cpuPercent: 400,
  memoryBytes: 1,
  version: '0.1.0',
  owner: 'o',
}
const node: NodeRecord = { node: 'a', isDraining: true, blacklistedUntil: 7, why: 'w' }

const samples = { topology, assignment, supervisor, node }

describe('records', () => {
  test.each(Object.entries(samples))('a whole %s record comes back', (kind, record) => {
    const codec = recordCodecs[kind as keyof typeof samples]
    const bytes = (codec.encode as (path: string, record: unknown) => Uint8Array)('/x', record)
    expect(codec.parse('/x', bytes)).toEqual(record)
  })

  test('absent members stay absent', () => {
    const { blacklistedUntil: _, ...rest } = node
    const bytes = recordCodecs.node.encode('/x', { ...rest, blacklistedUntil: undefined })
    expect(recordCodecs.node.parse('/x', bytes).blacklistedUntil).toBeUndefined()
  })

  test.each([
    ['nothing', ''],
    ['no JSON', '{'],
    ['no object', '7'],
    ['no record', '{}'],
    ['a newer format', '{"format":2,"kind":"node"}'],
    ['another kind', '{"format":1,"kind":"topology"}'],
    ['a missing member', '{"format":1,"kind":"node","node":"a","why":""}'],
    ['a wrong type', '{"format":1,"kind":"node","node":"a","why":"","isDraining":1}'],
  ])('%s is refused with the path', (_name, text) => {
    const bytes = new TextEncoder().encode(text)
    expect(() => recordCodecs.node.parse('/nodes/a', bytes)).toThrow(
      expect.objectContaining({ code: 'RECORD_MALFORMED', message: expect.stringContaining('/nodes/a') }),
    )
  })

  test('bytes that are no text are refused', () => {
    expect(() => recordCodecs.node.parse('/x', new Uint8Array([0xff, 0xfe]))).toThrow(
      expect.objectContaining({ code: 'RECORD_MALFORMED' }),
    )
  })

  test('a generation that no incarnation can be made of is refused', () => {
    const [worker] = assignment.workers
    const wrong = [
      { ...assignment, workers: [{ ...worker, generation: GENERATIONS_MAX + 1 }] },
      { ...assignment, generationMax: GENERATIONS_MAX + 1 },
    ]
    for (const record of wrong) {
      const bytes = recordCodecs.assignment.encode('/x', record as AssignmentRecord)
      expect(() => recordCodecs.assignment.parse('/x', bytes)).toThrow(
        expect.objectContaining({ code: 'RECORD_MALFORMED' }),
      )
    }
    const last = { ...assignment, generationMax: GENERATIONS_MAX }
    expect(recordCodecs.assignment.parse('/x', recordCodecs.assignment.encode('/x', last))).toEqual(last)
  })

  test('a record that a node has no room for is refused before it is sent', () => {
    const record = { ...node, why: 'x'.repeat(300_000) }
    expect(() => recordCodecs.node.encode('/x', record)).toThrow(
      expect.objectContaining({ code: 'RECORD_TOO_LARGE' }),
    )
  })
})
