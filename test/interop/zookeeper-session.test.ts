// The session of the ZooKeeper client in virtual time, against servers that do what the test says.
import { describe, expect, test } from 'vitest'
import { silentLogger } from '../../src/base/log.ts'
import type { Coordinator, SessionState } from '../../src/coordinate/coordinator.ts'
import type { ZooKeeperSpec } from '../../src/coordinate/zookeeper/settings.ts'
import { createZooKeeperCoordinator } from '../../src/coordinate/zookeeper/zookeeper-coordinator.ts'
import { VirtualWorld } from '../../src/host/virtual/virtual-world.ts'
import { Script, startScripted } from './scripted-server.ts'

const none = new Uint8Array(0)
const servers = ['zk1:2181', 'zk2:2181', 'zk3:2181']

/** `code outcome` of how a call ended. */
type End = { text: string }

class Stage {
  readonly world: VirtualWorld
  readonly script = new Script()
  readonly states: (readonly [SessionState, number])[] = []
  coordinator: Coordinator

  constructor(seed: number, spec: Partial<ZooKeeperSpec>) {
    this.world = new VirtualWorld({ seed, isChopped: true })
    for (const address of servers)
      void startScripted(this.world.host(address.slice(0, 3)), address, this.script)
    this.coordinator = this.connect(spec)
    this.coordinator.onState((state) => this.states.push([state, this.world.nowMs]))
  }

  connect(spec: Partial<ZooKeeperSpec>): Coordinator {
    return createZooKeeperCoordinator({
      host: this.world.host('client'),
      servers: servers.join(),
      sessionTimeoutMs: 6_000,
      connectTimeoutMs: 2_000,
      callTimeoutMs: 10_000,
      retryFirstMs: 100,
      retryMaxMs: 1_000,
      log: silentLogger,
      ...spec,
    })
  }

  async until(untilMs: number): Promise<void> {
    await this.world.run({ untilMs })
  }

  async elapse(ms: number): Promise<void> {
    await this.until(this.world.nowMs + ms)
  }

  /** How a call ends, once it has. */
  ending(call: Promise<unknown>): End {
    const end: End = { text: 'open' }
    call.then(
      () => {
        end.text = 'done'
      },
      (error: { code: string; details: { outcome?: string } }) => {
        end.text = `${error.code} ${error.details.outcome ?? ''}`.trim()
      },
    )
    return end
  }
}

async function stage(spec: Partial<ZooKeeperSpec> = {}, seed = 1): Promise<Stage> {
  const made = new Stage(seed, spec)
  await made.elapse(50)
  return made
}

const login = { scheme: 'digest', user: 'u', password: 'p' } as const

describe('on every connection', () => {
  test('who it is comes first, then watches, then calls', async () => {
    const { coordinator, script, ...rest } = await staged({ auth: login })
    expect(script.take()).toEqual(['hello', 'auth'])
    rest.run(coordinator.watch('/a', 'tree', () => undefined))
    rest.run(coordinator.watchOnce('/b', 'data', () => undefined))
    await rest.elapse(10)
    expect(script.take()).toEqual(['addWatch', 'exists'])
    script.breakAll()
    // Made as soon as it is connected again.
    coordinator.onState((state) => {
      if (state === 'connected') rest.run(coordinator.sync('/a'))
    })
    await rest.elapse(200)
    expect(script.take()).toEqual(['hello', 'auth', 'setWatches2', 'sync'])
  })

  test('it says which session it is, and up to where it has seen', async () => {
    const { coordinator, script, run, elapse } = await staged()
    script.zxid = 2n ** 62n
    run(coordinator.create('/a', none))
    await elapse(10)
    script.breakAll()
    await elapse(200)
    expect(script.hellos.map(({ sessionId, lastZxid }) => [sessionId, lastZxid])).toEqual([
      [0n, 0n],
      [0x1234n, 2n ** 62n + 1n],
    ])
    expect(script.hellos[1]?.password).toBe('sixteen letters!')
    expect(coordinator.sessionId).toBe(0x1234n)
  })

  test('watches are set again in requests below 128 KB', async () => {
    const { coordinator, script, run, elapse } = await staged()
    const resets: string[] = []
    for (let i = 0; i < 900; i += 1)
      run(coordinator.watch(`/${'x'.repeat(300)}${i}`, 'node', ({ kind }) => void resets.push(kind)))
    await elapse(100)
    script.take()
    script.breakAll()
    await elapse(500)
    const sizes = script.seen.filter(({ name }) => name === 'setWatches2').map(({ sizeBytes }) => sizeBytes)
    expect(sizes.length).toBeGreaterThan(1)
    expect(Math.max(...sizes)).toBeLessThan(128 * 1024)
    expect(resets).toEqual(Array.from({ length: 900 }, () => 'reset'))
  })
})

