// Goal: what can wait for a rebalance does, what cannot does not, and nothing living is taken along by it.
import { describe, expect, test } from 'vitest'
import type { BoardView } from '../../cluster/board.ts'
import { formatRanges, parseRanges } from '../../cluster/executor-ranges.ts'
import type { AssignmentRecord, SupervisorRecord } from '../../cluster/records.ts'
import { diffPlans } from '../../schedule/diff-plans.ts'
import type { TopologyPlan } from '../../schedule/plan.ts'
import type { PlannedWorker } from '../../schedule/request.ts'
import type { RoundFacts } from './facts.ts'
import { heldPlan, isForced, isVoluntary, leavingMoves, withoutSlots } from './planned-moves.ts'

/** `1@a:1 [1,2] g3`. */
function workerOf(text: string): PlannedWorker {
  const [, worker, node = '', port, executors = '', generation] =
    /^(\d+)@(\w+):(\d+) \[([\d,]*)\](?: g(\d+))?$/.exec(text) ?? []
  return {
    worker: Number(worker),
    node,
    port: Number(port),
    executors: parseRanges(executors),
    generation: Number(generation ?? 1),
  }
}

function assigned(...workers: readonly string[]): AssignmentRecord {
  return {
    topologyId: 't-1',
    epoch: 1,
    layout: 1,
    layoutDigest: 'same',
    run: 'active',
    token: 'x',
    workers: workers.map(workerOf).map((each) => ({
      ...each,
      address: `${each.node}:${each.port}`,
      executors: formatRanges(each.executors),
    })),
    dump: '',
    state: [],
    unplaced: [],
  }
}

/** `leaving`: nodes that shall be empty. */
function planOf(
  current: AssignmentRecord,
  workers: readonly string[],
  leaving: readonly string[] = [],
): TopologyPlan {
  const planned = workers.map(workerOf)
  const before = current.workers.map((each) => ({ ...each, executors: parseRanges(each.executors) }))
  const { changes } = diffPlans(before, planned)
  const moves = changes.map((change) => {
    return { ...change, isLeaving: leaving.includes(change.from?.node ?? ''), why: 'a reason' }
  })
  return { topologyId: 't-1', workers: planned, moves, unplaced: [], notes: [] }
}

interface More {
  readonly dead?: readonly string[]
  readonly lost?: readonly number[]
}

function factsOf({ dead = [], lost = [] }: More = {}): RoundFacts {
  const supervisors = new Map<string, SupervisorRecord>()
  for (const node of ['a', 'b', 'c']) {
    const ports = [1, 2, 3]
    const size = { cpuPercent: 100, memoryBytes: 1 }
    supervisors.set(node, { node, host: node, address: node, ports, ...size, version: '0', owner: node })
  }
  const seen: Pick<RoundFacts, 'deadNodes' | 'lostWorkers' | 'now'> & { view: Partial<BoardView> } = {
    now: 0,
    deadNodes: new Set(dead),
    lostWorkers: new Map([['t-1', lost]]),
    view: { supervisors },
  }
  // Of a round's facts only these are looked at.
  return seen as unknown as RoundFacts
}

const current = assigned('1@a:1 [1,2]', '2@b:1 [3,4]')
const drained = planOf(current, ['1@a:1 [1,2]', '2@c:1 [3,4] g2'], ['b'])
const spread = planOf(current, ['1@a:1 [1]', '2@b:1 [3,4]', '3@c:1 [2] g2'], ['b'])
const layoutDigest = 'same'

