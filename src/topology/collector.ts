import type { DefaultOf, DirectId, DirectOf, EmitId } from './schema/streams.ts'
import type { Tuple } from './tuple.ts'

/**
 * Where a `bolt` emits. Emits are anchored to the tuple in hand and take effect when the call returns (or
 * its promise resolves): a call that threw has emitted nothing. Emitting never blocks; a bolt whose
 * outboxes are full finishes its tuple and is then not stepped until there is room. Belongs to one call:
 * emitting after its end is EMIT_AFTER_ACK.
 */
export interface BasicCollector<in O> {
  /** Emits to a named stream. */
  emit<S extends EmitId<O>>(stream: S, values: O[S]): void
  /** Emits to the stream `default`. */
  emit(values: DefaultOf<O>): void
  /**
   * Emits to one task. The stream must be declared with `direct`.
   * @throws UsageError TASK_UNKNOWN
   */
  emitDirect<S extends DirectId<O>>(task: number, stream: S, values: DirectOf<O[S]>): void
  /**
   * Current watermark: no earlier event time is expected. −Infinity before the first, and without event
   * time.
   */
  readonly watermark: number
}

/** Options of an emit of a rich bolt. */
export interface AnchorOptions {
  /**
   * Input tuple or tuples this output belongs to. Without: the output is not tracked, and lost if it fails.
   */
  readonly anchor?: Tuple<unknown> | readonly Tuple<unknown>[]
}

/** Where a `richBolt` emits, acks and fails. Emits take effect at once. Valid while the task lives. */
export interface OutputCollector<in O> {
  emit<S extends EmitId<O>>(stream: S, values: O[S], options?: AnchorOptions): void
  emit(values: DefaultOf<O>, options?: AnchorOptions): void
  emitDirect<S extends DirectId<O>>(
    task: number,
    stream: S,
    values: DirectOf<O[S]>,
    options?: AnchorOptions,
  ): void
  /**
   * Done with this tuple. Exactly one of `ack` and `fail`, once per tuple, now or later.
   * @throws UsageError ACK_TWICE
   */
  ack(tuple: Tuple<unknown>): void
  /** The tuple's tree fails now; the spout is told why. */
  fail(tuple: Tuple<unknown>, why?: unknown): void
  /** Gives the tuple's tree the full message timeout again. */
  resetTimeout(tuple: Tuple<unknown>): void
  readonly watermark: number
}

/** Options of an emit of a spout. */
export interface MessageOptions {
  /** Any value of yours; comes back in `ack` or `fail`. Without: the tuple is not tracked. */
  readonly messageId?: unknown
}

/** Where a `spout` emits. Valid while the task lives. */
export interface SpoutOutputCollector<in O> {
  emit<S extends EmitId<O>>(stream: S, values: O[S], options?: MessageOptions): void
  emit(values: DefaultOf<O>, options?: MessageOptions): void
  emitDirect<S extends DirectId<O>>(
    task: number,
    stream: S,
    values: DirectOf<O[S]>,
    options?: MessageOptions,
  ): void
  /** Tracked tuples of this task in flight. */
  readonly pendingCount: number
}
