// Topologies that are moved with their state: off a node that is drained, and by a rebalance.
import { describe, expect, test } from 'vitest'
import type { RebalanceRequest } from '../../src/rpc/nimbus-api.ts'
import { admin, type NimbusWorld } from './nimbus-world.ts'
import { known, words } from './outlines.ts'
import { cluster, run, still } from './small-cluster.ts'

describe('a drained node', () => {
  const isOn = (world: NimbusWorld, id: string, node: string): boolean =>
    (world.view.assignments.get(id)?.record.workers ?? []).some((each) => each.node === node)

  async function kinds(world: NimbusWorld): Promise<readonly string[]> {
    const { events } = await world.drive(world.leader.nimbus.api.events(admin, '0-0', 0))
    return events.map(({ kind }) => kind)
  }

  test('its workers move when they have drained, with their state, and no others', async () => {
    const world = await cluster()
    const id = await world.running(words('words', { workers: 3 }))
    const { api } = world.leader.nimbus
    const operation = await world.drive(api.drain(admin, 'b'))
    const states = new Set<number>()
    const runs = new Set<string>()
    await world.until(() => {
      const record = world.view.assignments.get(id)?.record
      states.add(record?.state.length ?? 0)
      runs.add(record?.run ?? '')
      return !isOn(world, id, 'b') && world.view.topologies.get(id)?.record.phase === 'active'
    }, 'the end of the drain')
    expect([...runs].sort()).toEqual(['active', 'drain'])
    // Of the four executors of `count` those of one worker of three moved.
    expect([...states].every((count) => count < 4)).toBe(true)
    expect(Math.max(...states)).toBeGreaterThan(0)
    expect(await world.drive(api.operation(admin, operation.id))).toMatchObject({ state: 'done' })
  })

  test('what does not drain, and does not write its state out, is moved all the same, and said', async () => {
    const world = await cluster({ drainMs: 1e9, dumpMs: undefined })
    const id = await world.running(words('words', { workers: 3, drainTimeout: '5s' }))
    await world.drive(world.leader.nimbus.api.drain(admin, 'b'))
    await world.pass(60_000)
    expect(isOn(world, id, 'b')).toBe(true)
    await world.until(() => !isOn(world, id, 'b'), 'the move')
    const told = (await kinds(world)).filter((kind) => kind === 'moved-undrained')
    // One for what was in flight, one for the state.
    expect(told).toHaveLength(2)
    await world.until(() => world.isUp(id) && run(world, id) === 'active', 'it at work')
  })

  test('another dies meanwhile: what is lost is moved at once, then the rest', async () => {
    const world = await cluster({ drainMs: 3_000, ports: [6700, 6701, 6702] })
    const id = await world.running(words('words', { workers: 3 }))
    const before = world.view.assignments.get(id)?.record.workers ?? []
    await world.drive(world.leader.nimbus.api.drain(admin, 'b'))
    world.crash('c')
    await world.until(() => !isOn(world, id, 'c'), 'the lost one elsewhere')
    await world.until(() => !isOn(world, id, 'b'), 'an empty node')
    await world.until(() => world.isUp(id) && run(world, id) === 'active', 'it at work')
    const after = world.view.assignments.get(id)?.record.workers ?? []
    // Each moved once, the one on `a` not at all.
    expect(after.map(({ generation }) => generation)).toEqual(
      before.map(({ node, generation }) => (node === 'a' ? generation : generation + 1)),
    )
  })

  test('deactivate and activate meanwhile are taken, and hold when it is over', async () => {
    const world = await cluster({ drainMs: 3_000 })
    const id = await world.running(words('words', { workers: 3 }))
    const { api } = world.leader.nimbus
    await world.drive(api.drain(admin, 'b'))
    await world.until(() => run(world, id) === 'drain', 'the drain')
    const off = await world.drive(api.deactivate(admin, 'words'))
    expect(off).toMatchObject({ state: 'running', step: 'wait for the rebalance' })
    await world.until(() => run(world, id) === 'inactive', 'the end')
    await world.pass(6_000)
    expect(await world.drive(api.operation(admin, off.id))).toMatchObject({ state: 'done' })
    expect(isOn(world, id, 'b')).toBe(false)
    expect(world.view.topologies.get(id)?.record.phase).toBe('inactive')
    const on = await world.drive(api.activate(admin, 'words'))
    await world.pass(6_000)
    expect(await world.drive(api.operation(admin, on.id))).toMatchObject({ state: 'done' })
  })

  test('with nowhere to go it stays, and nothing is drained for nothing', async () => {
    const world = await cluster()
    const id = await world.running(words('words', { workers: 1 }))
    const before = world.workersOf(id)
    const own = world.view.assignments.get(id)?.record.workers[0]?.node ?? ''
    let last = ''
    for (const node of [...['a', 'b', 'c'].filter((each) => each !== own), own]) {
      const { id: operation } = await world.drive(world.leader.nimbus.api.drain(admin, node))
      last = operation
    }
    await world.pass(60_000)
    const step = 'wait: no other node is left to take 1 worker of words'
    expect(await world.drive(world.leader.nimbus.api.operation(admin, last))).toMatchObject({ step })
    expect(world.workersOf(id)).toEqual(before)
    expect(await kinds(world)).not.toContain('topology-rebalancing')
  })

  test('with all slots taken elsewhere it says so while it waits', async () => {
    const world = await cluster({ ports: [6700] })
    await world.running(words('words', { workers: 3 }))
    const { api } = world.leader.nimbus
    const { id: operation } = await world.drive(api.drain(admin, 'b'))
    await world.pass(1_000)
    const step = 'wait: no other node has a free slot for 1 worker of words'
    expect(await world.drive(api.operation(admin, operation))).toMatchObject({ step, state: 'running' })
  })

  // Goal: the next leader goes on from the record.
  test.each(['crash-before', 'crash-after'] as const)(
    'the leader dies %s each write of it: the node is emptied all the same',
    async (when) => {
      for (let write = 1; write <= 5; write += 1) {
        const world = await cluster({}, ['n1', 'n2'])
        const id = await world.running(words())
        await world.pass(2_000)
        const first = world.leader
        let count = 0
        world.spy = (_writes, nimbus) => {
          if (nimbus !== first.name) return 'go'
          count += 1
          return count === write ? when : 'go'
        }
        first.nimbus.api.drain(admin, 'b').catch(() => {})
        await world.until(() => !world.seats.has(first.name), `write ${write}`)
        world.spy = () => 'go'
        await world.untilLed()
        if (write === 1 && when === 'crash-before')
          await world.drive(world.leader.nimbus.api.drain(admin, 'b'))
        await world.until(() => !isOn(world, id, 'b') && run(world, id) === 'active', `end ${write}`)
        expect(world.view.topologies.get(id)?.record).toMatchObject({ phase: 'active' })
      }
    },
  )
})

