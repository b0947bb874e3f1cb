// Goal: what board.ts promises to daemons, with servers that are slow, go away, and let sessions end.
import { describe, expect, test } from 'vitest'
import { whenTaken } from '../../src/cli/daemons/nimbus-daemon.ts'
import type { BoardWrite } from '../../src/cluster/board.ts'
import type { ClusterBoard } from '../../src/cluster/cluster-board.ts'
import { assignment, candidate, leaderOf, supervisor, topology } from './board-records.ts'
import { BoardWorld, SESSION_MS } from './board-world.ts'

function put(topologyId: string, version: number | undefined): BoardWrite {
  return { kind: 'put-assignment', record: assignment(topologyId, 1), version }
}

function versionsOf(board: ClusterBoard): Record<string, number> {
  return Object.fromEntries([...board.view.assignments].map(([id, { version }]) => [id, version]))
}

describe('view', () => {
  test('what a leader writes is seen elsewhere, also its end', async () => {
    const world = new BoardWorld()
    const [a, b] = [await world.opened('a'), await world.opened('b')]
    const leadership = await leaderOf(world, a, 'a')
    const changes: string[] = []
    b.onChange(({ part, id }) => changes.push(`${part} ${id}`))
    await world.drive(
      leadership.write([
        { kind: 'take-name', name: 'words/ä', id: 'w-1' },
        { kind: 'put-topology', record: topology('w-1'), version: undefined },
      ]),
    )
    await world.until(() => b.view.topologies.has('w-1') && b.view.names.has('words/ä'))
    expect(b.view.names.get('words/ä')).toBe('w-1')
    expect(b.view.epoch?.record).toEqual({ epoch: 1, nimbus: 'a', address: 'a:6627' })
    expect(changes).toContain('topologies w-1')
    await world.drive(leadership.write([{ kind: 'delete-topology', id: 'w-1', version: 0 }]))
    await world.until(() => !b.view.topologies.has('w-1'))
  })

  test('what was written while nobody listened is there after a sync', async () => {
    const world = new BoardWorld()
    const [a, b] = [await world.opened('a'), await world.opened('b')]
    const leadership = await leaderOf(world, a, 'a')
    world.ensemble.cut('b')
    await world.drive(leadership.write([{ kind: 'put-topology', record: topology('t'), version: undefined }]))
    expect(b.view.topologies.has('t')).toBe(false)
    world.ensemble.heal('b')
    await world.until(() => b.state === 'connected')
    await world.drive(b.sync())
    expect(b.view.topologies.has('t')).toBe(true)
  })

  test('a strange record is named and not written over', async () => {
    const world = new BoardWorld()
    const a = await world.opened('a')
    const leadership = await leaderOf(world, a, 'a')
    const raw = world.ensemble.connect({
      host: world.world.host('raw'),
      name: 'raw',
      sessionTimeoutMs: SESSION_MS,
    })
    await world.drive(raw.connected(5_000))
    await world.drive(raw.create('/typhoon/topologies/x', new TextEncoder().encode('garbage')))
    await world.until(() => a.view.malformed.size > 0)
    expect([...a.view.malformed.keys()]).toEqual(['/typhoon/topologies/x'])
    await expect(
      world.drive(leadership.write([{ kind: 'put-topology', record: topology('x'), version: undefined }])),
    ).rejects.toMatchObject({ code: 'RECORD_EXISTS' })
    await world.drive(raw.delete('/typhoon/topologies/x'))
    await world.until(() => a.view.malformed.size === 0)
  })

  test('a record that may not be read is named, and holds up nothing else', async () => {
    const world = new BoardWorld()
    const a = await world.opened('a')
    const raw = world.ensemble.connect({
      host: world.world.host('raw'),
      name: 'raw',
      sessionTimeoutMs: SESSION_MS,
      auth: { user: 'other', password: 'their own' },
    })
    await world.drive(raw.connected(5_000))
    const own = {
      scheme: 'auth',
      id: '',
      permissions: ['read', 'write', 'create', 'delete', 'admin'],
    } as const
    const path = '/typhoon/topologies/x'
    await world.drive(raw.create(path, new TextEncoder().encode('theirs'), { acl: [own] }))
    // At the next second look: a server does not tell of it either.
    await world.pass(61_000)
    expect(a.view.malformed.has(path)).toBe(true)
    // A sync comes to its end, and what others write is seen.
    await world.drive(a.sync())
    const leadership = await leaderOf(world, a, 'a')
    await world.drive(leadership.write([{ kind: 'put-topology', record: topology('y'), version: undefined }]))
    await world.until(() => a.view.topologies.has('y'))
    // Its end is found at the next second look, for a server does not tell it to who may not read it.
    await world.drive(raw.delete(path))
    await world.pass(61_000)
    expect(a.view.malformed.size).toBe(0)
  })

  test('a folder that may not be read: the board does not open', async () => {
    const world = new BoardWorld()
    const auth = { user: 'other', password: 'their own' }
    await world.opened('a')
    const raw = world.ensemble.connect({
      host: world.world.host('raw'),
      name: 'raw',
      sessionTimeoutMs: SESSION_MS,
      auth,
    })
    await world.drive(raw.connected(5_000))
    const own = { scheme: 'auth', id: '', permissions: ['read', 'admin'] } as const
    await world.drive(raw.setAcl('/typhoon/topologies', [own]))
    await expect(world.drive(world.board('b').open(5_000))).rejects.toMatchObject({
      code: 'COORDINATOR_REFUSED',
      message: expect.stringContaining('/typhoon/topologies'),
    })
  })

  test('a strange record that goes while nobody looks is named no more', async () => {
    const world = new BoardWorld()
    const [a, b] = [await world.opened('a'), await world.opened('b')]
    const raw = world.ensemble.connect({
      host: world.world.host('raw'),
      name: 'raw',
      sessionTimeoutMs: SESSION_MS,
    })
    await world.drive(raw.connected(5_000))
    await world.drive(raw.create('/typhoon/topologies/x', new TextEncoder().encode('garbage')))
    await world.until(() => a.view.malformed.size > 0 && b.view.malformed.size > 0)
    const changes: string[] = []
    for (const board of [a, b]) board.onChange(({ part, id }) => changes.push(`${part} ${id}`))
    world.ensemble.cut('a')
    world.ensemble.cut('b')
    await world.drive(raw.delete('/typhoon/topologies/x'))
    world.ensemble.heal('a')
    await world.pass(2 * SESSION_MS)
    world.ensemble.heal('b')
    await world.until(() => a.state === 'connected' && b.state === 'connected')
    await world.pass(1_000)
    expect([a.view.malformed.size, b.view.malformed.size], 'same session, new session').toEqual([0, 0])
    expect(changes.filter((each) => each === 'topologies x')).toHaveLength(2)
  })

  // Seeds, since which server a client comes to is drawn: two of three lag.
  const seeds = [1, 2, 3, 4, 5, 6, 7, 8]

  test.each(seeds)('a lagging server is not believed after an outage, seed %i', async (seed) => {
    const world = new BoardWorld(seed)
    const [a, b] = [await world.opened('a'), await world.opened('b')]
    const leadership = await leaderOf(world, a, 'a')
    await world.drive(leadership.write([put('t', undefined)]))
    await world.until(() => b.view.assignments.has('t'))
    world.ensemble.setFaults({ staleShare: 1, lagMsMax: 3_600_000 })
    world.ensemble.cut('b')
    await world.drive(leadership.write([put('t', 0)]))
    await world.drive(leadership.write([put('u', undefined)]))
    world.ensemble.heal('b')
    await world.until(() => b.state === 'connected')
    await world.pass(1_000)
    expect(versionsOf(b)).toEqual({ t: 1, u: 0 })
  })

  test.each(seeds)('nor in a new session, which knows of nothing yet, seed %i', async (seed) => {
    const world = new BoardWorld(seed)
    const [a, b] = [await world.opened('a'), await world.opened('b')]
    const leadership = await leaderOf(world, a, 'a')
    await world.drive(leadership.write([put('t', undefined)]))
    await world.until(() => b.view.assignments.has('t'))
    world.ensemble.setFaults({ staleShare: 1, lagMsMax: 3_600_000 })
    await world.drive(leadership.write([put('t', 0), put('u', undefined)]))
    world.ensemble.expire('b')
    const seen: string[] = []
    b.onChange(({ part }) => part === 'assignments' && seen.push(JSON.stringify(versionsOf(b))))
    await world.until(() => b.state === 'lost')
    await world.until(() => b.state === 'connected')
    await world.pass(1_000)
    expect(versionsOf(b)).toEqual({ t: 1, u: 0 })
    expect(seen).not.toContain(JSON.stringify({}))
  })

  test.each(seeds)('nor by a daemon that begins, seed %i', async (seed) => {
    const world = new BoardWorld(seed)
    const a = await world.opened('a')
    const leadership = await leaderOf(world, a, 'a')
    world.ensemble.setFaults({ staleShare: 1, lagMsMax: 3_600_000 })
    await world.drive(leadership.write([put('t', undefined)]))
    const b = await world.opened('b')
    expect(versionsOf(b)).toEqual({ t: 0 })
  })
})

