// Contract of coordinators: sessions and what ends with them, access lists, roots, sweeping, lost
// connections.
import { expect } from 'vitest'
import type { Acl, Coordinator, SessionState, WatchEvent } from '../../src/coordinate/coordinator.ts'
import {
  bytes,
  type CoordinatorWorld,
  codeOf,
  errorOf,
  eventTexts,
  type Inside,
  none,
  open,
  pair,
  text,
  until,
} from './coordinator-world.ts'

const all: readonly Acl['permissions'][number][] = ['read', 'write', 'create', 'delete', 'admin']
const ownAcl: readonly Acl[] = [{ scheme: 'auth', id: '', permissions: all }]

/** One access list as a text, permissions in a fixed order. */
function aclText(acl: readonly Acl[]): string[] {
  return acl.map((entry) => `${entry.scheme}:${entry.id}:${[...entry.permissions].sort().join()}`)
}

export function ephemerals(inside: Inside): void {
  inside('an ephemeral node has its owner, and goes at once when that closes', async (world) => {
    const [one, two] = await pair(world)
    await one.create('/e', none, { mode: 'ephemeral' })
    await one.create('/f-', none, { mode: 'ephemeral-sequential' })
    await one.create('/kept', none)
    await two.sync('/')
    expect((await two.get('/e')).stat.ephemeralOwner).toBe(one.sessionId)
    const events: WatchEvent[] = []
    await two.watch('/e', 'node', (event) => events.push(event))
    await one.close()
    await two.sync('/')
    expect(await two.exists('/e')).toBeUndefined()
    expect((await two.children('/')).filter((name) => /e$|f-/.test(name))).toEqual([])
    expect(await two.exists('/kept')).toBeDefined()
    expect(eventTexts(events)).toEqual(['deleted /e'])
  })

  inside('an ephemeral node has no children', async (world) => {
    const one = await world.connect()
    await one.create('/e', none, { mode: 'ephemeral' })
    expect(await codeOf(one.create('/e/x', none))).toBe('CONFIG_INVALID_VALUE')
  })

  inside('another client may write and delete it', async (world) => {
    const [one, two] = await pair(world)
    await one.create('/e', none, { mode: 'ephemeral' })
    await two.sync('/')
    expect((await two.set('/e', bytes('x'))).ephemeralOwner).toBe(one.sessionId)
    await two.delete('/e')
    await one.sync('/')
    expect(await one.exists('/e')).toBeUndefined()
  })
}

export function accessLists(inside: Inside): void {
  inside('without one a node is open to all', async (world) => {
    const one = await world.connect()
    await one.create('/a', none)
    expect(aclText(await one.getAcl('/a'))).toEqual(aclText(open))
  })

  inside('a list can be set, against its version', async (world) => {
    const one = await world.connect()
    await one.create('/a', none)
    const readOnly: readonly Acl[] = [{ scheme: 'world', id: 'anyone', permissions: ['read', 'admin'] }]
    expect(await one.setAcl('/a', readOnly, 0)).toMatchObject({ aclVersion: 1, version: 0 })
    expect(aclText(await one.getAcl('/a'))).toEqual(aclText(readOnly))
    expect(await codeOf(one.setAcl('/a', open, 0))).toBe('RECORD_CHANGED')
    expect(await codeOf(one.set('/a', none))).toBe('COORDINATOR_REFUSED')
    expect(await codeOf(one.create('/a/b', none))).toBe('COORDINATOR_REFUSED')
    expect((await one.get('/a')).stat.aclVersion).toBe(1)
  })

  inside('a node of one user is closed to others', async (world) => {
    const owner = await world.connect({ auth: { user: 'nimbus', password: 'secret' } })
    const guest = await world.connect()
    const wrong = await world.connect({ auth: { user: 'nimbus', password: 'guessed' } })
    await owner.create('/mine', bytes('x'), { acl: ownAcl })
    await owner.create('/mine/child', none)
    for (const other of [guest, wrong]) {
      await other.sync('/mine')
      expect(await codeOf(other.get('/mine'))).toBe('COORDINATOR_REFUSED')
      expect(await codeOf(other.set('/mine', none))).toBe('COORDINATOR_REFUSED')
      expect(await codeOf(other.children('/mine'))).toBe('COORDINATOR_REFUSED')
      expect(await codeOf(other.create('/mine/x', none))).toBe('COORDINATOR_REFUSED')
      expect(await codeOf(other.delete('/mine/child'))).toBe('COORDINATOR_REFUSED')
      expect(await codeOf(other.setAcl('/mine', open))).toBe('COORDINATOR_REFUSED')
      const multi = other.multi([
        { kind: 'create', path: '/beside', data: none },
        { kind: 'set', path: '/mine', data: none },
      ])
      expect(await errorOf(multi)).toMatchObject({ code: 'COORDINATOR_REFUSED', details: { index: 1 } })
      // Not recursive: the child has a list of its own.
      expect((await other.get('/mine/child')).data.length).toBe(0)
    }
    expect(text((await owner.get('/mine')).data)).toBe('x')
    const second = await world.connect({ auth: { user: 'nimbus', password: 'secret' } })
    await second.sync('/mine')
    await second.delete('/mine/child')
  })
}

