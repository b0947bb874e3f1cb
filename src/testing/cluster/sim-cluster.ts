/**
 * A whole cluster in this process: Nimbuses, supervisors and workers as they are in production, on machines
 * of a world, with a memory ensemble as ZooKeeper. In virtual time the same seed gives the same events.
 *
 *   zk (ensemble)     nimbus1, nimbus2 …     n1: n1/supervisor, n1/w1001 …     n2: …     client
 *
 * Route: the simulator, tests and LocalCluster make it, submit topologies, break things, and look.
 *
 * Does not know: what is right. Checkers look at its parts.
 */
import { assertDefined } from '../../base/assert.ts'
import { isStreamError, UnavailableError } from '../../base/errors.ts'
import { type Logger, silentLogger } from '../../base/log.ts'
import { digestText } from '../../blob/blob-store.ts'
import type { BlobRef } from '../../cluster/records.ts'
import type { ClusterConfig } from '../../config/cluster-config.ts'
import type { TopologyConfig } from '../../config/topology-config.ts'
import { MemoryEnsemble, type MemoryEnsembleSpec } from '../../coordinate/memory/memory-ensemble.ts'
import type { Host } from '../../host/host.ts'
import { VirtualWorld } from '../../host/virtual/virtual-world.ts'
import type { Nimbus } from '../../nimbus/nimbus.ts'
import type { SubmitReply } from '../../rpc/nimbus-api.ts'
import { NimbusClient } from '../../rpc/nimbus-client.ts'
import type { LaunchedEnd } from '../../supervisor/launcher.ts'
import type { Supervisor } from '../../supervisor/supervisor.ts'
import { buildTopology } from '../../topology/build.ts'
import type { Json } from '../../topology/describe/document.ts'
import { outlineOf } from '../../topology/describe/outline.ts'
import type { TopologyDef } from '../../topology/topology-def.ts'
import type { SeatInside } from '../../worker/seat/seat.ts'
import type { ClusterWorld } from './cluster-world.ts'
import { SimBundles } from './sim-bundles.ts'
import { NIMBUS_PORT, type SimPlace, startSimNimbus, startSimSupervisor } from './sim-daemons.ts'
import { type SimProcess, SimProcesses } from './sim-launcher.ts'

export interface SimClusterSpec {
  /** Default 1. */
  readonly nimbuses?: number
  /** Default 2. */
  readonly nodes?: number
  /** Of each node. Default 4. */
  readonly slots?: number
  readonly zooKeepers?: number
  /** Over the defaults, for all daemons. */
  readonly config?: ClusterConfig
  readonly ensembleFaults?: MemoryEnsembleSpec['faults']
  readonly onWrite?: MemoryEnsembleSpec['onWrite']
  readonly onWorkerSeated?: (process: SimProcess) => void
  readonly onWorkerEnded?: (process: SimProcess, end: LaunchedEnd) => void
  readonly log?: (machine: string) => Logger
  /** Slots of one node. Default: `slots`. */
  readonly slotsOf?: (node: string) => number
  /** Where a machine keeps its files. Default: the same place on each; disks are their own. */
  readonly directoryOf?: (machine: string) => string
  readonly inside?: SeatInside
}

export interface SimulatedSpec extends SimClusterSpec {
  readonly seed: number
  readonly isChopped?: boolean
}

export interface SimSubmitOptions {
  readonly name?: string
  readonly args?: Json
  readonly config?: TopologyConfig
  readonly isInactive?: boolean
  readonly idempotencyKey?: string
}

const START_LIMIT_MS = 60_000
const SLOTS = 4
const RESTART_MS = 1_000

export class SimCluster<World extends ClusterWorld = VirtualWorld> implements SimPlace {
  readonly spec: SimClusterSpec
  readonly world: World
  readonly ensemble: MemoryEnsemble
  readonly bundles = new SimBundles()
  readonly processes: SimProcesses
  readonly nimbusNames: readonly string[]
  readonly nodeNames: readonly string[]
  readonly nimbuses = new Map<string, Nimbus>()
  readonly supervisors = new Map<string, Supervisor>()
  /** What a daemon threw when it started, or ended by itself: it is started again. */
  readonly failures: string[] = []
  /** Mistakes of daemons. There must be none. */
  readonly bugs: string[] = []
  /** How often a machine has lost its power. */
  private readonly powerCuts = new Map<string, number>()
  private clientCount = 0
  private isClosed = false
  private own: NimbusClient | undefined

