// Locks, lines, and writes that only the newest leadership may make, in virtual time.
import { describe, expect, test } from 'vitest'
import { encodeEpoch, raiseEpoch } from '../../src/coordinate/recipes/epoch.ts'
import { EpochWriter } from '../../src/coordinate/recipes/epoch-writer.ts'
import { Line } from '../../src/coordinate/recipes/line.ts'
import { acquireLock, type HeldLock } from '../../src/coordinate/recipes/lock.ts'
import { unseat } from '../../src/coordinate/recipes/unseat.ts'
import { bytes, codeOf, errorOf, none, until } from '../contract/coordinator-world.ts'
import { atCall } from './candidates.ts'
import { type Client, client, inWorld, type World } from './recipe-world.ts'

describe('a lock', () => {
  test('has one holder at a time, in the order of the line, with rising fences', () =>
    inWorld(30, async (all) => {
      const order: number[] = []
      const fences: bigint[] = []
      let holdersCount = 0
      const hold = async (number: number) => {
        const from = await client(all, `c${number}`, 20_000)
        await all.passed(number * 50)
        const lock = await acquireLock({ ...from, path: '/lock', timeoutMs: 60_000 })
        holdersCount += 1
        expect([holdersCount, lock.isHeld]).toEqual([1, true])
        order.push(number)
        fences.push(lock.fence)
        await all.passed(300)
        holdersCount -= 1
        await lock.release()
        expect(lock.isHeld).toBe(false)
      }
      await Promise.all([1, 2, 3, 4, 5].map(hold))
      expect(order).toEqual([1, 2, 3, 4, 5])
      expect(fences).toEqual([...fences].sort((a, b) => (a < b ? -1 : 1)))
      expect(all.ensemble.peekChildren('/lock')).toEqual([])
    }))

  test('who waits too long is told so, and leaves no place', () =>
    inWorld(31, async (all) => {
      const [one, two] = [await client(all, 'a'), await client(all, 'b')]
      await acquireLock({ ...one, path: '/lock', timeoutMs: 1_000 })
      expect(await codeOf(acquireLock({ ...two, path: '/lock', timeoutMs: 500 }))).toBe('OPERATION_TIMED_OUT')
      expect(all.ensemble.peekChildren('/lock').length).toBe(1)
    }))

  test('a dead holder’s goes to the next', () =>
    inWorld(32, async (all) => {
      const [one, two] = [await client(all, 'a'), await client(all, 'b')]
      await acquireLock({ ...one, path: '/lock', timeoutMs: 1_000 })
      all.world.crash('a')
      expect((await acquireLock({ ...two, path: '/lock', timeoutMs: 10_000 })).isHeld).toBe(true)
    }))

  test('a release during a loss of the connection takes place afterwards', () =>
    inWorld(33, async (all) => {
      const [one, two] = [await client(all, 'a', 20_000), await client(all, 'b')]
      const lock = await acquireLock({ ...one, path: '/lock', timeoutMs: 1_000 })
      all.ensemble.cut('a')
      await until(all, () => one.coordinator.state === 'suspended')
      expect(lock.isHeld).toBe(false)
      const released = lock.release()
      all.world.timers.after(1_000, () => all.ensemble.heal('a'))
      await released
      const next: HeldLock = await acquireLock({ ...two, path: '/lock', timeoutMs: 1_000 })
      expect(next.isHeld).toBe(true)
    }))

  test('with unknown outcomes nobody is locked out for ever', () =>
    inWorld(
      34,
      async (all) => {
        const clients = await Promise.all(['a', 'b', 'c'].map((name) => client(all, name, 20_000)))
        let heldCount = 0
        for (let round = 0; round < 40; round += 1) {
          const from = clients[round % 3]
          if (from === undefined) continue
          const lock = await acquireLock({ ...from, path: '/lock', timeoutMs: 30_000 })
          heldCount += 1
          await lock.release()
        }
        expect(heldCount).toBe(40)
      },
      { faults: { unknownShare: 0.05 } },
    ))
})

describe('a line', () => {
  const place = (from: Client, token: string, onMove: () => void) =>
    new Line({ coordinator: from.coordinator, path: '/line', token, data: none, onMove })

  test('one token has one place, whatever a lost answer left over', () =>
    inWorld(50, async (all) => {
      const one = await client(all, 'a')
      await one.coordinator.create('/line', none)
      for (let i = 0; i < 3; i += 1)
        await one.coordinator.create('/line/tok-', none, { mode: 'ephemeral-sequential' })
      expect(await place(one, 'tok', () => undefined).look()).toBe('first')
      expect(all.ensemble.peekChildren('/line').length).toBe(1)
    }))

  test('a change of the place before uses the watch up: looking again sets it again', () =>
    inWorld(51, async (all) => {
      const [one, two] = [await client(all, 'a'), await client(all, 'b')]
      const first = place(one, 'first', () => undefined)
      await first.look()
      let movesCount = 0
      const second = place(two, 'second', () => {
        movesCount += 1
      })
      expect(await second.look()).toBe('waiting')
      await one.coordinator.set(first.placePath ?? '', bytes('x'))
      await until(all, () => movesCount === 1)
      expect(await second.look()).toBe('waiting')
      await first.leave()
      await until(all, () => movesCount === 2)
      expect(await second.look()).toBe('first')
    }))

  test('a place before that went while we set the watch is not waited for', () =>
    inWorld(52, async (all) => {
      const [one, two] = [await client(all, 'a'), await client(all, 'b')]
      const first = place(one, 'first', () => undefined)
      await first.look()
      await place(two, 'second', () => undefined).look()
      const counted = { count: 0 }
      // Its calls are sync, children, watchOnce, exists.
      const at = { number: 3, when: 'before', strike: () => all.ensemble.expire('a') } as const
      const wrapped = { ...two, coordinator: atCall(two.coordinator, at, counted) }
      expect(await place(wrapped, 'second', () => undefined).look()).toBe('first')
    }))
})

