// Membership, node cache, lock and fenced writes, in virtual time.
import { describe, expect, test } from 'vitest'
import type { Coordinator } from '../../src/coordinate/coordinator.ts'
import type { MemoryEnsemble } from '../../src/coordinate/memory/memory-ensemble.ts'
import { encodeEpoch, raiseEpoch } from '../../src/coordinate/recipes/epoch.ts'
import { EpochWriter } from '../../src/coordinate/recipes/epoch-writer.ts'
import { GroupMembership, type LeftReason } from '../../src/coordinate/recipes/group-membership.ts'
import { GroupView } from '../../src/coordinate/recipes/group-view.ts'
import { Line } from '../../src/coordinate/recipes/line.ts'
import { acquireLock, type HeldLock } from '../../src/coordinate/recipes/lock.ts'
import { encodeMember, parseMember } from '../../src/coordinate/recipes/member-record.ts'
import { NodeCache } from '../../src/coordinate/recipes/node-cache.ts'
import { unseat } from '../../src/coordinate/recipes/unseat.ts'
import type { Host } from '../../src/host/host.ts'
import { bytes, codeOf, errorOf, none, text, until } from '../contract/coordinator-world.ts'
import { atCall } from './candidates.ts'
import { runWithin, virtualWorld } from './memory-worlds.ts'

type World = Awaited<ReturnType<typeof virtualWorld>>

async function inWorld(
  seed: number,
  body: (all: World) => Promise<void>,
  spec: Parameters<typeof virtualWorld>[1] = {},
): Promise<void> {
  const all = await virtualWorld(seed, spec)
  await runWithin(all.world, () => body(all))
  await all.close()
}

interface Client {
  readonly host: Host
  readonly coordinator: Coordinator
}

async function client(all: World, name: string, sessionTimeoutMs = 3_000): Promise<Client> {
  const host = all.world.host(name)
  const coordinator = all.ensemble.connect({ host, name, sessionTimeoutMs, callTimeoutMs: 2_000 })
  await coordinator.connected(10_000)
  return { host, coordinator }
}

interface Joined {
  readonly membership: GroupMembership
  readonly left: LeftReason[]
  readonly taken: string[]
}

function join(from: Client, ownerTag: string, data = none): Joined {
  const left: LeftReason[] = []
  const taken: string[] = []
  const membership = new GroupMembership({
    ...from,
    groupPath: '/members',
    name: 'n1',
    ownerTag,
    data,
    onLeft: (reason) => left.push(reason),
    onTaken: (member) => taken.push(member.ownerTag),
  })
  return { membership, left, taken }
}

function ownerOf(ensemble: MemoryEnsemble): string | undefined {
  const node = ensemble.peek('/members/n1')
  return node && parseMember('/members/n1', node.data).ownerTag
}

