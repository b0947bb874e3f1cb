/**
 * Settings: configuration compiled once, into the numbers that the engine reads.
 *
 * Route: TopologyConfig and ComponentConfig (TypeScript, or load.ts) → [here] → topology/expand, flow,
 * worker.
 * Names: durations end in `Ms`, sizes in `Bytes`, all else is called as in TypeScript: `messageTimeoutMs`,
 * `stateMemoryMaxBytes`, `workers`. Unset is undefined. Plain objects, nothing is looked up later.
 *
 * Does not know: where a value came from.
 */
import type { UsageError } from '../base/errors.ts'
import type { ComponentSettings, TopologySettings } from './compiled.ts'
import { topologyContradictions } from './contradictions.ts'
import { refuseErrors } from './finding.ts'
import { NOWHERE, type Place, unknownKey } from './invalid.ts'
import { type Key, keyOfProperty, nearestProperty } from './keys.ts'
import { defaultValue, parseValue } from './parse.ts'
import { componentKeys } from './tables/component-keys.ts'
import { topologyKeys } from './tables/topology-keys.ts'
import type { ComponentConfig, TopologyConfig } from './topology-config.ts'

export type {
  ComponentSettings,
  TopologySettings,
} from './compiled.ts'

const topologyKeyList: readonly Key[] = keysOf(topologyKeys)
const componentKeyList: readonly Key[] = keysOf(componentKeys)

/** The component settings among the members of a definition: what `bolt({ … })` was given holds both. */
export function pickComponentConfig(spec: object): ComponentConfig {
  return Object.fromEntries(Object.entries(spec).filter(([name]) => Object.hasOwn(componentKeys, name)))
}

/**
 * Compiles a topology's configuration. Component settings in it are checked here, too, and compiled later as
 * defaults by `compileComponentSettings`.
 * @throws UsageError CONFIG_UNKNOWN_KEY, CONFIG_INVALID_VALUE, CONFIG_CONTRADICTION
 */
export function compileTopologySettings(config: TopologyConfig): TopologySettings {
  checkTopologyConfig(config, NOWHERE)
  const settings = topologyValues(config)
  refuseErrors(topologyContradictions(settings))
  return settings
}

/** The same without a look at what contradicts what. For load.ts, which tells all findings at once. */
export function topologyValues(config: TopologyConfig): TopologySettings {
  // The mapped type says what the loop does; the compiler cannot follow it there.
  return compile(topologyKeyList, [config], NOWHERE) as TopologySettings
}

/**
 * Compiles the settings of one component.
 *
 * @param layers later wins: first the topology's configuration (defaults for all components), then the
 *   definition, then the placement. Unset members say nothing.
 * @throws UsageError CONFIG_UNKNOWN_KEY, CONFIG_INVALID_VALUE, PARALLELISM_INVALID
 */
export function compileComponentSettings(
  layers: readonly ComponentConfig[],
  kind: 'spout' | 'bolt',
  componentId: string,
): ComponentSettings {
  const place: Place = { prefix: `${kind} '${componentId}': ` }
  for (const layer of layers.slice(1)) checkComponentConfig(layer, place)
  return compile(componentKeyList, layers, place) as ComponentSettings
}

/**
 * Checks every member of a topology's configuration as it was written in TypeScript.
 * @throws UsageError CONFIG_UNKNOWN_KEY, CONFIG_INVALID_VALUE
 */
export function checkTopologyConfig(config: TopologyConfig, place: Place): void {
  for (const [property, value] of Object.entries(config)) {
    const key = keyOfProperty(property)
    if (key === undefined) throw unknownProperty(property, place)
    if (value !== undefined) parseValue(key, value, 'typed', place)
  }
}

/** The error for a member that a topology's configuration does not have. */
export function unknownProperty(property: string, place: Place): UsageError {
  const names = [...Object.keys(topologyKeys), ...Object.keys(componentKeys)]
  return unknownKey(place, property, nearestProperty(property, names))
}

function checkComponentConfig(config: ComponentConfig, place: Place): void {
  for (const [property, value] of Object.entries(config)) {
    const key = keyOfProperty(property)
    if (key === undefined || key.scope !== 'component') {
      throw unknownKey(place, property, nearestProperty(property, Object.keys(componentKeys)))
    }
    if (value !== undefined) parseValue(key, value, 'typed', place)
  }
}

/** A setting in a definition or placement that has no meaning for its component. */
export interface MisplacedSetting {
  readonly property: string
  /** The kind of component it has a meaning for. */
  readonly kind: 'spout' | 'bolt'
}

/**
 * Settings that stand where they change nothing. They are said, as CONFIG_CONTRADICTION, and otherwise
 * ignored: a `maxSpoutPending` in a bolt does no harm, and refusing it would stop a topology that works.
 */
export function misplacedSettings(
  config: ComponentConfig,
  kind: 'spout' | 'bolt',
): readonly MisplacedSetting[] {
  return Object.entries(config).flatMap(([property, value]) => {
    const only = keyOfProperty(property)?.spec.kind
    return value === undefined || only === undefined || only === kind ? [] : [{ property, kind: only }]
  })
}

function compile(keys: readonly Key[], layers: readonly object[], place: Place): object {
  const settings: Record<string, unknown> = {}
  for (const key of keys) settings[compiledName(key)] = compileKey(key, layers, place)
  return settings
}

/** The last layer that says something wins, also with null. */
function compileKey(key: Key, layers: readonly object[], place: Place): unknown {
  for (const layer of layers.toReversed()) {
    const value: unknown = Reflect.get(layer, key.property ?? '')
    if (value !== undefined) return parseValue(key, value, 'typed', place)
  }
  return defaultValue(key)
}

function compiledName(key: Key): string {
  if (key.spec.type === 'duration') return `${key.property}Ms`
  return key.spec.type === 'bytes' ? `${key.property}Bytes` : `${key.property}`
}

function keysOf(table: object): readonly Key[] {
  return Object.keys(table).flatMap((property) => keyOfProperty(property) ?? [])
}
