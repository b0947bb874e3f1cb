// Faults strike in their time and end in theirs; random ones go on, until they are ended, which heals.
import { expect, test } from 'vitest'
import { SeededRandom } from '../../base/random.ts'
import { VirtualWorld } from '../../host/virtual/virtual-world.ts'
import {
  hangWorker,
  type PlannedFault,
  plannedOf,
  type RandomFaults,
  randomFaults,
  slowLink,
} from './fault.ts'
import { FaultSchedule } from './fault-schedule.ts'
import type { FaultStage } from './fault-stage.ts'

function stageIn(world: VirtualWorld) {
  const calls: string[] = []
  const stage = {
    timers: world.timers,
    refuseImpossible: () => undefined,
    note: () => undefined,
    counts: () => ({ acked: 0, emitted: 0 }),
    hang: (worker: number, forMs: number) => calls.push(`hang ${worker} ${forMs}`),
    kill: (worker: number) => calls.push(`kill ${worker}`),
    delayLinks: (delayMs: number) => calls.push(`delay ${delayMs}`),
  }
  return { calls, stage: stage as unknown as FaultStage }
}

const NOT_THESE = ['hangWorker', 'partition', 'dropLink', 'dropAcks', 'slowLink']

const schedule = (world: VirtualWorld, stage: FaultStage) =>
  new FaultSchedule(stage, Number.POSITIVE_INFINITY, () => world.nowMs)

test('what lasts ends when its time is over, or when all is ended, and once only', async () => {
  const world = new VirtualWorld({ seed: 1 })
  const { calls, stage } = stageIn(world)
  const faults = schedule(world, stage)
  faults.add([
    plannedOf(slowLink('5ms', { at: '1ms', for: '10ms' })) as PlannedFault,
    plannedOf(slowLink('7ms', { at: '20ms', for: '1h' })) as PlannedFault,
    plannedOf(hangWorker(1, { at: '40ms', for: '1s' })) as PlannedFault,
  ])
  await world.run({ untilMs: 30 })
  expect(calls).toEqual(['delay 5', 'delay 0', 'delay 7'])
  faults.end()
  faults.end()
  await world.run({ untilMs: 7_200_000 })
  expect(calls).toEqual(['delay 5', 'delay 0', 'delay 7', 'delay 0'])
})

test('random faults go on and on, about what there is at each time', async () => {
  const world = new VirtualWorld({ seed: 1 })
  const { calls, stage } = stageIn(world)
  const faults = schedule(world, stage)
  let workerCount = 1
  const about = () => ({ components: [], workerCount, nodeCount: 0, isVirtual: false })
  const spec = plannedOf(randomFaults({ every: '10ms', except: NOT_THESE })) as RandomFaults
  faults.keepDrawing(spec, about, new SeededRandom(1))
  await world.run({ untilMs: 1_000 })
  expect(new Set(calls)).toEqual(new Set(['kill 1']))
  expect(calls.length).toBeGreaterThan(50)
  expect(faults.injected.map(({ fault }) => fault)[0]).toMatch(/^killWorker\(1, \{ at: '\d+ms' \}\)$/)
  workerCount = 9
  await world.run({ untilMs: 2_000 })
  expect(calls).toContain('kill 9')
  const before = calls.length
  faults.end()
  await world.run({ untilMs: 3_000 })
  expect(calls).toHaveLength(before)
})
