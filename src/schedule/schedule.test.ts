// Goal: what a plan promises (S1 to S5 in schedule.ts) holds for any cluster, any topologies and any event
// that follows. Method: random requests; a first round from nothing, then something happens, then a second
// round, which is held against the first. Small clusters, so that slots are short about half of the time.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { placeEvenly } from './even.ts'
import type { SchedulePlan, TopologyPlan } from './plan.ts'
import type { PlannedWorker, ScheduleNode, ScheduleRequest, ScheduleTopology } from './request.ts'
import { NO_RULES } from './request.ts'
import { schedule } from './schedule.ts'

const GIB = 2 ** 30
const RUNS = { numRuns: 300 }

function nodeOf(node: string, slots = 2, more: Partial<ScheduleNode> = {}): ScheduleNode {
  const ports = Array.from({ length: slots }, (_, index) => 6700 + index)
  const up = { isDead: false, isSilent: false, isDraining: false, isBlacklisted: false }
  return { node, ports, cpuPercent: 400, memoryBytes: 4 * GIB, used: undefined, ...up, ...more }
}

function topologyOf(
  topologyId: string,
  counts: Readonly<Record<string, number>>,
  more: Partial<ScheduleTopology> = {},
): ScheduleTopology {
  const names = Object.entries(counts).flatMap(([name, count]) => new Array<string>(count).fill(name))
  const executors = names.map((component, index) => {
    return { executor: index + 1, component, cpuPercent: 10, memoryBytes: GIB / 8 }
  })
  const rest = { strategy: 'even', workers: 2, rules: NO_RULES, current: undefined, lostWorkers: [] } as const
  return { topologyId, name: topologyId, executors, ...rest, ...more }
}

function requestOf(nodes: readonly ScheduleNode[], topologies: readonly ScheduleTopology[]): ScheduleRequest {
  return { nodes, topologies, isolation: {}, seed: 1 }
}

/** The request of the next round: what was planned runs now. */
function settled(request: ScheduleRequest, plan: SchedulePlan): ScheduleRequest {
  const topologies = request.topologies.map((topology, index): ScheduleTopology => {
    const workers = plan.topologies[index]?.workers ?? []
    return { ...topology, lostWorkers: [], current: { workers, isSameLayout: true } }
  })
  return { ...request, topologies }
}

function only(plan: SchedulePlan): TopologyPlan {
  const [first] = plan.topologies
  if (first === undefined) throw new Error('a plan of one topology')
  return first
}

const anyNode = fc.record({
  slots: fc.integer({ min: 1, max: 4 }),
  cpuPercent: fc.constantFrom(50, 100, 400),
  memoryBytes: fc.constantFrom(GIB / 2, GIB, 4 * GIB),
  isDead: fc.boolean(),
  isDraining: fc.boolean(),
  isBlacklisted: fc.boolean(),
  isBad: fc.integer({ min: 0, max: 3 }),
})

const anyNodes = fc.array(anyNode, { minLength: 1, maxLength: 6 }).map((list) =>
  list.map(({ slots, cpuPercent, memoryBytes, isBad, ...rest }, index) => {
    const bad = isBad === 0 ? rest : { isDead: false, isDraining: false, isBlacklisted: false }
    return nodeOf(`node-${index}`, slots, { cpuPercent, memoryBytes, ...bad })
  }),
)

const anyStrategy = fc.constantFrom('even', 'random', 'weighted', 'resource-aware')

const anyRules = fc.constantFrom(
  NO_RULES,
  NO_RULES,
  { ...NO_RULES, apartNodes: { a: ['b'] } },
  { ...NO_RULES, apartWorkers: { a: ['b', 'c'] } },
  { ...NO_RULES, nodeMax: { a: 1 } },
)

