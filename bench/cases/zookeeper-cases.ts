/**
 * Calls on a real ZooKeeper, ours beside the Java client's: the same server, the same work, windows in turn,
 * so that whatever slows the machine slows both. 200 calls of 100 bytes are outstanding at all times.
 */
import { silentLogger } from '../../src/base/log.ts'
import type { Coordinator } from '../../src/coordinate/coordinator.ts'
import { createZooKeeperCoordinator } from '../../src/coordinate/zookeeper/zookeeper-coordinator.ts'
import { createNodeHost } from '../../src/host/node-host.ts'
import { startZooKeeper, whyNoZooKeeper } from '../../test/servers/zookeeper.ts'
import type { Case, Figures, Plan } from '../case.ts'
import { JavaClient } from '../zookeeper/java-client.ts'
import type { Load, Window } from '../zookeeper/load.ts'

type Kind = 'get' | 'set' | 'create'

const OUTSTANDING = 200
const NODES = 1_000
const data = new Uint8Array(100)
const CONNECT_TIMEOUT_MS = 15_000

async function compare(kind: Kind, plan: Plan): Promise<Figures> {
  const zooKeeper = await startZooKeeper({ servers: 1, isMeasured: true })
  const load = {
    connectString: zooKeeper.connectString,
    root: '/bench',
    outstanding: OUTSTANDING,
    nodes: NODES,
  }
  try {
    // Theirs first: it is compiled in one go, for longer than a session of ours lasts on a busy machine.
    const theirs = await JavaClient.start(load)
    try {
      const ours = await connectOurs(load)
      return await measure(kind, plan, ours, theirs).finally(() => ours.close())
    } finally {
      theirs.stop()
    }
  } finally {
    await zooKeeper.stop()
  }
}

async function measure(kind: Kind, plan: Plan, ours: Coordinator, theirs: JavaClient): Promise<Figures> {
  const windows: Window[] = []
  const rates: number[] = []
  const javaRates: number[] = []
  await runOurs(ours, kind, plan.warmMs)
  await theirs.run(kind, plan.warmMs)
  let cpuSeconds = 0
  for (let round = 0; round < plan.windowCount; round += 1) {
    const before = process.cpuUsage()
    const own = await runOurs(ours, kind, plan.windowMs)
    const { user, system } = process.cpuUsage(before)
    cpuSeconds += (user + system) / 1e6
    windows.push(own)
    rates.push(rateOf(own))
    javaRates.push(rateOf(await theirs.run(kind, plan.windowMs)))
  }
  const calls = windows.reduce((sum, window) => sum + window.calls, 0)
  const [rate, javaRate] = [median(rates), median(javaRates)]
  return {
    tuplesPerSecond: rate,
    cpuSecondsPerMillion: (cpuSeconds * 1e6) / calls,
    p50Ms: null,
    p99Ms: null,
    rssMb: process.memoryUsage.rss() / 2 ** 20,
    unit: `${kind} of 100 bytes, ${OUTSTANDING} outstanding`,
    tuples: calls,
    more: { javaPerSecond: Math.round(javaRate), ratioToJava: Number((rate / javaRate).toPrecision(3)) },
  }
}

async function connectOurs({ connectString, root, nodes }: Load): Promise<Coordinator> {
  const coordinator = createZooKeeperCoordinator({
    host: createNodeHost(),
    servers: connectString,
    chroot: root,
    sessionTimeoutMs: 10_000,
    connectTimeoutMs: 5_000,
    callTimeoutMs: 10_000,
    retryFirstMs: 100,
    retryMaxMs: 1_000,
    log: silentLogger,
  })
  await coordinator.connected(CONNECT_TIMEOUT_MS)
  await Promise.all(Array.from({ length: nodes }, (_, index) => coordinator.create(`/n${index}`, data)))
  return coordinator
}

let madeCount = 0

async function runOurs(coordinator: Coordinator, kind: Kind, lengthMs: number): Promise<Window> {
  let calls = 0
  const startMs = performance.now()
  const endMs = startMs + lengthMs
  const call = {
    get: (index: number) => coordinator.get(`/n${index}`),
    set: (index: number) => coordinator.set(`/n${index}`, data),
    create: () => coordinator.create(`/ours${madeCount++}`, data),
  }[kind]
  const one = async () => {
    while (performance.now() < endMs) {
      calls += 1
      await call(calls % NODES)
    }
  }
  await Promise.all(Array.from({ length: OUTSTANDING }, one))
  return { calls, seconds: (performance.now() - startMs) / 1_000 }
}

function rateOf({ calls, seconds }: Window): number {
  return calls / seconds
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}

export const zooKeeperCases: readonly Case[] = (['get', 'set', 'create'] as const).map((kind) => ({
  name: `zookeeper/${kind}`,
  what: `${kind} on a real ZooKeeper, beside the Java client's asynchronous interface`,
  whyNot: whyNoZooKeeper,
  run: (plan: Plan) => compare(kind, plan),
}))
