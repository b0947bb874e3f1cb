// Goal: each strategy, rules and isolation do what their names say, and refuse with the reason. Method: small
// clusters by hand where the answer is known; random ones for what must never happen: more on a node than it
// has, components together that are kept apart.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { TopologyPlan } from './plan.ts'
import type { PlacementRules, ScheduleNode, ScheduleRequest, ScheduleTopology } from './request.ts'
import { NO_RULES } from './request.ts'
import { schedule } from './schedule.ts'

const GIB = 2 ** 30
const RUNS = { numRuns: 300 }

function nodeOf(node: string, more: Partial<ScheduleNode> = {}): ScheduleNode {
  const up = { isDead: false, isSilent: false, isDraining: false, isBlacklisted: false, used: undefined }
  return { node, ports: [1, 2, 3, 4], cpuPercent: 400, memoryBytes: 4 * GIB, ...up, ...more }
}

/** Component → executors, CPU percent and GiB of each. */
type Shape = Readonly<Record<string, readonly [count: number, cpuPercent?: number, gib?: number]>>

function topologyOf(
  topologyId: string,
  shape: Shape,
  more: Partial<ScheduleTopology> = {},
): ScheduleTopology {
  const executors = Object.entries(shape)
    .flatMap(([component, [count, cpuPercent = 10, gib = 0.1]]) => {
      return Array.from({ length: count }, () => ({ component, cpuPercent, memoryBytes: gib * GIB }))
    })
    .map((each, index) => ({ executor: index + 1, ...each }))
  const rest = { strategy: 'even', workers: 2, rules: NO_RULES, current: undefined, lostWorkers: [] } as const
  return { topologyId, name: topologyId, executors, ...rest, ...more }
}

function planAll(
  nodes: readonly ScheduleNode[],
  topologies: readonly ScheduleTopology[],
  more: Partial<ScheduleRequest> = {},
): readonly TopologyPlan[] {
  return schedule({ nodes, topologies, isolation: {}, seed: 1, ...more }).topologies
}

function planOne(nodes: readonly ScheduleNode[], topology: ScheduleTopology): TopologyPlan {
  const [plan] = planAll(nodes, [topology])
  if (plan === undefined) throw new Error('one topology, one plan')
  return plan
}

function places(plan: TopologyPlan | undefined): readonly string[] {
  return (plan?.workers ?? []).map(({ node, executors }) => `${node}:${executors.join(' ')}`)
}

const RESOURCES = { strategy: 'resource-aware' } as const

describe('even', () => {
  test('spreads workers over nodes, the emptier ones first', () => {
    const nodes = [nodeOf('a'), nodeOf('b'), nodeOf('c')]
    const [first, second] = planAll(nodes, [
      topologyOf('one', { s: [2] }),
      topologyOf('two', { s: [3] }, { workers: 3 }),
    ])
    expect(places(first)).toEqual(['a:1', 'b:2'])
    expect(places(second)).toEqual(['c:1', 'a:2', 'b:3'])
  })
})

describe('weighted', () => {
  test('gives nodes workers in proportion to what they offer', () => {
    const nodes = [
      nodeOf('big', { cpuPercent: 1200, memoryBytes: 12 * GIB, ports: [1, 2, 3, 4, 5, 6] }),
      nodeOf('small'),
    ]
    const plan = planOne(nodes, topologyOf('t', { s: [8] }, { strategy: 'weighted', workers: 8 }))
    expect(plan.workers.filter(({ node }) => node === 'big').length).toBe(6)
  })
})

describe('random', () => {
  test('depends on the seed, and on nothing that happens elsewhere', () => {
    const nodes = Array.from({ length: 20 }, (_, index) => nodeOf(`n${index}`))
    const topology = topologyOf('t', { s: [4] }, { strategy: 'random', workers: 4 })
    const of = (seed: number) => places(planAll(nodes, [topology], { seed })[0])
    expect(of(1)).toEqual(of(1))
    expect(new Set([1, 2, 3, 4].map((seed) => of(seed).join()))).toHaveProperty('size', 4)
  })
})

