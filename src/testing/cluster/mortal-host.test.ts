// A program that dies calls nobody any more; one that stands still catches up in its order. What holds for
// virtual programs as well is in test/contract/mortal-world.contract.ts.
import { expect, test } from 'vitest'
import { VirtualWorld } from '../../host/virtual/virtual-world.ts'
import { MortalHost } from './mortal-host.ts'

function worldWith(name = 'program') {
  const world = new VirtualWorld({ seed: 1, isChopped: false })
  const mortal = new MortalHost({ name, base: world.host('process'), net: world.net, machine: name })
  return { world, mortal, host: mortal.host }
}

test('after its death no timer, file or connection of it is heard of', async () => {
  const { world, mortal, host } = worldWith()
  const other = world.host('other')
  const heard: string[] = []
  const ends: (string | undefined)[] = []
  const listening = other.net.listen('other:1', (connection) => {
    connection.onClose = (why) => ends.push(why?.message)
    other.timers.after(5, () => connection.write(new Uint8Array([1])))
  })
  await world.run({ untilMs: world.nowMs + 1 })
  await listening
  const connection = host.net.connect('other:1', () => heard.push('open'))
  connection.onBytes = () => heard.push('bytes')
  connection.onClose = () => heard.push('close')
  host.timers.every(1, () => heard.push('every'))
  host.timers.after(3, () => heard.push('after'))
  await world.run({ untilMs: world.nowMs + 1.5 })
  expect(heard).toEqual(['open', 'every'])
  mortal.die()
  host.timers.defer(() => heard.push('defer'))
  host.timers.after(1, () => heard.push('after'))
  host.files.stat('/x').then(
    () => heard.push('stat'),
    () => heard.push('stat'),
  )
  await world.run({ untilMs: world.nowMs + 100 })
  expect(heard).toEqual(['open', 'every'])
  expect(ends).toEqual(['connection to program was lost: ECONNRESET'])
  expect(connection.write(new Uint8Array([1]))).toBe(true)
})

test('what became ready while it stood still runs afterwards, in its order', async () => {
  const { world, mortal, host } = worldWith()
  const heard: string[] = []
  mortal.pause()
  host.timers.after(1, () => heard.push('one'))
  host.timers.after(2, () => {
    heard.push('two')
    host.timers.defer(() => heard.push('later'))
  })
  const ticks = host.timers.every(1, () => heard.push('tick'))
  await world.run({ untilMs: world.nowMs + 10 })
  expect(heard).toEqual([])
  mortal.resume()
  await world.run({ untilMs: world.nowMs + 0.5 })
  // Ten ticks were due: one of them is made up for.
  expect(heard.toSorted()).toEqual(['later', 'one', 'tick', 'two'])
  expect(heard.indexOf('one')).toBeLessThan(heard.indexOf('two'))
  expect(heard.at(-1)).toBe('later')
  ticks.stop()
  await world.run({ untilMs: world.nowMs + 10 })
  expect(heard).toHaveLength(4)
})

test('what it does with files while it stands still is told afterwards', async () => {
  const { world, mortal, host } = worldWith()
  const opening = host.files.open('/a', 'create')
  await world.run({ untilMs: world.nowMs + 10 })
  const file = await opening
  mortal.pause()
  let isWritten = false
  file.write(new Uint8Array([1]), 0).then(
    () => {
      isWritten = true
    },
    () => undefined,
  )
  await world.run({ untilMs: world.nowMs + 10 })
  expect(isWritten).toBe(false)
  mortal.resume()
  await world.run({ untilMs: world.nowMs + 10 })
  expect(isWritten).toBe(true)
  mortal.die()
  const looking = world.host('process').files.stat('/a')
  await world.run({ untilMs: world.nowMs + 10 })
  expect((await looking)?.sizeBytes).toBe(1)
})

test('what comes while others still wait goes behind them', async () => {
  const { world, mortal, host } = worldWith()
  const heard: number[] = []
  mortal.pause()
  for (const number of [1, 2]) host.timers.defer(() => heard.push(number))
  await world.run({ untilMs: world.nowMs + 1 })
  mortal.resume()
  for (const number of [3, 4]) host.timers.defer(() => heard.push(number))
  await world.run({ untilMs: world.nowMs + 1 })
  expect(heard).toEqual([1, 2, 3, 4])
})

test('what throws is not called again, and what waits behind it comes', async () => {
  const { world, mortal, host } = worldWith()
  const heard: number[] = []
  mortal.pause()
  host.timers.defer(() => {
    heard.push(1)
    throw new Error('the first is bad')
  })
  host.timers.defer(() => heard.push(2))
  await world.run({ untilMs: world.nowMs + 1 })
  mortal.resume()
  await expect(world.run({ untilMs: world.nowMs + 1 })).rejects.toThrow('the first is bad')
  await world.run({ untilMs: world.nowMs + 1 })
  expect(heard).toEqual([1, 2])
})
