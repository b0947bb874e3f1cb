/**
 * `LocalCluster`: workers in this process, joined by links with the frames of production, in real or in
 * virtual time.
 *
 *   slots 1 … n ─▶ submit takes as many as are asked for ─▶ a LocalTopology ─▶ killed: they are free
 *
 * In real time all workers share the host of the process and a net in memory; in virtual time each slot is a
 * machine. Supervisors and a client come with the cluster: docs/decisions/0004-local-cluster-surface.md.
 */
import { ConflictError, UnavailableError, UsageError } from '../base/errors.ts'
import { silentLogger } from '../base/log.ts'
import { parseDuration } from '../config/duration.ts'
import type { Duration, TopologyConfig } from '../config/topology-config.ts'
import type { Host } from '../host/host.ts'
import { MemoryNet } from '../host/virtual/memory-net.ts'
import type { RunningTopology } from '../rpc/contract.ts'
import { buildTopologyTwice } from '../topology/build.ts'
import type { Topology } from '../topology/topology.ts'
import type { TopologyDef } from '../topology/topology-def.ts'
import { type Fault, isPlanned, plannedOf } from './faults/fault.ts'
import { FaultSchedule } from './faults/fault-schedule.ts'
import { FaultStage, type StagedWorker } from './faults/fault-stage.ts'
import { LocalTopology } from './live/local-topology.ts'
import { freshSeed, realHost } from './local-cluster-host.ts'
import type { LocalRunSpec } from './local-run.ts'
import { type Pace, VirtualStage } from './virtual-stage.ts'

/** Options of a local cluster. */
export interface LocalClusterOptions {
  /** Workers (slots) that topologies may have, all together. Default 2. */
  readonly workers?: number
  /** Default `real`. */
  readonly time?: 'real' | 'virtual'
  /** For virtual time. */
  readonly seed?: number
}

const WORKERS = 2

/** A cluster in this process. Close it, or let `await using` do so; topologies in it end with it. */
export class LocalCluster implements AsyncDisposable {
  private readonly slots: Array<string | undefined>
  private readonly topologies = new Map<string, LocalTopology>()
  private readonly virtual: VirtualStage | undefined
  private readonly host: Host
  private readonly net: MemoryNet
  private readonly pace: Pace
  private readonly faults: FaultStage
  private readonly schedules: FaultSchedule[] = []
  private submitted = 0
  private isClosed = false

  private constructor(options: LocalClusterOptions) {
    const { workers = WORKERS, time = 'real', seed } = options
    if (!Number.isInteger(workers) || workers < 1) {
      throw new UsageError('CONFIG_INVALID_VALUE', `workers is ${workers}, a whole number from 1 is wanted`)
    }
    this.slots = Array.from({ length: workers }, () => undefined)
    this.virtual = time === 'virtual' ? new VirtualStage({ seed: seed ?? freshSeed() }) : undefined
    this.host = this.virtual?.host ?? realHost()
    const { clock, random } = this.host
    this.net =
      this.virtual?.world.net ??
      new MemoryNet({ nowMs: () => clock.monotonicMs(), random: random.split('net') })
    this.pace = this.virtual ?? { drive: (work) => work }
    this.faults = new FaultStage({
      world: this.virtual?.world,
      net: this.net,
      timers: this.host.timers,
      workerCount: workers,
      machine: (worker) => VirtualStage.machine(worker),
      workerAt: (slot) => this.workerAt(slot),
      runs: () => [...this.topologies.values()].flatMap(({ current }) => current ?? []),
    })
  }

  static async start(options: LocalClusterOptions = {}): Promise<LocalCluster> {
    return new LocalCluster(options)
  }

