/**
 * Where a cluster of this process stands: machines with programs on them, and the net between them. In
 * virtual time a VirtualWorld, in real time a RealWorld.
 */
import type { Host, Timers } from '../../host/host.ts'
import type { MemoryNet } from '../../host/virtual/memory-net.ts'
import type { RunOptions } from '../../host/virtual/virtual-world.ts'

export interface ClusterWorld {
  readonly net: MemoryNet
  /** For whoever drives the world. Never crashes. */
  readonly timers: Timers
  /** Wall time, with fractions; never goes back. */
  readonly nowMs: number
  /** The host of this name: the one that lives, else a new life. */
  host(name: string): Host
  /** A further program on a machine, which dies by itself, and with its machine. */
  hostOn(machine: string, program: string): Host
  isRunningOn(name: string): boolean
  /** True while it is this life of its host that runs. */
  isLiving(host: Host): boolean
  /** Gone at once, with its programs. `loss`: what becomes of what was not synced, where disks are ours. */
  crash(name: string, loss?: 'none' | 'some' | 'all'): void
  pause(name: string): void
  resume(name: string): void
  noteFault(host: string, text: string): void
  /** Lets things happen until one of the limits holds. */
  run(options: Pick<RunOptions, 'untilMs' | 'while'>): Promise<unknown>
}