const anyTopologies = fc
  .array(
    fc.record({
      a: fc.integer({ min: 1, max: 4 }),
      b: fc.integer({ min: 0, max: 5 }),
      c: fc.integer({ min: 0, max: 3 }),
      workers: fc.integer({ min: 1, max: 6 }),
      strategy: anyStrategy,
      rules: anyRules,
    }),
    { minLength: 1, maxLength: 4 },
  )
  .map((list) =>
    list.map(({ a, b, c, ...more }, index) => topologyOf(`t-${index}`, { a, b, c }, { ...more })),
  )

const anyRequest = fc
  .record({ nodes: anyNodes, topologies: anyTopologies, isolated: fc.integer({ min: 0, max: 6 }) })
  .map(({ nodes, topologies, isolated }): ScheduleRequest => {
    const isolation: Record<string, number> = isolated > 2 ? {} : { 't-0': isolated }
    return { nodes, topologies, isolation, seed: 7 }
  })

/** What may happen between two rounds. Indices beyond what there is hit nothing. */
const anyEvent = fc.record({
  kind: fc.constantFrom(
    'dies',
    'drains',
    'falls silent',
    'flaps',
    'heals',
    'workers',
    'lost',
    'nothing',
    'joins',
  ),
  at: fc.nat({ max: 5 }),
  worker: fc.integer({ min: 1, max: 6 }),
})

function happen(
  request: ScheduleRequest,
  { kind, at, worker }: typeof anyEvent extends fc.Arbitrary<infer E> ? E : never,
): ScheduleRequest {
  const change = (more: Partial<ScheduleNode>): ScheduleRequest => {
    return {
      ...request,
      nodes: request.nodes.map((node, index) => (index === at ? { ...node, ...more } : node)),
    }
  }
  const alter = (more: Partial<ScheduleTopology>): ScheduleRequest => {
    return {
      ...request,
      topologies: request.topologies.map((each, index) => (index === at ? { ...each, ...more } : each)),
    }
  }
  switch (kind) {
    case 'dies':
      return change({ isDead: true })
    case 'drains':
      return change({ isDraining: true })
    case 'falls silent':
      return change({ isSilent: true })
    case 'flaps':
      return change({ isBlacklisted: true })
    case 'heals':
      return change({ isDead: false, isSilent: false, isDraining: false, isBlacklisted: false })
    case 'workers':
      return alter({ workers: worker })
    case 'lost':
      return alter({ lostWorkers: [worker] })
    case 'joins':
      return { ...request, nodes: [...request.nodes, nodeOf(`node-new-${request.nodes.length}`, 3)] }
    default:
      return request
  }
}

function checkSound(request: ScheduleRequest, plan: SchedulePlan): void {
  const nodes = new Map(request.nodes.map((node) => [node.node, node]))
  const slots = new Set<string>()
  for (const [index, each] of plan.topologies.entries()) {
    const topology = request.topologies[index]
    if (topology === undefined) throw new Error('as many plans as topologies')
    const placed = each.workers.flatMap(({ executors }) => executors)
    const unplaced = each.unplaced.flatMap(({ executors }) => executors)
    // S1, S4: every executor is placed once, or told of once.
    expect([...placed, ...unplaced].sort((a, b) => a - b)).toEqual(
      topology.executors.map(({ executor }) => executor),
    )
    for (const { why } of each.unplaced) expect(why).not.toBe('')
    const wanted = Math.min(topology.workers, topology.executors.length)
    expect(each.workers.length).toBeLessThanOrEqual(wanted)
    if (each.workers.length < wanted) expect(each.notes.length + each.unplaced.length).toBeGreaterThan(0)
    for (const worker of each.workers) checkWorker({ worker, node: nodes.get(worker.node), topology, slots })
    expect(new Set(each.workers.map(({ worker }) => worker)).size).toBe(each.workers.length)
    for (const move of each.moves) expect(move.why).not.toBe('')
  }
}

