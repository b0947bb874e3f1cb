/**
 * The settings a user writes in TypeScript: of a topology, of a component, of the policies in them.
 *
 * Route: a topology module fills these in → settings.ts compiles them into numbers → the engine. keys.ts
 * says of each property what it is called in YAML and in the environment; a test holds the two together.
 *
 * Types only. Nothing here knows how a value is checked, or where it came from.
 */

/** A span of time: a number and a unit. `'250ms'`, `'1.5s'`, `'10m'`, `'2h'`, `'30d'`. Never negative. */
export type Duration = `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`

/** A number of bytes: `'512B'`, `'32KiB'`, `'64MiB'`, `'4GiB'`. Powers of 1,024. */
export type ByteSize = `${number}${'B' | 'KiB' | 'MiB' | 'GiB'}`

/**
 * What a topology promises for every input.
 * - `at-most-once`: nothing is acked, nothing is replayed. Fastest.
 * - `at-least-once` (default): every tuple tree is processed fully, or replayed.
 * - `exactly-once`: state and the output of transactional sinks reflect every input once, across any crash.
 *   Needs replayable sources, and transactional or idempotent sinks.
 */
export type Guarantee = 'at-most-once' | 'at-least-once' | 'exactly-once'

/** Event time of a source, kept per partition; see the window door for what follows from it. */
export interface EventTime<in T> {
  /** When it happened, milliseconds since 1970. */
  readonly of: (item: T) => number
  /**
   * How far behind the newest one an item may come and still be on time. After `t` the watermark is `t −
   * this − 1 ms`. Default `'0s'`.
   */
  readonly outOfOrderness?: Duration
  /** A partition silent for this long no longer holds the watermark back. Default: it does for ever. */
  readonly idleAfter?: Duration
}

/** Event time as the engine holds it: the type of the items is forgotten, so any `EventTime<T>` fits. */
export interface EventTimeSpec {
  // A method on purpose: its parameter is compared both ways, which is what forgetting the type needs.
  of(item: unknown): number
  readonly outOfOrderness?: Duration
  readonly idleAfter?: Duration
}

/** Waits between attempts. Without jitter two of anything would try in step, so there always is some. */
export interface Backoff {
  /** First wait. Default `'100ms'`. */
  readonly first?: Duration
  /** Each wait is this many times the one before. Default 2. */
  readonly factor?: number
  /** Longest wait. Default `'10s'`. */
  readonly max?: Duration
}

/**
 * What happens to a tuple whose call threw.
 * - `fail`: its tree fails and the source replays it, at most `maxReplays` times. Under `exactly-once` the
 *   topology goes back to the last checkpoint, so prefer `dead-letter` there for input that may be bad.
 * - `dead-letter`: it is acked, and goes to the dead letters with the error.
 * - `skip`: it is acked and counted.
 * - `restart-worker`: its tree fails and the worker is restarted.
 * - `stop-topology`: the topology is deactivated; everything stays for a look.
 */
export type ErrorAction = 'fail' | 'dead-letter' | 'skip' | 'restart-worker' | 'stop-topology'

/** Tries again before acting. */
export interface ErrorPolicy {
  /** Further calls of `execute` with the same tuple. Later tuples of the key, or of the task, wait. */
  readonly retries?: number
  readonly backoff?: Backoff
  /** What to do when they are used up. */
  readonly then: ErrorAction
  /**
   * Looks at the error first: true tries again (default), false acts at once. In code only, not in files.
   */
  readonly retryIf?: (error: unknown) => boolean
}

/** A reporter to start in each worker. */
export interface MetricsReporterConfig {
  /** Module whose default export is a function that makes a `MetricsReporter` from `options`. */
  readonly module: string
  /** Default `'10s'`. */
  readonly every?: Duration
  readonly options?: Readonly<Record<string, unknown>>
}

/**
 * Settings of one component. They may stand in its definition, where it is placed, or in the topology's
 * configuration as defaults for all; the placement wins, then the definition, then the topology. In a
 * definition or placement, a setting without meaning for the component (ticks of a spout, say) is
 * CONFIG_CONTRADICTION: a warning of the check, otherwise ignored.
 */
