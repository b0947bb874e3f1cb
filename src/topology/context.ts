import type { Details } from '../base/errors.ts'
import type { TopologyConfig } from '../config/topology-config.ts'

/**
 * What a task knows of itself and its surroundings. Handed to `prepare` and `open`; valid while the task
 * lives.
 */
export interface TopologyContext {
  readonly topology: string
  readonly component: string
  /** Number of the task in the topology, from 1. */
  readonly task: number
  /** Number of the task in its component, from 0. */
  readonly taskIndex: number
  readonly taskCount: number
  /** Grows with every start of this task; a fencing token for outside systems. */
  readonly incarnation: number
  readonly worker: { readonly id: string; readonly node: string; readonly port: number }
  /** The topology's configuration, all sources merged. */
  readonly config: TopologyConfig
  /** Resources that worker hooks put there, by name. Shared by all tasks of the worker. */
  readonly resources: ReadonlyMap<string, unknown>
  readonly log: Logger
  /** Aborts when the task stops. */
  readonly signal: AbortSignal
  /** The time. Use it instead of Date.now: in tests it is virtual. */
  now(): number
  /** A number from 0 to below 1. Use it instead of Math.random: in tests it comes from the seed. */
  random(): number
  /**
   * Tasks of a component, ascending. For direct emits.
   * @throws UsageError UNKNOWN_COMPONENT
   */
  tasksOf(component: string): readonly number[]
  /** Adds to a counter named `<name>` on the metrics page. The same name gives the same counter. */
  counter(name: string): Counter
  /** Reads a value when metrics are collected. `read` must be quick. */
  gauge(name: string, read: () => number): void
  /** Collects a distribution. */
  histogram(name: string): Histogram
  /** Puts an error on the dashboard and into the log, at a limited rate, without failing a tuple. */
  reportError(error: unknown): void
}

/** A logger whose lines carry topology, component and task. */
export interface Logger {
  debug(message: string, details?: Details): void
  info(message: string, details?: Details): void
  warn(message: string, details?: Details): void
  error(message: string, details?: Details): void
}

/** A count that only grows. */
export interface Counter {
  add(count?: number): void
}

/** A distribution of numbers, for example durations in milliseconds. */
export interface Histogram {
  record(value: number): void
}
