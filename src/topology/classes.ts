// biome-ignore-all lint/suspicious/noConfusingVoidType: nothing, or a promise, is what callbacks may return
// biome-ignore-all lint/complexity/noBannedTypes: `{}` stands for "no streams" in the public types
/**
 * Base classes for people from Storm.
 *
 * Route: setSpout and setBolt find a function instead of a definition → make/class-adapter.ts → definitions
 * like all others. One instance is made to hear its streams and settings; each task makes one of its own.
 */
import type { ComponentConfig } from '../config/topology-config.ts'
import type { BasicCollector, OutputCollector, SpoutOutputCollector } from './collector.ts'
import type { TopologyContext } from './context.ts'
import type { Schema } from './schema/schema.ts'
import type { DefaultOf, DirectId, DirectOf, EmitId, Streams } from './schema/streams.ts'
import type { Replay } from './spout.ts'
import type { AnyValues, Failure, Tuple } from './tuple.ts'

/**
 * Where a class says its streams. Called once when the topology is built, and must always say the same.
 */
// biome-ignore lint/suspicious/noExplicitAny: without a type argument every stream is accepted, unchecked
export interface OutputFieldsDeclarer<in O = any> {
  /** Declares the stream `default`. */
  declare(schema: Schema<DefaultOf<O>>): void
  declareStream<S extends EmitId<O>>(stream: S, schema: Schema<O[S]>): void
  declareDirectStream<S extends DirectId<O>>(stream: S, schema: Schema<DirectOf<O[S]>>): void
}

/** Base of a bolt class that anchors and acks by itself. Same calls in the same order as `bolt`. */
export abstract class BaseBasicBolt<In = AnyValues, O extends Streams = {}> {
  declare readonly '~bolt': { readonly reads: (values: In) => void; readonly streams: O }
  declareOutputFields(_declarer: OutputFieldsDeclarer<O>): void {
    // Nothing, unless overridden.
  }
  prepare(_context: TopologyContext): void | Promise<unknown> {
    // Nothing, unless overridden.
  }
  abstract execute(tuple: Tuple<In>, collector: BasicCollector<O>): void | Promise<unknown>
  onTick(_collector: BasicCollector<O>): void | Promise<unknown> {
    // Nothing, unless overridden.
  }
  cleanup(): void | Promise<unknown> {
    // Nothing, unless overridden.
  }
  /** Settings of the component. The topology may override them. */
  getComponentConfiguration(): ComponentConfig {
    return {
      // Nothing, unless overridden.
    }
  }
}

/**
 * Base of a bolt class that anchors, acks and fails by hand. Same calls in the same order as `richBolt`.
 */
export abstract class BaseRichBolt<In = AnyValues, O extends Streams = {}> {
  declare readonly '~bolt': { readonly reads: (values: In) => void; readonly streams: O }
  declareOutputFields(_declarer: OutputFieldsDeclarer<O>): void {
    // Nothing, unless overridden.
  }
  /** Keep the collector: it stays valid while the task lives. */
  prepare(_context: TopologyContext, _collector: OutputCollector<O>): void | Promise<unknown> {
    // Nothing, unless overridden.
  }
  abstract execute(tuple: Tuple<In>): void | Promise<unknown>
  onTick(): void | Promise<unknown> {
    // Nothing, unless overridden.
  }
  cleanup(): void | Promise<unknown> {
    // Nothing, unless overridden.
  }
  getComponentConfiguration(): ComponentConfig {
    return {
      // Nothing, unless overridden.
    }
  }
}

/** Base of a spout class. Same calls in the same order as `spout`. */
export abstract class BaseRichSpout<O extends Streams = {}> {
  declare readonly '~spout': { readonly streams: O; readonly replay: 'plain' }
  declareOutputFields(_declarer: OutputFieldsDeclarer<O>): void {
    // Nothing, unless overridden.
  }
  open(_context: TopologyContext, _collector: SpoutOutputCollector<O>): void | Promise<unknown> {
    // Nothing, unless overridden.
  }
  abstract nextTuple(): void | Promise<unknown>
  ack(_messageId: unknown): void {
    // Nothing, unless overridden.
  }
  fail(_messageId: unknown, _failure: Failure): void {
    // Nothing, unless overridden.
  }
  activate(): void {
    // Nothing, unless overridden.
  }
  deactivate(): void {
    // Nothing, unless overridden.
  }
  close(): void | Promise<unknown> {
    // Nothing, unless overridden.
  }
  getComponentConfiguration(): ComponentConfig {
    return {
      // Nothing, unless overridden.
    }
  }
}

/** A function that makes a spout of a class. */
export type SpoutClass<out O extends Streams, out R extends Replay> = () => {
  readonly '~spout': { readonly streams: O; readonly replay: R }
}

/** A function that makes a bolt of a class. */
export type BoltClass<in In, out O extends Streams> = () => {
  readonly '~bolt': { readonly reads: (values: In) => void; readonly streams: O }
}