describe('membership', () => {
  test('is seen by all, with its bytes, and goes when it is given up', () =>
    inWorld(1, async (all) => {
      const [one, two] = [await client(all, 'a'), await client(all, 'b')]
      const changes: string[] = []
      const view = new GroupView({ ...two, groupPath: '/members', onChange: (name) => changes.push(name) })
      await view.ready
      expect(view.names()).toEqual([])
      const { membership, left } = join(one, 'tag-a', bytes('slots 4'))
      await until(all, () => view.names().length === 1)
      expect(membership.isMember).toBe(true)
      expect(text(view.member('n1')?.data ?? none)).toBe('slots 4')
      membership.update(bytes('slots 5'))
      await until(all, () => text(view.member('n1')?.data ?? none) === 'slots 5')
      await membership.stop()
      await until(all, () => view.names().length === 0)
      expect(left).toEqual(['stopped'])
      expect(changes).toEqual(['n1', 'n1', 'n1'])
      await view.stop()
    }))

  test('a new life replaces what the old one left over, long before its session ends', () =>
    inWorld(2, async (all) => {
      for (let life = 1; life <= 20; life += 1) {
        const { membership } = join(await client(all, 'a', 30_000), 'tag-a')
        const fromMs = all.world.nowMs
        await until(all, () => membership.isMember)
        expect(all.world.nowMs - fromMs).toBeLessThan(1_000)
        all.world.crash('a')
      }
      expect(all.ensemble.history.filter((each) => each.path === '/members/n1').length).toBe(39)
    }))

  test('somebody else’s name is waited for', () =>
    inWorld(3, async (all) => {
      const first = join(await client(all, 'a'), 'tag-a')
      await until(all, () => first.membership.isMember)
      const second = join(await client(all, 'b'), 'tag-b')
      await all.passed(5_000)
      expect([second.membership.isMember, second.taken, ownerOf(all.ensemble)]).toEqual([
        false,
        ['tag-a'],
        'tag-a',
      ])
      all.world.crash('a')
      await until(all, () => second.membership.isMember)
      expect(ownerOf(all.ensemble)).toBe('tag-b')
    }))

  test('who was replaced is told, and does not take the name back', () =>
    inWorld(4, async (all) => {
      const first = join(await client(all, 'a'), 'same')
      await until(all, () => first.membership.isMember)
      const second = join(await client(all, 'b'), 'same')
      await until(all, () => second.membership.isMember)
      await all.passed(5_000)
      expect([first.left, first.membership.isMember]).toEqual([['replaced'], false])
      expect([second.left, second.membership.isMember]).toEqual([[], true])
    }))

  test('whose name somebody else has taken is told, too', () =>
    inWorld(7, async (all) => {
      const first = join(await client(all, 'a'), 'tag-a')
      await until(all, () => first.membership.isMember)
      const { coordinator } = await client(all, 'b')
      const path = '/members/n1'
      const data = encodeMember({ ownerTag: 'tag-b', life: '1', data: none })
      await coordinator.multi([
        { kind: 'delete', path },
        { kind: 'create', path, data, options: { mode: 'ephemeral' } },
      ])
      await all.passed(1_000)
      expect([first.left, first.membership.isMember]).toEqual([['replaced'], false])
    }))

  test('ends with the session', () =>
    inWorld(5, async (all) => {
      const one = join(await client(all, 'a'), 'tag-a')
      await until(all, () => one.membership.isMember)
      all.world.pause('a')
      await all.passed(4_000)
      expect(one.membership.isMember).toBe(false)
      all.world.resume('a')
      await all.passed(100)
      expect(one.left).toEqual(['expired'])
    }))

  test('a malformed node is told and left alone', () =>
    inWorld(6, async (all) => {
      const { coordinator, host } = await client(all, 'a')
      await coordinator.create('/members', none)
      await coordinator.create('/members/n1', bytes('garbage'))
      const troubles: unknown[] = []
      const membership = new GroupMembership({
        host,
        coordinator,
        groupPath: '/members',
        name: 'n1',
        ownerTag: 'a',
        data: none,
        onTrouble: (error) => troubles.push(error),
      })
      await all.passed(1_000)
      expect(troubles[0]).toMatchObject({ code: 'RECORD_MALFORMED', details: { path: '/members/n1' } })
      expect(text(all.ensemble.peek('/members/n1')?.data ?? none)).toBe('garbage')
      await membership.stop()
      expect(all.ensemble.peek('/members/n1')).toBeDefined()
    }))

  test('in 30 worlds of trouble a name never has two who believe, once it is quiet exactly one', async () => {
    for (let seed = 1; seed <= 30; seed += 1) {
      await inWorld(
        100 + seed,
        async (all) => {
          const joined = [join(await client(all, 'a'), 'a'), join(await client(all, 'b'), 'b')]
          const { random } = all.world
          for (let round = 0; round < 10; round += 1) {
            const name = random.chance(0.5) ? 'a' : 'b'
            if (random.chance(0.3)) all.ensemble.changeLeader()
            if (random.chance(0.5)) all.ensemble.cut(name)
            await all.passed(random.below(1_500))
            all.ensemble.heal(name)
            await all.passed(100)
            expect(joined.filter((each) => each.membership.isMember).length).toBeLessThanOrEqual(1)
          }
          all.ensemble.setFaults({ unknownShare: 0 })
          // Both may have lost their sessions by now.
          joined.push(join(await client(all, 'c'), 'c'))
          await until(all, () => joined.filter((each) => each.membership.isMember).length === 1)
        },
        { faults: { unknownShare: 0.1 } },
      )
    }
  })
})

