// Worlds for tests of coordinators in memory: in real time, and in virtual time under a seed.
import { expect } from 'vitest'
import type { Coordinator } from '../../src/coordinate/coordinator.ts'
import {
  type EnsembleFaults,
  MemoryEnsemble,
  type MemoryEnsembleSpec,
} from '../../src/coordinate/memory/memory-ensemble.ts'
import type { Host } from '../../src/host/host.ts'
import { createNodeHost } from '../../src/host/node-host.ts'
import { VirtualWorld } from '../../src/host/virtual/virtual-world.ts'
import type { ContractConnectOptions, CoordinatorWorld } from '../contract/coordinator-world.ts'

const sessionLimits = { timeoutMsMin: 100, timeoutMsMax: 60_000 }

export async function realWorld(): Promise<CoordinatorWorld> {
  const host = createNodeHost()
  const ensemble = new MemoryEnsemble({ host, sessionLimits, sweepMs: 20 })
  return {
    ...clientsOf(ensemble, () => host),
    within: (body) => body(),
    passed: (delayMs) => passed(host, delayMs),
    close: async () => ensemble.stop(),
  }
}

/** Answers take 1 to 20 ms each way; followers are late as `faults` say. */
export async function virtualWorld(
  seed: number,
  spec: Partial<MemoryEnsembleSpec> & { readonly faults?: Partial<EnsembleFaults> } = {},
): Promise<CoordinatorWorld & { readonly world: VirtualWorld; readonly ensemble: MemoryEnsemble }> {
  const world = new VirtualWorld({ seed })
  const faults = { delayMsMin: 1, delayMsMax: 20, ...spec.faults }
  const ensemble = new MemoryEnsemble({ host: world.host('zk'), sessionLimits, sweepMs: 20, ...spec, faults })
  let clientCount = 0
  return {
    ...clientsOf(ensemble, () => world.host(`client${++clientCount}`)),
    world,
    ensemble,
    within: (body) => runWithin(world, body),
    passed: (delayMs) => passed(world, delayMs),
    close: async () => ensemble.stop(),
  }
}

/** Lets the world turn until the body has ended; nothing left to do before that is a body that hangs. */
export async function runWithin(world: VirtualWorld, body: () => Promise<void>): Promise<void> {
  let isOver = false
  const running = body().finally(() => {
    isOver = true
  })
  // Its error comes out below, not as one that nobody took.
  running.catch(() => undefined)
  const end = await world.run({ while: () => !isOver, untilMs: world.nowMs + 3_600_000 })
  expect([isOver, end]).toEqual([true, 'stopped'])
  await running
}

export function passed(host: Pick<Host, 'timers'>, delayMs: number): Promise<void> {
  return new Promise((resolve) => void host.timers.after(delayMs, resolve))
}

function clientsOf(
  ensemble: MemoryEnsemble,
  newHost: () => Host,
): Pick<CoordinatorWorld, 'connect' | 'faults'> {
  const names = new Map<Coordinator, string>()
  const nameOf = (coordinator: Coordinator) => names.get(coordinator) ?? 'unknown'
  return {
    connect: async (options: ContractConnectOptions = {}) => {
      const name = `client ${names.size + 1}`
      const coordinator = ensemble.connect({ host: newHost(), name, ...options })
      names.set(coordinator, name)
      await coordinator.connected(10_000)
      return coordinator
    },
    faults: {
      cut: (coordinator) => ensemble.cut(nameOf(coordinator)),
      heal: (coordinator) => ensemble.heal(nameOf(coordinator)),
      expire: (coordinator) => ensemble.expire(nameOf(coordinator)),
    },
  }
}
