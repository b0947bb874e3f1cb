// The recipes on a real ZooKeeper: what the ensemble in memory cannot show of itself.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Coordinator } from '../../src/coordinate/coordinator.ts'
import type { Epoch } from '../../src/coordinate/recipes/epoch.ts'
import { EpochWriter } from '../../src/coordinate/recipes/epoch-writer.ts'
import { GroupMembership } from '../../src/coordinate/recipes/group-membership.ts'
import { GroupView } from '../../src/coordinate/recipes/group-view.ts'
import { LeaderElection } from '../../src/coordinate/recipes/leader-election.ts'
import { acquireLock } from '../../src/coordinate/recipes/lock.ts'
import { NodeCache } from '../../src/coordinate/recipes/node-cache.ts'
import { createNodeHost } from '../../src/host/node-host.ts'
import { bytes, codeOf, none, text } from '../contract/coordinator-world.ts'
import { connectClient, until } from '../interop/zookeeper-world.ts'
import {
  type RunningZooKeeper,
  START_TIMEOUT_MS,
  startZooKeeper,
  whyNoZooKeeper,
} from '../servers/zookeeper.ts'

describe.skipIf(whyNoZooKeeper() !== undefined)('recipes on real ZooKeeper', () => {
  const host = createNodeHost()
  let running: RunningZooKeeper
  let rootCount = 0
  beforeAll(async () => {
    running = await startZooKeeper({ servers: 1 })
  }, 4 * START_TIMEOUT_MS)
  afterAll(() => running.stop())

  const connectAll = async (count: number): Promise<readonly Coordinator[]> => {
    rootCount += 1
    const chroot = `/recipes-${rootCount}`
    const clients = Array.from({ length: count }, () => connectClient(running.connectString, { chroot }))
    return (await Promise.all(clients)).map((client) => client.coordinator)
  }

  test('one leads; when it goes the next does, and the first one’s epoch cannot write any more', async () => {
    const coordinators = await connectAll(3)
    const told: { readonly index: number; readonly epoch: Epoch }[] = []
    const elections = coordinators.map(
      (coordinator, index) =>
        new LeaderElection({
          host,
          coordinator,
          linePath: '/leader/line',
          epochPath: '/leader/epoch',
          id: `n${index}`,
          onLeader: (epoch) => told.push({ index, epoch }),
          onStandby: () => undefined,
        }),
    )
    const leaders = () => elections.filter((election) => election.isLeader).length
    for (let round = 1; round <= 3; round += 1) {
      await until('somebody leads', () => told.length === round)
      expect(leaders()).toBe(1)
      await elections[told.at(-1)?.index ?? 0]?.stop()
    }
    expect(told.map((each) => each.epoch.epoch)).toEqual([1, 2, 3])
    const [coordinator] = coordinators
    const [first, , third] = told
    if (coordinator === undefined || first === undefined || third === undefined) throw new Error('three led')
    const writer = (epoch: Epoch) => new EpochWriter({ coordinator, epochPath: '/leader/epoch', epoch })
    await coordinator.sync('/')
    const work = [{ kind: 'create', path: '/work', data: none }] as const
    expect(await codeOf(writer(first.epoch).write(work))).toBe('EPOCH_OLD')
    expect(await codeOf(writer(third.epoch).write(work))).toBe('none')
    await Promise.all(coordinators.map((each) => each.close()))
  })

  test('members come, are replaced by their next life, and go', async () => {
    const [one, again, watcher] = await connectAll(3)
    if (one === undefined || again === undefined || watcher === undefined) throw new Error('three connected')
    const view = new GroupView({ host, coordinator: watcher, groupPath: '/members' })
    await view.ready
    const join = (coordinator: Coordinator, data: string) =>
      new GroupMembership({
        host,
        coordinator,
        groupPath: '/members',
        name: 'n1',
        ownerTag: 'same',
        data: bytes(data),
      })
    const first = join(one, 'first')
    await until('the first is a member', () => text(view.member('n1')?.data ?? none) === 'first')
    const second = join(again, 'second')
    await until('the second is a member', () => text(view.member('n1')?.data ?? none) === 'second')
    await until('the first knows', () => !first.isMember)
    expect(second.isMember).toBe(true)
    await second.stop()
    await until('nobody is a member', () => view.names().length === 0)
    await Promise.all([first.stop(), view.stop()])
    await Promise.all([one, again, watcher].map((each) => each.close()))
  })

  test('a cache follows, a lock has one holder', async () => {
    const coordinators = await connectAll(4)
    const [writer] = coordinators
    if (writer === undefined) throw new Error('four connected')
    const caches = coordinators.map((coordinator) => new NodeCache({ host, coordinator, path: '/t' }))
    await Promise.all(caches.map((cache) => cache.ready))
    await writer.create('/t', none)
    let holdersCount = 0
    await Promise.all(
      coordinators.map(async (coordinator, index) => {
        const lock = await acquireLock({ host, coordinator, path: '/lock', timeoutMs: 20_000 })
        holdersCount += 1
        expect(holdersCount).toBe(1)
        for (let i = 0; i < 10; i += 1) await coordinator.create(`/t/${index}-${i}`, bytes(String(i)))
        holdersCount -= 1
        await lock.release()
      }),
    )
    await until('all copies are whole', () => caches.every((cache) => cache.nodeCount === 41))
    expect(text(caches[3]?.node('/t/0-7')?.data ?? none)).toBe('7')
    await Promise.all(caches.map((cache) => cache.stop()))
    await Promise.all(coordinators.map((each) => each.close()))
  })
})
