// Membership and node cache, in virtual time. Locks, lines and fenced writes: recipes-turns.test.ts.
import { describe, expect, test } from 'vitest'
import type { Coordinator } from '../../src/coordinate/coordinator.ts'
import type { MemoryEnsemble } from '../../src/coordinate/memory/memory-ensemble.ts'
import { GroupMembership, type LeftReason } from '../../src/coordinate/recipes/group-membership.ts'
import { GroupView } from '../../src/coordinate/recipes/group-view.ts'
import { encodeMember, parseMember } from '../../src/coordinate/recipes/member-record.ts'
import { NodeCache } from '../../src/coordinate/recipes/node-cache.ts'
import { bytes, errorOf, none, text, until } from '../contract/coordinator-world.ts'
import { type Client, client, inWorld, type World } from './recipe-world.ts'

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
