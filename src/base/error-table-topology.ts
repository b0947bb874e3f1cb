/**
 * Error codes of topologies (E1), configuration (E2) and components (E3). One of the three parts of the
 * table; `error-codes.ts` joins and looks up.
 *
 * A code never changes and its number is never used again: both are in logs and in programs of users.
 */
import type { ErrorCodeEntry } from './error-code-entry.ts'

export const topologyCodes = {
  DUPLICATE_COMPONENT: {
    number: 'E1001',
    family: 'usage',
    meaning: 'Two components have the same id.',
    action: "Rename one. In the Streams DSL the id is the step's name.",
  },
  UNKNOWN_COMPONENT: {
    number: 'E1002',
    family: 'usage',
    meaning: 'A grouping names a component that the topology does not have.',
    action: 'Use the handle that setSpout or setBolt returned, or one of the ids in the message.',
  },
  UNKNOWN_STREAM: {
    number: 'E1003',
    family: 'usage',
    meaning: 'A grouping names a stream that its component does not declare.',
    action: 'Use handle.stream(id), or declare the stream in output.',
  },
  UNKNOWN_FIELD: {
    number: 'E1004',
    family: 'usage',
    meaning: 'A grouping names a field that the stream does not have.',
    action: 'Use one of the fields in the message.',
  },
  INPUT_MISMATCH: {
    number: 'E1005',
    family: 'usage',
    meaning: 'A bolt reads a stream whose fields do not fit its input.',
    action: 'Change the input of the bolt, or put a bolt in between that emits what it needs.',
  },
  NO_INPUT: {
    number: 'E1006',
    family: 'usage',
    meaning: 'A bolt has no grouping, so it would never get a tuple.',
    action: 'Add a grouping, or remove the bolt.',
  },
  RESERVED_ID: {
    number: 'E1007',
    family: 'usage',
    meaning: 'A name or an id begins with two underscores, or holds a character that it may not.',
    action:
      'Rename it. Letters, digits, minus, dot and underscores can be used, but no two underscores first.',
  },
  BUILD_NOT_DETERMINISTIC: {
    number: 'E1008',
    family: 'usage',
    meaning: 'Two runs of build gave two different graphs.',
    action: 'Take times, random numbers and environment out of build; hand them in through args.',
  },
  DIRECT_STREAM_MISMATCH: {
    number: 'E1009',
    family: 'usage',
    meaning:
      'A direct stream is read through another grouping, or directGrouping reads a stream that is not ' +
      'direct.',
    action: 'Declare the stream with direct(…) and read it with directGrouping only.',
  },
  KEY_GROUPING_MISMATCH: {
    number: 'E1010',
    family: 'usage',
    meaning: 'A keyed bolt is fed by something else than a fields grouping on its key.',
    action: 'Use fieldsGrouping with exactly the fields of key, in the same order.',
  },
  GUARANTEE_NOT_POSSIBLE: {
    number: 'E1011',
    family: 'usage',
    meaning: 'The topology asks for exactly-once, but a source cannot be replayed or a sink writes plainly.',
    action:
      "This version runs no topology exactly-once: set guarantee to 'at-least-once', and make doubles " +
      'harmless with an idempotent sink.',
  },
  SCHEMA_HAS_NO_FIELDS: {
    number: 'E1012',
    family: 'usage',
    meaning: 'A schema does not say the names of its fields, which the wire and groupings need.',
    action: "Name them: fields(schema, ['id', 'user']).",
  },
  EMPTY_TOPOLOGY: {
    number: 'E1013',
    family: 'usage',
    meaning: 'The topology has no spout.',
    action: 'Add a source.',
  },
  DUPLICATE_STATE: {
    number: 'E1014',
    family: 'usage',
    meaning: 'Two states of one component, or two stateful steps, have the same name.',
    action: 'Rename one; the name is how state is found again.',
  },
  NO_DEFAULT_EXPORT: {
    number: 'E1015',
    family: 'usage',
    meaning: "The module's default export is not a topology.",
    action: 'export default defineTopology({ … }), or defineStreams.',
  },
  PARALLELISM_INVALID: {
    number: 'E1016',
    family: 'usage',
    meaning:
      'Executors or tasks are not whole numbers from 1, or executors exceed tasks, or tasks exceed ' +
      'key groups.',
    action: 'Correct the figure named in the message.',
  },
  CYCLE_UNDER_EXACTLY_ONCE: {
    number: 'E1017',
    family: 'usage',
    meaning: 'The graph has a cycle, and barriers of a checkpoint cannot pass one.',
    action: 'Break the cycle through an outside queue, or run it at-least-once.',
  },
  ARGS_INVALID: {
    number: 'E1018',
    family: 'usage',
    meaning: 'The arguments of the topology do not fit its args schema.',
    action: 'See the issues in the message; arguments follow -- on the command line, as --name value.',
  },
  BUILDER_CLOSED: {
    number: 'E1019',
    family: 'usage',
    meaning: 'A component or a grouping was added after createTopology, or after build returned.',
    action: 'Do all building inside build, synchronously.',
  },
  EVENT_TIME_MISSING: {
    number: 'E1020',
    family: 'usage',
    meaning: 'An event-time window or timer is fed by a source without event time.',
    action: 'Give the source eventTime, or call withEventTime before the window.',
  },
  WINDOW_INVALID: {
    number: 'E1021',
    family: 'usage',
    meaning:
      'A window length, slide, gap or offset is not positive, or the offset is not shorter than the ' +
      'slide.',
    action: 'Correct the figure named in the message.',
  },
  TICK_WITHOUT_INTERVAL: {
    number: 'E1022',
    family: 'usage',
    meaning: 'A component has onTick, but no tickInterval.',
    action: 'Set tickInterval in the definition or where it is placed.',
  },
  SOURCE_NOT_MOCKED: {
    number: 'E1023',
    family: 'usage',
    meaning: 'A test runs a topology without replacing one of its sources.',
    action: 'Give mockSource for the sources in the message, or push to them with testDriver.',
  },
  CONFIG_UNKNOWN_KEY: {
    number: 'E2001',
    family: 'usage',
    meaning: 'A configuration key does not exist.',
    action: 'Use the nearest name in the message; docs/reference/config.md lists all.',
  },
  CONFIG_INVALID_VALUE: {
    number: 'E2002',
    family: 'usage',
    meaning: 'A value has the wrong type or is out of bounds.',
    action:
      'Correct what the message names. For a configuration key, typhoon config explain <key> prints type, ' +
      'bounds and where the value came from.',
  },
  CONFIG_NOT_SUPPORTED: {
    number: 'E2003',
    family: 'usage',
    meaning: 'A Storm key has no meaning here and is ignored. A warning, not an error.',
    action: 'Remove it, or use the replacement in the message.',
  },
  CONFIG_FILE_UNREADABLE: {
    number: 'E2004',
    family: 'usage',
    meaning: 'A configuration file is missing, not readable, or not valid YAML.',
    action: 'Correct the line in the message.',
  },
  CONFIG_CONTRADICTION: {
    number: 'E2005',
    family: 'usage',
    meaning: 'Two keys contradict each other, for example a timeout below its heartbeat.',
    action: 'Change one of the keys in the message.',
  },
  SECRET_FILE_UNREADABLE: {
    number: 'E2006',
    family: 'usage',
    meaning: 'A file named by a *.file key cannot be read.',
    action: "Check path and rights of the daemon's user.",
  },
  CONTEXT_UNKNOWN: {
    number: 'E2007',
    family: 'usage',
    meaning: 'A client context with that name is not configured.',
    action: 'Use a name from the contexts of typhoon.config.ts, or add it there.',
  },
  LISTENER_NOT_PROTECTED: {
    number: 'E2008',
    family: 'usage',
    meaning: 'A listener would be open beyond this machine without TLS and authentication.',
    action: 'Configure security.tls.* and security.tokens.file, or bind to loopback.',
  },
  EXECUTE_THREW: {
    number: 'E3001',
    family: 'user-code',
    meaning: "A bolt's execute threw or its promise was rejected.",
    action: "See cause for the bolt's own error. onError decides what happens to the tuple.",
  },
  EXECUTE_TIMEOUT: {
    number: 'E3002',
    family: 'user-code',
    meaning: 'An async call took longer than its timeout.',
    action: 'Pass tuple.signal to what it waits for; raise timeout if the service is just slow.',
  },
  PREPARE_THREW: {
    number: 'E3003',
    family: 'user-code',
    meaning: "A component's prepare or open threw, so the task could not start.",
    action:
      'Mend what was thrown. In a topology that runs already, the task is tried again with growing waits.',
  },
  SPOUT_THREW: {
    number: 'E3004',
    family: 'user-code',
    meaning: "A spout's nextTuple, ack or fail threw.",
    action: 'Mend what was thrown. The spout is asked again after a growing wait.',
  },
  SOURCE_ENDED_WITH_ERROR: {
    number: 'E3005',
    family: 'user-code',
    meaning: 'The iterable behind a source threw.',
    action: 'Mend what was thrown. A replayable source is opened again at its last position.',
  },
  EMIT_NOT_DECLARED: {
    number: 'E3006',
    family: 'usage',
    meaning: 'A component emitted to a stream it does not declare, or values without a declared field.',
    action: 'Correct the emit, or the output.',
  },
  EMIT_AFTER_ACK: {
    number: 'E3007',
    family: 'usage',
    meaning: 'A bolt emitted after its call had returned, so the tuple was acked already.',
    action: 'Await the promise, or return it; or use richBolt and ack yourself.',
  },
  ACK_TWICE: {
    number: 'E3008',
    family: 'usage',
    meaning: 'A rich bolt answered the same tuple twice, or a tuple that is not its own.',
    action: 'Call ack or fail exactly once per tuple.',
  },
  TUPLE_WRITTEN: {
    number: 'E3009',
    family: 'usage',
    meaning: 'A component wrote to the values of a tuple.',
    action: 'Copy before changing: values are shared by all readers.',
  },
  FAIL_TUPLE: {
    number: 'E3010',
    family: 'user-code',
    meaning: 'A component threw FailTuple: it refuses the tuple on purpose.',
    action: 'Nothing is broken. See the message given by the component.',
  },
  FATAL_TASK: {
    number: 'E3011',
    family: 'user-code',
    meaning: 'A component threw FatalTaskError: its worker is restarted.',
    action: 'Mend what was thrown. Repeats are slowed down by the restart back-off.',
  },
  TOO_MANY_FAILURES: {
    number: 'E3012',
    family: 'user-code',
    meaning: 'The topology reached max.failures and was stopped.',
    action: 'Read the errors it reported, correct the cause, start it again.',
  },
  TASK_UNKNOWN: {
    number: 'E3013',
    family: 'usage',
    meaning: 'emitDirect or a custom grouping chose a task that does not exist or does not read the stream.',
    action: 'Choose from context.tasksOf(component), or from the targets given.',
  },
  REPLAYS_EXHAUSTED: {
    number: 'E3014',
    family: 'user-code',
    meaning: 'A tuple failed more often than max.replays and went to the dead letters.',
    action: "Look at the dead letter's error, correct it, and feed the dead letter in again.",
  },
  STEP_TOO_LONG: {
    number: 'E3015',
    family: 'user-code',
    meaning: 'One call kept the event loop busy for more than 100 ms.',
    action: 'Split the work, move it to more workers, or make the call async.',
  },
  VALUE_INVALID: {
    number: 'E3016',
    family: 'user-code',
    meaning: 'A value did not pass the schema of its stream.',
    action: 'See the issues. At sources, onInvalid decides what happens.',
  },
  TIMER_IN_WRONG_TIME: {
    number: 'E3017',
    family: 'usage',
    meaning: 'An event-time timer was set where there is no event time, or a timer outside a keyed call.',
    action: 'Give the source event time; set timers inside execute or onTimer only.',
  },
} as const satisfies Record<string, ErrorCodeEntry>
