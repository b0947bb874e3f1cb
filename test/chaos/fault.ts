/** What a fault of a real cluster is, and how its victims are found. */
import { setTimeout as passed } from 'node:timers/promises'
import type { Machine } from '../servers/namespaces.ts'
import { type Daemon, isAlive } from './daemon.ts'
import type { RealCluster } from './real-cluster.ts'
import type { ChaosRun } from './run.ts'

export interface FaultContext {
  readonly cluster: RealCluster
  readonly run: ChaosRun
  /** From 0 to below 1. */
  readonly chance: () => number
  readonly seconds: number | undefined
}

export interface RealFault {
  readonly name: string
  readonly what: string
  /** Whether tasks have to start again. */
  readonly restarts: boolean
  /** Nodes stand on machines of their own. */
  readonly needsMachines?: boolean
  /** It takes long: so many trials are enough where all faults are run. */
  readonly trialsMax?: number
  /** It is run only if it is named. */
  readonly isVeryLong?: boolean
  /** How soon a topology is accepted after it is measured. */
  readonly strikesLeader?: boolean
  /** Its effect may begin so late: until then nothing is taken for whole. Default 1 s. */
  readonly effectMs?: number
  /** Time that the cluster has after it was healed, before the next. */
  readonly restMs?: number
  /**
   * Returns what heals it, called when all data is whole again. The fault's time is when this is called.
   * @throws Error the fault did not act, or something is not as it must be
   */
  strike(context: FaultContext): Promise<() => Promise<void> | void>
}

export const nothing = (): void => undefined

export function anyOf<T>(all: readonly T[], chance: () => number): T {
  const one = all[Math.floor(chance() * all.length)]
  if (one === undefined) throw new Error('there is nothing to break')
  return one
}

export function workerOf({ cluster, chance }: FaultContext) {
  return anyOf(cluster.workers(), chance)
}

export function busy({ cluster, chance }: FaultContext): Daemon {
  return anyOf(busyNodes(cluster), chance)
}

/** Two nodes that have workers, in any order. */
export function busyPair({ cluster, chance }: FaultContext): readonly [Daemon, Daemon] {
  const nodes = busyNodes(cluster)
  const one = anyOf(nodes, chance)
  return [
    one,
    anyOf(
      nodes.filter((node) => node !== one),
      chance,
    ),
  ]
}

function busyNodes(cluster: RealCluster): readonly Daemon[] {
  return cluster.supervisors.filter((daemon) => daemon.isAlive && daemon.seatedPids().length > 0)
}

export async function leaderOf(cluster: RealCluster): Promise<Daemon> {
  let address: string | undefined
  await cluster.until('somebody leads', 20_000, async () => {
    address = await cluster.leader()
    return address !== undefined
  })
  const daemon = cluster.nimbusAt(address ?? '')
  if (daemon === undefined) throw new Error(`nobody of this cluster leads: ${address}`)
  return daemon
}

export function machineOf(cluster: RealCluster, daemon: Daemon): Machine {
  const machine = cluster.place.machine(cluster.supervisors.indexOf(daemon))
  if (machine === undefined) throw new Error(`${daemon.spec.name} has no machine of its own`)
  return machine
}

/** Whether they are gone in the end: nobody may go on beside whoever took his place. */
export async function untilGone(pids: readonly number[], limitMs: number): Promise<void> {
  const untilMs = Date.now() + limitMs
  for (;;) {
    const living = pids.filter(isAlive)
    if (living.length === 0) return
    if (Date.now() > untilMs) throw new Error(`processes ${living.join(', ')} should be gone, and are not`)
    await passed(50)
  }
}
