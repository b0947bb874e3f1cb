/**
 * Layers on top of each other: what holds in the end, and who said so.
 *
 * Route: layers (layer.ts) → [here] → TopologyConfig for the topology room, ClusterConfig for daemons,
 * explanations for `typhoon config explain`.
 *
 * Later wins: defaults, cluster file, environment, the project's, the topology's own, command line.
 * Component keys in a layer are defaults for all components; definitions and placements win over them
 * (settings.ts).
 */
import type { ClusterConfig } from './cluster-config.ts'
import { clusterContradictions, topologyContradictions } from './contradictions.ts'
import { type ConfigFinding, refuseErrors } from './finding.ts'
import { toFile, toTyped } from './format.ts'
import { allKeys, type Key, keyNamed, type Scope } from './keys.ts'
import { type Layer, type LayerKind, layerOrder } from './layer.ts'
import { defaultValue } from './parse.ts'
import { topologyValues } from './settings.ts'
import type { ComponentConfig, TopologyConfig } from './topology-config.ts'

/** A value that some layer gave a key. */
export interface Said {
  readonly layer: 'defaults' | LayerKind
  readonly origin: string
  /** As in a file: numbers in the unit of the key, null where unset. */
  readonly value: unknown
}

/** A key, what holds, and everything that was said of it. */
export interface Explanation {
  readonly key: Key
  /** As in a file. */
  readonly value: unknown
  /** In the order of the layers, the default first; the last one holds. */
  readonly said: readonly Said[]
}

/** The configuration that holds. */
export interface ResolvedConfig {
  /**
   * What was set for the topology and, as defaults, for its components; in the form of TypeScript. Keys
   * that nobody set are absent. May hold executors and tasks, for all components, where a file or the
   * command line says them.
   */
  readonly topology: TopologyConfig & ComponentConfig
  /** Every key of daemons, set or by default, as in a file. */
  readonly cluster: ClusterConfig
  readonly warnings: readonly ConfigFinding[]
  /** Undefined: no such key. Storm names find theirs. */
  explain(name: string): Explanation | undefined
}

/** One key while layers are put on it. */
interface Held {
  readonly key: Key
  value: unknown
  isSet: boolean
  readonly said: Said[]
}

/**
 * Puts layers on each other, in the order of their kinds; layers of one kind in the order given.
 * @throws UsageError with the first error's code, if any layer has one, or values contradict each other
 */
export function resolveConfig(layers: readonly Layer[]): ResolvedConfig {
  const { resolved, findings } = inspectConfig(layers)
  refuseErrors(findings)
  return resolved
}

/** The same without throwing: values that do not fit are left out, and told in `findings`. */
export function inspectConfig(layers: readonly Layer[]): {
  readonly resolved: ResolvedConfig
  readonly findings: readonly ConfigFinding[]
} {
  const held = stack(layers)
  const topology: TopologyConfig & ComponentConfig = collect(held, ['topology', 'component'])
  const findings = [
    ...layers.flatMap((layer) => layer.findings),
    ...topologyContradictions(topologyValues(topology)),
    ...clusterContradictions((name) => held.get(name)?.value),
  ]
  return {
    resolved: {
      topology,
      cluster: clusterOf(held),
      warnings: findings.filter((finding) => finding.severity === 'warning'),
      explain: (name) => explain(held, name),
    },
    findings,
  }
}

function stack(layers: readonly Layer[]): ReadonlyMap<string, Held> {
  const held = new Map<string, Held>()
  for (const key of allKeys) {
    const said: Said[] = [{ layer: 'defaults', origin: '', value: key.default }]
    held.set(key.name, { key, value: defaultValue(key), isSet: false, said })
  }
  for (const kind of layerOrder) {
    for (const layer of layers) {
      if (layer.kind === kind) putOn(held, layer)
    }
  }
  return held
}

function putOn(held: ReadonlyMap<string, Held>, layer: Layer): void {
  for (const { key, value, origin } of layer.entries) {
    const target = held.get(key.name)
    if (target === undefined) continue
    target.value = value
    target.isSet = true
    target.said.push({ layer: layer.kind, origin, value: toFile(key, value) })
  }
}

/** What was set, by property. Unset by null means absent: such keys have no default to come back. */
function collect(held: ReadonlyMap<string, Held>, scopes: readonly Scope[]): object {
  const config: Record<string, unknown> = {}
  for (const { key, value, isSet } of held.values()) {
    if (!isSet || value === undefined || key.property === null || !scopes.includes(key.scope)) continue
    config[key.property] = toTyped(key, value)
  }
  return config
}

function clusterOf(held: ReadonlyMap<string, Held>): ClusterConfig {
  const config: Record<string, unknown> = {}
  for (const { key, value } of held.values()) {
    if (key.scope === 'cluster' && value !== undefined) config[key.name] = toFile(key, value)
  }
  return config
}

function explain(held: ReadonlyMap<string, Held>, name: string): Explanation | undefined {
  const key = keyNamed(name)
  const found = key === undefined ? undefined : held.get(key.name)
  return found === undefined
    ? undefined
    : { key: found.key, value: toFile(found.key, found.value), said: found.said }
}
