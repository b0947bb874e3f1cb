// Goal: what is lost is placed elsewhere by two signs, and what only seems lost is not touched.
import { describe, expect, test } from 'vitest'
import { admin, NimbusWorld } from './nimbus-world.ts'
import { words } from './outlines.ts'

async function cluster(nodes = ['a', 'b', 'c'], nimbuses = ['n1'], settings = {}): Promise<NimbusWorld> {
  const world = new NimbusWorld(settings)
  for (const name of nimbuses) await world.startNimbus(name)
  await world.untilLed()
  for (const node of nodes) await world.startSupervisor(node)
  return world
}

function nodesOf(world: NimbusWorld, id: string): readonly string[] {
  return (world.view.assignments.get(id)?.record.workers ?? []).map(({ node }) => node).sort()
}

describe('nodes', () => {
  test('a lost node: its workers go elsewhere, no other moves, numbers stay, generations grow', async () => {
    const world = await cluster()
    const id = await world.running(words())
    expect(nodesOf(world, id)).toEqual(['a', 'b', 'c'])
    const before = world.view.assignments.get(id)?.record.workers ?? []
    await world.pass(2_000)
    world.crash('b')
    const crashedAt = world.world.nowMs
    await world.until(() => !nodesOf(world, id).includes('b') && world.isUp(id), 'it elsewhere')
    expect(world.world.nowMs - crashedAt).toBeLessThan(9_000)
    const after = world.view.assignments.get(id)?.record.workers ?? []
    expect(after).toHaveLength(3)
    for (const worker of before) {
      const now = after.find((each) => each.worker === worker.worker)
      if (worker.node === 'b') expect(now?.generation).toBe(worker.generation + 1)
      else expect(now).toEqual(worker)
    }
    const { events } = await world.drive(world.leader.nimbus.api.events(admin, '0-0', 0))
    expect(events.filter(({ kind }) => kind === 'worker-moved')).toHaveLength(1)
  })

  test('one sign moves nothing: silent heartbeats alone, a lost session alone', async () => {
    const world = await cluster()
    const id = await world.running(words())
    const before = world.workersOf(id)
    const silent = world.supervisors.get('a')
    if (silent !== undefined) silent.isTalking = false
    world.ensemble.cut('b', 'silent')
    await world.pass(60_000)
    expect(world.workersOf(id)).toEqual(before)
    const nodes = await world.drive(world.leader.nimbus.api.nodes(admin))
    expect(nodes.map(({ node, state }) => `${node} ${state}`)).toEqual(['a silent', 'b up', 'c up'])
    // The second sign of one of them comes.
    world.ensemble.cut('a', 'silent')
    await world.until(() => !nodesOf(world, id).includes('a'), 'the move')
    expect(nodesOf(world, id)).toContain('b')
  })

  test('a node that flaps is put on the blacklist, and gets nothing', async () => {
    const world = await cluster(['a', 'b', 'c'])
    const id = await world.running(words())
    for (let time = 1; time <= 3; time += 1) {
      world.crash('b')
      await world.until(() => !nodesOf(world, id).includes('b'), `loss ${time}`)
      await world.startSupervisor('b')
      if (time === 3) break
      // It has to have something to lose again.
      await world.drive(world.leader.nimbus.api.drain(admin, 'a'))
      await world.until(() => nodesOf(world, id).includes('b'), `b used again ${time}`)
      await world.until(() => world.isUp(id))
      await world.drive(world.leader.nimbus.api.undrain(admin, 'a'))
      await world.pass(2_000)
    }
    await world.until(() => (world.view.nodes.get('b')?.record.blacklistedUntil ?? 0) > 0, 'the blacklist')
    await world.drive(world.leader.nimbus.api.drain(admin, 'a'))
    await world.pass(5_000)
    expect(nodesOf(world, id)).not.toContain('b')
    const nodes = await world.drive(world.leader.nimbus.api.nodes(admin))
    expect(nodes.find(({ node }) => node === 'b')?.state).toBe('blacklisted')
    // An operator who has looked at it takes it off the list, and it stays off.
    await world.drive(world.leader.nimbus.api.undrain(admin, 'b'))
    await world.pass(3_000)
    const after = await world.drive(world.leader.nimbus.api.nodes(admin))
    expect(after.find(({ node }) => node === 'b')?.state).toBe('up')
  })

  test('a node is drained, stays empty, and is used again when it may be', async () => {
    const world = await cluster(['a', 'b'])
    const id = await world.running(words('words', { workers: 2 }))
    const { api } = world.leader.nimbus
    const drain = await world.drive(api.drain(admin, 'a'))
    expect(drain).toMatchObject({ kind: 'drain-node', subject: 'a', state: 'running', total: 5 })
    await world.until(() => world.isUp(id) && nodesOf(world, id).join() === 'b,b', 'the move')
    expect(await world.drive(api.operation(admin, drain.id))).toMatchObject({ state: 'done' })
    expect((await world.drive(api.nodes(admin))).find(({ node }) => node === 'a')?.state).toBe('drained')
    await world.drive(api.undrain(admin, 'a'))
    expect(await world.drive(api.operation(admin, drain.id))).toMatchObject({ state: 'failed' })
    await world.running(words('more', { workers: 1 }))
    await expect(world.drive(api.drain(admin, 'nobody'))).rejects.toMatchObject({ code: 'NODE_UNKNOWN' })
  })
})

