// Goal: what an operator does with a topology comes to its end, by whichever leader, and loses no keyed
// state.
import { describe, expect, test } from 'vitest'
import { admin, NimbusWorld } from './nimbus-world.ts'
import { words } from './outlines.ts'
import { cluster, run, still } from './small-cluster.ts'

test('stopped while it waits for its name, it takes no name and stands for nothing', async () => {
  const world = new NimbusWorld()
  const board = await world.opened('other')
  const name = await world.drive(board.announceNimbus({ nimbus: 'n1', address: 'other:1', version: '1' }))
  const { nimbus } = await world.makeNimbus('n1')
  const starting = nimbus.start()
  await world.pass(1_000)
  await world.drive(nimbus.stop())
  name.stop()
  await world.drive(starting)
  await world.pass(20_000)
  expect([...board.view.nimbuses.keys()]).toEqual([])
  expect(board.view.epoch).toBeUndefined()
  expect(nimbus.isLeader).toBe(false)
})

describe('run modes', () => {
  test('deactivate and activate reach the workers, and their operations end', async () => {
    const world = await cluster()
    const id = await world.running(words())
    const { api } = world.leader.nimbus
    const off = await world.drive(api.deactivate(admin, 'words'))
    expect(off).toMatchObject({ kind: 'deactivate', subject: id, state: 'running' })
    await world.pass(3_000)
    expect(run(world, id)).toBe('inactive')
    expect(await world.drive(api.operation(admin, off.id))).toMatchObject({ state: 'done' })
    expect((await world.drive(api.topology(admin, 'words'))).state).toBe('inactive')
    const before = world.workersOf(id)
    const on = await world.drive(api.activate(admin, 'words'))
    await world.pass(3_000)
    expect(run(world, id)).toBe('active')
    expect(await world.drive(api.operation(admin, on.id))).toMatchObject({ state: 'done' })
    // Somebody else's word came after it.
    expect(await world.drive(api.operation(admin, off.id))).toMatchObject({ state: 'failed' })
    expect(world.workersOf(id)).toEqual(before)
  })

  test('a topology that wants to stop is inactive, failed, with its error, then forgotten', async () => {
    const world = await cluster()
    const id = await world.running(words())
    const fault = {
      code: 'TOO_MANY_FAILURES',
      family: 'user-code',
      component: 'count',
      task: 3,
      message: '100 failures',
      stack: undefined,
      at: 5,
    }
    world.supervisors.get('a')?.happenings.push({ kind: 'stop-wanted', at: 5, topologyId: id, fault })
    await world.until(() => world.supervisors.get('a')?.happenings.length === 0, 'the answer')
    const written = new TextDecoder().decode(world.ensemble.peek(`/typhoon/topologies/${id}`)?.data)
    expect(JSON.parse(written)).toMatchObject({
      phase: 'inactive',
      failure: 'TOO_MANY_FAILURES: 100 failures',
    })
    await world.until(() => run(world, id) === 'inactive')
    const { api } = world.leader.nimbus
    expect((await world.drive(api.topology(admin, 'words'))).state).toBe('failed')
    expect(await world.drive(api.errors(admin, 'words'))).toMatchObject([
      { code: 'TOO_MANY_FAILURES', count: 1 },
    ])
    await world.drive(api.activate(admin, 'words'))
    await world.until(() => run(world, id) === 'active')
    expect(world.view.topologies.get(id)?.record.failure).toBeUndefined()
  })
})

