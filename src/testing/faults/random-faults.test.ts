// What is drawn depends on what there is, and on the seed only.
import { expect, test } from 'vitest'
import { SeededRandom } from '../../base/random.ts'
import { plannedOf, type RandomFaults, randomFaults } from './fault.ts'
import { type Drawable, drawFault, planFaults } from './random-faults.ts'

const components = [
  { id: 'read', isSink: false },
  { id: 'store', isSink: true },
]
const alone: Drawable = { components, workerCount: 4, nodeCount: 0, isVirtual: true }

function drawn(about: Drawable, seed = 1) {
  const faults = [randomFaults({ every: '100ms' })]
  return planFaults(faults, { ...about, healAfterMs: 60_000 }, new SeededRandom(seed))
}

const namesOf = (about: Drawable) =>
  new Set(drawn(about).map(({ fault }) => fault.slice(0, fault.indexOf('('))))

const OF_CLUSTER = ['killNimbus', 'killNode', 'killSupervisor', 'loseCoordinator']

test('faults of a cluster are drawn where there are supervisors, and name nodes that are there', () => {
  expect([...namesOf(alone)].filter((name) => OF_CLUSTER.includes(name))).toEqual([])
  const cluster = { ...alone, nodeCount: 2 }
  expect([...namesOf(cluster)]).toEqual(expect.arrayContaining(OF_CLUSTER))
  const nodes = drawn(cluster).flatMap((fault) => fault.nodes)
  expect(new Set(nodes)).toEqual(new Set([1, 2]))
  expect(drawn(cluster).every(({ workers }) => workers.every((worker) => worker <= 4))).toBe(true)
})

test('faults of disks and clocks are drawn in virtual time only', () => {
  const names = namesOf({ ...alone, nodeCount: 2, isVirtual: false })
  for (const name of ['slowDisk', 'failDisk', 'skewClock']) expect(names).not.toContain(name)
})

test('the same seed draws the same, one by one as all at once', () => {
  const all = drawn(alone).map(({ fault }) => fault)
  expect(drawn(alone).map(({ fault }) => fault)).toEqual(all)
  expect(drawn(alone, 2).map(({ fault }) => fault)).not.toEqual(all)
  const random = new SeededRandom(1).split('faults 0')
  const spec = plannedOf(randomFaults({ every: '100ms' })) as RandomFaults
  let atMs = 0
  for (const fault of all) {
    const next = drawFault(spec, alone, random, atMs)
    expect(next?.fault.fault).toBe(fault)
    atMs = next?.atMs ?? 0
  }
})
