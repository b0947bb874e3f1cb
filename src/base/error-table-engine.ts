/**
 * Error codes of state (E5), connectors (E6) and the wire (E7). One of the three parts of the table;
 * `error-codes.ts` joins and looks up.
 *
 * A code never changes and its number is never used again: both are in logs and in programs of users.
 */
import type { ErrorCodeEntry } from './error-code-entry.ts'

export const engineCodes = {
  STATE_NOT_ENCODABLE: {
    number: 'E5001',
    family: 'usage',
    meaning: 'A value put into state cannot be encoded.',
    action: 'Store plain data: no functions, symbols, promises, class instances.',
  },
  STATE_MEMORY_FULL: {
    number: 'E5002',
    family: 'unavailable',
    meaning: 'State exceeds state.memory.max of a worker.',
    action: "Use stateBackend 'leveldb', set a TTL, or add workers.",
  },
  STATE_KEY_FULL: {
    number: 'E5003',
    family: 'user-code',
    meaning: 'A map or list state has too many entries under one key.',
    action: 'Limit it in the bolt, or raise stateEntriesPerKeyMax.',
  },
  STATE_VERSION_NEWER: {
    number: 'E5004',
    family: 'format',
    meaning: 'The savepoint holds a newer version of a state than the code.',
    action: 'Deploy the newer code, or start without state.',
  },
  STATE_MIGRATION_MISSING: {
    number: 'E5005',
    family: 'usage',
    meaning: 'A state has an older version in the savepoint, and the code has no migrate.',
    action: "Add migrate to the state's options.",
  },
  STATE_MIGRATION_FAILED: {
    number: 'E5006',
    family: 'user-code',
    meaning: 'migrate threw, or gave a value that its schema refuses.',
    action: 'See cause and key. The upgrade was rolled back; the old version runs.',
  },
  STATE_DROPPED: {
    number: 'E5007',
    family: 'conflict',
    meaning: 'The savepoint holds state of a name that the new version does not have.',
    action: 'Keep the name, or confirm with allowDroppedState.',
  },
  STATE_NOT_RESCALABLE: {
    number: 'E5008',
    family: 'usage',
    meaning: 'Task-level state cannot follow a change of the number of tasks.',
    action: "Keep the number, use keyed state, or rescale: 'by-key'.",
  },
  CHECKPOINT_TIMED_OUT: {
    number: 'E5009',
    family: 'unavailable',
    meaning: 'A checkpoint was not complete in checkpointTimeout and was abandoned.',
    action: 'Look at the slowest task in the message.',
  },
  CHECKPOINT_DAMAGED: {
    number: 'E5010',
    family: 'format',
    meaning: "A checkpoint's files are missing or fail their checksums; the one before was used.",
    action: 'Check the store. Two damaged in a row stop the topology.',
  },
  CHECKPOINT_FENCED: {
    number: 'E5011',
    family: 'conflict',
    meaning: 'A checkpoint came from an older incarnation and was refused.',
    action: 'Nothing: the newer incarnation goes on.',
  },
  NO_CHECKPOINT_LEFT: {
    number: 'E5012',
    family: 'format',
    meaning: 'No readable checkpoint is left.',
    action: 'Restore from a savepoint, or start without state, on purpose.',
  },
  SAVEPOINT_NOT_FOUND: {
    number: 'E5013',
    family: 'usage',
    meaning: 'There is no savepoint of that name.',
    action: 'Use the name of one that exists.',
  },
  KEY_GROUPS_CHANGED: {
    number: 'E5014',
    family: 'usage',
    meaning: 'The savepoint has another number of key groups than the topology.',
    action: 'Set topology.key.groups to the number in the message.',
  },
  STATE_OUTSIDE_CALL: {
    number: 'E5015',
    family: 'usage',
    meaning: 'Keyed state was used after its call had returned.',
    action: 'Use state only inside execute and onTimer, before the promise resolves.',
  },
  CHECKPOINTS_KEEP_FAILING: {
    number: 'E5016',
    family: 'unavailable',
    meaning: 'checkpoint.max.failures checkpoints in a row were abandoned; the topology was stopped.',
    action: 'See the reason of each in the log, then activate.',
  },
  CONNECT_FAILED: {
    number: 'E6001',
    family: 'unavailable',
    meaning: 'Something outside cannot be reached: a file, another worker, the system behind a connector.',
    action:
      'Check path and rights, or address and network. Sources and links go on trying with growing waits.',
  },
  CONNECTOR_AUTH_FAILED: {
    number: 'E6002',
    family: 'usage',
    meaning: 'The outside system refused the credentials.',
    action: 'Correct them; the connector does not retry.',
  },
  SOURCE_RECORD_INVALID: {
    number: 'E6003',
    family: 'user-code',
    meaning: 'A record could not be decoded or did not fit its schema.',
    action: 'See position and issues. onInvalid decides what happens to it.',
  },
  POSITION_GONE: {
    number: 'E6004',
    family: 'conflict',
    meaning:
      "The position to resume from no longer exists, for example it fell out of the topic's " + 'retention.',
    action: "Decide: onPositionGone 'earliest' or 'latest'. The range that is lost is in the message.",
  },
  SINK_WRITE_FAILED: {
    number: 'E6005',
    family: 'unavailable',
    meaning: 'A sink could not write a batch after its retries.',
    action: 'See cause. The tuples fail and are replayed.',
  },
  TRANSACTION_GONE: {
    number: 'E6006',
    family: 'conflict',
    meaning:
      'A prepared transaction no longer exists at recovery; the topology was stopped, the range is in ' +
      'the message.',
    action:
      "Raise the system's transaction timeout above checkpoint interval plus recovery time; write the " +
      'range again by hand if needed.',
  },
  TRANSACTION_FENCED: {
    number: 'E6007',
    family: 'conflict',
    meaning: 'Another process with the same transactional id took over.',
    action: 'Make the prefix unique per topology. After a move this is expected once.',
  },
  TRANSACTION_TIMEOUT_TOO_SHORT: {
    number: 'E6008',
    family: 'usage',
    meaning: "The broker's transaction timeout is below checkpoint interval plus checkpoint timeout.",
    action: "Raise transactionTimeout, or the broker's transaction.max.timeout.ms, or shorten the interval.",
  },
  TOPIC_NOT_FOUND: {
    number: 'E6009',
    family: 'usage',
    meaning: 'The topic does not exist and may not be created.',
    action: 'Create it, or correct the name.',
  },
  PEER_MISSING: {
    number: 'E6010',
    family: 'usage',
    meaning: 'A connector needs a package that is not installed.',
    action: 'npm install the package in the message.',
  },
  FILE_CHANGED: {
    number: 'E6011',
    family: 'conflict',
    meaning: 'A file is shorter than, or differs before, the position to resume from.',
    action: 'Sources need files that only grow. Start again from its beginning on purpose.',
  },
  FRAME_TOO_LARGE: {
    number: 'E6012',
    family: 'format',
    meaning: "A line or a frame exceeds the source's limit.",
    action: 'Raise frameMax, or correct the sender. The connection was closed.',
  },
  RECEIPT_UNKNOWN: {
    number: 'E6013',
    family: 'format',
    meaning: 'A sink cannot read the receipt of its own prepared transaction.',
    action: 'Roll back the sink to the version that wrote it.',
  },
  VALUE_NOT_ENCODABLE: {
    number: 'E7001',
    family: 'usage',
    meaning: 'A value in a tuple cannot be encoded for another worker.',
    action: 'Emit plain data. typhoon check and testingAlwaysTrySerialize find this early.',
  },
  VALUE_OUT_OF_RANGE: {
    number: 'E7002',
    family: 'usage',
    meaning: "A value does not fit its declared kind, for example a fraction in an 'int'.",
    action: "Correct the value, or declare the field 'number'.",
  },
  TUPLE_TOO_LARGE: {
    number: 'E7003',
    family: 'user-code',
    meaning: 'An encoded tuple exceeds tuple.max.',
    action: 'Send a reference, or raise tupleMax.',
  },
  FRAME_MALFORMED: {
    number: 'E7004',
    family: 'format',
    meaning: 'Bytes from another worker do not decode; the link was closed and its trees failed.',
    action: 'Twice: check that all nodes run one version.',
  },
  FRAME_OLD_INCARNATION: {
    number: 'E7005',
    family: 'conflict',
    meaning: 'A frame came from an older incarnation of a task and was dropped.',
    action: 'Nothing: this is fencing at work.',
  },
  LINK_LOST: {
    number: 'E7006',
    family: 'unavailable',
    meaning: 'The link to another worker broke; the trees that may have passed there were failed.',
    action: "Nothing, unless it repeats: then look at that node's network.",
  },
  SCHEMA_MISMATCH: {
    number: 'E7007',
    family: 'format',
    meaning: 'Two workers have different schemas for one stream.',
    action: 'They run different bundles: submit again.',
  },
  MULTILANG_PROTOCOL: {
    number: 'E7008',
    family: 'format',
    meaning: 'A multi-language component sent something that is not the protocol.',
    action: 'Something in it prints to stdout: send logs to stderr.',
  },
  MULTILANG_EXITED: {
    number: 'E7009',
    family: 'unavailable',
    meaning: 'A multi-language component ended or fell silent; it was restarted.',
    action: "See its stderr in the worker's log.",
  },
} as const satisfies Record<string, ErrorCodeEntry>
