// Goal: a slot is given to nobody while another topology has it, and batches that wait for each other end.
import { expect, test } from 'vitest'
import type { AssignmentRecord } from '../../cluster/records.ts'
import type { Batch } from './round-case.ts'
import { nextBatch, SlotBook } from './slot-book.ts'

function assigned(topologyId: string, ...slots: readonly string[]): AssignmentRecord {
  return {
    topologyId,
    epoch: 1,
    layout: 1,
    layoutDigest: '1',
    run: 'active',
    token: 't',
    workers: slots.map((slot, index) => {
      const [node = '', port = ''] = slot.split(':')
      return { worker: index + 1, node, port: Number(port), address: slot, generation: 1, executors: '1' }
    }),
    dump: '',
    state: [],
    unplaced: [],
  }
}

function put(topologyId: string, ...slots: readonly string[]): Batch {
  const write = { kind: 'put-assignment', record: assigned(topologyId, ...slots), version: 0 } as const
  return { topologyId, writes: [write], events: [] }
}

/** Writes what can be written; `failing` never can. */
function order(before: readonly AssignmentRecord[], batches: readonly Batch[], failing = ''): string[] {
  const book = new SlotBook(before)
  const waiting = [...batches]
  const written: string[] = []
  for (let batch = nextBatch(waiting, book); batch !== undefined; batch = nextBatch(waiting, book)) {
    waiting.splice(waiting.indexOf(batch), 1)
    if (batch.topologyId === failing) continue
    written.push(batch.topologyId)
    book.written(batch)
  }
  return written
}

const before = [assigned('a', 'n:1', 'n:2'), assigned('b', 'n:3')]

test('who leaves a slot is written before who takes it', () => {
  expect(order(before, [put('c', 'n:2'), put('a', 'n:1')])).toEqual(['a', 'c'])
  expect(order(before, [put('c', 'n:2'), put('b', 'n:1'), put('a', 'n:4')])).toEqual(['a', 'c', 'b'])
})

test('a slot whose holder could not be written, or has nothing to write, stays its own', () => {
  expect(order(before, [put('a', 'n:1'), put('c', 'n:2'), put('d', 'n:5')], 'a')).toEqual(['d'])
  expect(order(before, [put('c', 'n:2')])).toEqual([])
  const unassigned: Batch = {
    topologyId: 'a',
    writes: [{ kind: 'delete-assignment', id: 'a', version: 0 }],
    events: [],
  }
  expect(order(before, [put('c', 'n:2'), unassigned])).toEqual(['a', 'c'])
})

test('two that change places are written one after the other', () => {
  expect(order(before, [put('a', 'n:3'), put('b', 'n:1')])).toEqual(['a', 'b'])
})
