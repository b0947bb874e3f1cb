/**
 * Settings of Nimbus in the units it works with. Made from the configuration by whoever starts it
 * (`nimbusSettings`), so that tests and the simulator need no configuration files.
 */

export interface NimbusSettings {
  /** `nimbus.monitor.freq.secs`: time between two rounds when nothing happens. */
  readonly monitorMs: number
  /** `nimbus.task.timeout.secs`: heartbeats of a node older than this are silence. */
  readonly taskTimeoutMs: number
  /** `nimbus.task.launch.secs`: grace for the first heartbeat after an assignment. */
  readonly launchMs: number
  /** `supervisor.worker.timeout.secs`: time without progress after which a worker counts as hung. */
  readonly workerTimeoutMs: number
  /** `supervisor.worker.lease.secs`: a worker without a supervisor has ended by then. */
  readonly leaseMs: number
  /** `nimbus.inbox.jar.expiration.secs`: age at which a blob that nobody names is deleted. */
  readonly blobExpirationMs: number
  /** `nimbus.slots.perTopology`, `nimbus.executors.perTopology`. */
  readonly workersMax: number | undefined
  readonly executorsMax: number | undefined
  /** `nimbus.bundle.max.mb`. */
  readonly bundleBytesMax: number
  /** `nimbus.blacklist.*`. */
  readonly blacklist: {
    readonly spanMs: number
    readonly failuresMax: number
    readonly resumeMs: number
  }
  /** `storm.scheduler`. */
  readonly scheduler: 'even' | 'random' | 'weighted' | 'resource-aware'
  /** `nimbus.drain.at.risk`: nodes that are about to fail are emptied first. */
  readonly drainsAtRisk: boolean
  /** `isolation.scheduler.machines`: name of a topology → nodes it gets for itself. */
  readonly isolation: Readonly<Record<string, number>>
  /** `security.roles`: further roles, each with the actions it allows. */
  readonly roles: Readonly<Record<string, readonly string[]>>
  /** `nimbus.admins`: users and roles that may do everything. */
  readonly admins: readonly string[]
}

const SECOND = 1_000
const MIB = 1024 * 1024

/** The defaults of the configuration table. */
export const defaultNimbusSettings: NimbusSettings = {
  monitorMs: SECOND,
  taskTimeoutMs: 5 * SECOND,
  launchMs: 120 * SECOND,
  workerTimeoutMs: 5 * SECOND,
  leaseMs: 10 * SECOND,
  blobExpirationMs: 3_600 * SECOND,
  workersMax: undefined,
  executorsMax: undefined,
  bundleBytesMax: 64 * MIB,
  blacklist: { spanMs: 300 * SECOND, failuresMax: 3, resumeMs: 1_800 * SECOND },
  scheduler: 'even',
  drainsAtRisk: false,
  isolation: {},
  roles: {},
  admins: [],
}