describe('time', () => {
  test('an idle session is kept alive by a ping each third', async () => {
    const { coordinator, script, elapse } = await staged()
    script.take()
    await elapse(20_100)
    expect(coordinator.state).toBe('connected')
    expect(script.take()).toEqual(Array.from({ length: 10 }, () => 'ping'))
  })

  test('silent servers: left elapse two thirds, expired elapse the session, both by the clock', async () => {
    const { coordinator, script, states, elapse, world } = await staged()
    await elapse(1_000)
    script.isMute = true
    const heardMs = script.seen.at(-1)?.atMs ?? 0
    await elapse(10_000)
    expect(states.map(([state]) => state)).toEqual(['connected', 'suspended', 'expired'])
    const [, suspended = ['', 0], expired = ['', 0]] = states
    expect(Number(suspended[1]) - heardMs).toBeGreaterThanOrEqual(4_000)
    expect(Number(suspended[1]) - heardMs).toBeLessThan(4_050)
    expect(Number(expired[1]) - heardMs).toBeGreaterThan(5_950)
    expect(Number(expired[1]) - heardMs).toBeLessThanOrEqual(6_001)
    // All three were tried meanwhile, none afterwards.
    expect(new Set(script.seen.map(({ server }) => server)).size).toBe(3)
    script.seen.length = 0
    await elapse(30_000)
    expect(script.seen).toEqual([])
    expect(coordinator.state).toBe('expired')
    expect(world.nowMs).toBeGreaterThan(40_000)
  })

  test('standing still for longer than its session, it sees so before it looks at answers', async () => {
    for (const looks of [true, false]) {
      const { coordinator, states, elapse, world, run } = await staged()
      world.net.setAll({ delayMs: 20 })
      const end = run(coordinator.exists('/a'))
      await elapse(1)
      world.pause('client')
      await elapse(7_000)
      world.resume('client')
      if (looks) expect(coordinator.state).toBe('expired')
      await elapse(1)
      expect(states.map(([state]) => state)).toEqual(['connected', 'expired'])
      expect(end.text).toBe('SESSION_EXPIRED unknown')
    }
  })

  test('an answer counts from when it was asked for, however late it is looked at', async () => {
    const { coordinator, states, elapse, world, run, script } = await staged()
    world.net.setAll({ delayMs: 20 })
    const askedMs = world.nowMs
    const end = run(coordinator.exists('/a'))
    await elapse(1)
    world.pause('client')
    await elapse(5_000)
    script.isMute = true
    world.resume('client')
    await elapse(900)
    expect([end.text, coordinator.state]).toEqual(['done', 'connected'])
    await elapse(2_000)
    const [state, atMs] = states.at(-1) ?? []
    expect(state).toBe('expired')
    expect(Number(atMs) - askedMs).toBeLessThanOrEqual(6_001)
  })

  test('never connected: connecting, then suspended, then still welcome', async () => {
    const { coordinator, script, states, run, elapse } = await staged({ callTimeoutMs: 3_000 }, (script) => {
      script.isMute = true
    })
    const early = run(coordinator.get('/a'))
    expect(coordinator.state).toBe('connecting')
    await elapse(3_100)
    expect(early.text).toBe('COORDINATOR_UNAVAILABLE none')
    await elapse(4_000)
    expect(states.map(([state]) => state)).toEqual(['suspended'])
    const waiting = run(coordinator.connected(500))
    await elapse(600)
    expect(waiting.text).toBe('COORDINATOR_UNAVAILABLE none')
    script.isMute = false
    await elapse(3_000)
    expect(coordinator.state).toBe('connected')
  })

  test('a call has its deadline though the connection stands', async () => {
    const { coordinator, script, run, elapse } = await staged({ callTimeoutMs: 700 })
    script.isMute = true
    const late = run(coordinator.set('/a', none))
    await elapse(690)
    expect(late.text).toBe('open')
    await elapse(20)
    expect(late.text).toBe('COORDINATOR_UNAVAILABLE unknown')
    expect(coordinator.state).toBe('connected')
  })
})

