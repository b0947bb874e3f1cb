/**
 * Faults of runs: workers on machines of their own, the net between them. For one run and for a local
 * cluster without supervisors.
 */
import { UsageError } from '../../base/errors.ts'
import type { Timers } from '../../host/host.ts'
import type { MemoryNet } from '../../host/virtual/memory-net.ts'
import type { VirtualWorld } from '../../host/virtual/virtual-world.ts'
import type { LocalRun } from '../local-run.ts'
import { CallFaults } from './call-faults.ts'
import {
  type FaultNeeds,
  type FaultStage,
  type FaultyDisk,
  faultyDisk,
  needNumber,
  needWorld,
} from './fault-stage.ts'

/** Where a worker of the stage is: a run, and its number there. */
export interface StagedWorker {
  readonly run: LocalRun
  readonly worker: number
}

export interface RunStageSpec {
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

export class RunStage implements FaultStage {
  readonly timers: Timers
  readonly daemons = undefined
  private readonly spec: RunStageSpec
  private readonly calls = new CallFaults()

  constructor(spec: RunStageSpec) {
    this.spec = spec
    this.timers = spec.timers
  }

  refuseImpossible(fault: FaultNeeds): void {
    if (fault.isOfCluster) throw notHere(fault.fault)
    for (const worker of [...fault.workers, ...fault.nodes]) this.known(worker)
    if (fault.isVirtual) needWorld(this.spec.world, fault.fault)
  }

  note(text: string): void {
    this.spec.world?.noteFault('(faults)', text)
  }

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

  corrupt(a: number, b: number): void {
    this.spec.net.corruptNext(this.machineOf(a), this.machineOf(b))
  }

  delayLinks(delayMs: number): void {
    this.spec.net.setAll({ delayMs })
  }

  loseAcks(share: number): void {
    for (const run of this.spec.runs()) run.loseAcks(share === 0 ? undefined : { share })
  }

  eachDisk(call: (disk: FaultyDisk) => void): void {
    const world = needWorld(this.spec.world, 'faults of disks')
    for (let worker = 1; worker <= this.spec.workerCount; worker += 1) {
      call(faultyDisk(world.disk(this.spec.machine(worker))))
    }
  }

  skewClock(node: number, skewMs: number): void {
    needWorld(this.spec.world, 'a wrong clock').setClockSkew(this.machineOf(node), skewMs)
  }

  failCalls(component: string, call: string | undefined, count: number): void {
    this.calls.add(component, call, count)
  }

  /** For `LocalRunSpec.beforeCall`. */
  get beforeCall(): (component: string, call: string) => void {
    return this.calls.beforeCall
  }

  private machineOf(worker: number): string {
    return this.spec.machine(this.known(worker))
  }

  private known(worker: number): number {
    return needNumber('worker', worker, this.spec.workerCount)
  }
}

function notHere(what: string): UsageError {
  const text = `${what}: there are no supervisors here; LocalCluster.start({ supervisors: 2 }) has some`
  return new UsageError('CONFIG_CONTRADICTION', text)
}