describe('resource-aware', () => {
  test('goes where there is room, measured use counts', () => {
    const busy = { used: { cpuPercent: 390, memoryBytes: GIB } }
    const plan = planOne([nodeOf('a', busy), nodeOf('b')], topologyOf('t', { s: [4, 50] }, RESOURCES))
    expect(plan.workers.map(({ node }) => node)).toEqual(['b', 'b'])
  })

  test('says what is missing, in memory, CPU, or both', () => {
    const nodes = [nodeOf('a', { memoryBytes: GIB }), nodeOf('b', { memoryBytes: 1.2 * GIB, cpuPercent: 80 })]
    const why = (cpuPercent: number, gib: number) => {
      return planOne(nodes, topologyOf('t', { s: [1, cpuPercent, gib] }, RESOURCES)).unplaced[0]?.why
    }
    expect(why(10, 2)).toBe('asks for 2 GiB, the largest free is 1.2 GiB on b')
    expect(why(450, 1)).toBe('asks for 450 % of a core, the largest free is 400 % on a')
    expect(why(100, 1.1)).toBe('asks for 100 % of a core and 1.1 GiB, no node has both free')
    expect(why(80, 1.2)).toBe(undefined)
  })

  test('places what fits, packs closer if shares in turn leave something over', () => {
    // In turn the two workers would get one large and one small each, and a large one would be left over.
    const nodes = [nodeOf('a', { memoryBytes: 3 * GIB }), nodeOf('b', { memoryBytes: 2 * GIB })]
    const plan = planOne(nodes, topologyOf('t', { l: [1, 10, 2], s: [3, 10, 1] }, RESOURCES))
    expect(plan.unplaced).toEqual([])
    const partly = planOne(nodes, topologyOf('t', { l: [4, 10, 2] }, RESOURCES))
    expect(partly.unplaced.map(({ executors }) => executors.length)).toEqual([2])
    expect(partly.unplaced[0]?.why).toBe('asks for 2 GiB, the largest free is 1 GiB on a')
  })

  test('never promises more than a node has', () => {
    const shape = fc.record({
      s: fc.nat({ max: 6 }),
      b: fc.integer({ min: 1, max: 6 }),
      cpu: fc.nat({ max: 90 }),
      gib: fc.constantFrom(0, 0.25, 0.5, 1),
    })
    const any = fc.record({
      shapes: fc.array(shape, { maxLength: 4 }),
      nodes: fc.integer({ min: 1, max: 5 }),
      used: fc.nat({ max: 200 }),
    })
    fc.assert(
      fc.property(any, ({ shapes, nodes, used }) => {
        const list = Array.from({ length: nodes }, (_, index) => {
          return nodeOf(`n${index}`, {
            cpuPercent: 200,
            memoryBytes: 2 * GIB,
            used: { cpuPercent: used / (index + 1), memoryBytes: 0 },
          })
        })
        const topologies = shapes.map(({ s, b, cpu, gib }, index) => {
          return topologyOf(
            `t${index}`,
            { s: [s, cpu, gib], b: [b, 20, gib / 2] },
            { ...RESOURCES, workers: index + 1 },
          )
        })
        const plans = planAll(list, topologies)
        for (const { node, cpuPercent, memoryBytes, used: measured } of list) {
          const here = plans.flatMap(({ workers }, index) =>
            workers
              .filter((worker) => worker.node === node)
              .flatMap(({ executors }) =>
                executors.map((number) => topologies[index]?.executors[number - 1]),
              ),
          )
          const cpu = here.reduce((sum, each) => sum + (each?.cpuPercent ?? 0), measured?.cpuPercent ?? 0)
          const memory = here.reduce((sum, each) => sum + (each?.memoryBytes ?? 0), 0)
          if (here.length > 0) expect(cpu).toBeLessThanOrEqual(cpuPercent + 1e-6)
          expect(memory).toBeLessThanOrEqual(memoryBytes)
        }
      }),
      RUNS,
    )
  })
})

