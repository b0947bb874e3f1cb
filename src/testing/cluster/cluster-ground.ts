/**
 * A whole cluster under a LocalCluster: a coordinator in memory, one Nimbus, supervisors on nodes n1, n2 …,
 * and workers in their slots, all in this process.
 *
 *   submit ─▶ LocalClient ─▶ Nimbus ─▶ supervisors ─▶ workers          inject ─▶ ClusterStage
 *
 * Virtual time: machines are the world's, disks included. Real time: a directory for each machine.
 */
import { assertDefined } from '../../base/assert.ts'
import { isStreamError, UsageError } from '../../base/errors.ts'
import type { SeededRandom } from '../../base/random.ts'
import type { TopologyConfig } from '../../config/topology-config.ts'
import type { Host } from '../../host/host.ts'
import type { VirtualWorld } from '../../host/virtual/virtual-world.ts'
import type { Client } from '../../rpc/client/client.ts'
import { ClusterClient } from '../../rpc/client/cluster-client.ts'
import type { RunningTopology } from '../../rpc/contract.ts'
import { buildTopologyTwice } from '../../topology/build.ts'
import type { Topology } from '../../topology/topology.ts'
import type { TopologyDef } from '../../topology/topology-def.ts'
import type { Worker } from '../../worker/worker.ts'
import { CallFaults } from '../faults/call-faults.ts'
import { componentsOf, type Drawable } from '../faults/random-faults.ts'
import type { Ground } from '../ground.ts'
import type { Pace, VirtualStage } from '../virtual-stage.ts'
import { ClusterRun } from './cluster-run.ts'
import { ClusterStage } from './cluster-stage.ts'
import type { ClusterWorld } from './cluster-world.ts'
import { LocalClient, type Submitted } from './local-client.ts'
import { MemoryMachine } from './memory-machine.ts'
import { RealWorld } from './real-world.ts'
import { SimCluster } from './sim-cluster.ts'

export interface ClusterGroundSpec {
  readonly supervisorCount: number
  /** Slots of all supervisors together. */
  readonly workerCount: number
  /** undefined: real time. */
  readonly virtual: VirtualStage | undefined
  /** The process's own. */
  readonly host: Host
  readonly random: SeededRandom
  readonly importModule: (path: string) => Promise<Readonly<Record<string, unknown>>>
}

/** The client's machine, of which SimCluster makes the first by itself. */
const CLIENT = 'client1'
/** Topologies that do not end by then end with the cluster. */
const KILL_WITHIN = '1m'

export async function startClusterGround(spec: ClusterGroundSpec): Promise<Ground> {
  const { virtual, host } = spec
  if (virtual !== undefined) return await ClusterGround.start(spec, { world: virtual.world })
  const directory = await host.files.makeTemporaryDirectory('typhoon-cluster-')
  const world = new RealWorld(host)
  const end = async () => {
    world.end()
    await host.files.remove(directory)
  }
  const directoryOf = (machine: string) => host.files.resolve(directory, machine)
  try {
    return await ClusterGround.start(spec, { world, directoryOf, end })
  } catch (error) {
    await end()
    throw error
  }
}

interface Site {
  readonly world: ClusterWorld
  readonly directoryOf?: (machine: string) => string
  /** Nothing of it runs afterwards, and nothing is left on disk. */
  readonly end?: () => Promise<void>
}

class ClusterGround implements Ground {
  readonly stage: ClusterStage
  readonly random: SeededRandom
  readonly client: Client
  private readonly spec: ClusterGroundSpec
  private readonly site: Site
  private readonly pace: Pace
  private readonly machine: MemoryMachine
  /** Goes on when the user has closed his. */
  private readonly own: Client
  private readonly cluster: SimCluster<ClusterWorld>
  /** By name, as they were built at submit. */
  private readonly topologies = new Map<string, Topology>()
  private readonly runs = new Map<string, ClusterRun>()

  private constructor(spec: ClusterGroundSpec, site: Site) {
    const { virtual } = spec
    this.spec = spec
    this.site = site
    this.random = spec.random
    this.pace = virtual ?? { drive: (work) => work }
    const calls = new CallFaults()
    this.cluster = new SimCluster(
      {
        nodes: spec.supervisorCount,
        zooKeepers: 1,
        ensembleFaults: { delayMsMin: 0, delayMsMax: 0 },
        slotsOf: (node) => this.slotsOf(node),
        ...(site.directoryOf === undefined ? {} : { directoryOf: site.directoryOf }),
        inside: {
          beforeCall: calls.beforeCall,
          onMade: (worker, office) => {
            this.stage.onMade(worker, office)
            this.runs.get(worker.spec.topologyName)?.onMade(worker)
          },
        },
        onWorkerEnded: (process) => this.stage.spouts.look(process),
      },
      site.world,
    )
    const { cluster } = this
    const world: VirtualWorld | undefined = virtual?.world
    this.stage = new ClusterStage({ cluster, virtual: world, workerCount: spec.workerCount }, calls)
    const host = site.world.host(CLIENT)
    this.machine = new MemoryMachine({ bundles: cluster.bundles, host, importModule: spec.importModule })
    this.client = this.makeClient()
    this.own = this.makeClient()
  }