describe('root', () => {
  test("another program's root is refused with its name", async () => {
    const world = new BoardWorld()
    const raw = world.ensemble.connect({
      host: world.world.host('raw'),
      name: 'raw',
      sessionTimeoutMs: SESSION_MS,
    })
    await world.drive(raw.connected(5_000))
    await world.drive(raw.create('/storm', new Uint8Array(0)))
    await world.drive(raw.create('/storm/assignments', new Uint8Array(0)))
    await expect(world.drive(world.board('a', '/storm').open(5_000))).rejects.toMatchObject({
      code: 'RECORD_MALFORMED',
      message: expect.stringContaining('/storm'),
    })
    expect(await world.drive(raw.children('/storm'))).toEqual(['assignments'])
  })

  test('a newer format is refused', async () => {
    const world = new BoardWorld()
    await world.opened('a')
    const raw = world.ensemble.connect({
      host: world.world.host('raw'),
      name: 'raw',
      sessionTimeoutMs: SESSION_MS,
    })
    await world.drive(raw.connected(5_000))
    await world.drive(raw.set('/typhoon/format', new TextEncoder().encode('typhoon 9')))
    await expect(world.drive(world.board('b').open(5_000))).rejects.toMatchObject({
      code: 'RECORD_MALFORMED',
    })
  })

  test('ten daemons that begin at once make one tree', async () => {
    const world = new BoardWorld(7)
    const boards = Array.from({ length: 10 }, (_, n) => world.board(`d${n}`))
    await world.drive(Promise.all(boards.map((board) => board.open(20_000))))
    expect(boards.every((board) => board.state === 'connected')).toBe(true)
  })
})

