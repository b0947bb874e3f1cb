/**
 * The graph of a topology as plain JSON: for `typhoon graph` and `check`, for Nimbus, which never runs user
 * code, and to see whether two runs of `build` gave the same.
 *
 * Holds what the graph is, not how the user's functions look: those do not survive JSON. Places in files are
 * left out, so that the document of a moved file stays the same.
 */
import type { ComponentConfig, TopologyConfig } from '../../config/topology-config.ts'
import type { ComponentDefinition, StreamDeclaration } from '../definition.ts'
import { written } from '../schema/field-kind.ts'
import { type Component, type Grouping, readersOf, type Topology } from '../topology.ts'

export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json }

export interface TopologyDocument {
  readonly name: string | null
  readonly config: Json
  readonly components: Readonly<Record<string, ComponentDocument>>
}

export interface ComponentDocument {
  readonly kind: 'spout' | 'bolt'
  /** How it is written: `basic`, `keyed`, `replayable` … */
  readonly form: string
  /** Of a spout. */
  readonly replay: 'plain' | 'replayable' | null
  /** Of a sink. */
  readonly sink: 'plain' | 'idempotent' | 'transactional' | null
  /** Fields of the key of a keyed bolt. */
  readonly key: readonly string[] | null
  /** Kinds of declared state by name. */
  readonly state: Readonly<Record<string, string>>
  /** Settings of definition and placement, the placement's winning. */
  readonly settings: Json
  readonly streams: Readonly<Record<string, StreamDocument>>
  readonly inputs: readonly InputDocument[]
}

export interface StreamDocument {
  /** Kinds by field name, in declared order. */
  readonly fields: Readonly<Record<string, string>>
  readonly direct: boolean
  /** Components that read it. */
  readonly readers: readonly string[]
}

export interface InputDocument {
  readonly component: string
  readonly stream: string
  readonly grouping: string
  readonly fields: readonly string[]
  /** Of a range grouping: where it is cut, or from how many tuples that is learnt. */
  readonly ranges: Json
}

export function topologyDocument(topology: Topology): TopologyDocument {
  const components: Record<string, ComponentDocument> = {}
  for (const component of topology.components.values()) {
    components[component.id] = componentDocument(topology, component)
  }
  return { name: topology.name ?? null, config: settingsDocument(topology.config), components }
}

function componentDocument(topology: Topology, component: Component): ComponentDocument {
  const { definition, placement, inputs } = component
  const bolt = definition.kind === 'bolt' ? definition : undefined
  return {
    kind: definition.kind,
    form: definition.form,
    replay: definition.kind === 'spout' ? definition.replay : null,
    sink: bolt?.sinkKind ?? null,
    key: bolt?.key ?? null,
    state: statesDocument(definition),
    settings: settingsDocument({ ...definition.settings, ...placement }),
    streams: streamsDocument(topology, component),
    inputs: inputs.map(({ componentId, streamId, grouping }) => {
      return { component: componentId, stream: streamId, ...groupingDocument(grouping) }
    }),
  }
}

function statesDocument(definition: ComponentDefinition): Readonly<Record<string, string>> {
  if (definition.kind === 'spout') return {}
  const entries = Object.entries(definition.states)
  return Object.fromEntries(entries.map(([name, { kind, version }]) => [name, `${kind} v${version}`]))
}

function streamsDocument(topology: Topology, component: Component): Readonly<Record<string, StreamDocument>> {
  const entries = [...component.definition.outputs.values()].map((stream): [string, StreamDocument] => {
    const readers = readersOf(topology, component.id, stream.streamId).map((reader) => reader.component.id)
    return [stream.streamId, { fields: fieldsDocument(stream), direct: stream.direct, readers }]
  })
  return Object.fromEntries(entries)
}

function fieldsDocument({ schema }: StreamDeclaration): Readonly<Record<string, string>> {
  return Object.fromEntries(schema.shapes.map((shape) => [shape.name, written(shape)]))
}

function groupingDocument(grouping: Grouping): Omit<InputDocument, 'component' | 'stream'> {
  if (grouping.kind === 'range') {
    const { field, boundaries, sampleCount } = grouping
    const ranges = boundaries === undefined ? { sampleCount: sampleCount ?? null } : boundaries.map(plain)
    return { grouping: grouping.kind, fields: [field], ranges }
  }
  const fields = 'fields' in grouping ? grouping.fields : []
  return { grouping: grouping.kind, fields, ranges: null }
}

function settingsDocument(settings: ComponentConfig | TopologyConfig): Json {
  return plain(settings)
}

/** Any value as JSON: what JSON has no word for becomes a text that tells it apart from its equals. */
function plain(value: unknown): Json {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value
    case 'number':
      return Number.isFinite(value) ? value : String(value)
    case 'bigint':
      return `${value}n`
    case 'object':
      return value === null ? null : plainObject(value)
    case 'function':
      return 'a function'
    default:
      return null
  }
}

function plainObject(value: object): Json {
  if (Array.isArray(value)) return value.map(plain)
  const entries = Object.entries(value).filter(([, member]) => member !== undefined)
  return Object.fromEntries(entries.map(([name, member]) => [name, plain(member)]))
}
