// Goal: a node at risk is drained before it fails, one at a time, and only if that loses nothing. Method: a
// cluster of three nodes with a topology on it, with and without room elsewhere.
import { expect, test } from 'vitest'
import { NO_RULES, type ScheduleNode, type ScheduleRequest } from '../../schedule/request.ts'
import { schedule } from '../../schedule/schedule.ts'
import { judgeDrain } from './judge-drain.ts'

function clusterOf(
  slots: number,
  more: Readonly<Record<string, Partial<ScheduleNode>>> = {},
): ScheduleRequest {
  const nodes = ['a', 'b', 'c'].map((node): ScheduleNode => {
    const ports = Array.from({ length: slots }, (_, index) => 6700 + index)
    const up = { isDead: false, isSilent: false, isDraining: false, isBlacklisted: false, used: undefined }
    return { node, ports, cpuPercent: 400, memoryBytes: 2 ** 32, ...up }
  })
  const executors = [1, 2, 3].map((executor) => ({
    executor,
    component: 's',
    cpuPercent: 10,
    memoryBytes: 1,
  }))
  const topology = { topologyId: 't-1', name: 't', strategy: 'even', workers: 3, rules: NO_RULES } as const
  const request = { nodes, isolation: {}, seed: 1 }
  const fresh = { ...topology, executors, lostWorkers: [], current: undefined }
  const workers = schedule({ ...request, topologies: [fresh] }).topologies[0]?.workers ?? []
  const changed = nodes.map((node) => ({ ...node, ...more[node.node] }))
  return { ...request, nodes: changed, topologies: [{ ...fresh, current: { workers, isSameLayout: true } }] }
}

const RISKS = new Map([
  ['b', ['memory of b grows 12 MB/min']],
  ['c', ['disk of c is 98 % full', 'memory of c grows 1 MB/min']],
])

test('the node with most signs is drained, for the reasons it shows', () => {
  const verdict = judgeDrain({ isEnabled: true, request: clusterOf(2), risks: RISKS })
  expect(verdict).toEqual({ node: 'c', why: 'disk of c is 98 % full; memory of c grows 1 MB/min' })
})

test('none is drained if the policy is off, or nothing is at risk', () => {
  expect(judgeDrain({ isEnabled: false, request: clusterOf(2), risks: RISKS }).node).toBe(undefined)
  expect(judgeDrain({ isEnabled: true, request: clusterOf(2), risks: new Map() }).why).toBe(
    'no node is at risk',
  )
})

test('none is drained while another is', () => {
  const request = clusterOf(3, { a: { isDraining: true } })
  const verdict = judgeDrain({ isEnabled: true, request, risks: RISKS })
  expect(verdict).toEqual({ node: undefined, why: 'a is drained already' })
})

test('none is drained if the rest has no slots for its workers', () => {
  const verdict = judgeDrain({ isEnabled: true, request: clusterOf(1), risks: RISKS })
  expect(verdict.node).toBe(undefined)
  expect(verdict.why).toBe('c is at risk (disk of c is 98 % full), but no other node can take workers of t-1')
})

test('a node that is dead, silent or on the blacklist is not drained: it is somebody else’s matter', () => {
  for (const fate of ['isDead', 'isSilent', 'isBlacklisted'] as const) {
    const request = clusterOf(4, { c: { [fate]: true } })
    expect(judgeDrain({ isEnabled: true, request, risks: RISKS }).node).toBe('b')
  }
})