describe('rules', () => {
  const rules = (more: Partial<PlacementRules>) => ({ rules: { ...NO_RULES, ...more } })

  test('keep components off each other’s nodes, though shares in turn would leave no node over', () => {
    const nodes = [nodeOf('a'), nodeOf('b')]
    const plan = planOne(nodes, topologyOf('t', { s: [2], w: [2] }, rules({ apartNodes: { s: ['w'] } })))
    expect([places(plan), plan.unplaced]).toEqual([['a:1 2', 'b:3 4'], []])
  })

  test('keep components out of each other’s workers', () => {
    const plan = planOne(
      [nodeOf('a')],
      topologyOf('t', { s: [2], w: [1] }, rules({ apartWorkers: { w: ['s'] } })),
    )
    expect(plan.unplaced).toEqual([])
    const [s1, s2, w] = [1, 2, 3].map(
      (n) => plan.workers.find(({ executors }) => executors.includes(n))?.worker,
    )
    expect([s1 === w, s2 === w]).toEqual([false, false])
  })

  test('bound the executors of a component on a node, and say so', () => {
    const nodes = [nodeOf('a'), nodeOf('b')]
    const plan = planOne(nodes, topologyOf('t', { s: [3], w: [2] }, rules({ nodeMax: { s: 1 } })))
    expect(plan.unplaced).toEqual([
      {
        component: 's',
        executors: [3],
        why: "a node takes 1 of 's' at most: none of its 2 workers may take it",
      },
    ])
  })

  test('hold for every worker that moves as well', () => {
    const nodes = ['a', 'b', 'c', 'd'].map((name) => nodeOf(name, { ports: [1, 2] }))
    const any = fc.record({
      s: fc.integer({ min: 1, max: 4 }),
      w: fc.integer({ min: 1, max: 4 }),
      workers: fc.integer({ min: 1, max: 4 }),
      strategy: fc.constantFrom('even', 'random', 'weighted', 'resource-aware'),
      dead: fc.constantFrom('a', 'b', 'c', 'd'),
    })
    fc.assert(
      fc.property(any, ({ s, w, workers, strategy, dead }) => {
        const apart = rules({ apartNodes: { s: ['w'] }, nodeMax: { w: 2 } })
        const topology = topologyOf('t', { s: [s], w: [w] }, { workers, strategy, ...apart })
        const first = planOne(nodes, topology)
        const down = nodes.map((node) => ({ ...node, isDead: node.node === dead }))
        const current = { workers: first.workers, isSameLayout: true }
        for (const plan of [first, planOne(down, { ...topology, current })]) {
          for (const { node } of nodes) {
            const here = plan.workers
              .filter((worker) => worker.node === node)
              .flatMap(({ executors }) => executors)
            const words = here.filter((executor) => executor > s).length
            expect(words).toBeLessThanOrEqual(2)
            expect(words === 0 || words === here.length).toBe(true)
          }
        }
      }),
      RUNS,
    )
  })
})

describe('isolation', () => {
  const nodes = [nodeOf('a'), nodeOf('b'), nodeOf('c')]
  const pay = topologyOf('pay', { s: [4] }, { workers: 4 })
  const others = topologyOf('others', { s: [3] }, { workers: 3 })

  test('keeps nodes for one topology, however late in the order it comes', () => {
    const [second, first] = planAll(nodes, [others, pay], { isolation: { pay: 2 } })
    expect(new Set(first?.workers.map(({ node }) => node))).toEqual(new Set(['a', 'b']))
    expect(new Set(second?.workers.map(({ node }) => node))).toEqual(new Set(['c']))
  })

  test('makes others leave, which keep what they run', () => {
    const [before] = planAll(nodes, [others])
    const running = { ...others, current: { workers: before?.workers ?? [], isSameLayout: true } }
    const [now, isolated] = planAll(nodes, [running, pay], { isolation: { pay: 2 } })
    expect(now?.moves.map(({ kind, why }) => [kind, why])).toEqual([
      ['moved', 'a is kept for another'],
      ['moved', 'b is kept for another'],
    ])
    expect(now?.workers.map(({ executors }) => executors)).toEqual([[1], [2], [3]])
    expect(isolated?.unplaced).toEqual([])
  })

  test('says when there are too few nodes, and why others are nowhere', () => {
    const [first, second] = planAll([nodeOf('a')], [pay, others], { isolation: { pay: 2 } })
    expect(first?.notes).toEqual(['wants 2 nodes for itself, 1 are up and not kept for others'])
    expect(second?.unplaced.map(({ why }) => why)).toEqual([
      'every node that is up is kept for another topology',
    ])
  })
})
