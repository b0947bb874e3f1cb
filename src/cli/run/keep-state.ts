/**
 * What of the keyed state of one version of a topology the next one can go on with. Pure.
 *
 * Kept: what has the same component, name and kind, in a version the next one can read. The rest is named, so
 * that it can be said.
 */
import type { KeyedEntry, StatePart } from '../../state/state-entry.ts'
import type { StateDeclaration } from '../../topology/definition.ts'
import type { Topology } from '../../topology/topology.ts'

export type StateByComponent = ReadonlyMap<string, readonly KeyedEntry[]>

export interface Kept {
  readonly state: StateByComponent
  /** `counts of count`, with how many keys have it. */
  readonly kept: readonly KeptState[]
  /** `seen of count (it is gone)`. */
  readonly dropped: readonly string[]
}

export interface KeptState {
  readonly componentId: string
  readonly name: string
  readonly keyCount: number
}

export function keepState(state: StateByComponent, next: Topology): Kept {
  const kept = new Map<string, KeptState>()
  const dropped = new Set<string>()
  const carried = new Map<string, readonly KeyedEntry[]>()
  for (const [componentId, entries] of state) {
    const states = statesOf(next, componentId)
    const fitting = entries.flatMap((entry): readonly KeyedEntry[] => {
      const parts = entry.parts.filter((part) => {
        const trouble =
          states === undefined ? 'the component is gone or keeps none' : misfit(part, states[part.name])
        if (trouble !== undefined) dropped.add(`${part.name} of ${componentId} (${trouble})`)
        else count(kept, componentId, part.name)
        return trouble === undefined
      })
      return parts.length === 0 ? [] : [{ ...entry, parts }]
    })
    carried.set(componentId, fitting)
  }
  return { state: carried, kept: [...kept.values()], dropped: [...dropped] }
}

function statesOf(
  topology: Topology,
  componentId: string,
): Readonly<Record<string, StateDeclaration>> | undefined {
  const definition = topology.components.get(componentId)?.definition
  return definition?.kind === 'bolt' && definition.form === 'keyed' ? definition.states : undefined
}

function misfit(part: StatePart, declared: StateDeclaration | undefined): string | undefined {
  if (declared === undefined) return 'it is no longer declared'
  if (declared.kind !== part.kind) return `it was a ${part.kind}, and is a ${declared.kind}`
  if (part.kind === 'timer') return undefined
  const [version, newest] = versionsOf(part)
  if (newest > declared.version) return `it is of version ${newest}, newer than ${declared.version}`
  if (version < declared.version && declared.migrate === undefined) {
    return `version ${version} has no migrate to ${declared.version}`
  }
  return undefined
}

/** The oldest and the newest that are in it: entries of a map are migrated as they are written. */
function versionsOf(part: Exclude<StatePart, { kind: 'timer' }>): readonly [number, number] {
  const versions = part.kind === 'map' ? part.entries.map(({ version }) => version) : [part.version]
  return [Math.min(...versions), Math.max(...versions)]
}

function count(kept: Map<string, KeptState>, componentId: string, name: string): void {
  const key = `${componentId}/${name}`
  const keyCount = (kept.get(key)?.keyCount ?? 0) + 1
  kept.set(key, { componentId, name, keyCount })
}
