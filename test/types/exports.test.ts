// Goal: the main door shows exactly the public API, no name more, none less.
// Method: names at run time against a list; names of types by what index.ts says, since they leave no trace.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import * as door from '../../src/index.ts'

const values = names(`
  BaseBasicBolt BaseRichBolt BaseRichSpout ConflictError FailTuple FatalTaskError FormatError StreamError
  TopologyBuilder UnavailableError UsageError UserCodeError acceptDuplicates bolt defineTopology direct
  encodable fields hasCode idempotentSink keyValueState keyedBolt listState mapState plainSink printSink
  replayableSpout richBolt spout spoutFrom timer transactionalSink valueState
`)

const types = names(`
  AnchorOptions AnyValues Backoff BasicCollector BoltClass BoltDef BoltHandle BoltSpec ByteSize
  ComponentConfig ComponentHandle Counter CustomGrouping DeadLetter Decoded Decoder DefaultOf Details
  Direct DirectId DirectOf DirectSchema DirectStreamHandle Duration EmitId Encodable ErrorAction ErrorCode
  ErrorFamily ErrorPolicy EventTime FailReason Failure FieldKind FieldKinds FieldSpec FieldType Fields
  FiredTimer Guarantee HandleOf HasKey Histogram HistogramValue IdempotentSinkSpec IfEncodable Infer
  InputOf InputSpec InvalidAction Key KeyField KeyList KeyOf KeyPart KeyValueState KeyedBoltDef
  KeyedBoltHandle KeyedBoltSpec KeyedState KeyedStates ListState Logger MapState MayWrite MessageOptions
  MetricSample MetricsReporter MetricsReporterConfig MustNotWait NeedsStreamId NotEncodable OnTimer
  OutputCollector OutputFieldsDeclarer OutputSpec Placement PlainSinkSpec Positioned Ranges Replay
  ReplayFor ReplayableSpec RichBoltSpec Schema SchemaIssue SchemaResult Sink SinkKind SinkKindFor
  SinkRecovery SinkSpec Source SourceHandle SpoutClass SpoutDef SpoutFromOptions SpoutHandle
  SpoutOutputCollector SpoutSpec StateOptions StatesOf StreamHandle Streams StreamsOf Sync TaskHook
  TaskState TaskStates Timer TimerHandlers TimerName TopologyConfig TopologyContext TopologyDef
  TopologySpec TransactionalSinkSpec Tuple ValueState ValuesOf WorkerContext WorkerHook
`)

function names(text: string): string[] {
  return text.trim().split(/\s+/)
}

test('what exists at run time', () => {
  expect(Object.keys(door).sort()).toEqual(values)
})

test('what exists as a type', () => {
  const source = readFileSync(new URL('../../src/index.ts', import.meta.url), 'utf8')
  const found = [...source.matchAll(/export (type )?\{([^}]*)\}/g)].flatMap(([, allTypes, list = '']) => {
    const entries = list.split(',').map((entry) => entry.trim())
    const typed = allTypes === undefined ? entries.filter((entry) => entry.startsWith('type ')) : entries
    return typed.map((entry) => entry.replace(/^type /, '')).filter((entry) => entry !== '')
  })
  expect(found.sort()).toEqual(types)
})

test('phantom members do not exist at run time', () => {
  const schema = door.fields({ word: 'string' })
  const made = [
    door.bolt({ execute() {} }),
    door.spoutFrom(schema, () => []),
    door.plainSink({ write() {} }),
    door.timer('event-time'),
    door.defineTopology({ name: 'x', build() {} }),
    new (class extends door.BaseBasicBolt {
      override execute(): void {}
    })(),
  ]
  for (const value of made) {
    const phantoms = Object.keys(value).filter((name) => name.startsWith('~'))
    expect(phantoms).toEqual([])
  }
})