describe('kill', () => {
  test('it drains, its workers end, and nothing of it is left', async () => {
    const world = await cluster()
    const id = await world.running(words(), { idempotencyKey: 'k1' })
    const { api } = world.leader.nimbus
    const kill = await world.drive(api.kill(admin, 'words', undefined))
    // Its tasks, as they are counted everywhere: without ackers.
    const { tasks } = await world.drive(api.topology(admin, 'words'))
    expect(kill).toMatchObject({ kind: 'kill', state: 'running', step: 'drain', done: 0, total: tasks })
    await world.until(() => run(world, id) === 'drain', 'the drain')
    await world.until(() => world.view.topologies.size === 0, 'the end')
    expect(await world.drive(api.operation(admin, kill.id))).toMatchObject({ state: 'done' })
    for (const folder of ['topologies', 'names', 'assignments', 'submits', 'positions'])
      expect(world.ensemble.peekChildren(`/typhoon/${folder}`), folder).toEqual([])
    for (const each of world.supervisors.values()) expect(each.portsInUse).toEqual([])
    await expect(world.drive(api.topology(admin, 'words'))).rejects.toMatchObject({
      code: 'TOPOLOGY_NOT_FOUND',
    })
    // The name is free again.
    await world.running(words())
  })

  test('what is meant for a topology that is gone leaves the next one of its name alone', async () => {
    const world = await cluster()
    const old = await world.running(words())
    const { api } = world.leader.nimbus
    await world.drive(api.kill(admin, 'words', 0, old))
    await world.until(() => world.view.topologies.size === 0, 'the end')
    const id = await world.running(words())
    const { version } = world.view.topologies.get(id) ?? {}
    const request = { workers: 1, executors: {}, tasks: {}, scheduler: undefined, drainMs: undefined }
    for (const call of [
      () => api.kill(admin, 'words', 0, old),
      () => api.rebalance(admin, 'words', { ...request, topologyId: old, idempotencyKey: 'k1' }),
      () => api.deactivate(admin, 'words', old),
      () => api.activate(admin, 'words', old),
    ])
      await expect(world.drive(call())).rejects.toMatchObject({ code: 'TOPOLOGY_NOT_FOUND' })
    expect(world.view.topologies.get(id)).toMatchObject({ version, record: { phase: 'active' } })
    expect(await world.drive(api.deactivate(admin, 'words', id))).toMatchObject({ subject: id })
  })

  test('positions by the thousand hold up no other topology, and go before their record', async () => {
    const world = await cluster({ ports: [6700, 6701, 6702] })
    const id = await world.running(words('many', { workers: 1 }), { idempotencyKey: 'k1' })
    const positions = Object.fromEntries(Array.from({ length: 4_000 }, (_, n) => [`p${n}`, '1']))
    const { version } = world.view.assignments.get(id) ?? { version: 0 }
    await world.drive(world.leader.board.putPositions(id, version, { words: positions }, 1))
    const left = (): number => world.ensemble.peekChildren(`/typhoon/positions/${id}/words`)?.length ?? 0
    await world.drive(world.leader.nimbus.api.kill(admin, 'many', 0))
    await world.until(() => left() < 4_000, 'the first that goes')
    const request = await world.request(words('more', { workers: 1 }))
    const more = await world.drive(world.leader.nimbus.api.submit(admin, request))
    await world.until(() => world.view.assignments.has(more.id), 'the other placed')
    expect(left()).toBeGreaterThan(0)
    expect(world.view.topologies.has(id)).toBe(true)
    await world.until(() => !world.view.topologies.has(id), 'the end')
    expect(world.ensemble.peekChildren('/typhoon/positions')).toEqual([])
    expect(world.ensemble.peekChildren('/typhoon/submits')).toEqual([])
  })

  test('what never gets quiet is ended at its deadline, and a second kill shortens the wait', async () => {
    const world = await cluster({ drainMs: 1e9 })
    const id = await world.running(words())
    const { api } = world.leader.nimbus
    await world.drive(api.kill(admin, 'words', 60_000))
    await world.pass(20_000)
    expect(run(world, id)).toBe('drain')
    await world.drive(api.kill(admin, 'words', 3_600_000))
    await world.drive(api.kill(admin, 'words', 2_000))
    await world.pass(6_000)
    expect(world.view.topologies.size).toBe(0)
  })

  test('nobody waits for what is in flight where no worker runs', async () => {
    const world = await cluster({ drainMs: 1e9 })
    const id = await world.running(words('words', { workers: 3 }))
    const [first, ...others] = world.supervisors.values()
    if (first === undefined) throw new Error('there are three nodes')
    for (const each of others) each.isBackingOff = true
    await world.pass(3_000)
    await world.drive(world.leader.nimbus.api.kill(admin, 'words', 600_000))
    // One runs, and is not quiet.
    await world.pass(60_000)
    expect(run(world, id)).toBe('drain')
    first.isBackingOff = true
    await world.until(() => world.view.topologies.size === 0, 'nothing of it')
  })

  test('who does not know yet that it shall drain is waited for, though it runs nothing now', async () => {
    const world = await cluster({ drainMs: 1e9 })
    const id = await world.running(words('words', { workers: 3 }))
    const [first, ...others] = world.supervisors.values()
    if (first === undefined) throw new Error('there are three nodes')
    for (const each of [first, ...others]) each.isBackingOff = true
    // It would start its worker as it was told last, with sources that go.
    first.isBehind = true
    await world.pass(3_000)
    await world.drive(world.leader.nimbus.api.kill(admin, 'words', 600_000))
    await world.pass(60_000)
    expect(run(world, id)).toBe('drain')
    first.isBehind = false
    first.follow()
    await world.until(() => world.view.topologies.size === 0, 'nothing of it')
  })

  const hour = 3_600_000
  test.each([-hour, hour])('a clock that jumps by %d ms changes no wait', async (skewMs) => {
    const world = await cluster({ drainMs: 1e9 })
    const id = await world.running(words())
    const { api } = world.leader.nimbus
    await world.drive(api.kill(admin, 'words', 60_000))
    await world.pass(10_000)
    world.world.setClockSkew('n1', skewMs)
    await world.pass(45_000)
    expect(run(world, id)).toBe('drain')
    await world.pass(15_000)
    expect(world.view.topologies.size).toBe(0)
  })

  test.each([-hour, hour])('a wait can be shortened after the clock has jumped by %d ms', async (skewMs) => {
    const world = await cluster({ drainMs: 1e9 })
    await world.running(words())
    const { api } = world.leader.nimbus
    await world.drive(api.kill(admin, 'words', 600_000))
    await world.pass(10_000)
    world.world.setClockSkew('n1', skewMs)
    await world.drive(api.kill(admin, 'words', 900_000))
    await world.drive(api.kill(admin, 'words', 5_000))
    await world.pass(10_000)
    expect(world.view.topologies.size).toBe(0)
  })

  test.each([-hour, hour])(
    'the next leader, %d ms off, waits no longer than was asked for',
    async (skewMs) => {
      const world = await cluster({ drainMs: 1e9 }, ['n1', 'n2'])
      await world.running(words())
      const first = world.leader.name
      world.world.setClockSkew(first === 'n1' ? 'n2' : 'n1', skewMs)
      await world.drive(world.leader.nimbus.api.kill(admin, 'words', 60_000))
      await world.pass(10_000)
      world.crash(first)
      await world.untilLed()
      await world.pass(66_000)
      expect(world.view.topologies.size).toBe(0)
    },
  )

  test('its record goes when its last worker has ended, not before', async () => {
    const world = await cluster({ stopMs: 5_000 })
    const id = await world.running(words())
    await world.drive(world.leader.nimbus.api.kill(admin, 'words', 1_000))
    await world.until(() => !world.view.assignments.has(id), 'the end of the assignment')
    await world.until(() => !world.view.topologies.has(id), 'the end')
    for (const each of world.supervisors.values()) expect(each.portsInUse).toEqual([])
  })

  test('calls at the same time do not hurt each other', async () => {
    const world = await cluster()
    await world.running(words())
    const { api } = world.leader.nimbus
    const calls = [60_000, 50_000, 40_000].map((drainMs) => api.kill(admin, 'words', drainMs))
    const outcomes = await world.drive(Promise.allSettled([...calls]))
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled'])
  })

  // Goal: quiet here and quiet there, but never at the same time, is not quiet.
  test('what is handed to and fro is not taken for quiet', async () => {
    const world = await cluster({ drainMs: 0 })
    const id = await world.running(words('words', { workers: 2 }))
    for (const [parity, each] of [...world.supervisors.values()].entries()) {
      let count = parity
      each.beat = (mode) => {
        count += 1
        return { isQuiet: mode === 'drain' && count % 2 === 0 }
      }
    }
    await world.drive(world.leader.nimbus.api.kill(admin, 'words', 20_000))
    await world.pass(15_000)
    expect(run(world, id)).toBe('drain')
    await world.pass(10_000)
    expect(world.view.topologies.size).toBe(0)
  })

  test('other changes are refused meanwhile', async () => {
    const world = await cluster({ drainMs: 10_000 })
    await world.running(words())
    const { api } = world.leader.nimbus
    await world.drive(api.kill(admin, 'words', 5_000))
    for (const call of [
      () => api.activate(admin, 'words'),
      () => api.deactivate(admin, 'words'),
      () => api.rebalance(admin, 'words', { ...still, workers: 2 }),
    ])
      await expect(world.drive(call())).rejects.toMatchObject({ code: 'TOPOLOGY_WRONG_STATE' })
  })

  // Goal: the next leader goes on from the record, whichever write was the last of the one before.
  test.each(['crash-before', 'crash-after'] as const)(
    'the leader dies %s each write of a kill',
    async (when) => {
      for (let write = 1; write <= 4; write += 1) {
        const world = await cluster({}, ['n1', 'n2'])
        const id = await world.running(words())
        const first = world.leader
        let count = 0
        world.spy = (_writes, nimbus) => {
          if (nimbus !== first.name) return 'go'
          count += 1
          return count === write ? when : 'go'
        }
        first.nimbus.api.kill(admin, 'words', undefined).catch(() => {})
        await world.until(() => !world.seats.has(first.name), `write ${write}`)
        world.spy = () => 'go'
        await world.untilLed()
        if (write === 1 && when === 'crash-before')
          await world.drive(world.leader.nimbus.api.kill(admin, 'words', undefined))
        await world.until(
          () => world.ensemble.peekChildren('/typhoon/topologies').length === 0,
          `end ${write}`,
        )
        await world.pass(2_000)
        expect(world.view.assignments.has(id)).toBe(false)
        expect(world.ensemble.peekChildren('/typhoon/names')).toEqual([])
      }
    },
  )
})