  /** In virtual time, and without user code that waits for the outside. */
  static simulated({ seed, isChopped, ...spec }: SimulatedSpec): SimCluster {
    const chopped = isChopped === undefined ? {} : { isChopped }
    return new SimCluster(spec, new VirtualWorld({ seed, startAtMs: 1_000_000, patienceMs: 0, ...chopped }))
  }

  constructor(spec: SimClusterSpec, world: World) {
    this.spec = spec
    this.world = world
    this.nimbusNames = names('nimbus', spec.nimbuses ?? 1)
    this.nodeNames = names('n', spec.nodes ?? 2)
    this.ensemble = new MemoryEnsemble({
      host: this.world.host('zk'),
      serverCount: spec.zooKeepers ?? 3,
      faults: spec.ensembleFaults ?? { delayMsMin: 0.2, delayMsMax: 3 },
      ...(spec.onWrite === undefined ? {} : { onWrite: spec.onWrite }),
    })
    this.processes = new SimProcesses({
      world: this.world,
      loadTopology: (host) => this.bundles.loaderOn(host),
      inside: spec.inside,
      onSeated: (process) => spec.onWorkerSeated?.(process),
      onEnded: (process, end) => spec.onWorkerEnded?.(process, end),
    })
  }

  /** All daemons, and somebody leads. */
  async start(): Promise<void> {
    for (const name of this.nimbusNames) this.startNimbus(name)
    for (const node of this.nodeNames) this.startSupervisor(node)
    await this.until(() => this.leader !== undefined, START_LIMIT_MS, 'a leader')
    await this.until(() => this.supervisors.size === this.nodeNames.length, START_LIMIT_MS, 'supervisors')
  }

  get leader(): Nimbus | undefined {
    for (const nimbus of this.nimbuses.values()) if (nimbus.isLeader) return nimbus
    return undefined
  }

  get leaderName(): string | undefined {
    for (const [name, nimbus] of this.nimbuses) if (nimbus.isLeader) return name
    return undefined
  }

  slotsOf(node: string): number {
    return this.spec.slotsOf?.(node) ?? this.spec.slots ?? SLOTS
  }

  directoryOf(machine: string): string {
    return this.spec.directoryOf?.(machine) ?? '/typhoon'
  }

  get config(): ClusterConfig {
    return this.spec.config ?? {}
  }

  get seeds(): readonly string[] {
    return this.nimbusNames.map((name) => `${name}:${NIMBUS_PORT}`)
  }

  /** The client of whoever drives the cluster. */
  get client(): NimbusClient {
    this.own ??= this.newClient()
    return this.own
  }

  /** `nimbuses`: whom it knows. Default: all. */
  newClient(nimbuses: readonly string[] = this.nimbusNames): NimbusClient {
    this.clientCount += 1
    const seeds = nimbuses.map((name) => `${name}:${NIMBUS_PORT}`)
    return new NimbusClient({ host: this.world.host(`client${this.clientCount}`), seeds })
  }

  /** Nothing starts any more, and the ensemble ends. What runs ends with the world. */
  close(): void {
    this.isClosed = true
    this.ensemble.stop()
  }

  /** Begins a Nimbus on its machine, unless one runs there; it is there when its start has come through. */
  startNimbus(name: string): void {
    if (this.isClosed || this.world.isRunningOn(name)) return
    const host = this.world.host(name)
    this.begin(host, name, async () => {
      const nimbus = await startSimNimbus(this, host, name)
      if (this.world.isLiving(host)) this.nimbuses.set(name, nimbus)
    })
  }

  crashNimbus(name: string): void {
    this.nimbuses.delete(name)
    this.world.crash(name, 'some')
  }

  startSupervisor(node: string): void {
    const program = `${node}/${SUPERVISOR}`
    if (this.isClosed || this.world.isRunningOn(program)) return
    const host = this.world.hostOn(node, SUPERVISOR)
    this.begin(host, program, async () => {
      const supervisor = await startSimSupervisor(this, host, node)
      if (this.world.isLiving(host)) this.supervisors.set(node, supervisor)
    })
  }

  /** The program dies, its workers live. */
  crashSupervisor(node: string): void {
    this.supervisors.delete(node)
    this.world.crash(`${node}/${SUPERVISOR}`, 'none')
  }

  /** The machine loses its power. */
  crashNode(node: string): void {
    this.supervisors.delete(node)
    this.powerCuts.set(node, this.powerCutsOf(node) + 1)
    this.processes.onMachineCrashed(node)
    this.world.crash(node, 'some')
  }

  pauseSupervisor(node: string): void {
    this.world.pause(`${node}/${SUPERVISOR}`)
  }

