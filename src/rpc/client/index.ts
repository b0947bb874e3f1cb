/**
 * `typhoon/client`: what the command line does, from a program.
 *
 *   await using cluster = await connect({ nimbus: ['nimbus-1:6627', 'nimbus-2:6627'] })
 *   const running = await cluster.submit('./word-count.ts', { config: { workers: 4 } })
 *   await running.ready({ timeout: '1m' })
 *
 * A client finds the Nimbus leader among the given addresses and follows it when it changes. Calls are
 * safe to repeat: one that ends with OPERATION_TIMED_OUT may still succeed, so read the status before
 * repeating.
 */
import type { Client, ConnectOptions } from './client.ts'
import { connectNode } from './node-connect.ts'

export type {
  ClusterEvent,
  ClusterStatus,
  ComponentStatus,
  ErrorSummary,
  KillOptions,
  NodeStatus,
  Progress,
  RebalanceOptions,
  RunningTopology,
  TapOptions,
  TappedTuple,
  TopologyMetrics,
  TopologyState,
  TopologyStatus,
  TopologySummary,
  TraceOptions,
  TraceStep,
  TupleTrace,
  WaitOptions,
} from '../contract.ts'
export type {
  Change,
  Client,
  ConnectOptions,
  Finding,
  SubmitOptions,
  SubmitPreview,
} from './client.ts'

/**
 * Connects to a cluster.
 * @throws UnavailableError NIMBUS_UNREACHABLE; UsageError NOT_AUTHENTICATED, CONTEXT_UNKNOWN
 */
export async function connect(options: ConnectOptions = {}): Promise<Client> {
  return await connectNode(options)
}