describe('opening', () => {
  test('stopped for longer than a session at any moment of it, it has one session in the end', async () => {
    for (let events = 0; events < 60; events += 1) {
      const world = new BoardWorld(events)
      const a = world.board('a')
      const opened = a.open(60_000).then(
        () => true,
        () => false,
      )
      let left = events
      await world.world.run({ while: () => left-- > 0, untilMs: world.world.nowMs + 5_000 })
      world.world.pause('a')
      await world.pass(2 * SESSION_MS)
      world.world.resume('a')
      if (!(await world.drive(opened))) await world.drive(a.open(60_000))
      await world.pass(2 * SESSION_MS)
      expect(world.ensemble.census().sessionCount, `after ${events} events`).toBe(1)
    }
  })
})

describe('leadership', () => {
  test('a deposed leader writes nothing, whatever it believes', async () => {
    const world = new BoardWorld()
    const [a, b] = [await world.opened('a'), await world.opened('b')]
    const first = await leaderOf(world, a, 'a')
    const second = candidate(b, 'b')
    world.world.pause('a')
    await world.until(() => second.leaderships.length > 0, 'the second leadership')
    world.world.resume('a')
    // Asked in the first moment after the pause, before anybody told it anything.
    const write = first.write([{ kind: 'put-topology', record: topology('stale'), version: undefined }])
    await expect(world.drive(write)).rejects.toBeDefined()
    expect(first.isHeld).toBe(false)
    await world.pass(1_000)
    expect(b.view.topologies.has('stale')).toBe(false)
    expect(second.leaderships[0]?.epoch).toBe(2)
  })

  test('it can be given up, and comes back when the other goes', async () => {
    const world = new BoardWorld()
    const [a, b] = [await world.opened('a'), await world.opened('b')]
    const first = candidate(a, 'a')
    await world.until(() => first.leaderships.length === 1)
    const second = candidate(b, 'b')
    await world.pass(500)
    await world.drive(first.leaderships[0]?.resign() ?? Promise.resolve())
    await world.until(() => second.leaderships.length === 1)
    expect(first.leaderships[0]?.isHeld).toBe(false)
    world.world.crash('b', 'none')
    await world.until(() => first.leaderships.length === 2)
    expect(first.leaderships[1]?.epoch).toBe(3)
  })

  test('a session that is over ends it; the board goes on with a new session', async () => {
    const world = new BoardWorld()
    const a = await world.opened('a')
    const seen = candidate(a, 'a')
    await world.until(() => seen.leaderships.length === 1)
    const states: string[] = []
    a.onState((state) => states.push(state))
    world.ensemble.expire('a')
    await world.until(() => seen.leaderships.length === 2)
    expect(seen.leaderships[0]?.isHeld).toBe(false)
    expect(states).toEqual(expect.arrayContaining(['lost', 'connected']))
  })
})

test('a daemon whose name is taken is told by a promise that whoever runs it waits for', async () => {
  const world = new BoardWorld()
  const [a, b] = [await world.opened('a'), await world.opened('b')]
  const taken = whenTaken(a)
  await world.drive(a.announceSupervisor(supervisor('n', 'one')))
  world.ensemble.cut('a')
  await world.drive(b.announceSupervisor(supervisor('n', 'two')))
  world.ensemble.heal('a')
  await expect(world.drive(taken)).rejects.toMatchObject({ code: 'RECORD_EXISTS' })
})