export function credentials(inside: Inside): void {
  inside('the id of a user is told as a digest, never as the password', async (world) => {
    const owner = await world.connect({ auth: { user: 'nimbus', password: 'secret' } })
    await owner.create('/mine', none, { acl: ownAcl })
    const [entry] = await owner.getAcl('/mine')
    expect(entry).toMatchObject({ scheme: 'digest' })
    // Base64 of SHA-1 over `nimbus:secret`.
    expect(entry?.id).toMatch(/^nimbus:[A-Za-z0-9+/]{27}=$/)
  })

  inside('a coordinator may have a list for all that it makes', async (world) => {
    const owner = await world.connect({ auth: { user: 'u', password: 'p' }, createAcl: ownAcl })
    await owner.create('/mine', none)
    await owner.multi([{ kind: 'create', path: '/too', data: none }])
    const guest = await world.connect()
    await guest.sync('/')
    expect(await codeOf(guest.get('/mine'))).toBe('COORDINATOR_REFUSED')
    expect(await codeOf(guest.get('/too'))).toBe('COORDINATOR_REFUSED')
  })

  inside('a list of one’s own needs credentials', async (world) => {
    const one = await world.connect()
    const code = await codeOf(one.create('/a', none, { acl: ownAcl }))
    expect(['COORDINATOR_REFUSED', 'CONFIG_INVALID_VALUE']).toContain(code)
    expect(await one.exists('/a')).toBeUndefined()
  })
}

export function lives(inside: Inside): void {
  inside('who is connected has a session and its length', async (world) => {
    const one = await world.connect()
    expect(one.state).toBe('connected')
    expect(one.sessionId).not.toBe(0n)
    expect(one.sessionTimeoutMs).toBeGreaterThan(0)
    await one.connected(1_000)
    const two = await world.connect()
    expect(two.sessionId).not.toBe(one.sessionId)
  })

  inside('after close every call is refused, and the state says so', async (world) => {
    const one = await world.connect()
    const states: SessionState[] = []
    one.onState((state) => states.push(state))
    const closing = one.close()
    await one.close()
    await closing
    expect(one.state).toBe('closed')
    await world.passed(1)
    expect(states).toEqual(['closed'])
    const calls = [
      one.get('/'),
      one.create('/a', none),
      one.multi([]),
      one.watch('/', 'node', () => undefined),
    ]
    for (const call of calls) {
      expect(await errorOf(call)).toMatchObject({
        code: 'COORDINATOR_UNAVAILABLE',
        details: { outcome: 'none' },
      })
    }
  })

  inside('calls that wait when it is closed come to an end', async (world) => {
    const one = await world.connect()
    await one.create('/a', none)
    const calls = Array.from({ length: 20 }, () => codeOf(one.set('/a', none)))
    await one.close()
    for (const code of await Promise.all(calls)) expect(['none', 'COORDINATOR_UNAVAILABLE']).toContain(code)
  })

  inside('a listener of states that was stopped is told nothing', async (world) => {
    const one = await world.connect()
    const states: SessionState[] = []
    const listening = one.onState((state) => states.push(state))
    listening.stop()
    listening.stop()
    await one.close()
    await world.passed(1)
    expect(states).toEqual([])
  })

  inside('watches of a closed coordinator tell nothing', async (world) => {
    const [one, two] = await pair(world)
    const events: WatchEvent[] = []
    await one.watch('/a', 'node', (event) => events.push(event))
    await one.close()
    await two.create('/a', none)
    await world.passed(50)
    expect(events).toEqual([])
  })
}

export function chroots(inside: Inside): void {
  inside('paths are relative to the chroot, in calls, answers, errors and events', async (world) => {
    const outer = await world.connect()
    await outer.create('/root', none)
    const inner = await world.connect({ chroot: '/root' })
    await inner.sync('/')
    const events: WatchEvent[] = []
    await inner.watch('/', 'tree', (event) => events.push(event))
    expect(await inner.create('/a', bytes('x'))).toBe('/a')
    expect(await inner.create('/s-', none, { mode: 'persistent-sequential' })).toMatch(/^\/[^/]*s-[^/]*$/)
    expect(await inner.multi([{ kind: 'create', path: '/b', data: none }])).toEqual([
      { kind: 'create', path: '/b' },
    ])
    expect((await inner.children('/')).length).toBe(3)
    expect(eventTexts(events).filter((each) => !each.includes('s-'))).toEqual(['created /a', 'created /b'])
    await outer.sync('/')
    expect(text((await outer.get('/root/a')).data)).toBe('x')
    expect(await codeOf(inner.get('/root/a'))).toBe('RECORD_MISSING')
  })
}

