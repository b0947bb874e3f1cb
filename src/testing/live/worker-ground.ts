/**
 * Workers alone: slots that topologies take, each worker a LocalRun's, joined by links with the frames of
 * production.
 *
 *   slots 1 … n ─▶ submit takes as many as are asked for ─▶ a LocalTopology ─▶ killed: they are free
 *
 * In real time all workers share the host of the process and a net in memory; in virtual time each slot is a
 * machine.
 */
import { ConflictError, UnavailableError, UsageError } from '../../base/errors.ts'
import { silentLogger } from '../../base/log.ts'
import type { SeededRandom } from '../../base/random.ts'
import type { TopologyConfig } from '../../config/topology-config.ts'
import type { Host } from '../../host/host.ts'
import { MemoryNet } from '../../host/virtual/memory-net.ts'
import type { Client } from '../../rpc/client/client.ts'
import type { RunningTopology } from '../../rpc/contract.ts'
import { buildTopologyTwice } from '../../topology/build.ts'
import type { Topology } from '../../topology/topology.ts'
import type { TopologyDef } from '../../topology/topology-def.ts'
import { componentsOf, type Drawable } from '../faults/random-faults.ts'
import { RunStage, type StagedWorker } from '../faults/run-stage.ts'
import type { Ground } from '../ground.ts'
import type { LocalRunSpec } from '../local-run.ts'
import { type Pace, VirtualStage } from '../virtual-stage.ts'
import { LocalTopology } from './local-topology.ts'

export interface WorkerGroundSpec {
  readonly workerCount: number
  /** undefined: real time. */
  readonly virtual: VirtualStage | undefined
  readonly host: Host
  readonly random: SeededRandom
}

export class WorkerGround implements Ground {
  readonly stage: RunStage
  readonly random: SeededRandom
  private readonly slots: Array<string | undefined>
  private readonly topologies = new Map<string, LocalTopology>()
  private readonly virtual: VirtualStage | undefined
  private readonly host: Host
  private readonly net: MemoryNet
  private readonly pace: Pace
  private submitted = 0

  constructor({ workerCount, virtual, host, random }: WorkerGroundSpec) {
    this.slots = Array.from({ length: workerCount }, () => undefined)
    this.virtual = virtual
    this.host = host
    this.random = random
    this.net =
      virtual?.world.net ??
      new MemoryNet({ nowMs: () => host.clock.monotonicMs(), random: host.random.split('net') })
    this.pace = virtual ?? { drive: (work) => work }
    this.stage = new RunStage({
      world: virtual?.world,
      net: this.net,
      timers: host.timers,
      workerCount,
      machine: (worker) => VirtualStage.machine(worker),
      workerAt: (slot) => this.workerAt(slot),
      runs: () => [...this.topologies.values()].flatMap(({ current }) => current ?? []),
    })
  }

  get client(): Client {
    const text = 'client: there is no Nimbus here; LocalCluster.start({ supervisors: 1 }) has one'
    throw new UsageError('CONFIG_CONTRADICTION', text)
  }

  get nowMs(): number {
    return this.host.clock.monotonicMs()
  }

  drawable(): Drawable {
    return {
      components: [...this.topologies.values()].flatMap((each) => componentsOf(each.topology)),
      workerCount: this.slots.length,
      nodeCount: 0,
      isVirtual: this.virtual !== undefined,
    }
  }

  async submit<H, A>(
    topology: TopologyDef<H, A>,
    config: TopologyConfig | undefined,
    args: A | undefined,
  ): Promise<RunningTopology & { readonly handles: H }> {
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

  async advance(forMs: number): Promise<void> {
    const stage = this.virtual
    if (stage === undefined)
      throw new UsageError('CONFIG_CONTRADICTION', 'advance: real time passes by itself')
    await stage.advance(forMs)
  }

  async close(): Promise<void> {
    for (const topology of [...this.topologies.values()]) await topology.kill()
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
      beforeCall: this.stage.beforeCall,
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
}

/** Each topology has a port of its own on the machines of its slots. */
const PORT = 6_700
