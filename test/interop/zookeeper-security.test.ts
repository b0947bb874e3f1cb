// Logins and TLS, right and wrong, on real servers.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createNodeHost } from '../../src/host/node-host.ts'
import { createTlsNet } from '../../src/host/node-tls.ts'
import { codeOf, errorOf } from '../contract/coordinator-world.ts'
import { makeCertificates } from '../servers/certificates.ts'
import {
  type RunningZooKeeper,
  START_TIMEOUT_MS,
  saslUsers,
  startZooKeeper,
  whyNoZooKeeper,
} from '../servers/zookeeper.ts'
import { connectClient, makeClient } from './zookeeper-world.ts'

const none = new Uint8Array(0)
const isAbsent = whyNoZooKeeper() !== undefined
const alice = { user: 'alice', password: saslUsers['alice'] ?? '' }

describe.skipIf(isAbsent).each([true, 'required'] as const)('SASL %s', (sasl) => {
  let zooKeeper: RunningZooKeeper
  beforeAll(async () => {
    zooKeeper = await startZooKeeper({ servers: 1, sasl })
  }, 4 * START_TIMEOUT_MS)
  afterAll(() => zooKeeper.stop())

  test('with the right password it is who it says, on every connection', async () => {
    const { coordinator, net, states } = await connectClient(zooKeeper.connectString, { sasl: alice })
    const permissions = ['read', 'write', 'create', 'delete', 'admin'] as const
    await coordinator.create('/mine', none, { acl: [{ scheme: 'sasl', id: 'alice', permissions }] })
    net.breakAll()
    await expect.poll(() => states.filter(([state]) => state === 'connected').length).toBe(2)
    expect((await coordinator.get('/mine')).data.length).toBe(0)
    await coordinator.delete('/mine')
    await coordinator.close()
  })

  test('a wrong password is refused for good: no second try', async () => {
    const client = makeClient(zooKeeper.connectString, { sasl: { user: 'alice', password: 'guessed' } })
    const { coordinator, net } = client
    expect(await codeOf(coordinator.connected(5_000))).toBe('COORDINATOR_REFUSED')
    expect(coordinator.state).toBe('closed')
    expect(await codeOf(coordinator.get('/'))).toBe('COORDINATOR_REFUSED')
    expect(await codeOf(coordinator.connected(5_000))).toBe('COORDINATOR_REFUSED')
    expect(net.dialled.length).toBe(1)
    await coordinator.close()
  })

  test('an unknown user is refused', async () => {
    const { coordinator } = makeClient(zooKeeper.connectString, { sasl: { user: 'eve', password: 'x' } })
    expect(await codeOf(coordinator.connected(5_000))).toBe('COORDINATOR_REFUSED')
    await coordinator.close()
  })

  test('without a login', async () => {
    const { coordinator, net } = makeClient(zooKeeper.connectString)
    const code = await codeOf(coordinator.exists('/'))
    expect(code).toBe(sasl === 'required' ? 'COORDINATOR_REFUSED' : 'none')
    if (sasl === 'required') {
      expect(coordinator.state).toBe('closed')
      expect(net.dialled.length).toBe(1)
    }
    await coordinator.close()
  })
})

describe.skipIf(isAbsent)('TLS', () => {
  let zooKeeper: RunningZooKeeper
  let directory: string
  const host = createNodeHost()
  beforeAll(async () => {
    zooKeeper = await startZooKeeper({ servers: 1, tls: 'mutual' })
    directory = mkdtempSync(join(tmpdir(), 'typhoon-strangers-'))
  }, 4 * START_TIMEOUT_MS)
  afterAll(async () => {
    await zooKeeper.stop()
    rmSync(directory, { recursive: true, force: true })
  })

  const tlsHost = (keys: { ca: string; clientKey: string; clientCertificate: string }) => {
    const text = (path: string) => readFileSync(path, 'utf8')
    const cert = text(keys.clientCertificate)
    const net = createTlsNet({ cert, key: text(keys.clientKey), ca: text(keys.ca) })
    return { ...host, net }
  }
  const attempt = async (servers: string, base: typeof host) => {
    const { coordinator, states } = makeClient(servers, { connectTimeoutMs: 1_000 }, base)
    const error = await errorOf(coordinator.connected(1_500))
    await coordinator.close()
    return { error, states: states.map(([state]) => state) }
  }

  test('with a certificate of the cluster it works as without', async () => {
    if (zooKeeper.certificates === undefined) throw new Error('made with TLS')
    const { coordinator } = makeClient(zooKeeper.tlsConnectString, {}, tlsHost(zooKeeper.certificates))
    await coordinator.connected(5_000)
    const large = new Uint8Array(900_000).fill(5)
    await coordinator.create('/secret', large)
    expect((await coordinator.get('/secret')).data).toEqual(large)
    await coordinator.close()
  })

  test('a server of another authority, and a client of another one, are no connection', async () => {
    const strangers = makeCertificates(directory)
    if (zooKeeper.certificates === undefined) throw new Error('made with TLS')
    const theirCa = { ...zooKeeper.certificates, ca: strangers.ca }
    const theirKey = { ...strangers, ca: zooKeeper.certificates.ca }
    for (const keys of [theirCa, theirKey]) {
      const { error, states } = await attempt(zooKeeper.tlsConnectString, tlsHost(keys))
      expect(error).toMatchObject({ code: 'COORDINATOR_UNAVAILABLE', details: { outcome: 'none' } })
      expect(states).not.toContain('connected')
    }
  })

  test('plain to the port of TLS, and TLS to the plain port, are no connection', async () => {
    if (zooKeeper.certificates === undefined) throw new Error('made with TLS')
    const plain = await attempt(zooKeeper.tlsConnectString, host)
    const toPlain = await attempt(zooKeeper.connectString, tlsHost(zooKeeper.certificates))
    for (const { error } of [plain, toPlain]) expect(error).toMatchObject({ code: 'COORDINATOR_UNAVAILABLE' })
  })
})