describe('logs', () => {
  test('a node is not there: said so, others are shown, and asking again goes on', async () => {
    const world = await cluster(['a', 'b'])
    const id = await world.running(words('words', { workers: 2 }))
    const { api } = world.leader.nimbus
    world.ensemble.cut('a', 'silent')
    await world.until(() => !world.view.supervisors.has('a'), 'the end of its session')
    const query = { worker: undefined, linesMax: 10 }
    const pieces = await world.drive(api.logs(admin, 'words', { ...query, after: {} }))
    expect(pieces.map(({ node, lines, trouble }) => [node, lines.length, trouble])).toEqual(
      nodesOf(world, id).map((node) => (node === 'a' ? [node, 0, 'a is not there'] : [node, 1, undefined])),
    )
    const after = Object.fromEntries(pieces.map(({ node, port, next }) => [`${node}:${port}`, next]))
    await world.drive(api.logs(admin, 'words', { ...query, after }))
    expect(world.logsAfter.slice(-1)).toEqual(['1'])
    world.ensemble.heal('a')
    await world.until(() => world.view.supervisors.has('a'), 'its return')
    await world.drive(api.logs(admin, 'words', { ...query, after }))
    expect(world.logsAfter.slice(-2).sort()).toEqual(['1', undefined])
  })
})