export interface ComponentConfig {
  /**
   * Executors of the component over the whole topology. Storm's parallelism hint. Default 1.
   * `topology.executors`.
   */
  readonly executors?: number
  /**
   * Tasks of the component. Null: as many as executors. Tasks are what groupings see and what state belongs
   * to; at most topology.key.groups for a keyed component. Both can be changed by a rebalance. Default
   * none. `topology.tasks`.
   */
  readonly tasks?: number
  /**
   * Spout tuples in flight per task. Reached: the spout is not asked for more. Default 1000.
   * `topology.max.spout.pending`.
   */
  readonly maxSpoutPending?: number
  /**
   * Replays of one tuple by sources whose replays the engine does. Then it goes to the dead letters.
   * Default 10. `topology.max.replays`.
   */
  readonly maxReplays?: number
  /**
   * Wait after a nextTuple that emitted nothing. Sources made of iterables wake at once and do not use it.
   * Default '1ms'. `topology.spout.empty.wait.ms`.
   */
  readonly spoutEmptyWait?: Duration
  /**
   * Tuples an executor's inbox holds, a power of two. Full: whoever feeds it is not stepped. Default 1024.
   * `topology.executor.receive.buffer.size`.
   */
  readonly executorReceiveBufferSize?: number
  /**
   * Time between two calls of onTick, from 10 ms. Null: no ticks. Default none.
   * `topology.tick.tuple.freq.secs`.
   */
  readonly tickInterval?: Duration
  /**
   * Calls of an async bolt that one task may have open at a time (1 to 10,000). Default 1.
   * `topology.concurrency`.
   */
  readonly concurrency?: number
  /**
   * What async calls keep in order. input: results leave in the order of their inputs. key: per key of the
   * fields grouping that feeds it. none: as they come. Default 'input'. `topology.order`.
   */
  readonly order?: 'input' | 'key' | 'none'
  /**
   * Longest time one async call may take. Then tuple.signal aborts and the call counts as thrown with
   * EXECUTE_TIMEOUT. Null: only the message timeout. Default none. `topology.execute.timeout.ms`.
   */
  readonly timeout?: Duration
  /**
   * What happens to a tuple whose call threw: fail, dead-letter, skip, restart-worker, stop-topology, or a
   * policy with retries. Default 'fail'. `topology.on.error`.
   */
  readonly onError?: ErrorAction | ErrorPolicy
  /**
   * Call the next bolt directly where the grouping allows it. false: put an inbox in between, for example
   * to see both apart in a profile. Default true. `topology.chain`.
   */
  readonly chain?: boolean
  /** Log every emit and execute of the component. Slow. Default false. `topology.debug`. */
  readonly debug?: boolean
  /**
   * CPU one executor asks of the resource-aware scheduler. Default 10.
   * `topology.component.cpu.pcore.percent`.
   */
  readonly cpu?: number
  /** Memory one executor asks of it. Default '128MiB'. `topology.component.resources.onheap.memory.mb`. */
  readonly memory?: ByteSize
}

/**
 * Settings of a topology, and defaults for its components. The name of a key in YAML and its Storm twin
 * stand at the end of each comment; sources, later wins: defaults, cluster file, environment, this, command
 * line.
 */
