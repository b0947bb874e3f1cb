// Goal: a slot is given to nobody while another topology has it, and batches that wait for each other end.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { AssignmentRecord } from '../../../cluster/records.ts'
import type { Batch } from '../round-case.ts'
import { nextBatches, SlotBook } from './slot-book.ts'

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

/**
 * Writes what can be written; `failing` never can, nor what is written with it. Those of one write are joined
 * by `+`. Whatever fails, a slot has one topology.
 */
function order(before: readonly AssignmentRecord[], batches: readonly Batch[], failing = ''): string[] {
  const book = new SlotBook(before)
  const board = new Map(before.map((record) => [record.topologyId, record]))
  let waiting = [...batches]
  const written: string[] = []
  for (let next = nextBatches(waiting, book); next.length > 0; next = nextBatches(waiting, book)) {
    const together = next
    waiting = waiting.filter((batch) => !together.includes(batch))
    if (together.some(({ topologyId }) => topologyId === failing)) continue
    written.push(together.map(({ topologyId }) => topologyId).join('+'))
    for (const batch of together) {
      book.written(batch)
      for (const write of batch.writes) {
        if (write.kind === 'delete-assignment') board.delete(write.id)
        if (write.kind === 'put-assignment') board.set(write.record.topologyId, write.record)
      }
    }
    const slots = [...board.values()].flatMap(({ workers }) => workers.map(({ address }) => address))
    expect(new Set(slots).size).toBe(slots.length)
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

describe('those that change places', () => {
  const three = [assigned('a', 'n:1'), assigned('b', 'n:2'), assigned('c', 'n:3'), assigned('d', 'n:4')]

  test('are written together: no slot has two of them if one cannot be written', () => {
    expect(order(before, [put('a', 'n:3'), put('b', 'n:1')])).toEqual(['a+b'])
    expect(order(before, [put('a', 'n:3'), put('b', 'n:1')], 'b')).toEqual([])
    const batches = [put('d', 'n:1'), put('a', 'n:2'), put('b', 'n:3'), put('c', 'n:1')]
    // Who only wants to follow one of them is not written with them.
    expect(order(three, batches)).toEqual(['a+b+c'])
    expect(order(three, [put('d', 'n:5'), ...batches.slice(1)], 'c')).toEqual(['d'])
  })

  test('are none if the last of them keeps its slot', () => {
    expect(order(three, [put('a', 'n:2'), put('b', 'n:3')])).toEqual([])
    // It has something to write, and stays where it is.
    expect(order(three, [put('a', 'n:2'), put('b', 'n:3'), put('c', 'n:3')])).toEqual(['c'])
    const both = [put('a', 'n:2'), put('b', 'n:1', 'n:2')]
    expect(order(three, both)).toEqual([])
  })

  test('whatever anybody wants and whatever fails, a slot has one topology', () => {
    const slot = fc.integer({ min: 1, max: 6 }).map((number) => `n:${number}`)
    const wish = fc.record({
      id: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
      slots: fc.uniqueArray(slot, { maxLength: 3 }),
    })
    const wishes = fc.uniqueArray(wish, { maxLength: 5, selector: ({ id }) => id })
    fc.assert(
      fc.property(wishes, fc.constantFrom('', 'a', 'b', 'c'), (list, failing) => {
        // A plan gives a slot to one only.
        const given = new Set<string>()
        const batches = list.map(({ id, slots }) => {
          const own = slots.filter((each) => !given.has(each))
          for (const each of own) given.add(each)
          return put(id, ...own)
        })
        order(three, batches, failing)
      }),
    )
  })
})
