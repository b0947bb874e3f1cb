// Many events, many watches, large values, many clients at once, on one real server.
import { setTimeout as passed } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { WatchEvent } from '../../src/coordinate/coordinator.ts'
import { codeOf, errorOf } from '../contract/coordinator-world.ts'
import {
  type RunningZooKeeper,
  START_TIMEOUT_MS,
  startZooKeeper,
  whyNoZooKeeper,
} from '../servers/zookeeper.ts'
import { type Client, connectClient, until } from './zookeeper-world.ts'

const none = new Uint8Array(0)

describe.skipIf(whyNoZooKeeper() !== undefined)('much at once', () => {
  let zooKeeper: RunningZooKeeper
  const clients: Client[] = []
  beforeAll(async () => {
    zooKeeper = await startZooKeeper({ servers: 1 })
  }, 4 * START_TIMEOUT_MS)
  afterEach(async () => {
    await Promise.all(clients.splice(0).map(({ coordinator }) => coordinator.close()))
  })
  afterAll(() => zooKeeper.stop())

  const connect = async (spec: Parameters<typeof connectClient>[1] = {}): Promise<Client> => {
    const client = await connectClient(zooKeeper.connectString, spec)
    clients.push(client)
    return client
  }

  test('of 10,000 changes every one is told, in order', async () => {
    const [{ coordinator: writer }, { coordinator: reader }] = [await connect(), await connect()]
    await writer.create('/many', none)
    await writer.create('/many/a', none)
    const kinds = { changed: 0, created: 0, deleted: 0, children: 0, reset: 0 }
    const made: string[] = []
    await reader.watch('/many', 'tree', ({ kind, path }: WatchEvent) => {
      kinds[kind] += 1
      if (kind === 'created') made.push(path)
    })
    const calls: Promise<unknown>[] = []
    for (let i = 0; i < 2_500; i += 1) {
      calls.push(writer.create(`/many/n${i}`, none), writer.set('/many/a', none))
      calls.push(writer.set(`/many/n${i}`, none), writer.delete(`/many/n${i}`))
    }
    await Promise.all(calls)
    await reader.sync('/many')
    expect(kinds).toEqual({ changed: 5_000, created: 2_500, deleted: 2_500, children: 0, reset: 0 })
    expect(made).toEqual(Array.from({ length: 2_500 }, (_, index) => `/many/n${index}`))
  })

  test('watches of more than one request can hold are all set again', async () => {
    const [one, { coordinator: writer }] = [await connect(), await connect()]
    const { coordinator, net } = one
    const long = 'x'.repeat(150)
    await coordinator.create('/watched', none)
    const paths = Array.from({ length: 2_000 }, (_, index) => `/watched/${long}${index}`)
    const told = new Map<string, string[]>(paths.map((path) => [path, []]))
    const tell = ({ kind, path }: WatchEvent) => told.get(path)?.push(kind)
    await Promise.all(
      paths.map((path, index) => {
        if (index % 3 === 0) return coordinator.watch(path, 'node', tell)
        if (index % 3 === 1) return coordinator.watch(path, 'tree', tell)
        return coordinator.watchOnce(path, 'data', tell)
      }),
    )
    net.breakAll()
    await until(
      'all lasting watches are reset',
      () => [...told.values()].filter((each) => each[0] === 'reset').length > 1_300,
    )
    await Promise.all(paths.map((path) => writer.create(path, none)))
    await coordinator.sync('/watched')
    for (const [index, path] of paths.entries())
      expect(told.get(path)).toEqual(index % 3 === 2 ? ['created'] : ['reset', 'created'])
  })

  test('a watch for once hears of what changed while there was no connection', async () => {
    const [one, { coordinator: writer }] = [await connect(), await connect()]
    const { coordinator, net } = one
    for (const name of ['changed', 'deleted', 'parent']) await coordinator.create(`/once-${name}`, none)
    const events: string[] = []
    const tell = ({ kind, path }: WatchEvent) => events.push(`${kind} ${path}`)
    await coordinator.watchOnce('/once-changed', 'data', tell)
    await coordinator.watchOnce('/once-deleted', 'data', tell)
    await coordinator.watchOnce('/once-made', 'data', tell)
    await coordinator.watchOnce('/once-parent', 'children', tell)
    await coordinator.watchOnce('/once-quiet', 'data', tell)
    net.cut()
    await writer.set('/once-changed', none)
    await writer.delete('/once-deleted')
    await writer.create('/once-made', none)
    await writer.create('/once-parent/child', none)
    net.heal()
    await until('all four are told', () => events.length === 4)
    expect(events.sort()).toEqual([
      'changed /once-changed',
      'children /once-parent',
      'created /once-made',
      'deleted /once-deleted',
    ])
    await writer.create('/once-quiet', none)
    await coordinator.sync('/')
    expect(events.length).toBe(5)
  })

  test('900 kB fit; 2 MB are refused here, and nobody else’s calls suffer', async () => {
    const { coordinator, net } = await connect()
    const large = new Uint8Array(900_000).map((_, index) => index % 251)
    await coordinator.create('/large', large)
    expect((await coordinator.get('/large')).data).toEqual(large)
    const others = Promise.all(Array.from({ length: 100 }, () => coordinator.exists('/large')))
    const huge = new Uint8Array(2 * 1024 * 1024)
    expect(await errorOf(coordinator.set('/large', huge))).toMatchObject({
      code: 'RECORD_TOO_LARGE',
      details: { sizeBytes: huge.length },
    })
    // Small values, but a request that a server would not take.
    const names = Array.from({ length: 7_000 }, (_, index) => `/large/${'y'.repeat(150)}${index}`)
    const multi = coordinator.multi(names.map((path) => ({ kind: 'create', path, data: none })))
    expect(await codeOf(multi)).toBe('RECORD_TOO_LARGE')
    await others
    expect(net.dialled.length).toBe(1)
  })

  test('100 clients come back to a server that was started again, each with its session', async () => {
    const herd = await Promise.all(Array.from({ length: 100 }, () => connect({ sessionTimeoutMs: 10_000 })))
    const sessions = herd.map(({ coordinator }) => coordinator.sessionId)
    const [server] = zooKeeper.servers
    await server?.kill('SIGKILL')
    await passed(300)
    await server?.start()
    await until('all are connected', () => herd.every(({ coordinator }) => coordinator.state === 'connected'))
    expect(herd.map(({ coordinator }) => coordinator.sessionId)).toEqual(sessions)
    expect(new Set(sessions).size).toBe(100)
    // Spread by chance, and ever more rarely: not a storm of dials.
    const dials = herd.reduce((sum, { net }) => sum + net.dialled.length, 0)
    expect(dials).toBeLessThan(herd.length * 30)
  })
})
