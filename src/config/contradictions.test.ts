import { describe, expect, test } from 'vitest'
import { assertDefined } from '../base/assert.ts'
import { clusterContradictions, componentContradictions, topologyContradictions } from './contradictions.ts'
import type { ConfigFinding } from './finding.ts'
import { keyNamed } from './keys.ts'
import { defaultValue } from './parse.ts'
import { compileComponentSettings, topologyValues } from './settings.ts'
import type { ComponentConfig, TopologyConfig } from './topology-config.ts'

function inTopology(config: TopologyConfig): readonly string[] {
  return topologyContradictions(topologyValues(config)).map(short)
}

function inComponent(topology: TopologyConfig, component: ComponentConfig): readonly string[] {
  const settings = compileComponentSettings([topology, component], 'bolt', 'b')
  return componentContradictions(topologyValues(topology), settings, 'b').map(short)
}

/** Over the defaults: compiled values by name. */
function inCluster(values: Readonly<Record<string, unknown>>): readonly string[] {
  const value = (name: string): unknown =>
    name in values ? values[name] : defaultValue(assertDefined(keyNamed(name), name))
  return clusterContradictions(value).map(short)
}

function short(finding: ConfigFinding): string {
  return `${finding.severity} ${finding.key}`
}

describe('contradictions', () => {
  test('the defaults have none', () => {
    expect(inTopology({})).toEqual([])
    expect(inComponent({}, {})).toEqual([])
    expect(inCluster({})).toEqual([])
  })

  test('locality bounds must leave something between them', () => {
    const config: TopologyConfig = { localityawareLowerBound: 0.5, localityawareHigherBound: 0.5 }
    expect(inTopology(config)).toEqual(['error topology.localityaware.lower.bound'])
  })

  test('a full frame must fit into the credit', () => {
    expect(inTopology({ transferFrameMax: '1MiB' })).toEqual(['error topology.transfer.frame.max.kb'])
    expect(inTopology({ transferFrameMax: '512KiB' })).toEqual([])
  })

  test('no ackers keep no promise, unless none was made', () => {
    expect(inTopology({ ackerExecutors: 0 })).toEqual(['warning topology.acker.executors'])
    expect(inTopology({ ackerExecutors: 0, guarantee: 'at-most-once' })).toEqual([])
  })

  test('state beyond the heap is warned of, with the memory backend', () => {
    expect(inTopology({ workerMaxHeapSize: '128MiB' })).toEqual(['warning topology.state.memory.max.mb'])
    expect(inTopology({ workerMaxHeapSize: '128MiB', stateBackend: 'leveldb' })).toEqual([])
  })

  test('a call that may outlive its tree is warned of, where trees expire', () => {
    expect(inComponent({}, { timeout: '31s' })).toEqual(['warning topology.execute.timeout.ms'])
    expect(inComponent({}, { timeout: '30s' })).toEqual([])
    expect(inComponent({ enableMessageTimeouts: false }, { timeout: '31s' })).toEqual([])
    expect(inComponent({ guarantee: 'exactly-once' }, { timeout: '31s' })).toEqual([])
  })

  test.each([
    ['storm.zookeeper.retry.interval', 5_001],
    ['storm.messaging.netty.min_wait_ms', 1_001],
    ['supervisor.restart.backoff.first.ms', 30_001],
    ['topology.worker.timeout.secs', 600_001],
    ['worker.heartbeat.frequency.secs', 2_501],
  ])('%s keeps below what it belongs to', (name, ms) => {
    expect(inCluster({ [name]: ms })).toContain(`error ${name}`)
    expect(inCluster({ [name]: ms - 1 })).toEqual([])
  })

  test('half of a pair is refused, from either side', () => {
    expect(inCluster({ 'security.tls.key.file': 'k' })).toEqual(['error security.tls.key.file'])
    expect(inCluster({ 'security.tls.cert.file': 'c' })).toEqual(['error security.tls.cert.file'])
    expect(inCluster({ 'storm.zookeeper.auth.user': 'u' })).toEqual(['error storm.zookeeper.auth.user'])
  })

  test('a port serves one worker', () => {
    expect(inCluster({ 'supervisor.slots.ports': [6_700, 6_701, 6_700] })).toEqual([
      'error supervisor.slots.ports',
    ])
  })
})