export function swept(inside: Inside, withinMs: number): void {
  const gone = async (world: CoordinatorWorld, one: Coordinator, path: string) => {
    for (let waitedMs = 0; waitedMs < withinMs; waitedMs += 100) {
      if ((await one.exists(path)) === undefined) return
      await world.passed(100)
    }
    expect(await one.exists(path)).toBeUndefined()
  }

  inside('a container goes after its last child, not before it had one', async (world) => {
    const one = await world.connect()
    await one.create('/used', none, { mode: 'container' })
    await one.create('/fresh', none, { mode: 'container' })
    await one.create('/used/child', none)
    await world.passed(50)
    expect(await one.exists('/used')).toBeDefined()
    await one.delete('/used/child')
    await gone(world, one, '/used')
    expect(await one.exists('/fresh')).toBeDefined()
  })

  inside('a node with a lifetime goes after it', async (world) => {
    const one = await world.connect()
    await one.create('/brief', none, { ttlMs: 200 })
    await one.create('/parent', none, { ttlMs: 200 })
    await one.create('/parent/child', none)
    await gone(world, one, '/brief')
    expect(await one.exists('/parent')).toBeDefined()
  })
}

export function connectionLost(inside: Inside): void {
  inside('without connection calls end with the outcome said, and the session lives on', async (world) => {
    const [one, two] = await pair(world)
    await one.create('/e', none, { mode: 'ephemeral' })
    const states: SessionState[] = []
    one.onState((state) => states.push(state))
    const sessionId = one.sessionId
    const inFlight = one.set('/e', bytes('x'))
    world.faults?.cut(one)
    const error = await errorOf(inFlight)
    if (error !== undefined) expect(error).toMatchObject({ code: 'COORDINATOR_UNAVAILABLE' })
    await until(world, () => one.state === 'suspended')
    const refused = await errorOf(one.get('/e'))
    expect(refused).toMatchObject({ code: 'COORDINATOR_UNAVAILABLE', details: { outcome: 'none' } })
    world.faults?.heal(one)
    await until(world, () => one.state === 'connected')
    expect(one.sessionId).toBe(sessionId)
    await two.sync('/')
    expect((await two.get('/e')).stat.ephemeralOwner).toBe(sessionId)
    expect(states.slice(0, 2)).toEqual(['suspended', 'connected'])
  })

  inside('a watch outlives a reconnect, and tells that changes may have been missed', async (world) => {
    const [one, two] = await pair(world)
    await one.create('/a', none)
    const events: WatchEvent[] = []
    await one.watch('/a', 'node', (event) => events.push(event))
    world.faults?.cut(one)
    await until(world, () => one.state === 'suspended')
    await two.set('/a', bytes('missed'))
    world.faults?.heal(one)
    await until(world, () => events.some((event) => event.kind === 'reset'))
    const toldCount = events.length
    await two.set('/a', bytes('seen'))
    await until(world, () => events.length > toldCount)
    expect(events.at(-1)).toEqual({ kind: 'changed', path: '/a' })
  })
}

export function sessionsOver(inside: Inside): void {
  inside(
    'a session that is over stays so: ephemerals gone, every call refused, watches told',
    async (world) => {
      const [one, two] = await pair(world)
      await one.create('/e', none, { mode: 'ephemeral' })
      const events: WatchEvent[] = []
      await one.watchOnce('/never', 'data', (event) => events.push(event))
      await world.faults?.expire(one)
      await until(world, () => one.state === 'expired')
      await until(world, async () => {
        await two.sync('/')
        return (await two.exists('/e')) === undefined
      })
      expect(await codeOf(one.get('/e'))).toBe('SESSION_EXPIRED')
      expect(await codeOf(one.connected(10))).toBe('SESSION_EXPIRED')
      await until(world, () => events.length > 0)
      expect(events.map((event) => event.kind)).toEqual(['reset'])
      await one.close()
      expect(one.state).toBe('closed')
    },
  )

  inside('cut off for longer than the session, the client knows by itself', async (world) => {
    const [one, two] = [await world.connect({ sessionTimeoutMs: 2_000 }), await world.connect()]
    await one.create('/e', none, { mode: 'ephemeral' })
    world.faults?.cut(one)
    await world.passed(one.sessionTimeoutMs + 50)
    expect(one.state).toBe('expired')
    await until(world, async () => {
      await two.sync('/')
      return (await two.exists('/e')) === undefined
    })
    world.faults?.heal(one)
    await world.passed(100)
    expect(one.state).toBe('expired')
  })
}