  static async start(spec: ClusterGroundSpec, site: Site): Promise<ClusterGround> {
    const ground = new ClusterGround(spec, site)
    await ground.cluster.start()
    return ground
  }

  get nowMs(): number {
    return this.site.world.nowMs
  }

  drawable(): Drawable {
    return {
      components: [...this.runs.keys()].flatMap((name) => {
        const topology = this.topologies.get(name)
        return topology === undefined ? [] : componentsOf(topology)
      }),
      workerCount: this.spec.workerCount,
      nodeCount: this.spec.supervisorCount,
      isVirtual: this.spec.virtual !== undefined,
    }
  }

  async submit<H, A>(
    def: TopologyDef<H, A>,
    config: TopologyConfig | undefined,
    args: A | undefined,
  ): Promise<RunningTopology & { readonly handles: H }> {
    const { handles } = buildTopologyTwice(def, { config, args })
    const file = this.machine.add(def as TopologyDef<unknown, unknown>)
    const running = await this.own.submit(file, {
      ...(config === undefined ? {} : { config }),
      ...(args === undefined ? {} : { args: args as Readonly<Record<string, unknown>> }),
    })
    return Object.assign(running, { handles })
  }

  async advance(forMs: number): Promise<void> {
    const { virtual } = this.spec
    if (virtual === undefined)
      throw new UsageError('CONFIG_CONTRADICTION', 'advance: real time passes by itself')
    await virtual.advance(forMs)
  }

  async close(): Promise<void> {
    try {
      for (const { name } of await this.own.list()) {
        const running = await this.own.topology(name)
        await running.kill({ timeout: KILL_WITHIN })
      }
    } catch (error) {
      // It ends all the same, and what is left of its topologies with it.
      if (!isStreamError(error)) throw error
    } finally {
      this.cluster.close()
      await this.client.close()
      await this.site.end?.()
    }
  }

  private makeClient(): Client {
    const inner = new ClusterClient({
      nimbus: this.cluster.client,
      host: this.site.world.host(CLIENT),
      machine: this.machine,
      isProduction: false,
      pathOf: (file) => this.pathOf(file),
    })
    return new LocalClient({
      inner,
      pace: this.pace,
      prepare: async (file) => void (await this.machine.load(this.pathOf(file))),
      runOf: (running, submitted) => this.runOf(running, submitted),
    })
  }

  /** One for a topology: whoever asks for it again gets the same. */
  private runOf(running: RunningTopology, submitted?: Submitted): RunningTopology {
    const { name, id } = running
    const found = this.runs.get(name)
    if (found?.id === id) return found
    const topology = assertDefined(
      this.topologyOf(name, submitted),
      'all topologies came through this machine',
    )
    this.topologies.set(name, topology)
    const run = new ClusterRun({
      inner: running,
      topology,
      pace: this.pace,
      host: this.site.world.host(CLIENT),
      workers: () => this.workersOf(id),
      onEnd: () => {
        if (this.runs.get(name) === run) this.runs.delete(name)
      },
    })
    this.runs.set(name, run)
    return run
  }

  private topologyOf(name: string, submitted: Submitted | undefined): Topology | undefined {
    if (submitted === undefined) return this.topologies.get(name) ?? this.machine.lastNamed(name)
    const { args, config } = submitted.options
    return this.machine.build(this.pathOf(submitted.file), args, config)
  }

  private workersOf(id: string): readonly Worker[] {
    const { living } = this.cluster.processes
    return living.flatMap(({ assign, made }) => (assign?.topologyId === id ? (made?.worker ?? []) : []))
  }

  /** Slots are spread evenly; the first nodes have those that are left over. */
  private slotsOf(node: string): number {
    const { workerCount, supervisorCount } = this.spec
    const isOneMore = this.cluster.nodeNames.indexOf(node) < workerCount % supervisorCount
    return Math.floor(workerCount / supervisorCount) + (isOneMore ? 1 : 0)
  }

  private pathOf(file: string | URL): string {
    if (file instanceof URL || file.startsWith('file:')) return decodeURIComponent(new URL(file).pathname)
    return this.machine.has(file) ? file : this.spec.host.files.resolve(file)
  }
}
