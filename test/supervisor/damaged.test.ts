// Goal: while a record on the board cannot be understood, a node goes on as it was, and loses nothing.
import { describe, expect, test } from 'vitest'
import { assertDefined } from '../../src/base/assert.ts'
import { SupervisorWorld } from './supervisor-world.ts'

const path = '/typhoon/assignments/words-1'
const said = (value: string) => ({ lines: { 'book.txt': value } })

/** Behind everybody's back. */
async function overwrite(world: SupervisorWorld, data: Uint8Array): Promise<void> {
  const host = world.world.host('vandal')
  const coordinator = world.ensemble.connect({ host, name: 'vandal', sessionTimeoutMs: 6_000 })
  await world.drive(coordinator.connected(5_000))
  await world.drive(coordinator.set(path, data))
  await world.drive(coordinator.close())
}

async function running() {
  const world = new SupervisorWorld()
  await world.running()
  await world.pass(3_000)
  const good = assertDefined(world.ensemble.peek(path), 'it is assigned').data
  return { world, worker: assertDefined(world.launcher.at(6700), 'a worker runs'), good }
}

/** What is said while the record is damaged waits, and is stored when it can be read. */
async function storedOnceReadable({
  world,
  worker,
  good,
}: Awaited<ReturnType<typeof running>>): Promise<void> {
  worker.say({ kind: 'positions', positions: said('"5"') })
  await world.pass(10_000)
  expect(worker.told('stored')).toEqual([])
  expect(worker.isAlive).toBe(true)
  await overwrite(world, good)
  await world.until(() => worker.told('stored').length > 0, 'stored')
  expect(await world.positions()).toEqual(said('"5"'))
}

describe('positions wait while the assignment is damaged, and are stored when it can be read', () => {
  test('damaged in what it says of the worker', async () => {
    const { world, worker, good } = await running()
    const text = new TextDecoder().decode(good).replaceAll(/"executors":"[^"]*"/g, '"executors":"few"')
    await overwrite(world, new TextEncoder().encode(text))
    await world.pass(2_000)
    await storedOnceReadable({ world, worker, good })
  })

  test('damaged as a whole, for a supervisor that begins', async () => {
    const { world, worker, good } = await running()
    await overwrite(world, new TextEncoder().encode('{"format":'))
    world.crashSupervisor()
    await world.start()
    await world.until(() => worker.isConnected, 'it is taken back')
    await storedOnceReadable({ world, worker, good })
  })

  test('given to another node meanwhile, they are left out', async () => {
    const { world, worker, good } = await running()
    worker.isDeaf = true
    await overwrite(world, new TextEncoder().encode('{"format":'))
    world.crashSupervisor()
    await world.start()
    await world.until(() => worker.isConnected, 'it is taken back')
    worker.say({ kind: 'positions', positions: said('"5"') })
    await world.pass(2_000)
    const text = new TextDecoder().decode(good).replaceAll('"node":"node1"', '"node":"node2"')
    await overwrite(world, new TextEncoder().encode(text))
    await world.pass(20_000)
    expect(await world.positions()).toEqual({})
    expect(worker.told('stored')).toEqual([])
  })
})
