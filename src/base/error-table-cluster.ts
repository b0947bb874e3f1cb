/**
 * Error codes of the cluster (E4). One of the three parts of the table; `error-codes.ts` joins and looks up.
 *
 * A code never changes and its number is never used again: both are in logs and in programs of users.
 */
import type { ErrorCodeEntry } from './error-code-entry.ts'

export const clusterCodes = {
  TOPOLOGY_NAME_TAKEN: {
    number: 'E4001',
    family: 'conflict',
    meaning: 'A topology of that name is running.',
    action: 'Choose another name (--name), or end the running one first: typhoon kill NAME.',
  },
  TOPOLOGY_NOT_FOUND: {
    number: 'E4002',
    family: 'usage',
    meaning: 'No topology of that name is running.',
    action: 'Use the name of one that is running.',
  },
  TOPOLOGY_WRONG_STATE: {
    number: 'E4003',
    family: 'conflict',
    meaning: 'The topology is in a state that does not allow this, for example it is being killed.',
    action: 'Wait for the state in the message, then repeat.',
  },
  NIMBUS_NOT_LEADER: {
    number: 'E4004',
    family: 'unavailable',
    meaning: 'This Nimbus is a standby.',
    action: 'Clients go to the leader by themselves; repeat if the leader is just being elected.',
  },
  NIMBUS_UNREACHABLE: {
    number: 'E4005',
    family: 'unavailable',
    meaning: 'No Nimbus answered.',
    action: 'Check nimbus.seeds and the network. Running topologies go on.',
  },
  COORDINATOR_UNAVAILABLE: {
    number: 'E4006',
    family: 'unavailable',
    meaning: 'ZooKeeper does not answer.',
    action:
      'Look at ZooKeeper. Running topologies go on; nothing is restarted or submitted until it is back.',
  },
  EPOCH_OLD: {
    number: 'E4007',
    family: 'conflict',
    meaning: 'A write came from a Nimbus that is no longer the leader.',
    action: 'Nothing: the new leader goes on.',
  },
  NOT_ENOUGH_SLOTS: {
    number: 'E4008',
    family: 'unavailable',
    meaning: 'The cluster has fewer free slots than the topology asks for.',
    action: 'Add supervisors, or lower topology.workers. The topology runs with fewer workers until then.',
  },
  CONFIRMATION_NEEDED: {
    number: 'E4009',
    family: 'usage',
    meaning: 'A dangerous action on a production context was not confirmed.',
    action: 'Repeat with --yes, or confirm in the client call.',
  },
  NOT_AUTHENTICATED: {
    number: 'E4010',
    family: 'usage',
    meaning: 'The call carried no valid token or certificate.',
    action: "Look at the token of the context; get one from the cluster's admin.",
  },
  NOT_ALLOWED: {
    number: 'E4011',
    family: 'usage',
    meaning: "The caller's role does not allow this action.",
    action: 'Ask for the role named in the message.',
  },
  SUPERVISOR_SILENT: {
    number: 'E4012',
    family: 'unavailable',
    meaning: 'A supervisor sends no heartbeat.',
    action: 'Look at the node. Its tasks are moved after a second sign of loss.',
  },
  WORKER_EXITED: {
    number: 'E4013',
    family: 'unavailable',
    meaning: 'A worker process ended unexpectedly.',
    action: 'See its exit code and last log lines; it has been restarted.',
  },
  WORKER_HUNG: {
    number: 'E4014',
    family: 'unavailable',
    meaning: 'A worker made no progress for supervisor.worker.timeout.secs and was restarted.',
    action: 'Look for a blocking call: a CPU profile of the worker shows it.',
  },
  WORKER_CRASH_LOOP: {
    number: 'E4015',
    family: 'unavailable',
    meaning: 'A worker dies again and again and is restarted ever more slowly.',
    action: 'See the first error in its log, not the last.',
  },
  BUNDLE_INVALID: {
    number: 'E4016',
    family: 'format',
    meaning: "The bundle's digest, size or entry does not match its description.",
    action: 'Submit again. Twice in a row: check disk and proxies on the way.',
  },
  BUNDLE_TOO_LARGE: {
    number: 'E4017',
    family: 'usage',
    meaning: "The bundle exceeds the cluster's limit.",
    action: 'Leave data and native parts out of the bundle.',
  },
  VERSION_MISMATCH: {
    number: 'E4018',
    family: 'format',
    meaning: 'Client, Nimbus, supervisor or worker speak versions that do not fit.',
    action: 'Upgrade the older side; the message names both.',
  },
  REBALANCE_CONFLICT: {
    number: 'E4019',
    family: 'conflict',
    meaning: 'Another rebalance of this topology is going on.',
    action: 'Wait until status says active or inactive again, then repeat.',
  },
  OPERATION_TIMED_OUT: {
    number: 'E4020',
    family: 'unavailable',
    meaning: 'A cluster operation did not end in its time.',
    action: 'It may still end: look at typhoon status NAME and typhoon errors NAME before repeating.',
  },
  RESOURCES_NOT_AVAILABLE: {
    number: 'E4021',
    family: 'unavailable',
    meaning: 'No node can offer the CPU or memory that a component asks for.',
    action: 'Lower cpu or memory of the component, or add a larger node.',
  },
  RECORD_CHANGED: {
    number: 'E4022',
    family: 'conflict',
    meaning: 'The record changed since it was read.',
    action: 'Read again, decide again.',
  },
  PORT_IN_USE: {
    number: 'E4023',
    family: 'unavailable',
    meaning: 'A daemon or worker could not open its port.',
    action: 'Free the port, or change it.',
  },
  DISK_FULL: {
    number: 'E4024',
    family: 'unavailable',
    meaning: "A daemon's or worker's disk has no room.",
    action: 'Free space. Checkpoints are skipped meanwhile, and counted.',
  },
  RECORD_MISSING: {
    number: 'E4025',
    family: 'usage',
    meaning: 'A node of the coordinator that was asked for is not there.',
    action: 'Look whether this is the right cluster and root; daemons make what they need.',
  },
  RECORD_EXISTS: {
    number: 'E4026',
    family: 'conflict',
    meaning: 'A node of the coordinator that was to be made is there already.',
    action: 'Read it, then decide: somebody else was faster.',
  },
  RECORD_NOT_EMPTY: {
    number: 'E4027',
    family: 'conflict',
    meaning: 'A node of the coordinator that was to be deleted has children.',
    action: 'Delete the children first.',
  },
  RECORD_TOO_LARGE: {
    number: 'E4028',
    family: 'usage',
    meaning: 'A record exceeds what a node of the coordinator may hold.',
    action: 'Make the topology smaller, or split it: the message says which record, and how large it is.',
  },
  RECORD_MALFORMED: {
    number: 'E4029',
    family: 'format',
    meaning: 'A node below our root holds what no daemon of this version has written.',
    action: 'Look at the node that the message names. Nothing was overwritten.',
  },
  SESSION_EXPIRED: {
    number: 'E4030',
    family: 'unavailable',
    meaning: 'The session with ZooKeeper is over: it was silent for too long.',
    action:
      'Nothing: the daemon ends and is started again. Often: look for a blocked process or a slow network.',
  },
  COORDINATOR_REFUSED: {
    number: 'E4031',
    family: 'usage',
    meaning: 'ZooKeeper refused: the credentials are wrong, or an access list does not allow it.',
    action: 'Check storm.zookeeper.auth.user and its password file, and the access list of the node named.',
  },
  BUILD_NOT_REPEATABLE: {
    number: 'E4032',
    family: 'user-code',
    meaning: 'Two builds of the same module gave different graphs.',
    action:
      'Take time, randomness and the environment out of build: workers build it again, each for itself.',
  },
  BUILD_TIMED_OUT: {
    number: 'E4033',
    family: 'user-code',
    meaning: 'The module did not come to the end of its build in time.',
    action: 'Move work out of the module and out of build, into prepare and open.',
  },
  TLS_REQUIRED: {
    number: 'E4034',
    family: 'usage',
    meaning: 'A listener was to be bound beyond loopback without TLS and authentication.',
    action: 'Set security.tls.* and security.tokens.file, or leave bind.address at 127.0.0.1.',
  },
  REQUEST_INVALID: {
    number: 'E4035',
    family: 'usage',
    meaning: 'A request to the API does not fit its description.',
    action: 'See the fields named in the message; /api/v2/openapi.json describes every route.',
  },
  REQUEST_TOO_LARGE: {
    number: 'E4036',
    family: 'usage',
    meaning: 'A request to the API exceeds its limit.',
    action: 'Send less at once.',
  },
  NODE_UNKNOWN: {
    number: 'E4037',
    family: 'usage',
    meaning: 'The cluster has no node of that name.',
    action: 'See the names with: typhoon cluster nodes.',
  },
  LEASE_LOST: {
    number: 'E4038',
    family: 'unavailable',
    meaning: 'A worker heard nothing from its supervisor for supervisor.worker.lease.secs and ended itself.',
    action: 'Look at the supervisor of the node; its tasks are placed elsewhere.',
  },
  TOPOLOGY_QUARANTINED: {
    number: 'E4039',
    family: 'conflict',
    meaning: 'The records or the bundle of a topology are damaged or missing; it is left alone.',
    action: 'Kill it and submit it again; the message says what is wrong.',
  },
  BLOB_MISSING: {
    number: 'E4040',
    family: 'unavailable',
    meaning: 'A blob that a topology needs is on no Nimbus that answers.',
    action: 'Start the Nimbus that has it, or submit the topology again.',
  },
  BUILD_THREW: {
    number: 'E4041',
    family: 'user-code',
    meaning: 'The module of a topology, or its build, threw.',
    action: 'See the message and the place in it: typhoon check runs the same build on your machine.',
  },
  BUILD_ENDED: {
    number: 'E4042',
    family: 'user-code',
    meaning: 'The process in which a topology was built ended before it was done.',
    action: 'Take process.exit and the like out of the module: it is imported by every worker.',
  },
  BUILD_OUT_OF_MEMORY: {
    number: 'E4043',
    family: 'user-code',
    meaning: 'Building a topology needed more memory than it may have.',
    action: 'Load large things in prepare and open, not when the module is imported.',
  },
  STATE_FILE_DAMAGED: {
    number: 'E4044',
    family: 'format',
    meaning: 'A file of keyed state on its way to another worker is damaged, or of a version not known here.',
    action: 'Look at the disks of the nodes named; the rebalance can be made again.',
  },
  NOT_SUPPORTED: {
    number: 'E4045',
    family: 'usage',
    meaning: 'This version cannot do that with a topology on a cluster.',
    action: 'Use what the message names instead, or a LocalCluster, which can.',
  },
  BUNDLE_NOT_POSSIBLE: {
    number: 'E4046',
    family: 'user-code',
    meaning:
      'The module cannot be made into one file of JavaScript: it does not compile, or has native parts.',
    action: 'See the place in the message; what is native has to be installed on the nodes.',
  },
  DIRECTORY_IN_USE: {
    number: 'E4047',
    family: 'conflict',
    meaning:
      'Another process that lives uses this directory: a supervisor, whose workers a second one would ' +
      'break; a run of the same topology, whose positions it would spoil; or a dev-cluster without ' +
      'ZooKeeper: it and another Nimbus would remove blobs of each other.',
    action:
      'Stop the process in the message, or give this one a directory of its own: a daemon by ' +
      'storm.local.dir, a supervisor with another node name as well; a run by --directory.',
  },
  REBALANCE_GIVEN_UP: {
    number: 'E4048',
    family: 'unavailable',
    meaning: 'A rebalance did not come to its end; everything goes on as it was before it.',
    action: 'See why in the message, and rebalance again when that is mended.',
  },
  POSITIONS_TOO_MANY: {
    number: 'E4049',
    family: 'unavailable',
    meaning: 'More positions of a worker wait to be stored than are kept: some are stored late.',
    action: 'Spread the partitions of the component over more workers, or make them fewer.',
  },
} as const satisfies Record<string, ErrorCodeEntry>
