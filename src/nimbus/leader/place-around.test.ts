// Goal: what must run at once is planned around what stays, and nothing else of the first plan is changed.
import { describe, expect, test } from 'vitest'
import type { AssignmentRecord } from '../../cluster/records.ts'
import type { TopologyPlan } from '../../schedule/plan.ts'
import type { ScheduleRequest } from '../../schedule/request.ts'
import { placeAround } from './place-around.ts'
import type { Batch, Case } from './round-case.ts'
import type { LifeStep } from './topology-life.ts'

function assigned(topologyId: string, slot: string): AssignmentRecord {
  const [node = '', port = ''] = slot.split(':')
  return {
    topologyId,
    epoch: 1,
    layout: 1,
    layoutDigest: '1',
    run: 'active',
    token: 't',
    workers: [{ worker: 1, node, port: Number(port), address: slot, generation: 1, executors: '1' }],
    dump: '',
    state: [],
    unplaced: [],
  }
}

function put(topologyId: string, slot: string): Batch {
  const write = { kind: 'put-assignment', record: assigned(topologyId, slot), version: 0 } as const
  return { topologyId, writes: [write], events: [] }
}

function caseOf(id: string, slot: string, step: LifeStep = 'assign'): Case {
  const found = { topology: { record: { id }, version: 0 }, assignment: { record: assigned(id, slot) }, step }
  // Of a case only these are looked at.
  return found as unknown as Case
}

const request: ScheduleRequest = { nodes: [], topologies: [], isolation: {}, seed: 1 }

/** Where each batch puts its topology; `again`: where a second plan has it. */
function around(
  cases: readonly Case[],
  first: readonly Batch[],
  again: Readonly<Record<string, string>>,
  more: { readonly late?: string; readonly unwritable?: readonly string[]; readonly resting?: string } = {},
) {
  const asked: (readonly string[])[] = []
  const found = placeAround({
    cases,
    request,
    batches: new Map(first.map((batch) => [batch.topologyId, batch])),
    place: ({ held }) => {
      asked.push([...(held ?? [])])
      const topologies = Object.keys(again).map((topologyId) => ({ topologyId }) as TopologyPlan)
      return { topologies }
    },
    batchOf: (_, plan) => plan && put(plan.topologyId, again[plan.topologyId] ?? ''),
    plans: new Map(),
    unwritable: new Set(more.unwritable),
    resting: new Set(more.resting === undefined ? [] : [more.resting]),
    isLate: ({ topology }) => more.late === topology.record.id,
    giveUp: ({ topology }) => ({ topologyId: topology.record.id, writes: [], events: [] }),
  })
  const slots = [...found.batches].map(([id, { writes }]) => {
    const [write] = writes
    return `${id} ${write?.kind === 'put-assignment' ? write.record.workers[0]?.address : 'stays'}`
  })
  return { asked, slots, waiting: [...found.waiting.keys()] }
}

const drains: Batch = { topologyId: 'guest', writes: [], events: [] }

test('who is given a slot that its holder keeps is planned again, and the holder goes on as it was', () => {
  const cases = [caseOf('guest', 'n:1'), caseOf('lost', 'n:9')]
  const { asked, slots } = around(cases, [drains, put('lost', 'n:1')], { guest: 'n:1', lost: 'n:2' })
  expect(asked).toEqual([['guest']])
  expect(slots).toEqual(['guest stays', 'lost n:2'])
})

test('nobody is asked again if the holder gives the slot up', () => {
  const cases = [caseOf('guest', 'n:1'), caseOf('lost', 'n:9')]
  const { asked, slots } = around(cases, [put('guest', 'n:3'), put('lost', 'n:1')], {})
  expect(asked).toEqual([])
  expect(slots).toEqual(['guest n:3', 'lost n:1'])
})

test('H1: a rebalance waits for its slot, also when others are planned again', () => {
  const cases = [caseOf('guest', 'n:1'), caseOf('owner', 'n:4', 'move'), caseOf('lost', 'n:9')]
  const again = { guest: 'n:1', owner: 'n:4', lost: 'n:2' }
  expect(around(cases.slice(0, 2), [drains, put('owner', 'n:1')], again)).toEqual({
    asked: [],
    slots: ['guest stays', 'owner n:1'],
    waiting: ['owner'],
  })
  const both = around(cases, [drains, put('owner', 'n:1'), put('lost', 'n:1')], again)
  expect(both.slots).toEqual(['guest stays', 'owner n:1', 'lost n:2'])
})

test('a second plan that holds another one is made once more, and no more than that', () => {
  const cases = [caseOf('guest', 'n:1'), caseOf('lost', 'n:9'), caseOf('next', 'n:2')]
  const { asked } = around(cases, [drains, put('lost', 'n:1')], { lost: 'n:2' })
  expect(asked).toEqual([['guest'], ['guest', 'next']])
})