  resumeSupervisor(node: string): void {
    this.world.resume(`${node}/${SUPERVISOR}`)
  }

  /** Nothing passes between a node and all others, ZooKeeper included. */
  isolate(machine: string): void {
    for (const other of this.machines()) if (other !== machine) this.world.net.cut(machine, other)
    this.ensemble.cut(machine, 'silent')
  }

  /** Nothing passes between a node and who knows what is wanted: ZooKeeper, Nimbuses. Other nodes hear it. */
  hide(machine: string): void {
    for (const nimbus of this.nimbusNames) this.world.net.cut(machine, nimbus)
    this.ensemble.cut(machine, 'silent')
  }

  heal(machine: string): void {
    for (const other of this.machines()) if (other !== machine) this.world.net.heal(machine, other)
    this.ensemble.heal(machine)
  }

  machines(): readonly string[] {
    return [...this.nimbusNames, ...this.nodeNames]
  }

  /** Bundle, outline, submit: as the command line does it. */
  async submit<H, A>(def: TopologyDef<H, A>, options: SimSubmitOptions = {}): Promise<SubmitReply> {
    const { topology } = buildTopology(def as TopologyDef<unknown, unknown>, {
      args: options.args ?? undefined,
      config: options.config,
    })
    const name = assertDefined(options.name ?? topology.name, 'a topology that is submitted has a name')
    const outline = new TextEncoder().encode(JSON.stringify(outlineOf(name, topology)))
    const bundle = this.bundles.add(name, def as TopologyDef<unknown, unknown>)
    return await this.client.call(
      'submit',
      [
        {
          name,
          bundle: await this.putBlob(bundle),
          outline: await this.putBlob(outline),
          args: options.args ?? null,
          config: JSON.parse(JSON.stringify(options.config ?? {})),
          isInactive: options.isInactive === true,
          idempotencyKey: options.idempotencyKey,
        },
      ],
      { isRepeatable: options.idempotencyKey !== undefined },
    )
  }

  /** Runs the world until the work is settled. */
  async drive<T>(work: Promise<T>): Promise<T> {
    let isOver = false
    const over = (): void => {
      isOver = true
    }
    work.then(over, over)
    const end = await this.world.run({ while: () => !isOver, untilMs: this.world.nowMs + 600_000 })
    if (!isOver) {
      throw new UnavailableError('OPERATION_TIMED_OUT', `nothing came of it in ten virtual minutes (${end})`)
    }
    return await work
  }

  async advance(forMs: number): Promise<void> {
    await this.world.run({ untilMs: this.world.nowMs + forMs })
  }

  /** Runs the world until it is so. @throws UnavailableError OPERATION_TIMED_OUT */
  async until(isSo: () => boolean, limitMs: number, what: string): Promise<void> {
    await this.world.run({ while: () => !isSo(), untilMs: this.world.nowMs + limitMs })
    if (isSo()) return
    throw new UnavailableError('OPERATION_TIMED_OUT', `${what} did not come in ${limitMs} ms`)
  }

  logOf(machine: string): Logger {
    return this.spec.log?.(machine) ?? silentLogger
  }

  onBug(machine: string, error: unknown): void {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
    this.bugs.push(`${machine}: ${text}`)
  }

  private async putBlob(bytes: Uint8Array): Promise<BlobRef> {
    const digest = digestText(this.world.host('zk').digest('sha256', bytes))
    await this.client.call('writeBlob', [digest, bytes])
    return { digest, sizeBytes: bytes.length }
  }

  /**
   * A daemon that cannot start ends, and is started again by whoever looks after it: here, after a second.
   */
  private begin(host: Host, program: string, work: () => Promise<void>): void {
    host.timers.defer(() => {
      work().catch((error: unknown) => {
        if (!isStreamError(error)) throw error
        this.failures.push(`${program}: ${error.code} ${error.message}`)
        // Not from within its own turn.
        this.world.timers.after(0, () => this.world.crash(program, 'none'))
        const [machine = ''] = program.split('/')
        const powerCuts = this.powerCutsOf(machine)
        this.world.timers.after(RESTART_MS, () => {
          if (this.nimbusNames.includes(program)) this.startNimbus(program)
          else if (this.powerCutsOf(machine) === powerCuts) this.startSupervisor(machine)
        })
      })
    })
  }

  private powerCutsOf(machine: string): number {
    return this.powerCuts.get(machine) ?? 0
  }
}

export const SUPERVISOR = 'supervisor'

function names(prefix: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index + 1}`)
}