describe('a node cache', () => {
  test('is the tree, over one watch, and tells what changed', () =>
    inWorld(20, async (all) => {
      const [one, two] = [await client(all, 'a'), await client(all, 'b')]
      await one.coordinator.create('/t', bytes('root'))
      await one.coordinator.create('/t/a', bytes('1'))
      const changes: string[] = []
      const cache = new NodeCache({ ...two, path: '/t', onChange: (path) => changes.push(path) })
      await cache.ready
      expect([cache.paths(), cache.children('/t')]).toEqual([['/t', '/t/a'], ['a']])
      changes.length = 0
      await one.coordinator.create('/t/a/b', none)
      await one.coordinator.set('/t/a', bytes('2'))
      await one.coordinator.delete('/t/a/b')
      await one.coordinator.create('/other', none)
      await until(all, () => text(cache.node('/t/a')?.data ?? none) === '2' && cache.nodeCount === 2)
      expect(cache.isCurrent).toBe(true)
      expect(new Set(changes).has('/t/a')).toBe(true)
      expect(all.ensemble.census().watchCount).toBe(1)
      await cache.stop()
      await all.passed(100)
      expect(all.ensemble.census().watchCount).toBe(0)
    }))

  test('a tree that is made later is seen', () =>
    inWorld(21, async (all) => {
      const [one, two] = [await client(all, 'a'), await client(all, 'b')]
      const cache = new NodeCache({ ...two, path: '/t' })
      await cache.ready
      expect(cache.nodeCount).toBe(0)
      await one.coordinator.create('/t', none)
      await until(all, () => cache.nodeCount === 1)
      await cache.stop()
    }))

  test('what was missed while cut off is read afterwards', () =>
    inWorld(22, async (all) => {
      const [one, two] = [await client(all, 'a'), await client(all, 'b', 20_000)]
      await one.coordinator.create('/t', none)
      for (let i = 0; i < 5; i += 1) await one.coordinator.create(`/t/n${i}`, none)
      const cache = new NodeCache({ ...two, path: '/t' })
      await cache.ready
      all.ensemble.cut('b')
      await one.coordinator.delete('/t/n1')
      await one.coordinator.set('/t/n2', bytes('x'))
      await one.coordinator.create('/t/n9', none)
      await all.passed(200)
      expect([cache.isCurrent, cache.nodeCount]).toEqual([false, 6])
      all.ensemble.heal('b')
      await until(all, () => cache.isCurrent && cache.node('/t/n9') !== undefined)
      expect(cache.children('/t')).toEqual(['n0', 'n2', 'n3', 'n4', 'n9'])
      expect(text(cache.node('/t/n2')?.data ?? none)).toBe('x')
      await cache.stop()
    }))

  test('holds no more than it may, and says so', () =>
    inWorld(23, async (all) => {
      const one = await client(all, 'a')
      await one.coordinator.create('/t', none)
      for (let i = 0; i < 10; i += 1) await one.coordinator.create(`/t/n${i}`, bytes('12345'))
      const troubles: unknown[] = []
      const few = new NodeCache({
        ...one,
        path: '/t',
        nodesMax: 4,
        onTrouble: (error) => troubles.push(error),
      })
      await few.ready
      expect([few.nodeCount, troubles.length]).toEqual([4, 7])
      const small = new NodeCache({ ...one, path: '/t', bytesMax: 12 })
      await small.ready
      expect(small.nodeCount).toBe(3)
      await Promise.all([few.stop(), small.stop()])
    }))

  test('in 30 worlds with late followers, cuts and unknown outcomes it ends as the tree', async () => {
    for (let seed = 1; seed <= 30; seed += 1) {
      await inWorld(
        200 + seed,
        async (all) => {
          const [one, two] = [await client(all, 'a', 20_000), await client(all, 'b', 20_000)]
          await until(all, async () => (await errorOf(one.coordinator.create('/t', none))) !== undefined)
          const copy = new Map<string, string>()
          const cache = new NodeCache({
            ...two,
            path: '/t',
            onChange: (path) => {
              const node = cache.node(path)
              if (node === undefined) copy.delete(path)
              else copy.set(path, text(node.data))
            },
          })
          await randomWrites(all, one.coordinator)
          await until(all, () => cache.isCurrent)
          await all.passed(2_000)
          const tree = [...copy.keys()].every((path) => all.ensemble.peek(path) !== undefined)
          expect([seed, tree, cache.paths()]).toEqual([seed, true, [...copy.keys()].sort()])
          for (const [path, data] of copy) expect(data).toBe(text(all.ensemble.peek(path)?.data ?? none))
          expect(cache.children('/t')).toEqual(all.ensemble.peekChildren('/t'))
          await cache.stop()
        },
        { serverCount: 3, faults: { unknownShare: 0.03, staleShare: 0.5, lagMsMax: 300 } },
      )
    }
  })
})

async function randomWrites(all: World, coordinator: Coordinator): Promise<void> {
  const { random } = all.world
  for (let i = 0; i < 150; i += 1) {
    const path = `/t/n${random.below(8)}${random.chance(0.3) ? '/sub' : ''}`
    const fault = random.below(60)
    if (fault === 0) all.ensemble.changeLeader()
    if (fault === 1) {
      all.ensemble.cut('b')
      all.world.timers.after(random.below(2_000), () => all.ensemble.heal('b'))
    }
    const kind = random.below(3)
    if (kind === 0) void errorOf(coordinator.create(path, bytes(String(i))))
    else if (kind === 1) void errorOf(coordinator.set(path, bytes(String(i))))
    else void errorOf(coordinator.delete(path))
    await all.passed(random.below(30))
  }
  await all.passed(3_000)
}

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
