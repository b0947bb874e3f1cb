// biome-ignore-all lint/suspicious/noConfusingVoidType: nothing, or a promise, is what callbacks may return
import type { TopologyConfig } from '../config/topology-config.ts'
import type { Logger, TopologyContext } from './context.ts'
import type { AnyValues, Failure, Tuple } from './tuple.ts'

/** Runs in each worker: connection pools, agents, warm caches. */
export interface WorkerHook {
  /**
   * Before the first task. Put what tasks shall find into `context.resources`. A throw keeps the worker
   * from starting.
   */
  start?(context: WorkerContext): void | Promise<unknown>
  /** After the last task, if the worker ends in good order. */
  stop?(context: WorkerContext): void | Promise<unknown>
}

/** What a worker hook knows. */
export interface WorkerContext {
  readonly topology: string
  readonly worker: { readonly id: string; readonly node: string; readonly port: number }
  readonly config: TopologyConfig
  readonly resources: Map<string, unknown>
  readonly log: Logger
  readonly signal: AbortSignal
  now(): number
}

/**
 * Sees what a task does. All members are optional and synchronous; a throw is reported and otherwise
 * ignored.
 */
export interface TaskHook {
  prepare?(context: TopologyContext): void
  emit?(tuple: { readonly stream: string; readonly values: AnyValues }): void
  execute?(tuple: Tuple, durationMs: number | undefined): void
  ack?(tuple: Tuple): void
  fail?(tuple: Tuple, failure: Failure): void
  spoutAck?(messageId: unknown, completeMs: number | undefined): void
  spoutFail?(messageId: unknown, failure: Failure): void
  cleanup?(): void
}

/** One figure. `labels` are topology, component, stream, worker, and task where switched on. */
export interface MetricSample {
  /** Name as in Prometheus, for example `typhoon_tuples_executed_total`. */
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number | HistogramValue
}

/** A distribution: upper bounds of its buckets with counts, and the sum. */
export interface HistogramValue {
  readonly buckets: readonly (readonly [le: number, count: number])[]
  readonly count: number
  readonly sum: number
}

/**
 * Sends figures somewhere. `report` calls never overlap; one that takes longer than `every` skips the next.
 */
export interface MetricsReporter {
  start?(context: WorkerContext): void | Promise<unknown>
  report(samples: readonly MetricSample[], now: number): void | Promise<unknown>
  stop?(): void | Promise<unknown>
}