describe('writes through an epoch', () => {
  test('an epoch that somebody raised in between is not raised again', () =>
    inWorld(41, async (all) => {
      const one = await client(all, 'a')
      await one.coordinator.create('/place', none)
      const spec = { epochPath: '/epoch', placePath: '/place', leader: 'a' }
      expect(await raiseEpoch(one.coordinator, spec)).toEqual({ epoch: 1, epochVersion: 1 })
      const counted = { count: 0 }
      // Its calls are exists, get, multi.
      const raise = () => void one.coordinator.set('/epoch', encodeEpoch({ epoch: 2, leader: 'b' }))
      const wrapped = atCall(one.coordinator, { number: 3, when: 'before', strike: raise }, counted)
      expect(await raiseEpoch(wrapped, spec)).toBeUndefined()
      expect(await raiseEpoch(one.coordinator, spec)).toEqual({ epoch: 3, epochVersion: 3 })
      await one.coordinator.delete('/place')
      expect(await raiseEpoch(one.coordinator, spec)).toBeUndefined()
      await one.coordinator.set('/epoch', bytes('garbage'))
      expect(await codeOf(raiseEpoch(one.coordinator, spec))).toBe('RECORD_MALFORMED')
    }))

  test('an old epoch is refused as such, once and for all; other errors are those of the operations', () =>
    inWorld(40, async (all) => {
      const { coordinator } = await client(all, 'a')
      await coordinator.create('/epoch', none)
      let oldCount = 0
      const writer = new EpochWriter({
        coordinator,
        epochPath: '/epoch',
        epoch: { epoch: 1, epochVersion: 0 },
        onOld: () => {
          oldCount += 1
        },
      })
      const results = await writer.write([
        { kind: 'create', path: '/a', data: none },
        { kind: 'set', path: '/a', data: bytes('x'), version: 0 },
      ])
      expect(results.map((result) => result.kind)).toEqual(['create', 'set'])
      const conflict = await errorOf(writer.write([{ kind: 'set', path: '/a', data: none, version: 0 }]))
      expect(conflict).toMatchObject({ code: 'RECORD_CHANGED', family: 'conflict', details: { index: 0 } })
      const missing = await errorOf(
        writer.write([
          { kind: 'set', path: '/a', data: none },
          { kind: 'delete', path: '/no' },
        ]),
      )
      expect(missing).toMatchObject({ code: 'RECORD_MISSING', family: 'usage', details: { index: 1 } })
      await coordinator.set('/epoch', none)
      for (let i = 0; i < 2; i += 1) {
        const old = await errorOf(writer.write([{ kind: 'set', path: '/a', data: none }]))
        expect(old).toMatchObject({ code: 'EPOCH_OLD', family: 'conflict', details: { epoch: 1 } })
      }
      expect(oldCount).toBe(1)
      expect(all.ensemble.peek('/a')?.stat.version).toBe(1)
    }))
})

describe('unseating', () => {
  const epochPath = '/epoch'
  const linePath = '/line'

  async function stand(from: Client, name: string): Promise<string> {
    const line = new Line({
      coordinator: from.coordinator,
      path: linePath,
      token: name.repeat(32),
      data: bytes(name),
      onMove: () => {},
    })
    await line.look()
    return line.placePath ?? ''
  }

  /** `first` leads with epoch 1. */
  async function led(all: World): Promise<{ readonly first: Client; readonly placePath: string }> {
    const first = await client(all, 'a')
    const placePath = await stand(first, 'a')
    await raiseEpoch(first.coordinator, { epochPath, placePath, leader: 'a' })
    return { first, placePath }
  }

  const doubt = { linePath, epochPath, epoch: 1, placeText: 'a' }

  test('nobody else stands in line: nothing is done', () =>
    inWorld(1, async (all) => {
      const { placePath } = await led(all)
      const { coordinator } = await client(all, 'b')
      expect(await unseat(coordinator, doubt)).toBe(false)
      expect(all.ensemble.peek(placePath)).toBeDefined()
    }))

  test('who stands second is first then, and only if it is the leadership that was doubted', () =>
    inWorld(1, async (all) => {
      const { placePath } = await led(all)
      const second = await client(all, 'b')
      await stand(second, 'b')
      expect(await unseat(second.coordinator, { ...doubt, epoch: 2 })).toBe(false)
      expect(await unseat(second.coordinator, { ...doubt, placeText: 'c' })).toBe(false)
      expect(all.ensemble.peek(placePath)).toBeDefined()
      expect(await unseat(second.coordinator, doubt)).toBe(true)
      expect(all.ensemble.peek(placePath)).toBeUndefined()
    }))

  test('who stood second leaves in the moment before: the first keeps its place', () =>
    inWorld(1, async (all) => {
      const { placePath } = await led(all)
      const second = await client(all, 'b')
      const secondPath = await stand(second, 'b')
      const third = await client(all, 'c')
      const { coordinator } = third
      // Calls take effect in their order, so this one is before the multi and after all reads.
      const racing = new Proxy(coordinator, {
        get(target, member) {
          const value: unknown = Reflect.get(target, member, target)
          if (typeof value !== 'function') return value
          return (...given: unknown[]) => {
            if (member === 'multi') void target.delete(secondPath)
            return Reflect.apply(value, target, given)
          }
        },
      })
      expect(await unseat(racing, doubt)).toBe(false)
      expect(all.ensemble.peek(placePath)).toBeDefined()
    }))
})