  /**
   * Starts a topology. Sources and sinks are the real ones.
   * @throws ConflictError TOPOLOGY_NAME_TAKEN; UnavailableError NOT_ENOUGH_SLOTS: no slot is free (with some,
   *   it runs with fewer workers than it asks for); any E1 and E2; UserCodeError PREPARE_THREW
   */
  async submit<H, A = undefined>(
    topology: TopologyDef<H, A>,
    config?: TopologyConfig,
    args?: A,
  ): Promise<RunningTopology & { readonly handles: H }> {
    this.refuseClosed()
    const built = buildTopologyTwice(topology, { config, args })
    const name = built.topology.name ?? `topology-${this.submitted + 1}`
    if (this.topologies.has(name)) {
      throw new ConflictError('TOPOLOGY_NAME_TAKEN', `a topology ${name} is running`, { topology: name })
    }
    this.submitted += 1
    const id = `${name}-${this.submitted}`
    const running = new LocalTopology({
      name,
      id,
      topology: built.topology,
      pace: this.pace,
      host: this.host,
      takeSlots: (workerCount) => this.takeSlots(name, workerCount),
      runSpec: (graph, workerCount) => this.runSpec(name, graph, workerCount),
      onEnd: () => {
        this.freeSlots(name)
        this.topologies.delete(name)
      },
    })
    this.topologies.set(name, running)
    await running.start()
    return Object.assign(running, { handles: built.handles })
  }

  /** Injects a fault. Times count from now; workers are slots, in the order in which topologies took them. */
  inject(fault: Fault): void {
    this.refuseClosed()
    const planned = plannedOf(fault)
    if (!isPlanned(planned)) {
      throw new UsageError(
        'CONFIG_CONTRADICTION',
        `${fault.fault} needs a run with an end: use completeTopology`,
      )
    }
    const startMs = this.host.clock.monotonicMs()
    const schedule = new FaultSchedule(this.faults, Number.POSITIVE_INFINITY, () => {
      return this.host.clock.monotonicMs() - startMs
    })
    schedule.add([planned])
    this.schedules.push(schedule)
  }

  /**
   * Lets virtual time pass.
   * @throws UsageError CONFIG_CONTRADICTION in real time
   */
  async advance(by: Duration): Promise<void> {
    const stage = this.virtual
    if (stage === undefined)
      throw new UsageError('CONFIG_CONTRADICTION', 'advance: real time passes by itself')
    await stage.drive(new Promise<void>((resolve) => stage.world.timers.after(parseDuration(by), resolve)))
    await stage.finishInstant()
  }

  /** Ends all topologies, draining them, and the cluster. */
  async close(): Promise<void> {
    if (this.isClosed) return
    this.isClosed = true
    for (const schedule of this.schedules) schedule.stop()
    for (const topology of [...this.topologies.values()]) await topology.kill()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  private runSpec(name: string, topology: Topology, workerCount: number): LocalRunSpec {
    const slots = this.slotsOf(name)
    const slotOf = (worker: number): number => slots[worker - 1] ?? 0
    const common = {
      name,
      topology,
      workerCount,
      log: silentLogger,
      isDev: true,
      beforeCall: this.faults.beforeCall,
    }
    if (this.virtual !== undefined)
      return { ...common, ...this.virtual.specOf(slotOf, PORT + this.submitted) }
    const { host, net } = this
    return {
      ...common,
      host,
      hostOf: () => host,
      netOf: (worker) => net.join(VirtualStage.machine(slotOf(worker)), host.timers),
      addressOf: (worker) => `${VirtualStage.machine(slotOf(worker))}/${name}`,
    }
  }

  /** @throws UnavailableError NOT_ENOUGH_SLOTS */
  private takeSlots(name: string, workerCount: number): number {
    this.freeSlots(name)
    let taken = 0
    for (let index = 0; index < this.slots.length && taken < workerCount; index += 1) {
      if (this.slots[index] !== undefined) continue
      this.slots[index] = name
      taken += 1
    }
    if (taken > 0) return taken
    throw new UnavailableError('NOT_ENOUGH_SLOTS', `all ${this.slots.length} workers are taken`, {
      slots: this.slots.length,
    })
  }

  private freeSlots(name: string): void {
    this.slots.forEach((owner, index) => {
      if (owner === name) this.slots[index] = undefined
    })
  }

  private slotsOf(name: string): readonly number[] {
    return this.slots.flatMap((owner, index) => (owner === name ? [index + 1] : []))
  }

  private workerAt(slot: number): StagedWorker | undefined {
    const name = this.slots[slot - 1]
    const run = name === undefined ? undefined : this.topologies.get(name)?.current
    if (name === undefined || run === undefined) return undefined
    return { run, worker: this.slotsOf(name).indexOf(slot) + 1 }
  }

  private refuseClosed(): void {
    if (this.isClosed) throw new ConflictError('TOPOLOGY_WRONG_STATE', 'the cluster is closed')
  }
}

/** Each topology has a port of its own on the machines of its slots. */
const PORT = 6_700
