import { describe, expect, test } from 'vitest'
import { incarnationOf } from '../cluster/incarnation.ts'
import type { AssignmentRecord, WorkerAssignment } from '../cluster/records.ts'
import { ordersOf, peersOf, placementOf, runOrdered, stateFor } from './slot-order.ts'

const worker = (change: Partial<WorkerAssignment> = {}): WorkerAssignment => ({
  worker: 1,
  node: 'a',
  port: 6700,
  address: 'a:6700',
  generation: 1,
  executors: '1-2',
  ...change,
})
const record = (
  workers: readonly WorkerAssignment[],
  change: Partial<AssignmentRecord> = {},
): AssignmentRecord => ({
  topologyId: 'words-1',
  epoch: 1,
  layout: 1,
  layoutDigest: '4-a',
  run: 'active',
  token: 't',
  workers,
  dump: '',
  state: [],
  unplaced: [],
  ...change,
})
const rawOrders = (...records: readonly AssignmentRecord[]) =>
  ordersOf(
    {
      assignments: new Map(records.map((each) => [each.topologyId, { record: each, version: 7 }])),
      topologies: new Map(),
    },
    'a',
  )

const ordersFor = (...records: readonly AssignmentRecord[]) =>
  new Map([...rawOrders(...records)].flatMap(([port, order]) => (order === 'unknown' ? [] : [[port, order]])))

describe('orders', () => {
  test('a record that cannot be understood is an order that is unknown', () => {
    const orders = rawOrders(record([worker({ executors: '1-x' })], { dump: '1' }))
    expect(orders.get(6700)).toBe('unknown')
  })

  test('are those of this node, by port', () => {
    const orders = ordersFor(
      record([worker(), worker({ worker: 2, node: 'b' }), worker({ worker: 3, port: 6702 })]),
    )
    expect([...orders.keys()]).toEqual([6700, 6702])
    expect(orders.get(6702)).toMatchObject({ own: { worker: 3 }, assignmentVersion: 7, topology: undefined })
  })

  test('of two that want one port the same wins, in whichever order they come', () => {
    const one = record([worker()], { topologyId: 'a-1' })
    const other = record([worker()], { topologyId: 'b-1' })
    expect(ordersFor(one, other).get(6700)?.wish.topologyId).toBe('a-1')
    expect(ordersFor(other, one).get(6700)?.wish.topologyId).toBe('a-1')
  })

  test('a move of a peer changes peers and not the placement; a moved executor the placement', () => {
    const peer = worker({ worker: 2, node: 'b', address: 'b:6700', executors: '3-4' })
    const before = ordersFor(record([worker(), peer])).get(6700)?.wish
    const moved = { ...peer, node: 'c', address: 'c:6700', generation: 2 }
    const peerMoved = ordersFor(record([moved, worker()])).get(6700)?.wish
    expect(peerMoved?.placement).toBe(before?.placement)
    expect(peerMoved?.peers).not.toBe(before?.peers)
    const dealt = record([worker({ executors: '1-3' }), { ...peer, executors: '4' }])
    expect(ordersFor(dealt).get(6700)?.wish.placement).not.toBe(before?.placement)
    expect(ordersFor(dealt).get(6700)?.wish.peers).toBe(before?.peers)
  })

  test('a dump is asked of whose executors are in it', () => {
    const both = [worker({ executors: '1-3' }), worker({ worker: 2, port: 6701, executors: '4-9' })]
    const orders = ordersFor(record(both, { dump: '2-5' }))
    expect(orders.get(6700)?.wish.dump).toBe('2-3')
    expect(orders.get(6701)?.wish.dump).toBe('4-5')
  })
})

test('a run mode is ordered of the life that is in the slot, and of no other', () => {
  const orderOf = (...workers: readonly WorkerAssignment[]) =>
    rawOrders(record(workers, { run: 'drain' })).get(6700) ?? 'nothing'
  const order = orderOf(worker())
  if (typeof order === 'string') throw new Error('no order')
  expect(runOrdered(order, { ...order.wish, run: 'active' })).toBe('drain')
  expect(runOrdered(orderOf(worker({ generation: 2 })), order.wish)).toBeUndefined()
  expect(runOrdered(order, undefined)).toBeUndefined()
  expect(runOrdered('unknown', order.wish)).toBeUndefined()
  expect(runOrdered('nothing', order.wish)).toBeUndefined()
})

describe('what a worker is told', () => {
  test('peers are the others, each from the first launch of its generation on', () => {
    const own = worker()
    const other = worker({ worker: 2, address: 'b:1', generation: 4 })
    expect(peersOf(record([own, other]), own)).toEqual([
      { worker: 2, address: 'b:1', incarnation: incarnationOf(4, 0) },
    ])
  })

  test('the placement names the worker of each executor, 0 for those that are nowhere', () => {
    const workers = [worker({ executors: '2,4' }), worker({ worker: 2, executors: '3' })]
    expect(placementOf(record(workers), 5)).toEqual([0, 1, 2, 1, 0])
    expect(placementOf(record([worker({ executors: '3' })]), 1)).toEqual([0, 0, 1])
  })

  test('state is that of components which have executors here', () => {
    const state = ['count', 'sum', 'lines'].map((component) => ({
      component,
      digest: component,
      sizeBytes: 1,
    }))
    const order = ordersFor(record([worker({ executors: '1,3' })], { state })).get(6700)
    const components = ['count', 'sum', 'lines']
    if (order === undefined) throw new Error('no order')
    expect(stateFor(order, components).map(({ digest }) => digest)).toEqual(['count', 'lines'])
  })
})