function checkWorker(facts: {
  readonly worker: PlannedWorker
  readonly node: ScheduleNode | undefined
  readonly topology: ScheduleTopology
  readonly slots: Set<string>
}): void {
  const { worker, node, topology, slots } = facts
  const slot = `${worker.node}:${worker.port}`
  expect(slots.has(slot)).toBe(false)
  slots.add(slot)
  expect(worker.executors.length).toBeGreaterThan(0)
  expect(node?.ports).toContain(worker.port)
  expect(node?.isDead).toBe(false)
  // S2: what is on a node that takes nothing new was there before, as it is.
  if (node?.isDraining === true || node?.isBlacklisted === true || node?.isSilent === true) {
    const was = topology.current?.workers.find((each) => each.worker === worker.worker)
    expect(worker).toMatchObject({ node: was?.node, port: was?.port, generation: was?.generation })
    if (node.isDraining || node.isBlacklisted) expect(worker).toEqual(was)
  }
}

describe('any plan', () => {
  test('is sound, and so is the one after whatever happens then', () => {
    fc.assert(
      fc.property(anyRequest, fc.array(anyEvent, { maxLength: 3 }), (request, events) => {
        const first = schedule(request)
        checkSound(request, first)
        const next = events.reduce(happen, settled(request, first))
        checkSound(next, schedule(next))
      }),
      RUNS,
    )
  })

  test('is the same for the same facts, in whatever order nodes are named', () => {
    fc.assert(
      fc.property(anyRequest, (request) => {
        const plan = schedule(request)
        expect(schedule(request)).toEqual(plan)
        expect(schedule({ ...request, nodes: [...request.nodes].reverse() })).toEqual(plan)
      }),
      RUNS,
    )
  })

  test('is at rest: a round on its own result changes nothing', () => {
    fc.assert(
      fc.property(anyRequest, fc.array(anyEvent, { maxLength: 2 }), (request, events) => {
        const next = events.reduce(happen, settled(request, schedule(request)))
        const rest = schedule(settled(next, schedule(next)))
        for (const { moves } of rest.topologies) expect(moves).toEqual([])
      }),
      RUNS,
    )
  })
})

/** Executor → worker that runs it. */
function workerOf({ workers }: TopologyPlan): ReadonlyMap<number, number> {
  return new Map(workers.flatMap(({ worker, executors }) => executors.map((executor) => [executor, worker])))
}

/** Executors that another worker runs now, or none did before. */
function movedCount(before: TopologyPlan, now: TopologyPlan): number {
  const earlier = workerOf(before)
  return [...workerOf(now)].filter(([executor, worker]) => earlier.get(executor) !== worker).length
}

/** A cluster with slots to spare, and one even topology on it. */
const roomy = fc
  .record({
    nodes: fc.integer({ min: 2, max: 6 }),
    a: fc.integer({ min: 1, max: 9 }),
    b: fc.integer({ min: 0, max: 9 }),
    c: fc.integer({ min: 0, max: 9 }),
    workers: fc.integer({ min: 1, max: 8 }),
    strategy: anyStrategy,
  })
  .map(({ nodes, a, b, c, workers, strategy }) => {
    const list = Array.from({ length: nodes }, (_, index) => nodeOf(`node-${index}`, 16))
    const wide = list.map((node) => ({ ...node, cpuPercent: 10_000, memoryBytes: 1024 * GIB }))
    return requestOf(wide, [topologyOf('t', { a, b, c }, { workers, strategy })])
  })

