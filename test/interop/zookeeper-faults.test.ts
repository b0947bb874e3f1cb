// What the client does when servers of a real ensemble of three die, hang, lose their quorum; when its own
// loop stands still; when answers are lost.
import { setTimeout as passed } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { WatchEvent } from '../../src/coordinate/coordinator.ts'
import { codeOf, errorOf } from '../contract/coordinator-world.ts'
import {
  type RunningZooKeeper,
  START_TIMEOUT_MS,
  startZooKeeper,
  whyNoZooKeeper,
  type ZooKeeperServer,
} from '../servers/zookeeper.ts'
import { type Client, connectClient, until } from './zookeeper-world.ts'

const none = new Uint8Array(0)

/** Nothing else can run meanwhile. */
function blockLoop(durationMs: number): void {
  const endMs = performance.now() + durationMs
  while (performance.now() < endMs);
}

describe.skipIf(whyNoZooKeeper() !== undefined)('an ensemble of three with faults', () => {
  let zooKeeper: RunningZooKeeper
  const clients: Client[] = []
  beforeAll(async () => {
    zooKeeper = await startZooKeeper({ servers: 3 })
  }, 4 * START_TIMEOUT_MS)
  afterEach(async () => {
    await Promise.all(clients.splice(0).map(({ coordinator }) => coordinator.close()))
    for (const server of zooKeeper.servers) await server.kill('SIGCONT')
    await Promise.all(zooKeeper.servers.map((server) => server.start()))
  }, START_TIMEOUT_MS)
  afterAll(() => zooKeeper.stop())

  const connect = async (spec: Parameters<typeof connectClient>[1] = {}): Promise<Client> => {
    const client = await connectClient(zooKeeper.connectString, spec)
    clients.push(client)
    return client
  }
  const serverOf = ({ net }: Client): ZooKeeperServer => {
    const found = zooKeeper.servers.find(({ address }) => address === net.dialled.at(-1))
    if (found === undefined) throw new Error('a client is connected to a server of its ensemble')
    return found
  }
  /** Writes until one is taken. */
  const writesAgain = ({ coordinator }: Client, path: string) =>
    until('a write is taken', async () => (await codeOf(coordinator.set(path, none))) === 'none')

  test('its server is killed: another one, the same session, watches set again', async () => {
    const one = await connect({ sessionTimeoutMs: 8_000 })
    const two = await connect({ sessionTimeoutMs: 8_000 })
    const { coordinator } = one
    await coordinator.create('/killed', none, { mode: 'ephemeral' })
    const { sessionId } = coordinator
    const events: WatchEvent[] = []
    await coordinator.watch('/killed', 'node', (event) => events.push(event))
    await serverOf(one).kill('SIGKILL')
    await until('it is connected again', () => one.states.length > 2)
    await until('a reset is told', () => events.some(({ kind }) => kind === 'reset'))
    await writesAgain(two, '/killed')
    await until('the change is told', () => events.at(-1)?.kind === 'changed')
    expect(coordinator.sessionId).toBe(sessionId)
    expect((await coordinator.get('/killed')).stat.ephemeralOwner).toBe(sessionId)
    await coordinator.delete('/killed')
  })

  test('its server hangs: noticed at two thirds of the session, which lives on', async () => {
    const one = await connect({ sessionTimeoutMs: 5_000 })
    const { coordinator } = one
    await coordinator.create('/hung', none, { mode: 'ephemeral' })
    const { sessionId } = coordinator
    const hung = serverOf(one)
    await hung.kill('SIGSTOP')
    const error = await errorOf(coordinator.set('/hung', none))
    expect(error).toMatchObject({ code: 'COORDINATOR_UNAVAILABLE', details: { outcome: 'unknown' } })
    await writesAgain(one, '/hung')
    expect(one.states.map(([state]) => state)).toEqual(['connected', 'suspended', 'connected'])
    expect((await coordinator.get('/hung')).stat.ephemeralOwner).toBe(sessionId)
    expect(serverOf(one)).not.toBe(hung)
  })

  test('the leader is killed: writes go on under the next, in the same session', async () => {
    const one = await connect({ sessionTimeoutMs: 10_000 })
    const { coordinator } = one
    await coordinator.create('/led', none, { mode: 'ephemeral' })
    const { sessionId } = coordinator
    for (const server of zooKeeper.servers) if (await server.isLeader()) await server.kill('SIGKILL')
    await writesAgain(one, '/led')
    expect((await coordinator.get('/led')).stat.ephemeralOwner).toBe(sessionId)
  })

  test('without a quorum for longer than its session it ends the session by itself', async () => {
    const one = await connect({ sessionTimeoutMs: 2_000 })
    const { coordinator } = one
    await coordinator.create('/lonely', none, { mode: 'ephemeral' })
    const lost = zooKeeper.servers.filter((server) => server !== serverOf(one))
    await Promise.all(lost.map((server) => server.kill('SIGKILL')))
    await until('the session is over', () => coordinator.state === 'expired')
    expect(one.states.map(([state]) => state)).toEqual(['connected', 'suspended', 'expired'])
    expect(await codeOf(coordinator.get('/lonely'))).toBe('SESSION_EXPIRED')
    await Promise.all(lost.map((server) => server.start()))
    await passed(300)
    expect(coordinator.state).toBe('expired')
    const next = await connect()
    await until('its ephemeral is gone', async () => {
      await next.coordinator.sync('/')
      return (await next.coordinator.exists('/lonely')) === undefined
    })
  })

  test('a loop that stood still for longer than the session sees so at once', async () => {
    const one = await connect({ sessionTimeoutMs: 1_000 })
    const other = await connect({ sessionTimeoutMs: 10_000 })
    await one.coordinator.create('/blocked', none, { mode: 'ephemeral' })
    blockLoop(3_500)
    expect(one.coordinator.state).toBe('expired')
    await until('its ephemeral is gone', async () => {
      await other.coordinator.sync('/')
      return (await other.coordinator.exists('/blocked')) === undefined
    })
    expect(one.coordinator.state).toBe('expired')
  })

  test('an answer that lay in the socket while the loop stood still revives nothing', async () => {
    const one = await connect({ sessionTimeoutMs: 1_000 })
    const { coordinator, states } = one
    await coordinator.create('/stale', none, { mode: 'ephemeral' })
    const call = errorOf(coordinator.get('/stale'))
    // The request goes out at the end of this job, its answer comes while the loop is blocked.
    await Promise.resolve()
    await Promise.resolve()
    blockLoop(1_500)
    expect(await call).toMatchObject({ code: 'SESSION_EXPIRED', details: { outcome: 'unknown' } })
    expect(states.map(([state]) => state)).toEqual(['connected', 'expired'])
  })

  test('a sequential node whose answer was lost is found again, not made twice', async () => {
    const one = await connect()
    const { coordinator, net } = one
    await coordinator.create('/queue', none)
    net.deafen()
    const making = coordinator.create('/queue/n-', none, { mode: 'persistent-sequential' })
    await passed(200)
    net.breakAll()
    const path = await making
    expect(await coordinator.children('/queue')).toEqual([path.slice('/queue/'.length)])
    // And one whose request was lost is made.
    net.swallows = () => true
    const second = coordinator.create('/queue/n-', none, { mode: 'persistent-sequential' })
    await passed(50)
    net.swallows = () => false
    net.breakAll()
    await second
    expect((await coordinator.children('/queue')).length).toBe(2)
  })
})
