import { describe, expect, test } from 'vitest'
import type { Host } from '../host/host.ts'
import { VirtualWorld } from '../host/virtual/virtual-world.ts'
import { PositionStore, type StoredPositions } from './position-store.ts'

const DIR = '/data'

function positionsOf(byte: number): StoredPositions {
  const facts = { position: { byte, at: 5n }, readCount: byte + 1, ackedCount: byte }
  return new Map([['lines', new Map([['logs/a.log', facts]])]])
}

/** Runs in virtual time until the promise is settled. */
async function settled<T>(world: VirtualWorld, run: Promise<T>): Promise<T> {
  let isOpen = true
  const ended = run.finally(() => {
    isOpen = false
  })
  ended.catch(() => undefined)
  await world.run({ while: () => isOpen })
  return ended
}

function storeOn(host: Host): PositionStore {
  return new PositionStore(host, DIR)
}

describe('stored positions', () => {
  test('come back exactly, in a new life of the host', async () => {
    const world = new VirtualWorld({ seed: 1 })
    expect(await settled(world, storeOn(world.host('a')).load('t'))).toEqual({
      positions: new Map(),
      warnings: [],
    })
    const store = storeOn(world.host('a'))
    for (const byte of [1, 2, 3]) await settled(world, store.store('t', positionsOf(byte)))
    world.crash('a', 'all')
    const loaded = await settled(world, storeOn(world.host('a')).load('t'))
    expect(loaded).toEqual({ positions: positionsOf(3), warnings: [] })
  })

  test('of several topologies do not meet, whatever their names', async () => {
    const world = new VirtualWorld({ seed: 1 })
    const names = ['a', 'a/b', '../a', '.a', 'a*', 'ä']
    const store = storeOn(world.host('a'))
    for (const [i, name] of names.entries()) await settled(world, store.store(name, positionsOf(i)))
    for (const [i, name] of names.entries()) {
      expect((await settled(world, storeOn(world.host('a')).load(name))).positions).toEqual(positionsOf(i))
    }
    expect(
      world
        .disk('a')
        .disk.paths()
        .every((path) => path.startsWith(`${DIR}/`)),
    ).toBe(true)
    await settled(world, store.remove('a'))
    expect((await settled(world, store.load('a'))).positions.size).toBe(0)
  })

  test('every damaged byte of the newest file falls back to the generation before, loudly', async () => {
    const world = new VirtualWorld({ seed: 1 })
    const store = storeOn(world.host('a'))
    await settled(world, store.store('t', positionsOf(1)))
    await settled(world, store.store('t', positionsOf(2)))
    const { disk } = world.disk('a')
    const newest = `${DIR}/t.positions-1`
    const sizeBytes = disk.stat(newest)?.sizeBytes ?? 0
    expect(sizeBytes).toBeGreaterThan(100)
    for (let i = 0; i < sizeBytes; i++) {
      disk.flipByte(newest, i)
      const loaded = await settled(world, storeOn(world.host('a')).load('t'))
      expect(loaded.positions).toEqual(positionsOf(1))
      expect(loaded.warnings).toHaveLength(1)
      disk.flipByte(newest, i)
    }
    expect((await settled(world, storeOn(world.host('a')).load('t'))).positions).toEqual(positionsOf(2))
  })

  test('a full disk is told, and the old generation stays', async () => {
    const world = new VirtualWorld({ seed: 1 })
    const store = storeOn(world.host('a'))
    await settled(world, store.store('t', positionsOf(1)))
    world.disk('a').disk.capacityBytes = 150
    const full = settled(world, store.store('t', positionsOf(2)))
    await expect(full).rejects.toMatchObject({ code: 'DISK_FULL' })
    expect((await settled(world, storeOn(world.host('a')).load('t'))).positions).toEqual(positionsOf(1))
    expect(
      world
        .disk('a')
        .disk.paths()
        .filter((path) => path.endsWith('.tmp')),
    ).toEqual([])
    world.disk('a').disk.capacityBytes = Number.POSITIVE_INFINITY
    await settled(world, store.store('t', positionsOf(3)))
    expect((await settled(world, storeOn(world.host('a')).load('t'))).positions).toEqual(positionsOf(3))
  })

  test('a crash at any moment of a store leaves the old or the new generation', async () => {
    let crashes = 0
    for (let events = 1; events < 60; events++) {
      const world = new VirtualWorld({ seed: events })
      const store = storeOn(world.host('a'))
      await settled(world, store.store('t', positionsOf(1)))
      await settled(world, store.store('t', positionsOf(2)))
      let left = events
      let isDone = false
      store.store('t', positionsOf(3)).then(
        () => {
          isDone = true
        },
        () => undefined,
      )
      await world.run({ while: () => left-- > 0 && !isDone })
      if (!isDone) crashes += 1
      world.crash('a', 'some')
      const { positions } = await settled(world, storeOn(world.host('a')).load('t'))
      const byte = isDone ? [3] : [2, 3]
      expect(byte.map((each) => positionsOf(each))).toContainEqual(positions)
    }
    expect(crashes).toBeGreaterThan(5)
  })
})
