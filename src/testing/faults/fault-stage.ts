/**
 * What faults act on: machines, the net between them, the runs on it. The same for one run and for a local
 * cluster.
 *
 * Does not know: when faults strike.
 */
import { UsageError } from '../../base/errors.ts'
import type { Timers } from '../../host/host.ts'
import type { MemoryNet } from '../../host/virtual/memory-net.ts'
import type { VirtualDisk, VirtualWorld } from '../../host/virtual/virtual-world.ts'
import type { LocalRun } from '../local-run.ts'

/** Where a worker of the stage is: a run, and its number there. */
export interface StagedWorker {
  readonly run: LocalRun
  readonly worker: number
}

export interface FaultStageSpec {
  /** undefined: real time, where machines cannot be had. */
  readonly world: VirtualWorld | undefined
  readonly net: MemoryNet
  readonly timers: Timers
  readonly workerCount: number
  readonly machine: (worker: number) => string
  /** undefined: nothing runs there now. */
  readonly workerAt: (worker: number) => StagedWorker | undefined
  readonly runs: () => readonly LocalRun[]
}

/** What must be there for a fault. */
export interface FaultNeeds {
  readonly fault: string
  readonly workers: readonly number[]
  readonly isVirtual: boolean
}

/** A disk that faults act on. */
export interface FaultyDisk {
  slow(delayMs: number): void
  fail(how: 'full' | 'broken' | undefined): void
}

export class FaultStage {
  readonly timers: Timers
  private readonly spec: FaultStageSpec
  private readonly failing: CallFault[] = []

  constructor(spec: FaultStageSpec) {
    this.spec = spec
    this.timers = spec.timers
  }

  /** @throws UsageError CONFIG_INVALID_VALUE: no such worker, CONFIG_CONTRADICTION: not in real time */
  refuseImpossible(fault: FaultNeeds): void {
    for (const worker of fault.workers) this.known(worker)
    if (fault.isVirtual) this.virtual(fault.fault)
  }

  /** For the trace of a virtual world, and so for the hash of its events. */
  note(text: string): void {
    this.spec.world?.noteFault('(faults)', text)
  }

  /** Verdicts and emits of all spouts so far. */
  counts(): { readonly acked: number; readonly emitted: number } {
    let acked = 0
    let emitted = 0
    for (const run of this.spec.runs()) {
      const counts = run.spoutCounts()
      acked += counts.acked
      emitted += counts.emitted
    }
    return { acked, emitted }
  }

  kill(worker: number): void {
    const at = this.spec.workerAt(this.known(worker))
    at?.run.killWorker(at.worker)
  }

  /** In virtual time the whole machine stands still; in real time the worker's loop does. */
  hang(worker: number, forMs: number): void {
    const { world, machine, timers, workerAt } = this.spec
    this.known(worker)
    if (world === undefined) {
      const at = workerAt(worker)
      at?.run.seat(at.worker)?.hangFor(forMs)
      return
    }
    world.pause(machine(worker))
    timers.after(forMs, () => world.resume(machine(worker)))
  }

  cut(a: number, b: number): void {
    this.spec.net.cut(this.machineOf(a), this.machineOf(b))
  }

  heal(a: number, b: number): void {
    this.spec.net.heal(this.machineOf(a), this.machineOf(b))
  }

  reset(a: number, b: number): void {
    this.spec.net.reset(this.machineOf(a), this.machineOf(b))
  }

  /** A byte of the next delivery from `a` to `b` changes. */
  corrupt(a: number, b: number): void {
    this.spec.net.corruptNext(this.machineOf(a), this.machineOf(b))
  }

  delayLinks(delayMs: number): void {
    this.spec.net.setAll({ delayMs })
  }

  /** 0: none get lost any more. */
  loseAcks(share: number): void {
    for (const run of this.spec.runs()) run.loseAcks(share === 0 ? undefined : { share })
  }

  eachDisk(call: (disk: FaultyDisk) => void): void {
    const world = this.virtual('faults of disks')
    for (let worker = 1; worker <= this.spec.workerCount; worker += 1) {
      call(faultyDisk(world.disk(this.spec.machine(worker))))
    }
  }

  skewClock(worker: number, skewMs: number): void {
    this.virtual('a wrong clock').setClockSkew(this.machineOf(worker), skewMs)
  }

  /** The next `count` calls throw. `call` undefined: any call. */
  failCalls(component: string, call: string | undefined, count: number): void {
    this.failing.push({ component, call, left: count })
  }

  /** For `LocalRunSpec.beforeCall`. */
  readonly beforeCall = (component: string, call: string): void => {
    if (this.failing.length === 0) return
    const at = this.failing.findIndex((each) => {
      return each.component === component && (each.call === undefined || each.call === call)
    })
    const fault = this.failing[at]
    if (fault === undefined) return
    fault.left -= 1
    if (fault.left <= 0) this.failing.splice(at, 1)
    throw new InjectedFault(`${component} was made to fail in ${call}`)
  }

  private machineOf(worker: number): string {
    return this.spec.machine(this.known(worker))
  }

  private known(worker: number): number {
    if (Number.isInteger(worker) && worker >= 1 && worker <= this.spec.workerCount) return worker
    const text = `there is no worker ${worker}, they are numbered 1 to ${this.spec.workerCount}`
    throw new UsageError('CONFIG_INVALID_VALUE', text, { worker })
  }

  private virtual(what: string): VirtualWorld {
    if (this.spec.world !== undefined) return this.spec.world
    throw new UsageError('CONFIG_CONTRADICTION', `${what}: can be had in virtual time only`)
  }
}

interface CallFault {
  readonly component: string
  readonly call: string | undefined
  left: number
}

/** What a component throws that was made to fail. */
class InjectedFault extends Error {
  override readonly name = 'InjectedFault'
}

function faultyDisk({ disk, faults }: VirtualDisk): FaultyDisk {
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
