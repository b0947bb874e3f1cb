import { expect, test } from 'vitest'
import { SeededRandom } from '../../base/random.ts'
import { VirtualWorld } from '../../host/virtual/virtual-world.ts'
import { MessagePipe } from './message-pipe.ts'

function pipeIn(world: VirtualWorld, delayMs: () => number): MessagePipe {
  const { timers, clock } = world.host('receiver')
  return new MessagePipe({ timers, nowMs: () => clock.monotonicMs(), delayMs })
}

test('what is sent arrives in order, whatever the delays, and never in the sender’s own turn', async () => {
  const world = new VirtualWorld({ seed: 1 })
  const random = new SeededRandom(1)
  const pipe = pipeIn(world, () => random.below(100))
  const arrived: number[] = []
  for (let i = 0; i < 100; i += 1) pipe.send(() => arrived.push(i))
  expect(arrived).toEqual([])
  await world.run({ untilMs: 1_000 })
  expect(arrived).toEqual(Array.from({ length: 100 }, (_, index) => index))
})

test('a cut gives back what had not arrived, also from the midst of an arrival', async () => {
  const world = new VirtualWorld({ seed: 1 })
  const pipe = pipeIn(world, () => 0)
  const arrived: number[] = []
  let cutCount = 0
  for (let i = 0; i < 10; i += 1) {
    pipe.send(() => {
      arrived.push(i)
      if (i === 3) cutCount = pipe.cut().length
    })
  }
  await world.run({ untilMs: 10 })
  expect([arrived, cutCount]).toEqual([[0, 1, 2, 3], 6])
  pipe.send(() => arrived.push(99))
  await world.run({ untilMs: 20 })
  expect(arrived.at(-1)).toBe(99)
})

test('a receiver that is dead gets nothing', async () => {
  const world = new VirtualWorld({ seed: 1 })
  const pipe = pipeIn(world, () => 5)
  let count = 0
  pipe.send(() => {
    count += 1
  })
  world.crash('receiver')
  await world.run({ untilMs: 100 })
  expect(count).toBe(0)
})
