/**
 * What stands in configuration files: `typhoon.config.ts` of a project, `typhoon.yaml` of daemons.
 *
 * Types only. Which keys there are is said by the tables; a test holds ClusterConfig and cluster-keys.ts
 * together.
 */
import type { Duration, TopologyConfig } from './topology-config.ts'

/** What `typhoon.config.ts` exports by default. */
export interface ProjectConfig<C extends string = string> {
  /** Topology modules by name, relative to this file. */
  readonly topologies?: Readonly<Record<string, string>>
  /** Clusters by name. */
  readonly contexts?: { readonly [N in C]: ContextConfig }
  /** The context used when none is named. */
  readonly defaultContext?: NoInfer<C>
  /** `typhoon dev`. */
  readonly dev?: DevConfig
  /** Configuration for every topology of the project. */
  readonly config?: TopologyConfig
}

/** How to reach a cluster. */
export interface ContextConfig {
  /** `host:port`, or several. */
  readonly nimbus: string | readonly string[]
  /** Dangerous actions ask for the topology's name first, and need --yes without a terminal. */
  readonly production?: boolean
  /** Files, so that secrets never stand here. */
  readonly tokenFile?: string
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string }
}

/** Settings of `typhoon dev`. */
export interface DevConfig {
  /** Default 8080. */
  readonly port?: number
  readonly workers?: number
  readonly open?: boolean
  /** Command-line arguments by topology. */
  readonly args?: Readonly<Record<string, readonly string[]>>
  /** Stop after this. Default: never. */
  readonly for?: Duration
}

/**
 * Keys of daemons, as in `typhoon.yaml`, with numbers in the unit of the key. Topology keys may stand in
 * the same file as defaults for all topologies. An unknown key is CONFIG_UNKNOWN_KEY with the nearest name;
 * a Storm key without meaning here is ignored, with the warning CONFIG_NOT_SUPPORTED and its replacement.
 */