describe('leaders', () => {
  test('one dies: another leads, and moves nothing', async () => {
    const world = await cluster(['a', 'b', 'c'], ['n1', 'n2'])
    const id = await world.running(words())
    const before = world.workersOf(id)
    const first = world.leader.name
    world.crash(first)
    await world.until(() => world.hasLeader && world.leader.name !== first, 'the next')
    await world.pass(30_000)
    expect(world.workersOf(id)).toEqual(before)
    await world.running(words('more', { workers: 1 }))
  })

  test('leader and node die together: the next leader does not wait for the node', async () => {
    const world = await cluster(['a', 'b', 'c'], ['n1', 'n2'])
    const id = await world.running(words())
    const first = world.leader.name
    world.crash(first)
    world.crash('b')
    const crashedAt = world.world.nowMs
    await world.until(
      () => world.hasLeader && !nodesOf(world, id).includes('b') && world.isUp(id),
      'it elsewhere',
    )
    expect(world.world.nowMs - crashedAt).toBeLessThan(10_000)
  })

  test('a leader that is cut off leads no more, and nothing it began takes effect', async () => {
    const world = await cluster(['a', 'b', 'c'], ['n1', 'n2'])
    const id = await world.running(words())
    const old = world.leader
    world.ensemble.cut(old.name, 'silent')
    await world.until(
      () => [...world.seats.values()].some((seat) => seat !== old && seat.nimbus.isLeader),
      'the next',
    )
    expect(old.nimbus.isLeader).toBe(false)
    await expect(world.drive(old.nimbus.api.kill(admin, 'words', 0))).rejects.toMatchObject({
      code: 'NIMBUS_NOT_LEADER',
    })
    world.ensemble.heal(old.name)
    await world.pass(10_000)
    expect(world.view.topologies.get(id)?.record.phase).toBe('active')
    const leaders = [...world.seats.values()].filter(({ nimbus }) => nimbus.isLeader)
    expect(leaders).toHaveLength(1)
    // Who asks the standby is told whom to ask.
    await expect(world.drive(old.nimbus.api.topologies(admin))).rejects.toMatchObject({
      details: { leader: `${world.leader.name}:6627` },
    })
  })

  test.each([0, 100, 200, 300, 400])(
    'one that is stopped (%d ms after) is unseated in 3.5 s',
    async (offsetMs) => {
      const world = await cluster(['a'], ['n1', 'n2'])
      await world.pass(2_000 + offsetMs)
      const old = world.leader
      world.stopped.add(old.name)
      const at = world.world.nowMs
      const next = () => [...world.seats.values()].find((seat) => seat !== old && seat.nimbus.isLeader)
      await world.until(() => next() !== undefined, 'the next')
      expect(world.world.nowMs - at).toBeLessThan(3_700)
      // Who is known to be silent is not waited for.
      const request = await world.request(words())
      const submittedAt = world.world.nowMs
      const { warnings } = await world.drive(next()?.nimbus.api.submit(admin, request) ?? Promise.reject())
      expect(warnings.join()).toContain('no other Nimbus has a copy')
      expect(world.world.nowMs - submittedAt).toBeLessThan(1_000)
    },
  )

  test('a standby that stood still itself unseats nobody', async () => {
    const world = await cluster(['a'], ['n1', 'n2'])
    await world.pass(2_000)
    const { name } = world.leader
    const standby = name === 'n1' ? 'n2' : 'n1'
    world.world.pause(standby)
    await world.pass(4_000)
    world.world.resume(standby)
    await world.pass(5_000)
    expect(world.leader.name).toBe(name)
  })

  test('two that are refused by each other do not take the lead in turns', async () => {
    const world = await cluster(['a'], ['n1', 'n2'])
    const first = world.view.epoch?.record.epoch ?? 0
    world.ping = () => 'refused'
    await world.pass(600_000)
    await world.untilLed()
    // Each challenges after 1.5 s, then after 1, 2, 4 and at most 8 minutes.
    expect((world.view.epoch?.record.epoch ?? 0) - first).toBeLessThanOrEqual(8)
    const { length } = world.lines.filter(({ message }) => message.includes('unseated'))
    expect(length).toBeGreaterThanOrEqual(2)
  })

  test('one that dies, comes back, leads and dies again is followed as fast the second time', async () => {
    const world = await cluster(['a'], ['n1', 'n2', 'n3'])
    for (let time = 1; time <= 3; time += 1) {
      const first = world.leader.name
      await world.pass(3_000)
      world.crash(first)
      const crashedAt = world.world.nowMs
      await world.until(() => world.hasLeader && world.leader.name !== first, `the next, ${time}`)
      expect(world.world.nowMs - crashedAt).toBeLessThan(4_000)
      await world.startNimbus(first)
    }
  })

  test('one that stops gives up the leadership at once', async () => {
    const world = await cluster(['a'], ['n1', 'n2'])
    const old = world.leader
    const at = world.world.nowMs
    await world.drive(old.nimbus.stop())
    await world.until(
      () => [...world.seats.values()].some((seat) => seat !== old && seat.nimbus.isLeader),
      'the next',
    )
    expect(world.world.nowMs - at).toBeLessThan(1_000)
  })
})