describe('when a connection is lost', () => {
  test('what was sent may have been done, what was not has not; nothing is sent again', async () => {
    const { coordinator, script, run, elapse } = await staged()
    script.isMute = true
    const ends = Array.from({ length: 1_200 }, () => run(coordinator.set('/a', none)))
    await elapse(100)
    script.isMute = false
    script.take()
    script.breakAll()
    await elapse(1_000)
    const texts = ends.map(({ text }) => text)
    expect(texts.filter((text) => text === 'COORDINATOR_UNAVAILABLE unknown').length).toBe(1_000)
    expect(texts.slice(1_000)).toEqual(Array.from({ length: 200 }, () => 'COORDINATOR_UNAVAILABLE none'))
    expect(script.take()).toEqual(['hello'])
  })

  test('a sequential create looks for what it may have made before it tries again', async () => {
    const { coordinator, script, run, elapse } = await staged()
    script.take()
    script.isMute = true
    const end = run(coordinator.create('/q/n-', none, { mode: 'ephemeral-sequential' }))
    await elapse(20)
    script.isMute = false
    script.breakAll()
    await elapse(500)
    expect(script.take()).toEqual(['create', 'hello', 'sync', 'getChildren', 'create'])
    expect(end.text).toBe('done')
  })
})

describe('refused', () => {
  test('a wrong login is final: calls and waits are refused, nobody is asked again', async () => {
    const { coordinator, script, run, states, elapse } = await staged({ auth: login }, (script) =>
      script.errors.set('auth', -115),
    )
    await elapse(30_000)
    expect(script.names()).toEqual(['hello', 'auth'])
    expect(states.map(([state]) => state)).toEqual(['closed'])
    const ends = [run(coordinator.get('/a')), run(coordinator.connected(100))]
    await elapse(1)
    expect(ends.map(({ text }) => text)).toEqual(['COORDINATOR_REFUSED', 'COORDINATOR_REFUSED'])
  })

  test('a server without the password is no server of ours', async () => {
    const { script, states, elapse } = await staged({ sasl: { user: 'u', password: 'p' } })
    await elapse(10_000)
    expect(script.names()).toEqual(['hello', 'sasl', 'sasl'])
    expect(states.map(([state]) => state)).toEqual(['closed'])
  })

  test('a session that is over by a server’s word is over', async () => {
    const { coordinator, script, states, run, elapse } = await staged()
    const told: string[] = []
    run(coordinator.watchOnce('/a', 'data', ({ kind }) => void told.push(kind)))
    await elapse(10)
    script.sessionTimeoutMs = 0
    script.breakAll()
    await elapse(500)
    expect(states.map(([state]) => state)).toEqual(['connected', 'suspended', 'expired'])
    expect(told).toEqual(['reset'])
    expect(run(coordinator.get('/a')).text).toBe('open')
    script.take()
    await elapse(10_000)
    expect(script.take()).toEqual([])
  })
})

describe('close', () => {
  test('says so to the server, and ends when that has answered', async () => {
    const { coordinator, script, run, elapse } = await staged()
    const [call, closing] = [run(coordinator.set('/a', none)), run(coordinator.close())]
    expect(coordinator.state).toBe('closed')
    await elapse(20)
    expect(script.names().slice(-1)).toEqual(['closeSession'])
    expect([call.text, closing.text]).toEqual(['COORDINATOR_UNAVAILABLE none', 'done'])
    expect(script.open.size).toBe(0)
  })

  test('ends by itself if the server does not answer, and at once without one', async () => {
    const { coordinator, script, run, elapse } = await staged()
    script.isMute = true
    const closing = run(coordinator.close())
    await elapse(2_100)
    expect([closing.text, script.open.size]).toEqual(['done', 0])
    const second = await staged({}, (other) => {
      other.isMute = true
    })
    const end = second.run(second.coordinator.close())
    await second.elapse(1)
    expect(end.text).toBe('done')
    await second.elapse(60_000)
    expect(second.script.names().filter((name) => name === 'hello').length).toBeLessThanOrEqual(1)
  })
})

/** A stage with its tools at hand. `before`: what servers do from the beginning. */
async function staged(spec: Partial<ZooKeeperSpec> = {}, before?: (script: Script) => void) {
  const made = before === undefined ? await stage(spec) : await stagedFrom(spec, before)
  return {
    coordinator: made.coordinator,
    script: made.script,
    states: made.states,
    world: made.world,
    run: (call: Promise<unknown>) => made.ending(call),
    elapse: (ms: number) => made.elapse(ms),
  }
}

async function stagedFrom(spec: Partial<ZooKeeperSpec>, before: (script: Script) => void): Promise<Stage> {
  const made = new Stage(1, spec)
  before(made.script)
  await made.elapse(50)
  return made
}