test('H1: a rebalance that has waited long enough goes to what there is, or is given up', () => {
  const cases = [caseOf('guest', 'n:1'), caseOf('owner', 'n:4', 'move')]
  const first = [drains, put('owner', 'n:1')]
  const late = { late: 'owner' }
  expect(around(cases, first, { owner: 'n:5' }, late).slots).toEqual(['guest stays', 'owner n:5'])
  // Also the second plan has it where the guest is.
  const given = around(cases, first, { owner: 'n:1' }, late)
  expect(given).toEqual({ asked: [['guest']], slots: ['guest stays', 'owner stays'], waiting: ['owner'] })
})

test('nobody waits for who cannot be written, and those who cannot change places are planned apart', () => {
  const cases = [caseOf('a', 'n:1', 'move'), caseOf('b', 'n:2', 'move')]
  const swap = [put('a', 'n:2'), put('b', 'n:1')]
  expect(around(cases, swap, {}).slots).toEqual(['a n:2', 'b n:1'])
  const again = { a: 'n:1', b: 'n:2' }
  expect(around(cases, swap, again, { unwritable: ['a', 'b'] })).toEqual({
    asked: [['b', 'a']],
    slots: ['a n:1', 'b n:2'],
    waiting: [],
  })
})

test('H1: nobody waits for who does not begin to leave', () => {
  const cases = [caseOf('guest', 'n:1'), caseOf('owner', 'n:4', 'move'), caseOf('c', 'n:3')]
  const begins = (...countsOn: string[]): Batch => {
    return { ...drains, begins: { countsOn, isLeaving: false, otherwise: undefined } }
  }
  const to = { owner: 'n:5' }
  // It was given up not long ago.
  const rested = around(cases, [put('owner', 'n:1')], to, { resting: 'guest' })
  expect(rested).toEqual({ asked: [['guest']], slots: ['owner n:5'], waiting: [] })
  // All the same it begins, for the sake of a slot that is free.
  const begun = around(cases, [begins('n:7'), put('owner', 'n:1')], to, { resting: 'guest' })
  expect([begun.asked, begun.waiting]).toEqual([[], ['owner']])
  // It would begin for the sake of a slot whose holder stays.
  const vain = around(cases, [begins('n:3'), put('owner', 'n:1')], to)
  expect([vain.asked, vain.slots]).toEqual([[['guest']], ['owner n:5']])
})

describe('H3: a rebalance for the sake of a slot', () => {
  const begins = (topologyId: string, ...countsOn: string[]): Batch => {
    return {
      topologyId,
      writes: [],
      events: [],
      begins: { countsOn, isLeaving: false, otherwise: undefined },
    }
  }
  const leaves = (topologyId: string, slot: string, otherwise?: Batch): Batch => {
    return { topologyId, writes: [], events: [], begins: { countsOn: [slot], isLeaving: true, otherwise } }
  }
  const cases = [caseOf('a', 'n:1'), caseOf('b', 'n:2'), caseOf('c', 'n:3')]

  test('begins if its holder leaves, or begins to', () => {
    const found = around(cases, [begins('a', 'n:2'), begins('b', 'n:1')], {})
    expect(found).toEqual({ asked: [], slots: ['a stays', 'b stays'], waiting: [] })
  })

  test('does not begin if its holder stays, nor does who counts on its own', () => {
    const found = around(cases, [begins('a', 'n:2'), begins('b', 'n:3')], {})
    expect(found).toEqual({ asked: [], slots: [], waiting: ['b', 'a'] })
    const both = [begins('a', 'n:2'), begins('b', 'n:1')]
    expect(around(cases, both, {}, { unwritable: ['b'] }).slots).toEqual([])
  })

  test('leaves what it would have done without it', () => {
    const first = { ...begins('a', 'n:2'), begins: leaves('a', 'n:2', put('a', 'n:1')).begins }
    const found = around(cases, [{ ...first, begins: { ...first.begins, isLeaving: false } } as Batch], {})
    expect(found).toEqual({ asked: [], slots: ['a n:1'], waiting: ['a'] })
  })

  test('that leaves its node is planned again, around the holder that stays', () => {
    const found = around(cases, [leaves('a', 'n:2')], { a: 'n:7' })
    expect(found).toEqual({ asked: [['b']], slots: ['a n:7'], waiting: [] })
  })

  test('also behind one that would leave, and one that only would like to', () => {
    const chain = [leaves('a', 'n:2'), leaves('b', 'n:3')]
    expect(around(cases, chain, { a: 'n:7', b: 'n:8' }).asked).toEqual([['c']])
    const found = around(cases, [leaves('a', 'n:2'), begins('b', 'n:3')], { a: 'n:7' })
    expect(found).toEqual({ asked: [['b']], slots: ['a n:7'], waiting: ['b'] })
  })
})
