/**
 * `LocalCluster`: a cluster in this process, in real or in virtual time.
 *
 *   workers alone         quick: nothing but workers, joined by links with the frames of production
 *   { supervisors: n }    a whole cluster: coordinator, Nimbus, supervisors, workers in slots
 *
 * What differs between them: docs/decisions/0004-local-cluster-surface.md.
 */
import { ConflictError, UsageError } from '../base/errors.ts'
import { SeededRandom } from '../base/random.ts'
import { parseDuration } from '../config/duration.ts'
import type { Duration, TopologyConfig } from '../config/topology-config.ts'
import { importModule } from '../host/node-import.ts'
import type { Client } from '../rpc/client/client.ts'
import type { RunningTopology } from '../rpc/contract.ts'
import type { TopologyDef } from '../topology/topology-def.ts'
import { startClusterGround } from './cluster/cluster-ground.ts'
import { type Fault, isPlanned, plannedOf } from './faults/fault.ts'
import { FaultSchedule } from './faults/fault-schedule.ts'
import type { Ground } from './ground.ts'
import { WorkerGround } from './live/worker-ground.ts'
import { freshSeed, realHost } from './local-cluster-host.ts'
import { VirtualStage } from './virtual-stage.ts'

/** Options of a local cluster. */
export interface LocalClusterOptions {
  /**
   * Supervisors, each on a node of its own, with a Nimbus and a coordinator. Default: none of these, but
   * workers alone, which is quicker.
   */
  readonly supervisors?: number
  /** Workers (slots) that topologies may have, over all supervisors. Default 2, at least one for each. */
  readonly workers?: number
  /** Default `real`. */
  readonly time?: 'real' | 'virtual'
  /** For virtual time. */
  readonly seed?: number
}

const WORKERS = 2

/** A cluster in this process. Close it, or let `await using` do so; topologies in it end with it. */
export class LocalCluster implements AsyncDisposable {
  private readonly ground: Ground
  private readonly schedules: FaultSchedule[] = []
  private isClosed = false

  private constructor(ground: Ground) {
    this.ground = ground
  }

  /** @throws UsageError CONFIG_INVALID_VALUE, CONFIG_CONTRADICTION */
  static async start(options: LocalClusterOptions = {}): Promise<LocalCluster> {
    return new LocalCluster(await groundFor(options))
  }

  /**
   * The same interface as for a real cluster. `submit` imports the module into this process.
   * @throws UsageError CONFIG_CONTRADICTION: the cluster was started without `supervisors`
   */
  get client(): Client {
    return this.ground.client
  }

  /**
   * Starts a topology. Sources and sinks are the real ones.
   * @throws ConflictError TOPOLOGY_NAME_TAKEN; UnavailableError NOT_ENOUGH_SLOTS: no slot is free (with some,
   *   it runs with fewer workers than it asks for); any E1 and E2; UserCodeError PREPARE_THREW. With
   *   `supervisors`, what does not fit waits: see `unplaced` of the status
   */
  async submit<H, A = undefined>(
    topology: TopologyDef<H, A>,
    config?: TopologyConfig,
    args?: A,
  ): Promise<RunningTopology & { readonly handles: H }> {
    this.refuseClosed()
    return await this.ground.submit(topology, config, args)
  }

  /**
   * Injects a fault. Times count from now. Workers are slots, in the order in which topologies took them;
   * with `supervisors`, those that run then, by node and slot. Random faults go on until the cluster is
   * closed.
   * @throws UsageError CONFIG_INVALID_VALUE, CONFIG_CONTRADICTION: it cannot strike here
   */
  inject(fault: Fault): void {
    this.refuseClosed()
    const { ground } = this
    const planned = plannedOf(fault)
    const startMs = ground.nowMs
    const schedule = new FaultSchedule(ground.stage, Number.POSITIVE_INFINITY, () => ground.nowMs - startMs)
    if (isPlanned(planned)) schedule.add([planned])
    else {
      const random = ground.random.split(`faults ${this.schedules.length}`)
      schedule.keepDrawing(planned, () => ground.drawable(), random)
    }
    this.schedules.push(schedule)
  }

  /**
   * Lets virtual time pass.
   * @throws UsageError CONFIG_CONTRADICTION in real time
   */
  async advance(by: Duration): Promise<void> {
    await this.ground.advance(parseDuration(by))
  }

  /** Ends all topologies, draining them, and the cluster. */
  async close(): Promise<void> {
    if (this.isClosed) return
    this.isClosed = true
    for (const schedule of this.schedules) schedule.end()
    await this.ground.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  private refuseClosed(): void {
    if (this.isClosed) throw new ConflictError('TOPOLOGY_WRONG_STATE', 'the cluster is closed')
  }
}

async function groundFor(options: LocalClusterOptions): Promise<Ground> {
  const { supervisors, time = 'real' } = options
  const workerCount = options.workers ?? Math.max(WORKERS, supervisors ?? 0)
  needCount('workers', workerCount, supervisors ?? 1)
  if (supervisors !== undefined) needCount('supervisors', supervisors, 1)
  const seed = options.seed ?? freshSeed()
  const virtual = time === 'virtual' ? new VirtualStage({ seed }) : undefined
  const random = new SeededRandom(seed).split('local cluster')
  if (supervisors === undefined) {
    return new WorkerGround({ workerCount, virtual, host: virtual?.host ?? realHost(), random })
  }
  return await startClusterGround({
    supervisorCount: supervisors,
    workerCount,
    virtual,
    host: realHost(),
    random,
    importModule,
  })
}

/** @throws UsageError CONFIG_INVALID_VALUE */
function needCount(option: 'workers' | 'supervisors', count: number, least: number): void {
  if (Number.isInteger(count) && count >= least) return
  const why = least > 1 ? `, one for each supervisor at least` : ''
  const text = `${option} is ${count}, a whole number from ${least} is wanted${why}`
  throw new UsageError('CONFIG_INVALID_VALUE', text)
}
