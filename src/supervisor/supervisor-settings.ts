/**
 * Settings of a supervisor, compiled once from the configuration of the cluster: numbers in milliseconds and
 * bytes, and what the configuration has no key for, with the reason for its value.
 */
import { assert, assertDefined } from '../base/assert.ts'
import type { ClusterConfig } from '../config/cluster-config.ts'
import { keyNamed, keyOfProperty } from '../config/keys.ts'
import { defaultValue, parseValue } from '../config/parse.ts'

export interface SupervisorSettings {
  /** Name of the node. */
  readonly node: string
  /** Host at which its workers are reached by workers of other nodes. */
  readonly host: string
  /** Where workers listen. */
  readonly bindHost: string
  /** Where workers of this node find their supervisor: loopback, but in the simulator, which has one net. */
  readonly seatHost: string
  /** Where the supervisor serves logs: `host:port`; port 0 is any. */
  readonly httpAddress: string
  readonly directory: string
  readonly version: string
  readonly ports: readonly number[]
  readonly cpuPercent: number
  readonly memoryBytes: number
  readonly workerTimeoutMs: number
  readonly workerTimeoutMsMax: number
  readonly startTimeoutMs: number
  readonly stopGraceMs: number
  readonly leaseMs: number
  readonly workerHeartbeatMs: number
  readonly monitorMs: number
  readonly heartbeatMs: number
  readonly spareCount: number
  readonly restartFirstMs: number
  readonly restartMaxMs: number
  readonly workerHeapBytes: number
  readonly healthDirectory: string
  readonly healthTimeoutMs: number
  readonly logBytesMax: number
  readonly blobBytesMax: number
  /** How long one try of the board to open may take. */
  readonly boardTimeoutMs: number
}

/** What the configuration does not say. */
export interface SupervisorPlace {
  readonly node: string
  readonly version: string
  /** Default: as configured, or the node's name. */
  readonly host?: string
  readonly seatHost?: string
}

/** Bundles and moved state kept for the next use. A choice: Storm keeps as much. */
const BLOB_BYTES_MAX = 10 * 2 ** 30
/** A new ensemble elects its leader in less. */
const BOARD_TIMEOUT_MS = 10_000

/** @throws UsageError CONFIG_INVALID_VALUE */
export function supervisorSettings(config: ClusterConfig, place: SupervisorPlace): SupervisorSettings {
  const number = (name: keyof ClusterConfig) => numberOf(compiledOf(config, name), name)
  const text = (name: keyof ClusterConfig) => textOf(compiledOf(config, name), name)
  const bindHost = text('bind.address') ?? '127.0.0.1'
  return {
    node: place.node,
    host: place.host ?? text('storm.local.hostname') ?? bindHost,
    bindHost,
    seatHost: place.seatHost ?? '127.0.0.1',
    httpAddress: `${bindHost}:${number('logviewer.port')}`,
    directory: text('storm.local.dir') ?? 'typhoon-local',
    version: place.version,
    ports: portsOf(compiledOf(config, 'supervisor.slots.ports')),
    cpuPercent: number('supervisor.cpu.capacity'),
    memoryBytes: number('supervisor.memory.capacity.mb'),
    workerTimeoutMs: number('supervisor.worker.timeout.secs'),
    workerTimeoutMsMax: number('worker.max.timeout.secs'),
    startTimeoutMs: number('supervisor.worker.start.timeout.secs'),
    stopGraceMs: number('supervisor.worker.shutdown.sleep.secs'),
    leaseMs: number('supervisor.worker.lease.secs'),
    workerHeartbeatMs: number('worker.heartbeat.frequency.secs'),
    monitorMs: number('supervisor.monitor.frequency.secs'),
    heartbeatMs: number('supervisor.heartbeat.frequency.secs'),
    spareCount: number('supervisor.spare.workers'),
    restartFirstMs: number('supervisor.restart.backoff.first.ms'),
    restartMaxMs: number('supervisor.restart.backoff.max.ms'),
    workerHeapBytes: numberOf(topologyDefault('workerMaxHeapSize'), 'topology.worker.max.heap.size.mb'),
    healthDirectory: text('storm.health.check.dir') ?? 'healthchecks',
    healthTimeoutMs: number('storm.health.check.timeout.ms'),
    logBytesMax: number('logviewer.max.sum.worker.logs.size.mb'),
    blobBytesMax: BLOB_BYTES_MAX,
    boardTimeoutMs: BOARD_TIMEOUT_MS,
  }
}

/** Compiled: milliseconds and bytes, whatever the unit of the key. */
function compiledOf(config: ClusterConfig, name: keyof ClusterConfig): unknown {
  const key = assertDefined(keyNamed(name), `${name} is a key`)
  const value = config[name]
  return value === undefined ? defaultValue(key) : parseValue(key, value, 'file')
}

function topologyDefault(property: string): unknown {
  return defaultValue(assertDefined(keyOfProperty(property), `${property} is a key`))
}

function numberOf(value: unknown, name: string): number {
  assert(typeof value === 'number', `${name} compiles to a number`)
  return value
}

function textOf(value: unknown, name: string): string | undefined {
  assert(value === undefined || typeof value === 'string', `${name} compiles to a text`)
  return value
}

function portsOf(value: unknown): readonly number[] {
  assert(Array.isArray(value), 'supervisor.slots.ports compiles to a list')
  return value.map(Number)
}