describe('with slots to spare', () => {
  test('everything is placed, and shares are even', () => {
    fc.assert(
      fc.property(roomy, (request) => {
        const plan = only(schedule(request))
        const [topology] = request.topologies
        // More workers than executors are said, and are no shortage.
        const notes = plan.notes.filter((note) => !note.startsWith('asked for'))
        expect([plan.unplaced, notes]).toEqual([[], []])
        const sizes = plan.workers.map(({ executors }) => executors.length)
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThan(2)
        const flat = topology?.executors.map(({ executor, component }) => {
          return { executor, componentId: component, tasks: [executor] }
        })
        const [owners, even] = [workerOf(plan), placeEvenly(flat ?? [], plan.workers.length)]
        for (const [index, worker] of even.entries()) expect(owners.get(index + 1)).toBe(worker)
      }),
      RUNS,
    )
  })

  test('a lost node moves its workers as they are, and touches no other', () => {
    fc.assert(
      fc.property(roomy, fc.constantFrom('isDead', 'isDraining', 'isBlacklisted'), (request, fate) => {
        const before = only(schedule(request))
        const gone = before.workers[0]?.node
        const nodes = request.nodes.map((node) => (node.node === gone ? { ...node, [fate]: true } : node))
        const now = only(schedule({ ...settled(request, schedule(request)), nodes }))
        for (const [index, worker] of before.workers.entries()) {
          const next = now.workers[index]
          if (worker.node !== gone) expect(next).toEqual(worker)
          else {
            expect(next).toMatchObject({ worker: worker.worker, executors: worker.executors })
            expect([next?.generation, next?.node === gone]).toEqual([worker.generation + 1, false])
          }
        }
        expect(now.moves.every(({ kind }) => kind === 'moved')).toBe(true)
      }),
      RUNS,
    )
  })

  test('more workers take the surplus and nothing else; fewer give away what they had', () => {
    fc.assert(
      fc.property(roomy, fc.integer({ min: 1, max: 10 }), (request, workers) => {
        const before = only(schedule(request))
        const next = settled(request, schedule(request))
        const now = only(
          schedule({ ...next, topologies: next.topologies.map((each) => ({ ...each, workers })) }),
        )
        const count = workerOf(before).size
        const wanted = Math.min(workers, count)
        expect([now.workers.length, now.unplaced]).toEqual([wanted, []])
        // What nobody can do without moving: all beyond the larger shares there will be.
        const larger = count % wanted
        const sizes = before.workers.map(({ executors }) => executors.length).sort((a, b) => b - a)
        const share = (index: number) => Math.floor(count / wanted) + (index < larger ? 1 : 0)
        const surplus = sizes.map((size, index) => Math.max(0, size - (index < wanted ? share(index) : 0)))
        if (wanted >= before.workers.length) {
          expect(movedCount(before, now)).toBe(surplus.reduce((sum, each) => sum + each, 0))
        } else {
          const dropped = before.workers.slice(wanted).flatMap(({ executors }) => executors)
          expect(movedCount(before, now)).toBe(dropped.length)
        }
        for (const move of now.moves) expect(['new', 'rearranged', 'gone']).toContain(move.kind)
      }),
      RUNS,
    )
  })

  test('a new layout keeps slots, and every worker starts anew', () => {
    fc.assert(
      fc.property(roomy, fc.integer({ min: 1, max: 9 }), (request, d) => {
        const before = only(schedule(request))
        const [old] = request.topologies
        const workers = before.workers.length
        const topology = topologyOf('t', { a: 9, d }, { workers, strategy: old?.strategy ?? 'even' })
        const current = { workers: before.workers, isSameLayout: false }
        const now = only(schedule({ ...request, topologies: [{ ...topology, current }] }))
        expect(now.moves.every(({ kind }) => kind === 'renewed')).toBe(true)
        for (const [index, worker] of before.workers.entries()) {
          const { node, port, generation } = worker
          expect(now.workers[index]).toMatchObject({ node, port, generation: generation + 1 })
        }
      }),
      RUNS,
    )
  })
})

