// A program that dies calls nobody any more; one that stands still catches up in its order.
import { expect, test } from 'vitest'
import type { Connection } from '../../host/host.ts'
import { VirtualWorld } from '../../host/virtual/virtual-world.ts'
import { MortalHost } from './mortal-host.ts'

function worldWith(name = 'program') {
  const world = new VirtualWorld({ seed: 1, isChopped: false })
  const mortal = new MortalHost(name, world.host('process'))
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
  expect(ends).toHaveLength(1)
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

/** A world in which a connection gives all its bytes in one buffer, as it may. */
function reusing() {
  const world = new VirtualWorld({ seed: 1, isChopped: false })
  const base = world.host('process')
  const inner: Connection = {
    peer: 'other:1',
    onBytes: () => undefined,
    onDrain: () => undefined,
    onClose: () => undefined,
    write: () => true,
    close: () => undefined,
  }
  const mortal = new MortalHost('program', { ...base, net: { ...base.net, connect: () => inner } })
  const buffer = new Uint8Array(1)
  const give = (value: number) => {
    buffer[0] = value
    inner.onBytes(buffer)
  }
  return { world, mortal, give, connection: mortal.host.net.connect('other:1', () => undefined) }
}

test('bytes that come while others still wait are what they were', async () => {
  const { world, mortal, give, connection } = reusing()
  const got: (number | undefined)[] = []
  connection.onBytes = ([first]) => got.push(first)
  mortal.pause()
  give(1)
  give(2)
  mortal.resume()
  give(3)
  give(4)
  await world.run({ untilMs: world.nowMs + 1 })
  give(5)
  expect(got).toEqual([1, 2, 3, 4, 5])
})

test('what throws is not called again, and what waits behind it comes', async () => {
  const { world, mortal, give, connection } = reusing()
  const got: (number | undefined)[] = []
  connection.onBytes = ([first]) => {
    got.push(first)
    if (first === 1) throw new Error('the first is bad')
  }
  mortal.pause()
  give(1)
  give(2)
  mortal.resume()
  await expect(world.run({ untilMs: world.nowMs + 1 })).rejects.toThrow('the first is bad')
  await world.run({ untilMs: world.nowMs + 1 })
  expect(got).toEqual([1, 2])
})
