/**
 * Values that are right alone and wrong together.
 *
 * Route: settings.ts (compiled values) → [here] → findings: errors stop a start, warnings are said once.
 * Pure: looks at numbers, knows nothing of layers.
 */

import type { ComponentSettings, TopologySettings } from './compiled.ts'
import type { ConfigFinding } from './finding.ts'

/** A compiled value of a key by its name: milliseconds, bytes, or what it is. */
export type ValueOf = (name: string) => unknown

/** What contradicts itself in the settings of a topology. */
export function topologyContradictions(settings: TopologySettings): readonly ConfigFinding[] {
  const found: ConfigFinding[] = []
  if (settings.localityawareLowerBound >= settings.localityawareHigherBound) {
    found.push(
      error(
        'topology.localityaware.lower.bound',
        `topology.localityaware.lower.bound is ${settings.localityawareLowerBound}, not below ` +
          `topology.localityaware.higher.bound, which is ${settings.localityawareHigherBound}`,
      ),
    )
  }
  if (settings.transferFrameMaxBytes > settings.transferCreditMaxBytes) {
    found.push(
      error(
        'topology.transfer.frame.max.kb',
        `topology.transfer.frame.max.kb is ${settings.transferFrameMaxBytes} bytes, above ` +
          `topology.transfer.credit.max.kb, which is ${settings.transferCreditMaxBytes}: ` +
          'a full frame could never leave',
      ),
    )
  }
  if (settings.ackerExecutors === 0 && settings.guarantee === 'at-least-once') {
    found.push(
      warning(
        'topology.acker.executors',
        'topology.acker.executors is 0, so nothing is replayed and topology.guarantee at-least-once ' +
          'is not kept; say at-most-once, or leave ackers as they are',
      ),
    )
  }
  if (settings.stateBackend === 'memory' && settings.stateMemoryMaxBytes > settings.workerMaxHeapSizeBytes) {
    found.push(
      warning(
        'topology.state.memory.max.mb',
        `topology.state.memory.max.mb is ${settings.stateMemoryMaxBytes} bytes, above the whole heap ` +
          `of a worker: topology.worker.max.heap.size.mb is ${settings.workerMaxHeapSizeBytes} bytes`,
      ),
    )
  }
  return found
}

/** What contradicts itself between a component and its topology. */
export function componentContradictions(
  topology: TopologySettings,
  component: ComponentSettings,
  componentId: string,
): readonly ConfigFinding[] {
  const { timeoutMs } = component
  const expires = topology.enableMessageTimeouts && topology.guarantee === 'at-least-once'
  if (timeoutMs === undefined || !expires || timeoutMs <= topology.messageTimeoutMs) return []
  return [
    warning(
      'topology.execute.timeout.ms',
      `component '${componentId}': a call may take ${timeoutMs} ms, but its tree expires after ` +
        `${topology.messageTimeoutMs} ms (topology.message.timeout.secs) and is replayed meanwhile`,
    ),
  ]
}

/** The first must be at most the second; `factor`: at most the second divided by it. */
interface Order {
  readonly low: string
  readonly high: string
  readonly factor?: number
}

const orders: readonly Order[] = [
  { low: 'storm.zookeeper.retry.interval', high: 'storm.zookeeper.retry.intervalceiling.millis' },
  { low: 'storm.messaging.netty.min_wait_ms', high: 'storm.messaging.netty.max_wait_ms' },
  { low: 'supervisor.restart.backoff.first.ms', high: 'supervisor.restart.backoff.max.ms' },
  { low: 'topology.worker.timeout.secs', high: 'worker.max.timeout.secs' },
  // One late sign of life must not look like death.
  { low: 'worker.heartbeat.frequency.secs', high: 'supervisor.worker.timeout.secs', factor: 2 },
  { low: 'worker.heartbeat.frequency.secs', high: 'topology.worker.timeout.secs', factor: 2 },
  { low: 'supervisor.heartbeat.frequency.secs', high: 'nimbus.task.timeout.secs', factor: 2 },
  { low: 'supervisor.heartbeat.frequency.secs', high: 'supervisor.worker.lease.secs', factor: 2 },
]

/** Keys of which none has a meaning without the other. */
const pairs: readonly (readonly [string, string])[] = [
  ['security.tls.cert.file', 'security.tls.key.file'],
  ['storm.zookeeper.auth.user', 'storm.zookeeper.auth.password.file'],
]

/** What contradicts itself in the configuration of a daemon. */
export function clusterContradictions(value: ValueOf): readonly ConfigFinding[] {
  const found: ConfigFinding[] = []
  for (const { low, high, factor = 1 } of orders) {
    const lowMs = value(low)
    const highMs = value(high)
    if (typeof lowMs !== 'number' || typeof highMs !== 'number' || lowMs * factor <= highMs) continue
    const times = factor === 1 ? 'above' : `more than 1/${factor} of`
    found.push(error(low, `${low} is ${lowMs} ms, ${times} ${high}, which is ${highMs} ms`))
  }
  for (const [one, other] of pairs) {
    if ((value(one) === undefined) === (value(other) === undefined)) continue
    const [set, missing] = value(one) === undefined ? [other, one] : [one, other]
    found.push(error(set, `${set} is set, but ${missing} is not`))
  }
  const ports = value('supervisor.slots.ports')
  if (Array.isArray(ports) && new Set(ports).size < ports.length) {
    found.push(error('supervisor.slots.ports', 'supervisor.slots.ports names a port twice'))
  }
  return found
}

function error(key: string, message: string): ConfigFinding {
  return { severity: 'error', code: 'CONFIG_CONTRADICTION', message, key, origin: '' }
}

function warning(key: string, message: string): ConfigFinding {
  return { ...error(key, message), severity: 'warning' }
}