describe('the coordinator', () => {
  test.each([30_000, 120_000])('away for %d ms: nothing is placed anew', async (awayMs) => {
    const world = await cluster(['a', 'b', 'c'], ['n1', 'n2'])
    const id = await world.running(words())
    const before = world.workersOf(id)
    world.ensemble.loseQuorum()
    await world.pass(awayMs)
    world.ensemble.regainQuorum()
    await world.untilLed()
    await world.pass(60_000)
    expect(world.workersOf(id)).toEqual(before)
    await world.running(words('more', { workers: 1 }))
  })

  test('all sessions end at once: nothing is placed anew', async () => {
    const world = await cluster(['a', 'b', 'c'], ['n1', 'n2'])
    const id = await world.running(words())
    const before = world.workersOf(id)
    for (const name of ['n1', 'n2', 'a', 'b', 'c']) world.ensemble.expire(name)
    await world.pass(60_000)
    expect(world.workersOf(id)).toEqual(before)
  })

  test('the whole cluster is started again, Nimbus first: nothing is placed anew', async () => {
    const world = await cluster(['a', 'b', 'c'], ['n1'])
    const id = await world.running(words())
    const before = world.workersOf(id)
    for (const name of ['n1', 'a', 'b', 'c']) world.crash(name)
    await world.pass(30_000)
    await world.startNimbus('n1')
    await world.untilLed()
    await world.pass(2_000)
    for (const node of ['a', 'b', 'c']) await world.startSupervisor(node)
    await world.pass(20_000)
    expect(world.workersOf(id)).toEqual(before)
    expect(world.isUp(id)).toBe(true)
  })

  test('away, then another leader, and sessions that come back late: nothing is placed anew', async () => {
    const world = await cluster(['a', 'b', 'c', 'd', 'e'], ['n1', 'n2'])
    const id = await world.running(words('words', { workers: 5 }))
    const before = world.workersOf(id)
    const first = world.leader.name
    world.ensemble.loseQuorum()
    await world.pass(30_000)
    world.crash(first)
    await world.pass(30_000)
    for (const node of ['d', 'e']) world.ensemble.cut(node, 'silent')
    world.ensemble.regainQuorum()
    await world.untilLed()
    await world.pass(10_000)
    for (const node of ['d', 'e']) world.ensemble.heal(node)
    await world.pass(60_000)
    expect(world.workersOf(id)).toEqual(before)
  })

  // What it heard when it led before is no silence since.
  test('away, the same leader, and nodes that come back late: nothing is placed anew', async () => {
    const world = await cluster(['a', 'b', 'c', 'd', 'e'], ['n1'])
    const id = await world.running(words('words', { workers: 5 }))
    const before = world.workersOf(id)
    world.ensemble.loseQuorum()
    await world.pass(60_000)
    for (const node of ['d', 'e']) world.crash(node)
    world.ensemble.regainQuorum()
    await world.untilLed()
    await world.pass(3_000)
    for (const node of ['d', 'e']) await world.startSupervisor(node)
    await world.pass(60_000)
    expect(world.workersOf(id)).toEqual(before)
  })

  test('slow and unsure answers: it comes to the same in the end', async () => {
    for (const seed of [1, 2, 3]) {
      const world = new NimbusWorld({}, seed)
      for (const name of ['n1', 'n2']) await world.startNimbus(name)
      for (const node of ['a', 'b', 'c']) await world.startSupervisor(node)
      await world.untilLed()
      const id = await world.running(words())
      world.ensemble.setFaults({ unknownShare: 0.1, staleShare: 0.3, lagMsMax: 500 })
      world.crash('b')
      await world.pass(40_000)
      world.ensemble.setFaults({ unknownShare: 0, staleShare: 0 })
      await world.until(
        () => world.hasLeader && world.isUp(id) && !nodesOf(world, id).includes('b'),
        `seed ${seed}`,
      )
      expect(nodesOf(world, id)).toHaveLength(3)
    }
  })
})
