/**
 * Every configuration key, once: the three tables joined, and the ways to find a key in them.
 *
 * Route: topology-keys, component-keys, cluster-keys → [here] → parse, load, settings, JSON Schema,
 * reference page.
 *
 * Invariants
 *   K1  names, Storm twins, names in the environment, and properties are unique
 *   K2  a default keeps its own bounds
 *   K3  the tables have the properties of TopologyConfig and ComponentConfig, and the names of ClusterConfig
 */
import { nearest } from '../base/nearest.ts'
import { clusterKeys } from './tables/cluster-keys.ts'
import { componentKeys } from './tables/component-keys.ts'
import type { KeySpec } from './tables/key-spec.ts'
import { topologyKeys } from './tables/topology-keys.ts'

export type Scope = 'cluster' | 'topology' | 'component'

/** What is known of a key. */
export interface ConfigKey {
  readonly name: string
  /** Its name in TypeScript; null for keys of daemons. */
  readonly property: string | null
  readonly scope: Scope
  /** The Storm key that means the same, if there is one. */
  readonly storm: string | null
  /** Its name in the environment. */
  readonly env: string
  readonly type: string
  readonly unit: string | null
  readonly default: unknown
  readonly doc: string
}

/** A key as the config room holds it: what the public sees, and the line of its table. */
export interface Key extends ConfigKey {
  readonly spec: KeySpec
}

function key(scope: Scope, tableKey: string, spec: KeySpec): Key {
  const name = spec.name ?? tableKey
  return {
    name,
    property: scope === 'cluster' ? null : tableKey,
    scope,
    storm: spec.storm === undefined ? null : spec.storm === 'same' ? name : spec.storm,
    env: `TYPHOON_${name.toUpperCase().replaceAll('.', '_')}`,
    type: spec.type,
    unit: 'unit' in spec ? (spec.unit ?? null) : null,
    default: spec.default,
    doc: spec.doc,
    spec,
  }
}

function table(scope: Scope, specs: Readonly<Record<string, KeySpec>>): readonly Key[] {
  return Object.entries(specs).map(([tableKey, spec]) => key(scope, tableKey, spec))
}

/** All keys: of topologies, of components, of daemons, each in the order of its table. */
export const allKeys: readonly Key[] = [
  ...table('topology', topologyKeys),
  ...table('component', componentKeys),
  ...table('cluster', clusterKeys),
]

/**
 * Every key, once. The reference page, `typhoon config explain` and the JSON Schema of the YAML file are
 * made of it.
 */
export const configKeys: readonly ConfigKey[] = allKeys.map(({ spec: _line, ...key }) => key)

const byName = new Map(allKeys.map((key) => [key.name, key]))
const byEnv = new Map(allKeys.map((key) => [key.env, key]))
const byProperty = new Map(allKeys.flatMap((key) => (key.property === null ? [] : [[key.property, key]])))
// After the names: where a Storm twin is called differently, both are accepted.
const byTwin = new Map(
  allKeys.flatMap((key) => (key.storm === null || key.storm === key.name ? [] : [[key.storm, key]])),
)

/** The key of this name, or of this Storm name. */
export function keyNamed(name: string): Key | undefined {
  return byName.get(name) ?? byTwin.get(name)
}

/** The key with this name in the environment. */
export function keyOfEnv(env: string): Key | undefined {
  return byEnv.get(env)
}

/** The topology or component key with this name in TypeScript. */
export function keyOfProperty(property: string): Key | undefined {
  return byProperty.get(property)
}

/** The name nearest to one that does not exist. A name in TypeScript leads to the name of its key. */
export function nearestName(name: string): string | undefined {
  return keyOfProperty(name)?.name ?? nearest(name, [...byName.keys(), ...byTwin.keys()])
}

/** The same for the environment. */
export function nearestEnv(env: string): string | undefined {
  return nearest(env, byEnv.keys())
}

/** The same for TypeScript: among `properties`. The name of a key leads to its property. */
export function nearestProperty(name: string, properties: Iterable<string>): string | undefined {
  return keyNamed(name)?.property ?? nearest(name, properties)
}
