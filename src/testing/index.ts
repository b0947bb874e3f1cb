/**
 * `typhoon/testing`: a cluster in this process, for tests, demos and embedding.
 *
 * Three tools, from quick to real:
 * - `testDriver`: push items, move time, read results. One worker, no faults.
 * - `completeTopology`: arrays in, runs to the end, results out. Several workers, faults, a seed.
 * - `LocalCluster`: Nimbus, supervisors, workers and coordination in one process, in real or virtual time.
 *
 * Time is virtual in the first two: nothing waits for the wall clock, and timers, time-outs and back-off run
 * in order. Globals are not patched: components must use `context.now()`, and `typhoon check` warns of
 * `Date.now`. The same seed gives the same order of events; it is told when a run fails.
 *
 * In the first two, sources must be replaced (else SOURCE_NOT_MOCKED at the start), and sinks record instead
 * of write.
 */

export type {
  ComponentStatus,
  ErrorSummary,
  KillOptions,
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
} from '../rpc/contract.ts'
export {
  type CompletedRun,
  type CompleteOptions,
  completeTopology,
  type RunOptions,
} from './complete-topology.ts'
export {
  dropAcks,
  dropLink,
  type Fault,
  failComponent,
  failDisk,
  failSink,
  hangWorker,
  killNimbus,
  killNode,
  killSupervisor,
  killWorker,
  type Lasting,
  loseCoordinator,
  partition,
  randomFaults,
  skewClock,
  slowDisk,
  slowLink,
  type When,
} from './faults/fault.ts'
export { LocalCluster, type LocalClusterOptions } from './local-cluster.ts'
export { type SimulateOptions, simulate } from './simulate.ts'
export { type MockOptions, type MockSource, mockSource } from './stand-in/mock-source.ts'
export type { Readings } from './stand-in/readings.ts'
export { type TestDriver, testDriver } from './test-driver.ts'