describe('with slots too few', () => {
  test('and executors too few: both are said', () => {
    const request = requestOf([nodeOf('a', 2)], [topologyOf('t', { s: 1, b: 2 }, { workers: 40 })])
    expect(only(schedule(request)).notes).toEqual([
      'asked for 40 workers, can have 3: it has 3 executors, and a worker needs one at least',
      '2 of 3 workers: needs 1 more slot, 0 are free on nodes that are up',
    ])
  })

  test('executors of a worker without a slot go to the others, who keep what they have', () => {
    const nodes = [nodeOf('a', 1), nodeOf('b', 1), nodeOf('c', 1)]
    const request = requestOf(nodes, [topologyOf('t', { s: 2, b: 4 }, { workers: 3 })])
    const before = only(schedule(request))
    const down = nodes.map((node) => ({ ...node, isDead: node.node === 'b' }))
    const next = { ...settled(request, schedule(request)), nodes: down }
    const now = only(schedule(next))
    expect([now.unplaced, movedCount(before, now)]).toEqual([[], 2])
    expect(now.notes).toEqual(['2 of 3 workers: needs 1 more slot, 0 are free on nodes that are up'])
    // The node is back: only what makes the third worker whole moves.
    const back = only(schedule({ ...settled(next, schedule(next)), nodes }))
    expect([back.notes, movedCount(now, back)]).toEqual([[], 2])
    expect(back.workers.map(({ executors }) => executors.length)).toEqual([2, 2, 2])
  })

  test('a topology whose slots are lost gets one before another begins or grows', () => {
    const nodes = [nodeOf('a', 1), nodeOf('b', 1)]
    const first = requestOf(nodes, [topologyOf('old', { s: 2 }, { workers: 1 })])
    const [old] = settled(first, schedule(first)).topologies
    if (old === undefined) throw new Error('one topology')
    const down = nodes.map((node) => ({ ...node, isDead: node.node === 'a' }))
    const plan = schedule(requestOf(down, [topologyOf('young', { s: 2 }, { workers: 2 }), old]))
    expect(plan.topologies.map(({ workers }) => workers.length)).toEqual([0, 1])
    expect(plan.topologies[0]?.unplaced[0]?.why).toBe('needs 2 slots, none is free on nodes that are up')
  })

  test('a silent node keeps what it runs and gets nothing new', () => {
    const nodes = [nodeOf('a', 2), nodeOf('b', 2)]
    const request = requestOf(nodes, [topologyOf('t', { s: 2 })])
    const silent = nodes.map((node) => ({ ...node, isSilent: node.node === 'a' }))
    const next = settled({ ...request, nodes: silent }, schedule(request))
    const more = { ...next, topologies: [...next.topologies, topologyOf('u', { s: 2 })] }
    const [old, young] = schedule(more).topologies
    expect([old?.moves, old?.workers.map(({ node }) => node)]).toEqual([[], ['a', 'b']])
    expect(young?.workers.map(({ node }) => node)).toEqual(['b'])
  })

  test('a drain never leaves a topology without workers', () => {
    const nodes = [nodeOf('a', 2)]
    const request = requestOf(nodes, [topologyOf('t', { s: 2 })])
    const drained = nodes.map((node) => ({ ...node, isDraining: true }))
    const now = only(schedule({ ...settled(request, schedule(request)), nodes: drained }))
    expect([now.moves, now.workers.length]).toEqual([[], 2])
    expect(now.notes[0]).toBe('worker 1 stays on a although a is drained: nothing else can take it')
  })
})

test('who is held keeps its slots, whatever is better, and nobody else is planned into them', () => {
  fc.assert(
    fc.property(
      anyRequest,
      fc.array(anyEvent, { maxLength: 3 }),
      fc.nat({ max: 3 }),
      (request, events, at) => {
        const before = schedule(request)
        const next = events.reduce(happen, settled(request, before))
        const [topology, was] = [next.topologies[at], before.topologies[at]]
        if (topology === undefined || was === undefined) return
        const { topologies } = schedule({ ...next, held: new Set([topology.topologyId]) })
        const slotOf = ({ node, port }: PlannedWorker) => `${node}:${port}`
        const slots = topologies.flatMap(({ workers }) => workers.map(slotOf))
        expect(new Set(slots).size).toBe(slots.length)
        const isDead = (name: string) => next.nodes.some(({ node, isDead }) => node === name && isDead)
        for (const worker of was.workers) {
          if (isDead(worker.node) || topology.lostWorkers.includes(worker.worker)) continue
          const now = topologies[at]?.workers.find((each) => each.worker === worker.worker)
          expect(now && slotOf(now)).toBe(slotOf(worker))
        }
      },
    ),
    RUNS,
  )
})
