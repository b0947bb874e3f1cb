/**
 * A function that makes an instance of a bolt or spout class, turned into a definition.
 *
 * Route: builder.ts finds a function where a definition may stand → [here] → a definition like all others:
 * its `prepare` (or `open`) makes the task's instance, the other members call it.
 *
 * One instance is made at once, to hear what it declares; it never runs.
 */
import { BaseBasicBolt, BaseRichBolt, BaseRichSpout, type OutputFieldsDeclarer } from '../classes.ts'
import type { TopologyContext } from '../context.ts'
import {
  type BoltDefinition,
  DEFAULT_STREAM,
  type PlainSpoutDefinition,
  type Result,
  type RuntimeBasicBoltSpec,
  type RuntimePlainSpoutSpec,
  type RuntimeRichBoltSpec,
  type StreamDeclaration,
} from '../definition.ts'
import { isSchema, streamSchemaOf } from '../schema/stream-schema.ts'
import type { Failure, Tuple } from '../tuple.ts'
import { kindOf, type Members, refused } from './expect.ts'

type Make = () => unknown

/**
 * The definition behind a function that makes bolts. `what` names the call in messages: `setBolt('split')`.
 */
export function boltOfClass(what: string, make: Make): BoltDefinition {
  const instance = firstInstance(what, make)
  if (instance instanceof BaseBasicBolt) {
    const ticks = instance.onTick !== BaseBasicBolt.prototype.onTick
    const spec = basicSpec(() => instanceOf(what, make, BaseBasicBolt), ticks)
    return { ...boltParts(what, instance), form: 'basic', spec }
  }
  if (instance instanceof BaseRichBolt) {
    const ticks = instance.onTick !== BaseRichBolt.prototype.onTick
    const spec = richSpec(() => instanceOf(what, make, BaseRichBolt), ticks)
    return { ...boltParts(what, instance), form: 'rich', spec }
  }
  throw refused(
    `${what}: the function makes ${kindOf(instance)}, which extends neither BaseBasicBolt nor BaseRichBolt`,
  )
}

/** The definition behind a function that makes spouts. */
export function spoutOfClass(what: string, make: Make): PlainSpoutDefinition {
  const instance = firstInstance(what, make)
  if (!(instance instanceof BaseRichSpout)) {
    throw refused(`${what}: the function makes ${kindOf(instance)}, which does not extend BaseRichSpout`)
  }
  return {
    kind: 'spout',
    form: 'plain',
    replay: 'plain',
    outputs: declaredBy(what, instance),
    settings: settingsOf(instance),
    eventTime: undefined,
    spec: spoutSpec(() => instanceOf(what, make, BaseRichSpout)),
  }
}

function firstInstance(what: string, make: Make): unknown {
  // A class is a function, too, and would throw a TypeError that says nothing of this call.
  if (/^class\b/.test(Function.prototype.toString.call(make))) {
    const name = make.name === '' ? 'It' : make.name
    throw refused(
      `${what} was given the class ${make.name}: give a function that makes one, () => new ${name}()`,
    )
  }
  return make()
}

/**
 * A further instance, for a task. A function that makes something else now than it did at first is refused.
 */
function instanceOf<I>(what: string, make: Make, base: abstract new () => I): I {
  const instance = make()
  if (instance instanceof base) return instance
  throw refused(`${what}: the function made ${kindOf(instance)} this time`)
}

interface Declaring {
  declareOutputFields(declarer: OutputFieldsDeclarer): void
  getComponentConfiguration(): object
}

function boltParts(
  what: string,
  instance: Declaring,
): Omit<BoltDefinition, 'form' | 'spec' | 'sinkKind'> & NoSink {
  return {
    kind: 'bolt',
    sinkKind: undefined,
    inputs: undefined,
    outputs: declaredBy(what, instance),
    settings: settingsOf(instance),
    key: undefined,
    states: {},
  }
}

interface NoSink {
  readonly sinkKind: undefined
}

function settingsOf(instance: Declaring): Members {
  return { ...instance.getComponentConfiguration() }
}

function declaredBy(what: string, instance: Declaring): ReadonlyMap<string, StreamDeclaration> {
  const streams = new Map<string, StreamDeclaration>()
  const declare = (streamId: string, schema: unknown, direct: boolean): void => {
    if (!isSchema(schema)) throw refused(`${what}: the stream ${streamId} must be given a schema`)
    if (streams.has(streamId)) throw refused(`${what} declares the stream ${streamId} twice`)
    streams.set(streamId, { streamId, schema: streamSchemaOf(schema), direct })
  }
  instance.declareOutputFields({
    declare: (schema) => declare(DEFAULT_STREAM, schema, false),
    declareStream: (streamId: string, schema: unknown) => declare(streamId, schema, false),
    declareDirectStream: (streamId: string, schema: unknown) => declare(streamId, schema, true),
  })
  return streams
}

/** The instance, once its `prepare` or `open` is done. */
function ready<I>(began: Result, instance: I): I | Promise<I> {
  return began instanceof Promise ? began.then(() => instance) : instance
}

// What the adapters call. Methods, so that a class of any fields fits.
interface BasicInstance {
  prepare(context: TopologyContext): Result
  execute(tuple: Tuple, out: unknown): Result
  onTick(out: unknown): Result
  cleanup(): Result
}

function basicSpec(make: () => BasicInstance, ticks: boolean): RuntimeBasicBoltSpec {
  return {
    prepare(context) {
      const bolt = make()
      return ready(bolt.prepare(context), bolt)
    },
    execute: (tuple: Tuple, out: unknown, bolt: BasicInstance) => bolt.execute(tuple, out),
    cleanup: (bolt: BasicInstance) => bolt.cleanup(),
    ...(ticks ? { onTick: (out: unknown, bolt: BasicInstance) => bolt.onTick(out) } : {}),
  }
}

interface RichInstance {
  prepare(context: TopologyContext, collector: unknown): Result
  execute(tuple: Tuple): Result
  onTick(): Result
  cleanup(): Result
}

function richSpec(make: () => RichInstance, ticks: boolean): RuntimeRichBoltSpec {
  return {
    prepare(context, _taskState, collector) {
      const bolt = make()
      return ready(bolt.prepare(context, collector), bolt)
    },
    execute: (tuple: Tuple, _collector: unknown, bolt: RichInstance) => bolt.execute(tuple),
    cleanup: (bolt: RichInstance) => bolt.cleanup(),
    ...(ticks ? { onTick: (_collector: unknown, bolt: RichInstance) => bolt.onTick() } : {}),
  }
}

interface SpoutInstance {
  open(context: TopologyContext, collector: unknown): Result
  nextTuple(): Result
  ack(messageId: unknown): void
  fail(messageId: unknown, failure: Failure): void
  activate(): void
  deactivate(): void
  close(): Result
}

function spoutSpec(make: () => SpoutInstance): RuntimePlainSpoutSpec {
  return {
    open(context, collector) {
      const spout = make()
      return ready(spout.open(context, collector), spout)
    },
    nextTuple: (_out: unknown, spout: SpoutInstance) => spout.nextTuple(),
    ack: (messageId: unknown, spout: SpoutInstance) => spout.ack(messageId),
    fail: (messageId: unknown, spout: SpoutInstance, failure: Failure) => spout.fail(messageId, failure),
    activate: (spout: SpoutInstance) => spout.activate(),
    deactivate: (spout: SpoutInstance) => spout.deactivate(),
    close: (spout: SpoutInstance) => spout.close(),
  }
}
