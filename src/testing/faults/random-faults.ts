/**
 * Faults drawn at random: what may happen here, how often, and in which order, all from the seed.
 */
import { assert, assertDefined } from '../../base/assert.ts'
import type { SeededRandom } from '../../base/random.ts'
import type { Duration } from '../../config/topology-config.ts'
import type { Topology } from '../../topology/topology.ts'
import {
  dropAcks,
  dropLink,
  durationText,
  type Fault,
  failComponent,
  failDisk,
  failSink,
  hangWorker,
  isPlanned,
  killNimbus,
  killNode,
  killSupervisor,
  killWorker,
  loseCoordinator,
  type PlannedFault,
  partition,
  plannedOf,
  type RandomFaults,
  skewClock,
  slowDisk,
  slowLink,
} from './fault.ts'

/** What random faults may be about. */
export interface Drawable {
  /** Components of all topologies. */
  readonly components: readonly { readonly id: string; readonly isSink: boolean }[]
  readonly workerCount: number
  /** Supervisors; 0: workers are on their own. */
  readonly nodeCount: number
  /** Faults of machines and disks can be had. */
  readonly isVirtual: boolean
}

export function componentsOf(topology: Topology): Drawable['components'] {
  return [...topology.components.values()].map(({ id, definition }) => {
    return { id, isSink: definition.kind === 'bolt' && definition.form === 'sink' }
  })
}

/** All faults of a run with their times: random ones are drawn now. */
export function planFaults(
  faults: readonly Fault[],
  about: Drawable & { readonly healAfterMs: number },
  random: SeededRandom,
): readonly PlannedFault[] {
  return faults.map(plannedOf).flatMap((fault, index) => {
    return isPlanned(fault) ? [fault] : drawFaults(fault, about, random.split(`faults ${index}`))
  })
}

/** Random faults of one run are so many at most: each is a timer. */
const DRAWN_MAX = 10_000

function drawFaults(
  fault: RandomFaults,
  about: Drawable & { readonly healAfterMs: number },
  random: SeededRandom,
): PlannedFault[] {
  const faults: PlannedFault[] = []
  let atMs = 0
  while (faults.length < DRAWN_MAX) {
    const drawn = drawFault(fault, about, random, atMs)
    if (drawn === undefined || drawn.atMs > about.healAfterMs) break
    atMs = drawn.atMs
    faults.push(drawn.fault)
  }
  return faults
}

/** The next after `fromMs`. undefined: there is nothing to draw from. */
export function drawFault(
  fault: RandomFaults,
  about: Drawable,
  random: SeededRandom,
  fromMs: number,
): { readonly atMs: number; readonly fault: PlannedFault } | undefined {
  const makers = makersFor(about, random).filter(([name]) => !fault.except.has(name))
  if (makers.length === 0) return undefined
  // From half to one and a half times the distance: never in step with anything.
  const atMs = fromMs + fault.everyMs * (0.5 + random.next())
  const [, make] = assertDefined(makers[random.below(makers.length)], 'drawn from those that are there')
  const drawn = plannedOf(make(atMs))
  assert(isPlanned(drawn), 'what is drawn is one fault')
  return { atMs, fault: drawn }
}

type Maker = readonly [name: string, make: (atMs: number) => Fault]

/** Faults that mean something here. */
function makersFor(about: Drawable, random: SeededRandom): readonly Maker[] {
  const { components, workerCount, nodeCount, isVirtual } = about
  const draws: Draws = {
    random,
    worker: () => 1 + random.below(workerCount),
    node: () => 1 + random.below(nodeCount === 0 ? workerCount : nodeCount),
    once: (atMs) => ({ at: durationText(atMs) }),
    lasting: (atMs, mostMs) => ({ at: durationText(atMs), for: durationText(1 + random.next() * mostMs) }),
  }
  const sinks = components.filter(({ isSink }) => isSink)
  return [
    ...workerMakers(draws),
    ...(isVirtual ? machineMakers(draws) : []),
    ...(components.length > 0 ? [componentMaker(draws, components)] : []),
    ...(sinks.length > 0 ? [sinkMaker(draws, sinks)] : []),
    ...(workerCount < 2 ? [] : linkMakers(draws, workerCount)),
    ...(nodeCount === 0 ? [] : clusterMakers(draws)),
  ]
}

interface Draws {
  readonly random: SeededRandom
  worker(): number
  node(): number
  once(atMs: number): { readonly at: Duration }
  lasting(atMs: number, mostMs: number): { readonly at: Duration; readonly for: Duration }
}

function workerMakers({ worker, once, lasting }: Draws): readonly Maker[] {
  return [
    ['killWorker', (at) => killWorker(worker(), once(at))],
    ['hangWorker', (at) => hangWorker(worker(), lasting(at, 5_000))],
  ]
}

function machineMakers({ random, node, lasting }: Draws): readonly Maker[] {
  return [
    ['slowDisk', (at) => slowDisk(durationText(random.next() * 100), lasting(at, 1_000))],
    ['failDisk', (at) => failDisk(random.chance(0.5) ? 'full' : 'broken', lasting(at, 1_000))],
    ['skewClock', (at) => skewClock(node(), durationText(random.next() * 60_000), lasting(at, 2_000))],
  ]
}

function componentMaker({ random, once }: Draws, components: Drawable['components']): Maker {
  return [
    'failComponent',
    (at) => failComponent(pick(components, random), { ...once(at), count: 1 + random.below(3) }),
  ]
}

function sinkMaker({ random, once }: Draws, sinks: Drawable['components']): Maker {
  const calls = ['write', 'prepare', 'commit'] as const
  return [
    'failSink',
    (at) => {
      const call = calls[random.below(calls.length)] ?? 'write'
      return failSink(pick(sinks, random), call, { ...once(at), count: 1 + random.below(2) })
    },
  ]
}

function linkMakers({ random, worker, once, lasting }: Draws, workerCount: number): readonly Maker[] {
  const pair = (): readonly [number, number] => {
    const a = worker()
    const b = 1 + ((a + random.below(workerCount - 1)) % workerCount)
    return [a, b]
  }
  return [
    [
      'partition',
      (at) => {
        const [a, b] = pair()
        return partition([a], [b], lasting(at, 5_000))
      },
    ],
    ['dropLink', (at) => dropLink(...pair(), once(at))],
    ['dropAcks', (at) => dropAcks(Math.round(random.next() * 30) / 100, lasting(at, 1_000))],
    ['slowLink', (at) => slowLink(durationText(random.next() * 100), lasting(at, 2_000))],
  ]
}

function clusterMakers({ node, once, lasting }: Draws): readonly Maker[] {
  return [
    ['killNode', (at) => killNode(node(), once(at))],
    ['killSupervisor', (at) => killSupervisor(node(), once(at))],
    ['killNimbus', (at) => killNimbus(once(at))],
    ['loseCoordinator', (at) => loseCoordinator(lasting(at, 20_000))],
  ]
}

function pick(from: Drawable['components'], random: SeededRandom): string {
  return from[random.below(from.length)]?.id ?? ''
}