describe('what lives', () => {
  test.each([
    ['its node is drained', drained],
    ['slots have come free', spread],
  ])('waits for a rebalance: %s', (_, plan) => {
    const facts = factsOf()
    const seen = { current, plan, layoutDigest }
    expect(isVoluntary(facts, seen)).toBe(true)
    const held = heldPlan(facts, seen)
    expect(held.moves).toEqual([])
    expect(held.workers).toEqual(
      current.workers.map((each) => expect.objectContaining({ worker: each.worker })),
    )
    expect(held.workers.map(({ node, port, generation }) => `${node}:${port} g${generation}`)).toEqual([
      'a:1 g1',
      'b:1 g1',
    ])
  })

  test('with a plan that changes nothing there is nothing to do', () => {
    const seen = { current, plan: planOf(current, ['1@a:1 [1,2]', '2@b:1 [3,4]']), layoutDigest }
    expect(isVoluntary(factsOf(), seen)).toBe(false)
    expect(isForced(factsOf(), seen)).toBe(false)
  })
})

describe('what is lost', () => {
  test.each<[string, More]>([
    ['its node is dead', { dead: ['b'] }],
    ['it does not get up', { lost: [2] }],
  ])('is moved at once: %s', (_, more) => {
    const seen = { current, plan: drained, layoutDigest }
    expect(isVoluntary(factsOf(more), seen)).toBe(false)
    expect(heldPlan(factsOf(more), seen)).toEqual(drained)
  })

  test('does not take along what lives and is to leave: that waits', () => {
    const three = assigned('1@a:1 [1,2]', '2@b:1 [3,4]', '3@c:1 [5]')
    const plan = planOf(three, ['1@a:1 [1,2]', '2@a:2 [3,4] g2', '3@a:3 [5] g2'], ['c'])
    const facts = factsOf({ dead: ['b'] })
    const held = heldPlan(facts, { current: three, plan, layoutDigest })
    expect(held.workers.map(({ node, port }) => `${node}:${port}`)).toEqual(['a:1', 'a:2', 'c:1'])
    expect(held.moves.map(({ worker }) => worker)).toEqual([2])
  })

  test('whose executors others take restarts them anyway: nothing is held', () => {
    const plan = planOf(current, ['1@a:1 [1,2,3,4]'])
    const facts = factsOf({ dead: ['b'] })
    expect(heldPlan(facts, { current, plan, layoutDigest })).toEqual(plan)
  })

  test('has no slot any more: its supervisor came back with other ports', () => {
    const before = assigned('1@a:9 [1,2]')
    const plan = planOf(before, ['1@b:1 [1,2] g2'])
    expect(isForced(factsOf(), { current: before, plan, layoutDigest })).toBe(true)
  })

  test('executors that ran nowhere run at once, another layout begins at once', () => {
    const before = assigned('1@a:1 [1,2]')
    const plan = planOf(before, ['1@a:1 [1,2]', '2@b:1 [3] g2'])
    expect(isForced(factsOf(), { current: before, plan, layoutDigest })).toBe(true)
    expect(isForced(factsOf(), { current, plan: drained, layoutDigest: 'other' })).toBe(true)
  })
})

test('leaving are moves away from nodes that shall be empty, and no others', () => {
  expect(leavingMoves(drained)).toHaveLength(1)
  expect(leavingMoves(planOf(current, ['1@a:1 [1,2]', '2@c:1 [3,4] g2']))).toEqual([])
  expect(leavingMoves(spread)).toEqual([])
})

test('without some slots nobody is said to move or to begin there', () => {
  const plan = planOf(current, ['1@a:1 [1]', '2@c:1 [3,4] g2', '3@c:2 [2]'])
  const without = withoutSlots(plan, new Set(['c:1', 'c:2']), 'they are not free')
  expect(without.workers.map(({ worker }) => worker)).toEqual([1])
  expect(without.unplaced).toEqual([{ component: '', executors: [2, 3, 4], why: 'they are not free' }])
  expect(
    without.moves.map(({ worker, kind, to, given }) => ({ worker, kind, port: to?.port, given })),
  ).toEqual([
    { worker: 1, kind: 'rearranged', port: 1, given: [2] },
    { worker: 2, kind: 'gone', port: undefined, given: [3, 4] },
  ])
})
