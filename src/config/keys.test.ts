// Goal: the tables, the public types and the environment agree, so that a key that is added in one place only
// is noticed. The types are compared by the compiler, the rest at run time.
import { describe, expect, test } from 'vitest'
import type { ClusterConfig } from './cluster-config.ts'
import {
  allKeys,
  configKeys,
  keyNamed,
  keyOfEnv,
  keyOfProperty,
  nearestName,
  nearestProperty,
} from './keys.ts'
import { defaultValue } from './parse.ts'
import type { clusterKeys } from './tables/cluster-keys.ts'
import type { componentKeys } from './tables/component-keys.ts'
import { notSupported } from './tables/not-supported.ts'
import type { topologyKeys } from './tables/topology-keys.ts'
import type { ByteSize, ComponentConfig, Duration, TopologyConfig } from './topology-config.ts'

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : never) : never

// K3. `name` is given by the definition, so the config type has none.
type TableTopology = Exclude<keyof typeof topologyKeys, 'name'>
type TableComponent = keyof typeof componentKeys
type OwnTopology = Exclude<keyof TopologyConfig, keyof ComponentConfig>
const sameProperties: [
  Same<TableTopology, OwnTopology>,
  Same<TableComponent, keyof ComponentConfig>,
  Same<keyof typeof clusterKeys, keyof ClusterConfig>,
] = [true, true, true]

/** The TypeScript type a line of a table stands for. */
type Written<K> = K extends { type: 'duration' }
  ? Duration
  : K extends { type: 'bytes' }
    ? ByteSize
    : K extends { type: 'integer' | 'number' }
      ? number
      : K extends { type: 'boolean' }
        ? boolean
        : K extends { type: 'enum'; values: readonly (infer V)[] }
          ? V
          : unknown
type Disagreeing<T, C> = {
  [P in keyof T & keyof C]: unknown extends Written<T[P]>
    ? never
    : Same<Written<T[P]>, NonNullable<C[P]>> extends true
      ? never
      : P
}[keyof T & keyof C]
const sameTypes: [
  Same<Disagreeing<typeof topologyKeys, TopologyConfig>, never>,
  Same<Disagreeing<typeof componentKeys, ComponentConfig>, never>,
] = [true, true]

function duplicates(names: readonly (string | null)[]): readonly (string | null)[] {
  return names.filter((name, index) => name !== null && names.indexOf(name) !== index)
}

describe('the tables', () => {
  test('have the keys and kinds of the public types', () => {
    // The compiler has compared them; without these two lines it would not.
    expect([...sameProperties, ...sameTypes]).not.toContain(false)
  })

  test('use each name, variable, property and Storm name once', () => {
    expect(duplicates(allKeys.map((key) => key.name))).toEqual([])
    expect(duplicates(allKeys.map((key) => key.env))).toEqual([])
    expect(duplicates(allKeys.map((key) => key.property))).toEqual([])
    const names = new Set(allKeys.map((key) => key.name))
    const twins = allKeys.flatMap((key) => (key.storm === null || key.storm === key.name ? [] : [key.storm]))
    expect(duplicates(twins)).toEqual([])
    expect(twins.filter((twin) => names.has(twin) || notSupported.has(twin))).toEqual([])
    expect([...notSupported.keys()].filter((name) => names.has(name))).toEqual([])
  })

  test('have defaults that keep their own bounds', () => {
    for (const key of allKeys) expect(() => defaultValue(key), key.name).not.toThrow()
  })

  test('carry a doc that is a sentence', () => {
    for (const key of allKeys) expect(key.doc, key.name).toMatch(/^[A-Za-z0-9].*\.$/)
  })

  test('name an existing key where they send people from Storm', () => {
    for (const instead of notSupported.values()) {
      for (const [name] of instead.matchAll(/\btopology\.[a-z.]+[a-z]/g)) {
        expect(keyNamed(name), name).toBeDefined()
      }
    }
  })

  test('are public without the line of the table', () => {
    expect(configKeys).toHaveLength(allKeys.length)
    expect(configKeys[0]).toEqual({
      name: 'topology.name',
      property: 'name',
      scope: 'topology',
      storm: 'topology.name',
      env: 'TYPHOON_TOPOLOGY_NAME',
      type: 'string',
      unit: null,
      default: null,
      doc: expect.any(String),
    })
  })
})

describe('a key is found', () => {
  test('by name, by its Storm name, by variable, by property', () => {
    const key = keyNamed('topology.checkpoint.interval.ms')
    expect(key?.property).toBe('checkpointInterval')
    expect(keyNamed('topology.state.checkpoint.interval.ms')).toBe(key)
    expect(keyOfEnv('TYPHOON_TOPOLOGY_CHECKPOINT_INTERVAL_MS')).toBe(key)
    expect(keyOfProperty('checkpointInterval')).toBe(key)
  })

  test('by its nearest name, also from the other language', () => {
    expect(nearestName('topology.worker')).toBe('topology.workers')
    expect(nearestName('messageTimeout')).toBe('topology.message.timeout.secs')
    expect(nearestName('completely.else')).toBeUndefined()
    expect(nearestProperty('topology.workers', [])).toBe('workers')
    expect(nearestProperty('wokers', ['workers', 'order'])).toBe('workers')
  })
})