export interface TopologyConfig<G extends Guarantee = Guarantee>
  extends Omit<ComponentConfig, 'executors' | 'tasks'> {
  /**
   * Worker processes asked for. One worker is the fastest form that fits: tuples inside it are never
   * encoded. Default 1. `topology.workers`.
   */
  readonly workers?: number
  /**
   * What is promised for every input. The types and the check at submit refuse sources and sinks that
   * cannot keep it. Default 'at-least-once'. `topology.guarantee`.
   */
  readonly guarantee?: G
  /**
   * How long a spout tuple may stay unacked before its tree expires and is replayed. Exact within 100 ms. A
   * high value delays the replay after a crash by as much. Windows and checkpoints do not depend on it.
   * Default '30s'. `topology.message.timeout.secs`.
   */
  readonly messageTimeout?: Duration
  /**
   * Off: trees never expire by time; lost links and lost workers still fail them at once. Default true.
   * `topology.enable.message.timeouts`.
   */
  readonly enableMessageTimeouts?: boolean
  /**
   * Acker executors. Null: one per worker. 0: trees are acked at once, nothing is replayed. Default none.
   * `topology.acker.executors`.
   */
  readonly ackerExecutors?: number
  /**
   * Upper bound for the executors of every component. Used to run a big topology on a small machine.
   * Default none. `topology.max.task.parallelism`.
   */
  readonly maxTaskParallelism?: number
  /**
   * Failures of components (calls that threw, after their retries) that stop the topology. Null: no limit.
   * Default none. `topology.max.failures`.
   */
  readonly maxFailures?: number
  /**
   * The span over which topology.max.failures is counted. Default '3600s'.
   * `topology.max.failures.window.secs`.
   */
  readonly maxFailuresWindow?: Duration
  /**
   * Number of groups that keyed state is cut into; the highest useful number of tasks of a keyed component.
   * Fixed for the life of the state; changed by a savepoint only. Default 128. `topology.key.groups`.
   */
  readonly keyGroups?: number
  /**
   * Time from the start of one checkpoint to the start of the next. Transactional sinks show results this
   * often. Default '10000ms'. `topology.checkpoint.interval.ms`.
   */
  readonly checkpointInterval?: Duration
  /**
   * A checkpoint that is not complete after this is abandoned and counted. Default '60000ms'.
   * `topology.checkpoint.timeout.ms`.
   */
  readonly checkpointTimeout?: Duration
  /**
   * Abandoned checkpoints in a row that stop an exactly-once topology. Until then the last complete one
   * stays valid. Default 10. `topology.checkpoint.max.failures`.
   */
  readonly checkpointMaxFailures?: number
  /**
   * Complete checkpoints kept, 2 at least, so that a damaged one can be stepped over. Default 2.
   * `topology.checkpoints.kept`.
   */
  readonly checkpointsKept?: number
  /**
   * Where state rests between checkpoints. memory: in the heap. leveldb: on the worker's disk, for state
   * beyond memory. Default 'memory'. `topology.state.backend`.
   */
  readonly stateBackend?: 'memory' | 'leveldb'
  /**
   * Heap one worker may give to state with the memory backend. Reached: STATE_MEMORY_FULL stops the
   * topology, nothing is thrown away. Default '256MiB'. `topology.state.memory.max.mb`.
   */
  readonly stateMemoryMax?: ByteSize
  /**
   * Entries of one map or list state under one key. Reached: STATE_KEY_FULL fails the tuple. Default
   * 100000. `topology.state.entries.per.key.max`.
   */
  readonly stateEntriesPerKeyMax?: number
  /**
   * Size of the built-in dead letter store of the topology, used where no component reads the dead letters.
   * Full: a component with the dead-letter policy falls back to 'fail' and says so. Default '256MiB'.
   * `topology.dead.letter.max.mb`.
   */
  readonly deadLetterMax?: ByteSize
  /**
   * Longest wait for tuples in flight at deactivate, kill, rebalance and shutdown. Ends at once when
   * nothing is in flight. Default '20s'. `topology.drain.timeout.secs`.
   */
  readonly drainTimeout?: Duration
  /**
   * Span over which reported errors of one task are limited. Default '10s'.
   * `topology.error.throttle.interval.secs`.
   */
  readonly errorThrottleInterval?: Duration
  /**
   * Reported errors of one task in that span. The rest are counted, with one sample of each code. Default
   * 5. `topology.max.error.report.per.interval`.
   */
  readonly maxErrorReportPerInterval?: number
  /**
   * Longest wait of a frame that is not full. It also leaves when the event loop goes idle. Default '1ms'.
   * `topology.batch.flush.interval.millis`.
   */
  readonly batchFlushInterval?: Duration
  /** Size at which a frame between workers leaves. Default '32KiB'. `topology.transfer.frame.max.kb`. */
  readonly transferFrameMax?: ByteSize
  /**
   * Bytes one worker may have under way to one executor of another worker. Default '512KiB'.
   * `topology.transfer.credit.max.kb`.
   */
  readonly transferCreditMax?: ByteSize
  /**
   * Largest encoded tuple between workers. Larger: TUPLE_TOO_LARGE fails the tuple. Default '4MiB'.
   * `topology.tuple.max.mb`.
   */
  readonly tupleMax?: ByteSize
  /** Compress frames between workers. Default false. `topology.tuple.compression.enable`. */
  readonly tupleCompressionEnable?: boolean
  /** Frames below this are not compressed. Default '1460B'. `topology.tuple.compression.threshold`. */
  readonly tupleCompressionThreshold?: ByteSize
  /**
   * Off (false): shuffle sends less to executors whose inbox is fuller. Default false.
   * `topology.disable.loadaware.messaging`.
   */
  readonly disableLoadawareMessaging?: boolean
  /**
   * Load at which local-or-shuffle begins to use executors farther away, if they are less loaded: fill of the
   * inbox, or busy share of the worker, whichever is more. Default 0.8.
   * `topology.localityaware.higher.bound`.
   */
  readonly localityawareHigherBound?: number
  /** Load at which it comes back. Default 0.2. `topology.localityaware.lower.bound`. */
  readonly localityawareLowerBound?: number
  /**
   * Encode and decode every tuple even inside one worker. Tests only: it finds values that would not
   * survive the way to another worker. Default false. `topology.testing.always.try.serialize`.
   */
  readonly testingAlwaysTrySerialize?: boolean
  /**
   * Freeze the values of tuples deeply, so that writing to a shared value throws at the place of the error.
   * dev: in dev and in the test kit. Default 'dev'. `topology.freeze.tuples`.
   */
  readonly freezeTuples?: 'always' | 'dev' | 'never'
  /**
   * Where Standard Schemas are run: at sources only, or on every stream that has one. Default 'sources'.
   * `topology.validate`.
   */
  readonly validate?: 'sources' | 'edges'
  /**
   * Share of tuples whose times are measured. Counts are exact whatever this is. Default 0.05.
   * `topology.stats.sample.rate`.
   */
  readonly statsSampleRate?: number
  /**
   * Share of spout tuples whose whole tree is recorded for the trace page. Default 0.
   * `topology.trace.sample.rate`.
   */
  readonly traceSampleRate?: number
  /**
   * Field names whose values never appear in traces, taps and dead letter listings. Default [].
   * `topology.trace.mask`.
   */
  readonly traceMask?: readonly string[]
  /**
   * Reporters to start in each worker: { module, every, options }. Default [].
   * `topology.metrics.reporters`.
   */
  readonly metricsReporters?: readonly MetricsReporterConfig[]
  /**
   * Options for the Node process of a worker, for example --cpu-prof. Default [].
   * `topology.worker.node.options`.
   */
  readonly nodeOptions?: readonly string[]
  /** Old-space limit of a worker. Default '768MiB'. `topology.worker.max.heap.size.mb`. */
  readonly workerMaxHeapSize?: ByteSize
  /**
   * Overrides supervisor.worker.timeout.secs for this topology. Default none.
   * `topology.worker.timeout.secs`.
   */
  readonly workerTimeout?: Duration
  /**
   * Silence after which a multi-language component is restarted. Null: the worker's timeout. Default none.
   * `topology.subprocess.timeout.secs`.
   */
  readonly subprocessTimeout?: Duration
  /** Environment variables of the workers. Default {}. `topology.environment`. */
  readonly environment?: Readonly<Record<string, string>>
  /** How executors are spread over slots. Default 'even'. `topology.scheduler.strategy`. */
  readonly schedulerStrategy?: 'even' | 'random' | 'weighted' | 'resource-aware'
  /** Component → components with which it shares no node. Default {}. `topology.scheduler.apart.nodes`. */
  readonly schedulerApartNodes?: Readonly<Record<string, readonly string[]>>
  /**
   * Component → components with which it shares no worker. Default {}. `topology.scheduler.apart.workers`.
   */
  readonly schedulerApartWorkers?: Readonly<Record<string, readonly string[]>>
  /** Component → most executors of it on one node. Default {}. `topology.scheduler.node.max`. */
  readonly schedulerNodeMax?: Readonly<Record<string, number>>
  /** Lower wins when slots are short (0 to 29). Default 29. `topology.priority`. */
  readonly priority?: number
  /**
   * Users and roles that may read and change the topology, besides its submitter. Default [].
   * `topology.users`.
   */
  readonly users?: readonly string[]
  /** The same for groups. Default []. `topology.groups`. */
  readonly groups?: readonly string[]
  /** Users and roles that may read it. Default []. `topology.readonly.users`. */
  readonly readonlyUsers?: readonly string[]
  /**
   * Nimbus hosts that must hold the bundle before the topology starts. Default 1.
   * `topology.min.replication.count`.
   */
  readonly minReplicationCount?: number
  /**
   * Longest wait for that; then it starts with fewer, loudly. Default '60s'.
   * `topology.max.replication.wait.time.sec`.
   */
  readonly maxReplicationWaitTime?: Duration
}