export interface ClusterConfig {
  /** ZooKeeper hosts. Default ['localhost']. */
  readonly 'storm.zookeeper.servers'?: readonly string[]
  /** Their client port. Default 2181. */
  readonly 'storm.zookeeper.port'?: number
  /** Root node of everything kept there. One root per cluster. Default '/typhoon'. */
  readonly 'storm.zookeeper.root'?: string
  /** A daemon silent for this long loses its session, and its node counts as lost. Default 6000 ms. */
  readonly 'storm.zookeeper.session.timeout'?: number
  /** Longest wait for one server to answer a connect. Default 5000 ms. */
  readonly 'storm.zookeeper.connection.timeout'?: number
  /** First wait before a reconnect; doubles. Default 200 ms. */
  readonly 'storm.zookeeper.retry.interval'?: number
  /** Longest wait before a reconnect. Reconnects never stop. Default 5000 ms. */
  readonly 'storm.zookeeper.retry.intervalceiling.millis'?: number
  /** Digest user for the tree's access lists. Default none. */
  readonly 'storm.zookeeper.auth.user'?: string
  /** File with its password. Default none. */
  readonly 'storm.zookeeper.auth.password.file'?: string
  /** Directory of a daemon: bundles, worker state, logs. Default 'typhoon-local'. */
  readonly 'storm.local.dir'?: string
  /** Name other nodes reach this one by. Null: the system's. Default none. */
  readonly 'storm.local.hostname'?: string
  /** Scheduler for topologies that ask for none. Default 'even'. */
  readonly 'storm.scheduler'?: 'even' | 'random' | 'weighted' | 'resource-aware'
  /** Scripts whose failure marks a node as bad. Default 'healthchecks'. */
  readonly 'storm.health.check.dir'?: string
  /** Longest run of such a script. Default 5000 ms. */
  readonly 'storm.health.check.timeout.ms'?: number
  /** First wait before a link between workers reconnects; doubles. Default 100 ms. */
  readonly 'storm.messaging.netty.min_wait_ms'?: number
  /** Longest wait between reconnects of a link. Default 1000 ms. */
  readonly 'storm.messaging.netty.max_wait_ms'?: number
  /**
   * Address every listener binds to. Anything but loopback needs TLS and authentication configured, or the
   * daemon refuses to start. Default '127.0.0.1'.
   */
  readonly 'bind.address'?: string
  /** Where bundles rest: a directory, hdfs://…, or s3://…. Null: below storm.local.dir. Default none. */
  readonly 'blob.store.url'?: string
  /**
   * Where checkpoints rest, same forms. Null: below storm.local.dir, which is right for one machine only.
   * Default none.
   */
  readonly 'checkpoint.store.url'?: string
  /** Hosts that may run Nimbus. Default ['localhost']. */
  readonly 'nimbus.seeds'?: readonly string[]
  /** Port of Nimbus' HTTP interface. Default 6627. */
  readonly 'nimbus.port'?: number
  /**
   * Heartbeat age at which a task counts as silent; with a second sign its node is given up. Default 5 s.
   */
  readonly 'nimbus.task.timeout.secs'?: number
  /** Grace for the first heartbeat after an assignment. Default 120 s. */
  readonly 'nimbus.task.launch.secs'?: number
  /**
   * Time between two looks at heartbeats and plans. Signs of loss are acted on at once, whatever this is.
   * Default 1 s.
   */
  readonly 'nimbus.monitor.freq.secs'?: number
  /** Age at which an upload that was never submitted is deleted. Default 3600 s. */
  readonly 'nimbus.inbox.jar.expiration.secs'?: number
  /** Most workers a topology may ask for. Default none. */
  readonly 'nimbus.slots.perTopology'?: number
  /** Most executors a topology may ask for. Default none. */
  readonly 'nimbus.executors.perTopology'?: number
  /** Span over which failures of a node are counted. Default 300 s. */
  readonly 'nimbus.blacklist.tolerance.time.secs'?: number
  /** Failures in that span that put the node on the blacklist. Default 3. */
  readonly 'nimbus.blacklist.tolerance.count'?: number
  /** Time after which it is tried again. Default 1800 s. */
  readonly 'nimbus.blacklist.resume.time.secs'?: number
  /** Largest bundle that is taken. Default 64 MiB. */
  readonly 'nimbus.bundle.max.mb'?: number
  /**
   * Drain a node that shows signs of failing soon, one at a time, and only if the others can take its
   * workers. Default false.
   */
  readonly 'nimbus.drain.at.risk'?: boolean
  /** Name of a topology → nodes it gets for itself; others leave them. Default {}. */
  readonly 'isolation.scheduler.machines'?: Readonly<Record<string, number>>
  /**
   * Name of this node, unique in the cluster and the same after a restart. Null: storm.local.hostname, or the
   * system's. Default none.
   */
  readonly 'supervisor.node.name'?: string
  /** One port per worker this node may run. Default [6700,6701,6702,6703]. */
  readonly 'supervisor.slots.ports'?: readonly number[]
  /** Time without progress after which a worker counts as hung and is restarted. Default 5 s. */
  readonly 'supervisor.worker.timeout.secs'?: number
  /** Time a new worker has for its first sign. Default 120 s. */
  readonly 'supervisor.worker.start.timeout.secs'?: number
  /** Time between asking a worker to stop and killing it. Default 3 s. */
  readonly 'supervisor.worker.shutdown.sleep.secs'?: number
  /** A worker without word from its supervisor for this long stops itself. Default 10 s. */
  readonly 'supervisor.worker.lease.secs'?: number
  /** Time between two looks at memory and disk. Exits of workers are seen at once. Default 1 s. */
  readonly 'supervisor.monitor.frequency.secs'?: number
  /** Time between two reports to Nimbus. Default 1 s. */
  readonly 'supervisor.heartbeat.frequency.secs'?: number
  /** Started, idle processes kept ready to take over a slot. 0 saves memory. Default 1. */
  readonly 'supervisor.spare.workers'?: number
  /** Wait before the first restart of a worker that died; doubles from 250 ms on. Default 0 ms. */
  readonly 'supervisor.restart.backoff.first.ms'?: number
  /**
   * Longest such wait. A worker that stayed up for a minute starts from the first again. Default 30000 ms.
   */
  readonly 'supervisor.restart.backoff.max.ms'?: number
  /** Memory this node offers. Default 3072 MiB. */
  readonly 'supervisor.memory.capacity.mb'?: number
  /** CPU this node offers. Default 400 percent of a core. */
  readonly 'supervisor.cpu.capacity'?: number
  /** Time between two progress reports to the supervisor. Default 1 s. */
  readonly 'worker.heartbeat.frequency.secs'?: number
  /** Upper bound for topology.worker.timeout.secs. Default 600 s. */
  readonly 'worker.max.timeout.secs'?: number
  /** Address of the dashboard and the HTTP interface. Default '127.0.0.1'. */
  readonly 'ui.host'?: string
  /** Their port. Default 8080. */
  readonly 'ui.port'?: number
  /** Port of the log service on each node. Default 8000. */
  readonly 'logviewer.port'?: number
  /** Disk all worker logs of a node may take. Default 4096 MiB. */
  readonly 'logviewer.max.sum.worker.logs.size.mb'?: number
  /** Port of /metrics on each daemon. 0: off. Default 9464. */
  readonly 'metrics.prometheus.port'?: number
  /** How long the dashboard's own history is kept. Default 86400 s. */
  readonly 'history.retention.secs'?: number
  /** Level of daemon logs. Default 'info'. */
  readonly 'log.level'?: 'debug' | 'info' | 'warn' | 'error'
  /** auto: pretty on a terminal, else JSON lines. Default 'auto'. */
  readonly 'log.format'?: 'json' | 'pretty' | 'auto'
  /** Certificate of this daemon. Default none. */
  readonly 'security.tls.cert.file'?: string
  /** Its key. Default none. */
  readonly 'security.tls.key.file'?: string
  /** Authorities trusted for other daemons and for clients. Default none. */
  readonly 'security.tls.ca.file'?: string
  /** Bearer tokens and their roles. Default none. */
  readonly 'security.tokens.file'?: string
  /** The token that this daemon shows to others: its role there is daemon. Default none. */
  readonly 'security.token.file'?: string
  /** Role to allowed actions. What is not listed is refused. Default {}. */
  readonly 'security.roles'?: Readonly<Record<string, readonly string[]>>
  /** Users and roles that may do everything. Default []. */
  readonly 'nimbus.admins'?: readonly string[]
}
