/**
 * `typhoon`, the main door: what a topology is made of.
 *
 * Rules that hold everywhere:
 * - Durations are text with a unit (`'30s'`), sizes too (`'64MiB'`); points in time are numbers,
 *   milliseconds since 1970-01-01 UTC.
 * - Definitions are plain data and functions. Nothing runs when one is made; each task makes its own.
 * - Callbacks of one task never run at the same time, except async calls that were allowed to by
 *   `concurrency`.
 * - A callback may return nothing or a promise. Only a real promise is awaited, so a synchronous callback
 *   costs no promise.
 * - Members whose name begins with `~` carry types only. They do not exist at run time.
 *
 * The room's files hold the contracts; this one only says what is public.
 */
export type { ErrorCode } from './base/error-codes.ts'
export {
  ConflictError,
  type Details,
  type ErrorFamily,
  FailTuple,
  FatalTaskError,
  FormatError,
  hasCode,
  StreamError,
  UnavailableError,
  UsageError,
  UserCodeError,
} from './base/errors.ts'
export type {
  Backoff,
  ByteSize,
  ComponentConfig,
  Duration,
  ErrorAction,
  ErrorPolicy,
  EventTime,
  Guarantee,
  MetricsReporterConfig,
  TopologyConfig,
} from './config/topology-config.ts'
export { type BoltDef, type BoltSpec, bolt, type RichBoltSpec, richBolt } from './topology/bolt.ts'
export { type HasKey, type MayWrite, TopologyBuilder } from './topology/builder.ts'
export {
  BaseBasicBolt,
  BaseRichBolt,
  BaseRichSpout,
  type BoltClass,
  type OutputFieldsDeclarer,
  type SpoutClass,
} from './topology/classes.ts'
export type {
  AnchorOptions,
  BasicCollector,
  MessageOptions,
  OutputCollector,
  SpoutOutputCollector,
} from './topology/collector.ts'
export type { Counter, Histogram, Logger, TopologyContext } from './topology/context.ts'
export { defineTopology, type TopologySpec } from './topology/define-topology.ts'
export type {
  BoltHandle,
  ComponentHandle,
  CustomGrouping,
  DirectStreamHandle,
  HandleOf,
  KeyedBoltHandle,
  Placement,
  Ranges,
  SourceHandle,
  SpoutHandle,
  StreamHandle,
} from './topology/handle.ts'
export type {
  HistogramValue,
  MetricSample,
  MetricsReporter,
  TaskHook,
  WorkerContext,
  WorkerHook,
} from './topology/hook.ts'
export {
  type FiredTimer,
  type KeyedBoltDef,
  type KeyedBoltSpec,
  type KeyList,
  type KeyOf,
  keyedBolt,
  type OnTimer,
  type TimerHandlers,
} from './topology/keyed-bolt.ts'
export type { Encodable, IfEncodable, Key, KeyPart, NotEncodable } from './topology/schema/encodable.ts'
export {
  direct,
  encodable,
  type FieldKind,
  type FieldKinds,
  type FieldSpec,
  type Fields,
  type FieldType,
  fields,
} from './topology/schema/fields.ts'
export type {
  Decoded,
  Decoder,
  Infer,
  InvalidAction,
  Schema,
  SchemaIssue,
  SchemaResult,
} from './topology/schema/schema.ts'
export type {
  DefaultOf,
  Direct,
  DirectId,
  DirectOf,
  DirectSchema,
  EmitId,
  InputOf,
  InputSpec,
  KeyField,
  MustNotWait,
  NeedsStreamId,
  OutputSpec,
  Streams,
  StreamsOf,
  Sync,
  ValuesOf,
} from './topology/schema/streams.ts'
export {
  acceptDuplicates,
  type IdempotentSinkSpec,
  idempotentSink,
  type PlainSinkSpec,
  plainSink,
  printSink,
  type Sink,
  type SinkKind,
  type SinkKindFor,
  type SinkRecovery,
  type SinkSpec,
  type TransactionalSinkSpec,
  transactionalSink,
} from './topology/sink.ts'
export {
  type Positioned,
  type Replay,
  type ReplayableSpec,
  type ReplayFor,
  replayableSpout,
  type Source,
  type SpoutDef,
  type SpoutFromOptions,
  type SpoutSpec,
  spout,
  spoutFrom,
} from './topology/spout.ts'
export {
  type KeyedState,
  type KeyedStates,
  type KeyValueState,
  keyValueState,
  type ListState,
  listState,
  type MapState,
  mapState,
  type StateOptions,
  type StatesOf,
  type TaskState,
  type TaskStates,
  type Timer,
  type TimerName,
  timer,
  type ValueState,
  valueState,
} from './topology/state-declaration.ts'
export type { TopologyDef } from './topology/topology-def.ts'
export type { AnyValues, DeadLetter, FailReason, Failure, Tuple } from './topology/tuple.ts'
