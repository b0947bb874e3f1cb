// What the ensemble in memory does to its clients when told to: each fault by itself, in virtual time.
import { describe, expect, test } from 'vitest'
import type { WatchEvent } from '../../src/coordinate/coordinator.ts'
import type { WriteRecord } from '../../src/coordinate/memory/quorum.ts'
import { bytes, codeOf, errorOf, none, text, until } from '../contract/coordinator-world.ts'
import { runWithin, virtualWorld } from './memory-worlds.ts'

type World = Awaited<ReturnType<typeof virtualWorld>>

function inside(
  title: string,
  body: (world: World) => Promise<void>,
  spec: Parameters<typeof virtualWorld>[1] = {},
) {
  test(title, async () => {
    const world = await virtualWorld(7, spec)
    await runWithin(world.world, () => body(world))
    await world.close()
  })
}

describe('the ensemble in memory', () => {
  inside('ends the session of a client whose host is dead, by its own clock', async ({ world, ...all }) => {
    const host = world.host('doomed')
    const doomed = all.ensemble.connect({ host, name: 'doomed', sessionTimeoutMs: 3_000 })
    await doomed.connected(1_000)
    await doomed.create('/e', none, { mode: 'ephemeral' })
    world.crash('doomed')
    const fromMs = world.nowMs
    await all.passed(1_500)
    expect(all.ensemble.peek('/e')).toBeDefined()
    await until({ ...all, within: async () => undefined }, () => all.ensemble.peek('/e') === undefined)
    expect(world.nowMs - fromMs).toBeLessThanOrEqual(3_000 + 20)
    expect(all.ensemble.census()).toMatchObject({ sessionCount: 0, connectionCount: 0 })
  })

  inside('a client whose host stood still for its session is expired at once', async ({ world, ...all }) => {
    const host = world.host('slow')
    const slow = all.ensemble.connect({ host, name: 'slow', sessionTimeoutMs: 3_000 })
    await slow.connected(1_000)
    world.pause('slow')
    await all.passed(3_100)
    // Before anything of the host has run: only the clock tells.
    expect(slow.state).toBe('expired')
    world.resume('slow')
    expect(await codeOf(slow.get('/'))).toBe('SESSION_EXPIRED')
  })

  inside('of calls under way at a cut a prefix takes effect, and all are unknown', async (all) => {
    const appliedCounts = new Set<number>()
    for (let round = 0; round < 20; round += 1) {
      const one = await all.connect()
      const path = `/n${round}`
      await one.create(path, none)
      const calls = Array.from({ length: 10 }, (_, index) => errorOf(one.set(path, none, index)))
      await all.passed(8)
      all.faults?.cut(one)
      const errors = await Promise.all(calls)
      const answeredCount = errors.filter((error) => error === undefined).length
      for (const error of errors.slice(answeredCount)) {
        expect(error).toMatchObject({ code: 'COORDINATOR_UNAVAILABLE', details: { outcome: 'unknown' } })
      }
      const version = all.ensemble.peek(path)?.stat.version ?? -1
      expect(version).toBeGreaterThanOrEqual(answeredCount)
      appliedCounts.add(version - answeredCount)
    }
    expect(appliedCounts.size).toBeGreaterThan(3)
  })

  inside('a silent cut is found out by the silence', async (all) => {
    const one = await all.connect({ sessionTimeoutMs: 6_000 })
    all.ensemble.cut('client 1', 'silent')
    const fromMs = all.world.nowMs
    const error = await errorOf(one.set('/', none))
    expect(error).toMatchObject({ code: 'COORDINATOR_UNAVAILABLE', details: { outcome: 'unknown' } })
    const waitedMs = all.world.nowMs - fromMs
    expect(waitedMs).toBeGreaterThan(1_900)
    expect(waitedMs).toBeLessThanOrEqual(4_800)
    expect(one.state).toBe('suspended')
    all.ensemble.heal('client 1')
    await until(all, () => one.state === 'connected')
    await one.set('/', none)
  })

  inside('a call that nobody answers ends at its deadline', async (all) => {
    const one = await all.connect({ sessionTimeoutMs: 60_000, callTimeoutMs: 500 })
    all.ensemble.cut('client 1', 'silent')
    const fromMs = all.world.nowMs
    expect(await codeOf(one.get('/'))).toBe('COORDINATOR_UNAVAILABLE')
    expect(all.world.nowMs - fromMs).toBeLessThanOrEqual(500 + 126)
    expect(one.state).toBe('connected')
  })

  inside('without quorum nobody is served and no session ends', async (all) => {
    const one = await all.connect({ sessionTimeoutMs: 60_000 })
    await one.create('/e', none, { mode: 'ephemeral' })
    all.ensemble.loseQuorum()
    await all.passed(50_000)
    expect(one.state).toBe('suspended')
    expect(await codeOf(one.get('/e'))).toBe('COORDINATOR_UNAVAILABLE')
    expect(all.ensemble.peek('/e')).toBeDefined()
    all.ensemble.regainQuorum()
    await until(all, () => one.state === 'connected')
    expect((await one.get('/e')).stat.ephemeralOwner).toBe(one.sessionId)
  })

  inside('after a change of leader all come back with their sessions and watches', async (all) => {
    const clients = await Promise.all(Array.from({ length: 10 }, () => all.connect()))
    const events: WatchEvent[] = []
    for (const client of clients) await client.watch('/a', 'node', (event) => events.push(event))
    const ids = clients.map((client) => client.sessionId)
    all.ensemble.changeLeader()
    await until(all, () => clients.every((client) => client.state === 'suspended'))
    await until(all, () => clients.every((client) => client.state === 'connected'))
    expect(clients.map((client) => client.sessionId)).toEqual(ids)
    await all.passed(100)
    await clients[0]?.create('/a', none)
    await until(all, () => events.filter((event) => event.kind === 'created').length === 10)
    expect(all.ensemble.census().watchCount).toBe(10)
  })

  inside(
    'calls with unknown outcome were carried out, or not, about evenly',
    async (all) => {
      const one = await all.connect()
      let unknownCount = 0
      let appliedCount = 0
      for (let i = 0; i < 400; i += 1) {
        await until(all, () => one.state === 'connected')
        const error = await errorOf(one.create(`/n${i}`, none))
        if (error === undefined) continue
        expect(error).toMatchObject({ code: 'COORDINATOR_UNAVAILABLE', details: { outcome: 'unknown' } })
        unknownCount += 1
        if (all.ensemble.peek(`/n${i}`) !== undefined) appliedCount += 1
      }
      expect(unknownCount).toBeGreaterThan(40)
      expect(appliedCount).toBeGreaterThan(unknownCount * 0.25)
      expect(appliedCount).toBeLessThan(unknownCount * 0.75)
    },
    { faults: { unknownShare: 0.2 } },
  )

  inside(
    'a sequential create whose answer was lost is made once',
    async (all) => {
      const one = await all.connect()
      const made: string[] = []
      for (let i = 0; i < 100; i += 1) {
        await until(all, () => one.state === 'connected')
        try {
          made.push(await one.create('/n-', none, { mode: 'persistent-sequential' }))
        } catch (error) {
          // Only where it was not even sent.
          expect(error).toMatchObject({ details: { outcome: 'none' } })
        }
      }
      expect(made.length).toBeGreaterThan(90)
      expect(
        all.ensemble
          .peekChildren('/')
          .map((name) => `/${name}`)
          .sort(),
      ).toEqual([...made].sort())
    },
    { faults: { unknownShare: 0.2 } },
  )

  inside(
    'reads of a late follower are old until sync',
    async (all) => {
      const clients = await Promise.all(Array.from({ length: 6 }, () => all.connect()))
      const [writer] = clients
      await writer?.create('/a', none)
      let staleCount = 0
      for (let i = 1; i <= 50; i += 1) {
        await writer?.set('/a', bytes(String(i)))
        for (const client of clients) {
          const stat = await client.exists('/a')
          if (stat === undefined || stat.version < i) staleCount += 1
          await client.sync('/a')
          expect(text((await client.get('/a')).data)).toBe(String(i))
        }
      }
      expect(staleCount).toBeGreaterThan(10)
    },
    { serverCount: 3, faults: { staleShare: 0.5, lagMsMax: 1_000 } },
  )

  inside(
    'who comes back to another server does not read backwards',
    async (all) => {
      const one = await all.connect({ sessionTimeoutMs: 30_000 })
      await one.create('/a', none)
      for (let version = 1; version <= 30; version += 1) {
        await one.set('/a', none)
        all.ensemble.changeLeader()
        await until(all, () => one.state === 'suspended')
        await until(all, () => one.state === 'connected')
        expect((await one.exists('/a'))?.version).toBe(version)
      }
    },
    { serverCount: 3, faults: { staleShare: 1, lagMsMax: 10_000 } },
  )

  inside('a host gets sixty connections and no more', async (all) => {
    const host = all.world.host('crowded')
    const clients = Array.from({ length: 61 }, (_, index) =>
      all.ensemble.connect({ host, name: `c${index}`, sessionTimeoutMs: 5_000 }),
    )
    await all.passed(300)
    expect(clients.filter((client) => client.state === 'connected').length).toBe(60)
    expect(all.ensemble.census().refusedConnectionCount).toBeGreaterThan(0)
    await clients.find((client) => client.state === 'connected')?.close()
    await until(all, () => clients.filter((client) => client.state === 'connected').length === 60)
  })

  inside('every write that took effect is in the history, with who made it', async (all) => {
    const one = await all.connect()
    await one.create('/a', bytes('x'))
    await one.multi([
      { kind: 'set', path: '/a', data: none },
      { kind: 'create', path: '/e', data: none, options: { mode: 'ephemeral' } },
    ])
    await codeOf(one.set('/a', none, 99))
    const { sessionId } = one
    await one.close()
    const seen = all.ensemble.history.map((record: WriteRecord) => ({
      ...record,
      atMs: 0,
      zxid: Number(record.zxid),
    }))
    expect(seen).toEqual([
      { zxid: 1, path: '/a', kind: 'create', sessionId, atMs: 0 },
      { zxid: 2, path: '/a', kind: 'set', sessionId, atMs: 0 },
      { zxid: 2, path: '/e', kind: 'create', sessionId, atMs: 0 },
      { zxid: 3, path: '/e', kind: 'delete', sessionId: 0n, atMs: 0 },
    ])
    expect(all.ensemble.census()).toMatchObject({ writeCount: 4, nodeCount: 2, watchCount: 0 })
  })

  test('the same seed gives the same events', async () => {
    const hashes = new Set<string>()
    for (let run = 0; run < 2; run += 1) {
      const all = await virtualWorld(11, { serverCount: 3, faults: { unknownShare: 0.1, staleShare: 0.3 } })
      await runWithin(all.world, async () => {
        const clients = [await all.connect(), await all.connect()]
        for (let i = 0; i < 50; i += 1) {
          await errorOf(clients[i % 2]?.create(`/n${i}`, none) ?? Promise.resolve())
          await all.passed(10)
        }
      })
      hashes.add(all.world.eventHash)
    }
    expect(hashes.size).toBe(1)
  })
})