describe('rebalance', () => {
  test('more workers: numbers stay, only executors that move are touched, with their state', async () => {
    const world = await cluster()
    const id = await world.running(words('words', { workers: 2 }))
    const before = world.view.assignments.get(id)?.record
    const { api } = world.leader.nimbus
    const operation = await world.drive(api.rebalance(admin, 'words', { ...still, workers: 4 }))
    const dumps = new Set<string>()
    await world.until(() => {
      dumps.add(world.view.assignments.get(id)?.record.dump ?? '')
      return world.view.topologies.get(id)?.record.phase === 'active'
    }, 'the end of the rebalance')
    const after = world.view.assignments.get(id)?.record
    expect(after?.workers).toHaveLength(4)
    expect(after?.layout).toBe(before?.layout)
    expect(after?.layoutDigest).toBe(before?.layoutDigest)
    expect(after?.token).toBe(before?.token)
    // Those that stay keep number, slot and generation.
    for (const worker of before?.workers ?? [])
      expect(after?.workers).toContainEqual(
        expect.objectContaining({
          worker: worker.worker,
          node: worker.node,
          port: worker.port,
          generation: worker.generation,
        }),
      )
    expect([...dumps].some((dump) => dump !== '')).toBe(true)
    expect(after?.dump).toBe('')
    await world.pass(2_000)
    expect(await world.drive(api.operation(admin, operation.id))).toMatchObject({ state: 'done' })
    const record = world.view.topologies.get(id)?.record
    expect(record).toMatchObject({ workers: 4, parallelism: { __acker: { executors: 2 } } })
    expect(record?.wanted).toBeUndefined()
  })

  test('more executors: a new layout, every worker anew, all keyed state handed on', async () => {
    const world = await cluster()
    const outline = words('words', { workers: 2 })
    const id = await world.running(outline)
    const before = world.view.assignments.get(id)?.record
    known(outline, { parallelism: { count: { executors: 6 }, __acker: { executors: 2 } } })
    const { api } = world.leader.nimbus
    await world.drive(api.rebalance(admin, 'words', { ...still, executors: { count: 6 } }))
    const states: string[][] = []
    await world.until(() => {
      const record = world.view.assignments.get(id)?.record
      if (record?.layout === 2)
        states.push(record.state.map(({ component, digest }) => `${component} ${digest.slice(-2)}`))
      return world.view.topologies.get(id)?.record.phase === 'active' && record?.run === 'active'
    }, 'the end')
    const after = world.view.assignments.get(id)?.record
    expect(after).toMatchObject({ layout: 2, run: 'active', dump: '', state: [] })
    expect(states[0]).toHaveLength(4)
    expect(states[0]?.every((each) => each.startsWith('count '))).toBe(true)
    const generations = new Map(before?.workers.map((each) => [each.worker, each.generation]))
    for (const { worker, generation } of after?.workers ?? [])
      expect(generation).toBeGreaterThan(generations.get(worker) ?? 0)
    // Events say it in words, and of a worker that stays in its slot not that it moves.
    const said = (await world.drive(api.events(admin, '0-0', 0))).events.map(({ message }) => message)
    expect(said).toContain('words is to be rebalanced')
    expect(said.filter((each) => / renewed at \w+:\d+: /.test(each)).length).toBeGreaterThan(0)
    for (const each of said) expect(each).not.toMatch(/from (\S+) to \1:/)
  })

  test('state that cannot be written out ends the rebalance, and everything goes on as it was', async () => {
    const world = await cluster({ dumpMs: undefined })
    const id = await world.running(words('words', { workers: 2 }))
    const before = world.workersOf(id)
    const { api } = world.leader.nimbus
    const rebalance = (more: Partial<RebalanceRequest>) =>
      world.drive(api.rebalance(admin, 'words', { ...still, drainMs: 1_000, ...more }))
    const good = await rebalance({ scheduler: 'weighted' })
    await world.pass(10_000)
    const bad = await rebalance({ executors: { count: 2 } })
    await world.pass(30_000)
    expect(run(world, id)).toBe('drain')
    // Written meanwhile: the record has another version than when it began.
    await world.drive(api.deactivate(admin, 'words'))
    await world.drive(api.activate(admin, 'words'))
    await world.pass(40_000)
    expect(run(world, id)).toBe('active')
    expect(world.workersOf(id)).toEqual(before)
    const statusOf = async ({ id: operation }: { readonly id: string }) =>
      await world.drive(api.operation(admin, operation))
    const why = '4 executors did not write out their keyed state in time'
    const givenUp = { state: 'failed', error: { code: 'REBALANCE_GIVEN_UP', message: why } }
    expect(await statusOf(bad)).toMatchObject(givenUp)
    expect(await statusOf(good)).toMatchObject({ state: 'done' })
    const again = await rebalance({ workers: 1 })
    expect(await statusOf(again)).toMatchObject({ state: 'running' })
    expect(await statusOf(bad)).toMatchObject(givenUp)
    const { events } = await world.drive(api.events(admin, '0-0', 0))
    expect(events.map(({ kind }) => kind)).toContain('rebalance-given-up')
  })

  test('requests that cannot be are refused', async () => {
    const world = await cluster()
    await world.running(words('words', { workers: 2 }))
    const { api } = world.leader.nimbus
    const cases: [string, Partial<RebalanceRequest>][] = [
      ['UNKNOWN_COMPONENT', { executors: { nobody: 2 } }],
      ['PARALLELISM_INVALID', { executors: { count: 0 } }],
      ['PARALLELISM_INVALID', { executors: { count: 4 }, tasks: { count: 2 } }],
      ['PARALLELISM_INVALID', { tasks: { count: 129 } }],
      ['STATE_NOT_RESCALABLE', { executors: { words: 3 } }],
      ['REQUEST_INVALID', { scheduler: 'magic' }],
    ]
    for (const [code, change] of cases)
      await expect(
        world.drive(api.rebalance(admin, 'words', { ...still, ...change })),
        JSON.stringify(change),
      ).rejects.toMatchObject({ code })
    // Whoever mistook a name sees the right ones.
    const mistaken = world.drive(api.rebalance(admin, 'words', { ...still, executors: { cuont: 2 } }))
    const text = 'there are count, split, words; did you mean "count"?'
    await expect(mistaken).rejects.toThrow(text)
    // So does who wants more lines of one.
    const level = (logger: string) => world.drive(api.setLogLevel(admin, 'words', logger, 'debug', 60_000))
    const known = 'there are count, split, words, root; did you mean'
    await expect(level('cuont')).rejects.toThrow(`${known} "count"?`)
    await expect(level('ROOT')).rejects.toThrow(`${known} "root"?`)
    for (const logger of ['count', '__acker', 'root', '']) await level(logger)
    await expect(world.drive(api.topology(admin, 'wrods'))).rejects.toThrow('; did you mean "words"?')
    const same = await world.drive(api.rebalance(admin, 'words', { ...still, workers: 2 }))
    expect(same.state).toBe('done')
    await world.drive(api.rebalance(admin, 'words', { ...still, workers: 3 }))
    await expect(world.drive(api.rebalance(admin, 'words', { ...still, workers: 4 }))).rejects.toMatchObject({
      code: 'REBALANCE_CONFLICT',
    })
  })

  test('a request that comes again under its key is the one that was begun, and begins nothing', async () => {
    const world = await cluster({ dumpMs: undefined })
    const id = await world.running(words('words', { workers: 2 }))
    const { api } = world.leader.nimbus
    const ask = (idempotencyKey: string, more: Partial<RebalanceRequest>) =>
      world.drive(api.rebalance(admin, 'words', { ...still, drainMs: 1_000, ...more, idempotencyKey }))
    const first = await ask('k1', { scheduler: 'weighted' })
    expect(first).toMatchObject({ kind: 'rebalance', state: 'running' })
    expect((await ask('k1', { scheduler: 'weighted' })).id).toBe(first.id)
    await world.pass(10_000)
    const second = await ask('k2', { scheduler: 'random' })
    await world.pass(10_000)
    expect(await ask('k1', { scheduler: 'weighted' })).toMatchObject({ id: first.id, state: 'done' })
    expect(world.view.topologies.get(id)?.record.scheduler).toBe('random')
    const bad = await ask('k3', { executors: { count: 2 } })
    expect([bad.state, bad.id === second.id]).toEqual(['running', false])
    await world.pass(70_000)
    const error = expect.objectContaining({ code: 'REBALANCE_GIVEN_UP' })
    expect(await ask('k3', { executors: { count: 2 } })).toMatchObject({ id: bad.id, state: 'failed', error })
    const kept = world.view.topologies.get(id)?.record.rebalances
    expect(kept?.map(({ key }) => key)).toEqual(['k1', 'k2', 'k3'])
    await expect(ask('k'.repeat(129), { workers: 1 })).rejects.toMatchObject({ code: 'REQUEST_INVALID' })
    await world.drive(api.kill(admin, 'words', 60_000))
    const gone = expect.objectContaining({ code: 'TOPOLOGY_WRONG_STATE' })
    expect(await ask('k2', { scheduler: 'random' })).toMatchObject({ state: 'failed', error: gone })
  })

  test.each(['crash-before', 'crash-after', 'lose-answer'] as const)(
    'the write of a rebalance ends with %s: asked again under its key, it was begun once',
    async (how) => {
      const world = await cluster({}, ['n1', 'n2'])
      const id = await world.running(words('words', { workers: 2 }))
      const first = world.leader
      const begun = (): number =>
        world.view.topologies.get(id)?.record.rebalances?.filter(({ key }) => key === 'k1').length ?? 0
      let isOver = false
      world.spy = (writes, nimbus) => {
        const isOurs = writes.some(({ kind }) => kind === 'put-topology') && nimbus === first.name
        if (!isOurs || isOver) return 'go'
        isOver = true
        return how
      }
      const request = { ...still, workers: 4, idempotencyKey: 'k1' }
      const asked = first.nimbus.api.rebalance(admin, 'words', request).catch(() => undefined)
      if (how === 'lose-answer') await world.drive(asked)
      else await world.until(() => !world.seats.has(first.name) && world.hasLeader, 'the next leader')
      const again = await world.drive(world.leader.nimbus.api.rebalance(admin, 'words', request))
      await world.until(() => world.view.topologies.get(id)?.record.phase === 'active', 'the end')
      const once = await world.drive(world.leader.nimbus.api.rebalance(admin, 'words', request))
      expect(once).toMatchObject({ id: again.id, state: 'done' })
      expect([world.view.assignments.get(id)?.record.workers.length, begun()]).toEqual([4, 1])
    },
  )

  test.each(['crash-before', 'crash-after'] as const)(
    'the leader dies %s each write of a rebalance',
    async (when) => {
      for (let write = 2; write <= 6; write += 1) {
        const world = await cluster({}, ['n1', 'n2'])
        const outline = words('words', { workers: 2 })
        const id = await world.running(outline)
        known(outline, { parallelism: { count: { executors: 6 }, __acker: { executors: 2 } } })
        const first = world.leader
        let count = 0
        world.spy = (_writes, nimbus) => {
          if (nimbus !== first.name) return 'go'
          count += 1
          return count === write ? when : 'go'
        }
        first.nimbus.api.rebalance(admin, 'words', { ...still, executors: { count: 6 } }).catch(() => {})
        const isOver = (): boolean =>
          world.hasLeader &&
          world.view.topologies.get(id)?.record.phase === 'active' &&
          world.view.assignments.get(id)?.record.layout === 2
        await world.until(() => !world.seats.has(first.name) || isOver(), `write ${write}`)
        world.spy = () => 'go'
        await world.until(isOver, `the end after write ${write}`)
        await world.until(() => world.isUp(id) && run(world, id) === 'active', 'all up')
      }
    },
  )
})
