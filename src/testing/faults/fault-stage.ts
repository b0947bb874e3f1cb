/**
 * What faults act on, whatever runs there: one run (run-stage.ts), or a whole cluster
 * (cluster/cluster-stage.ts).
 *
 * Does not know: when faults strike.
 */
import { UsageError } from '../../base/errors.ts'
import type { Timers } from '../../host/host.ts'
import type { VirtualDisk, VirtualWorld } from '../../host/virtual/virtual-world.ts'

/** What must be there for a fault. */
export interface FaultNeeds {
  readonly fault: string
  readonly workers: readonly number[]
  /** Machines by number. Where there are no supervisors each worker has one of its own. */
  readonly nodes: readonly number[]
  /** Daemons that only a cluster has. */
  readonly isOfCluster: boolean
  /** Machines and disks of our own can be had in virtual time only. */
  readonly isVirtual: boolean
}

/** A disk that faults act on. */
export interface FaultyDisk {
  slow(delayMs: number): void
  fail(how: 'full' | 'broken' | undefined): void
}

export interface FaultStage {
  readonly timers: Timers
  /** @throws UsageError CONFIG_INVALID_VALUE: no such worker or node, CONFIG_CONTRADICTION: not here */
  refuseImpossible(fault: FaultNeeds): void
  /** For the trace of a virtual world, and so for the hash of its events. */
  note(text: string): void
  /** Verdicts and emits of all spouts so far. */
  counts(): { readonly acked: number; readonly emitted: number }
  kill(worker: number): void
  /** It neither works nor dies, for so long. */
  hang(worker: number, forMs: number): void
  cut(a: number, b: number): void
  heal(a: number, b: number): void
  reset(a: number, b: number): void
  /** A byte of the next delivery from `a` to `b` changes. */
  corrupt(a: number, b: number): void
  delayLinks(delayMs: number): void
  /** 0: none get lost any more. */
  loseAcks(share: number): void
  eachDisk(call: (disk: FaultyDisk) => void): void
  skewClock(node: number, skewMs: number): void
  /** The next `count` calls throw. `call` undefined: any call. */
  failCalls(component: string, call: string | undefined, count: number): void
  /** undefined: nothing runs here but workers. */
  readonly daemons: ClusterFaults | undefined
}

/** Faults that only a cluster can have. Nodes by number, from 1. */
export interface ClusterFaults {
  /** The machine with all that runs on it. */
  killNode(node: number): void
  killSupervisor(node: number): void
  /** The one that leads. */
  killNimbus(): void
  loseCoordinator(): void
  /** As often as it was lost. */
  regainCoordinator(): void
}

/** @throws UsageError CONFIG_CONTRADICTION */
export function needWorld(world: VirtualWorld | undefined, what: string): VirtualWorld {
  if (world !== undefined) return world
  throw new UsageError('CONFIG_CONTRADICTION', `${what}: can be had in virtual time only`)
}

/** @throws UsageError CONFIG_INVALID_VALUE */
export function needNumber(kind: 'worker' | 'node', number: number, count: number): number {
  if (Number.isInteger(number) && number >= 1 && number <= count) return number
  const text = `there is no ${kind} ${number}, they are numbered 1 to ${count}`
  throw new UsageError('CONFIG_INVALID_VALUE', text, { [kind]: number })
}

export function faultyDisk({ disk, faults }: VirtualDisk): FaultyDisk {
  return {
    slow(delayMs) {
      faults.delayMs = delayMs
    },
    fail(how) {
      faults.isBroken = how === 'broken'
      // Full: what is on it stays, nothing more fits.
      disk.capacityBytes = how === 'full' ? 0 : Number.POSITIVE_INFINITY
    },
  }
}
