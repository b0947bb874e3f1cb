// Goal: ends of workers cost the leader little: what each executor is of is asked for once a record, and not
// at all for an end in good order. A thousand workers that stop are a thousand such ends.
import { expect, test } from 'vitest'
import type { BoardView } from '../../cluster/board.ts'
import type { AssignmentRecord, TopologyRecord } from '../../cluster/records.ts'
import type { ExitReason } from '../../cluster/seat-messages.ts'
import type { NodeHeartbeat } from '../../rpc/heartbeat.ts'
import { NimbusMemory } from './memory.ts'

/** Says how often it was asked, and tells of ends of two workers on node `a`. */
class Ends {
  asked = 0
  record = { id: 't-1', name: 'words', outline: { digest: 'abc' } } as unknown as TopologyRecord
  components: readonly string[] | undefined = ['read', 'count', 'count']
  readonly memory = new NimbusMemory(30_000, () => {
    this.asked += 1
    return this.components
  })
  private sequence = 0

  tell(...ends: readonly (readonly [worker: number, reason: ExitReason])[]): void {
    const workers = [
      { worker: 1, node: 'a', executors: '1-2' },
      { worker: 2, node: 'a', executors: '3' },
    ]
    const assignment = { topologyId: 't-1', workers } as unknown as AssignmentRecord
    const view = {
      topologies: new Map([['t-1', { record: this.record, version: 1 }]]),
      assignments: new Map([['t-1', { record: assignment, version: 1 }]]),
      supervisors: new Map([['a', { owner: 'me' }]]),
    } as unknown as BoardView
    this.sequence += 1
    const happenings = ends.map(([worker, reason]) => {
      const exit = { worker, reason, incarnation: this.sequence, text: '' }
      return { kind: 'worker-exited', at: this.sequence, topologyId: 't-1', ...exit }
    })
    const machine = { failedChecks: [] }
    const beat = { node: 'a', owner: 'me', sequence: this.sequence, machine, slots: [], happenings }
    this.memory.take(view, beat as unknown as NodeHeartbeat, this.sequence, this.sequence)
  }

  counts(...components: readonly string[]): readonly number[] {
    return components.map((component) => this.memory.restarts.countOf('t-1', component))
  }
}

test('of a worker that ends in good order nobody asks what it ran', () => {
  const ends = new Ends()
  ends.tell([1, 'shutdown'], [2, 'assignment-changed'])
  expect(ends.asked).toBe(0)
  expect(ends.counts('read', 'count')).toEqual([0, 0])
  expect(ends.memory.restarts.countOn('a')).toBe(0)
})

test('however many end, what they ran is asked for once, and again when the topology was changed', () => {
  const ends = new Ends()
  ends.tell([1, 'crash'], [2, 'crash'])
  ends.tell([1, 'crash'], [2, 'shutdown'])
  expect(ends.asked).toBe(1)
  expect(ends.counts('read', 'count')).toEqual([2, 3])
  ends.record = { ...ends.record }
  ends.components = ['read', 'read', 'count']
  ends.tell([1, 'crash'])
  expect(ends.asked).toBe(2)
  expect(ends.counts('read', 'count')).toEqual([3, 3])
})

test('an outline that is not here yet is asked for again', () => {
  const ends = new Ends()
  ends.components = undefined
  ends.tell([2, 'crash'])
  ends.components = ['read', 'count', 'count']
  ends.tell([2, 'crash'])
  expect(ends.counts('read', 'count')).toEqual([0, 1])
  expect(ends.memory.restarts.countOn('a')).toBe(2)
})
