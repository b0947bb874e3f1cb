// Clients of our own on real ZooKeeper, for tests: with short times, cut off, ended from outside, closed.
import { setTimeout as passed } from 'node:timers/promises'
import { silentLogger } from '../../src/base/log.ts'
import type { Coordinator, SessionState } from '../../src/coordinate/coordinator.ts'
import { JuteWriter } from '../../src/coordinate/zookeeper/protocol/jute-writer.ts'
import { Op, writeConnect, writePlain } from '../../src/coordinate/zookeeper/protocol/requests.ts'
import type { ZooKeeperSpec } from '../../src/coordinate/zookeeper/settings.ts'
import { createZooKeeperCoordinator } from '../../src/coordinate/zookeeper/zookeeper-coordinator.ts'
import type { Host } from '../../src/host/host.ts'
import { createNodeHost } from '../../src/host/node-host.ts'
import type { ContractConnectOptions, CoordinatorWorld } from '../contract/coordinator-world.ts'
import type { RunningZooKeeper } from '../servers/zookeeper.ts'
import { FaultyNet } from './faulty-net.ts'

const CONNECT_WITHIN_MS = 15_000

export interface Client {
  readonly coordinator: Coordinator
  readonly net: FaultyNet
  /** Every state it was told of, with the time since it was made. */
  readonly states: (readonly [SessionState, number])[]
}

const host = createNodeHost()

/** Not yet connected. */
export function makeClient(servers: string, spec: Partial<ZooKeeperSpec> = {}, base: Host = host): Client {
  const net = new FaultyNet(base.net)
  const coordinator = createZooKeeperCoordinator({
    servers,
    sessionTimeoutMs: 4_000,
    connectTimeoutMs: 2_000,
    callTimeoutMs: 10_000,
    retryFirstMs: 50,
    retryMaxMs: 500,
    log: silentLogger,
    ...spec,
    host: { ...base, net },
  })
  const startMs = performance.now()
  const states: [SessionState, number][] = []
  coordinator.onState((state) => states.push([state, Math.round(performance.now() - startMs)]))
  return { coordinator, net, states }
}

export async function connectClient(servers: string, spec: Partial<ZooKeeperSpec> = {}): Promise<Client> {
  const client = makeClient(servers, spec)
  await client.coordinator.connected(CONNECT_WITHIN_MS)
  return client
}

/** Waits up to 20 s. @throws Error with `what` */
export async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (const endMs = performance.now() + 20_000; performance.now() < endMs; await passed(5)) {
    if (await isSo()) return
  }
  throw new Error(`not within 20 s: ${what}`)
}

/** Ends a session as its owner would, over a connection of its own. */
export async function endSession(server: string, sessionId: bigint, password: Uint8Array): Promise<void> {
  await new Promise<void>((resolve) => {
    const writer = new JuteWriter()
    const hello = { lastZxid: 0n, sessionTimeoutMs: 4_000, sessionId, password }
    const connection = host.net.connect(server, () => connection.write(writeConnect(writer, hello)))
    let answers = 0
    connection.onBytes = () => {
      answers += 1
      if (answers === 1) connection.write(writePlain(writer, 1, Op.closeSession))
      else connection.close()
    }
    connection.onClose = () => resolve()
  })
}

let rootCount = 0

/** The contract's world: each has a root of its own. */
export async function coordinatorWorld(servers: RunningZooKeeper): Promise<CoordinatorWorld> {
  rootCount += 1
  const root = `/contract-${process.pid}-${rootCount}`
  // Made by somebody whose list is open: tests with lists of their own begin below it.
  await (await connectClient(servers.connectString, { chroot: root })).coordinator.close()
  const clients: Client[] = []
  const clientOf = (coordinator: Coordinator) => {
    const client = clients.find((each) => each.coordinator === coordinator)
    if (client === undefined) throw new Error('a coordinator of another world')
    return client
  }
  return {
    async connect(options: ContractConnectOptions = {}) {
      const { chroot = '', auth, ...rest } = options
      const login = auth === undefined ? {} : { auth: { scheme: 'digest' as const, ...auth } }
      const spec = { ...rest, ...login, chroot: root + chroot }
      const client = await connectClient(servers.connectString, spec)
      clients.push(client)
      return client.coordinator
    },
    within: (body) => body(),
    passed: (delayMs) => passed(delayMs),
    async close() {
      for (const { net } of clients) net.heal()
      await Promise.all(clients.map(({ coordinator }) => coordinator.close()))
    },
    faults: {
      cut: (coordinator) => clientOf(coordinator).net.cut(),
      heal: (coordinator) => clientOf(coordinator).net.heal(),
      async expire(coordinator) {
        const server = servers.servers[0]?.address ?? ''
        await endSession(server, coordinator.sessionId, clientOf(coordinator).net.password)
      },
    },
  }
}
