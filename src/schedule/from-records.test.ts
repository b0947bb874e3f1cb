// Goal: records and plans say the same thing. Method: there and back; what is no rule in a configuration is
// none.
import { expect, test } from 'vitest'
import type { AssignmentRecord } from '../cluster/records.ts'
import type { TopologyOutline } from '../topology/describe/outline.ts'
import { assignedWorkers, currentOf, executorsOf, rulesOf, strategyOf, unplacedOf } from './from-records.ts'
import type { TopologyPlan } from './plan.ts'
import { NO_RULES } from './request.ts'

const plan: TopologyPlan = {
  topologyId: 't-1',
  workers: [
    { worker: 1, node: 'a', port: 6700, generation: 2, executors: [1, 2, 3, 5] },
    { worker: 3, node: 'b', port: 6701, generation: 1, executors: [4] },
  ],
  moves: [],
  unplaced: [{ component: 's', executors: [6, 7], why: 'no room' }],
  notes: [],
}

function assignmentOf(): AssignmentRecord {
  const workers = assignedWorkers(plan, (node) => (node === 'a' ? '10.0.0.1' : 'fe80::1'))
  const rest = { run: 'active', token: 'x', dump: '', state: [], unplaced: unplacedOf(plan) } as const
  return { topologyId: 't-1', epoch: 1, layout: 1, layoutDigest: 'd-1', workers, ...rest }
}

test('a plan comes back from its assignment as it was', () => {
  expect(currentOf(assignmentOf(), 'd-1')).toEqual({ workers: plan.workers, isSameLayout: true })
  expect(currentOf(assignmentOf(), 'd-2')?.isSameLayout).toBe(false)
  expect(currentOf(undefined, 'd-1')).toBe(undefined)
})

test('an assignment says executors as ranges and where peers dial', () => {
  const { workers, unplaced } = assignmentOf()
  expect(workers.map(({ executors, address }) => [executors, address])).toEqual([
    ['1-3,5', '10.0.0.1:6700'],
    ['4', '[fe80::1]:6701'],
  ])
  expect(unplaced).toEqual([{ executors: '6-7', why: 'no room' }])
})

function outlineOf(config: TopologyOutline['document']['config']): TopologyOutline {
  const component = { kind: 'bolt', hasOwnTasks: false, inputs: [], memoryBytes: 5, cpuPercent: 7 } as const
  return {
    name: 't',
    guarantee: 'at-least-once',
    workers: 1,
    messageTimeoutMs: 1,
    drainTimeoutMs: 1,
    scheduler: undefined,
    priority: 29,
    workerHeapBytes: undefined,
    workerTimeoutMs: undefined,
    nodeOptions: [],
    environment: {},
    components: [
      { ...component, id: 'a', executors: 2, tasks: 4 },
      { ...component, id: 'b', executors: 1, tasks: 1, cpuPercent: 9 },
    ],
    document: { name: 't', config, components: {} },
  }
}

test('executors are those of the outline, each with what it asks for', () => {
  expect(executorsOf(outlineOf({}))).toEqual([
    { executor: 1, component: 'a', cpuPercent: 7, memoryBytes: 5 },
    { executor: 2, component: 'a', cpuPercent: 7, memoryBytes: 5 },
    { executor: 3, component: 'b', cpuPercent: 9, memoryBytes: 5 },
  ])
})

test('rules come from the configuration, the submitted one wins, and nonsense is none', () => {
  const own = { schedulerApartNodes: { a: ['b', 7] }, schedulerNodeMax: { a: 2, b: 'x' } }
  expect(rulesOf(outlineOf(own))).toEqual({ apartNodes: { a: ['b'] }, apartWorkers: {}, nodeMax: { a: 2 } })
  expect(rulesOf(outlineOf(own), { schedulerNodeMax: { a: 3 } }).nodeMax).toEqual({ a: 3 })
  for (const config of [null, 'x', [1], {}, { schedulerApartNodes: ['a'], schedulerNodeMax: 5 }]) {
    expect(rulesOf(outlineOf(config))).toEqual(NO_RULES)
  }
})

test('a strategy that nobody knows is the cluster’s', () => {
  expect([
    strategyOf('random', 'even'),
    strategyOf('own', 'weighted'),
    strategyOf(undefined, 'even'),
  ]).toEqual(['random', 'weighted', 'even'])
})
