/**
 * `typhoon/client`: what the command line does, from a program. Types only; cluster-client.ts does it.
 *
 * A client finds the Nimbus leader among the given addresses and follows it when it changes. Calls are
 * safe to repeat: one that ends with OPERATION_TIMED_OUT may still succeed, so read the status before
 * repeating.
 *
 * Endless results (`metrics`, `events`) are async iterables: leave the loop, or abort `signal`, to end
 * them. They skip figures rather than queue them when the reader is slow.
 *
 * Savepoints, upgrades and what rests on them come with checkpoints:
 * docs/decisions/0004-local-cluster-surface.md.
 */
import type { ErrorCode } from '../../base/error-codes.ts'
import type { Duration, Guarantee, TopologyConfig } from '../../config/topology-config.ts'
import type {
  ClusterEvent,
  ClusterStatus,
  NodeStatus,
  RunningTopology,
  TopologySummary,
  WaitOptions,
} from '../contract.ts'

/** How to reach a cluster: a context of the client's configuration, or an address. */
export interface ConnectOptions {
  /** Name of a context (`typhoon context list`). Default: the default context. */
  readonly context?: string
  /** Addresses of Nimbus, instead of a context: `['nimbus-1:6627', 'nimbus-2:6627']`. */
  readonly nimbus?: readonly string[]
  readonly token?: string
  /** Paths of PEM files. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string }
  /** Longest time of one call. Default `'30s'`; calls that wait for the cluster have their own. */
  readonly timeout?: Duration
  readonly signal?: AbortSignal
}

/** A cluster, seen from outside. Close it, or let `await using` do so. */
export interface Client extends AsyncDisposable {
  /**
   * Bundles a module, shows nothing, uploads and starts it. Resolves when the topology is accepted;
   * `ready` of the result waits for its first tuples. Disposing of the result leaves the topology
   * running: `kill` ends it.
   * @param file the module whose default export is the topology
   * @throws UsageError any E1, E2, BUNDLE_TOO_LARGE; ConflictError TOPOLOGY_NAME_TAKEN
   */
  submit(file: string | URL, options?: SubmitOptions): Promise<RunningTopology>
  /** What `submit` would do: the graph, findings, what fits, what changes against the running version. */
  preview(file: string | URL, options?: SubmitOptions): Promise<SubmitPreview>
  list(): Promise<readonly TopologySummary[]>
  /**
   * A running topology by name.
   * @throws UsageError TOPOLOGY_NOT_FOUND
   */
  topology(name: string): Promise<RunningTopology>
  cluster(): Promise<ClusterStatus>
  nodes(): Promise<readonly NodeStatus[]>
  /** Moves everything off a node and keeps it empty. Resolves when it is. */
  drain(node: string, options?: WaitOptions): Promise<void>
  undrain(node: string): Promise<void>
  /** What happens in the cluster, from now on, or from an event id on. */
  events(options?: { readonly after?: string; readonly signal?: AbortSignal }): AsyncIterable<ClusterEvent>
  close(): Promise<void>
}

/** Options of `submit`. */
export interface SubmitOptions {
  /** Instead of the topology's own. */
  readonly name?: string
  /** Arguments, as on the command line: `{ input: 'x.jsonl' }`. Checked by the topology's `args`. */
  readonly args?: Readonly<Record<string, unknown>>
  /** Over the topology's own configuration. */
  readonly config?: TopologyConfig
  /** Do not activate yet. */
  readonly inactive?: boolean
  /** Repeating with the same key never submits twice. */
  readonly idempotencyKey?: string
}

/** What a submit would do. */
export interface SubmitPreview {
  readonly name: string
  readonly guarantee: Guarantee
  readonly bundle: { readonly bytes: number; readonly digest: string }
  readonly findings: readonly Finding[]
  /** What differs from the running version; empty for a new topology. */
  readonly changes: readonly Change[]
  readonly slots: { readonly needed: number; readonly free: number }
}

/** Something a check found. */
export interface Finding {
  readonly severity: 'error' | 'warning'
  readonly code: ErrorCode
  readonly message: string
  readonly component: string | undefined
  /** `file:line:column`, through source maps. */
  readonly where: string | undefined
}

/** One difference between two versions. */
export interface Change {
  /** `component-added`, `component-removed`, `parallelism`, `grouping`, `config`, `state-dropped` … */
  readonly kind: string
  readonly subject: string
  readonly before: string | undefined
  readonly after: string | undefined
}
