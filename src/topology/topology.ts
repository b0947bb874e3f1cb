/**
 * A topology as plain values: components, what each reads and how. What builder.ts makes, validate.ts checks,
 * expand.ts numbers, document.ts writes down, and flow runs.
 *
 * Does not know: where it will run.
 */
import type { ComponentConfig, TopologyConfig } from '../config/topology-config.ts'
import type { ComponentDefinition, FieldShape, StreamDeclaration, StreamSchema } from './definition.ts'
import type { CustomGrouping } from './handle.ts'
import type { TaskHook, WorkerHook } from './hook.ts'
import type { KeyPart } from './schema/encodable.ts'

export interface Topology {
  readonly name: string | undefined
  /** As `createTopology` or `defineTopology` was given it. */
  readonly config: TopologyConfig
  /** By id, in the order they were set. */
  readonly components: ReadonlyMap<string, Component>
  readonly workerHooks: readonly (() => WorkerHook)[]
  readonly taskHooks: readonly (() => TaskHook)[]
}

export interface Component {
  readonly id: string
  readonly definition: ComponentDefinition
  /** What was said where it was placed. Wins over `definition.settings`. */
  readonly placement: ComponentConfig
  readonly inputs: readonly Input[]
  /** `file:line:column` of `setSpout` or `setBolt` in the user's code; undefined if not known. */
  readonly where: string | undefined
}

export interface Input {
  readonly componentId: string
  readonly streamId: string
  readonly grouping: Grouping
  /** `file:line:column` of the grouping in the user's code; undefined if not known. */
  readonly where: string | undefined
}

/** Groupings that need to know nothing but the targets. */
export type PlainGroupingKind = 'shuffle' | 'all' | 'global' | 'none' | 'random' | 'localOrShuffle' | 'direct'

/** Groupings that choose by the values of fields. */
export type FieldsGroupingKind = 'fields' | 'partialKey' | 'consistentHash'

export type Grouping =
  | { readonly kind: PlainGroupingKind }
  | { readonly kind: FieldsGroupingKind; readonly fields: readonly string[] }
  | {
      readonly kind: 'range'
      readonly field: string
      /** Ascending, one fewer than tasks. Exactly one of `boundaries` and `sampleCount` is there. */
      readonly boundaries?: readonly KeyPart[]
      /** Learnt from so many tuples. */
      readonly sampleCount?: number
    }
  | { readonly kind: 'custom'; readonly make: CustomGrouping<Readonly<Record<string, unknown>>> }

/**
 * The stream of the tuples a component gave up. Every component has it; it is fed only if somebody reads it.
 */
export const DEAD_LETTER_STREAM = '__dead'

const deadLetterShapes: readonly FieldShape[] = [
  { name: 'component', kind: 'string', list: false, nullable: false },
  { name: 'task', kind: 'int', list: false, nullable: false },
  { name: 'stream', kind: 'string', list: false, nullable: false },
  { name: 'values', kind: 'value', list: false, nullable: false },
  { name: 'code', kind: 'string', list: false, nullable: false },
  { name: 'message', kind: 'string', list: false, nullable: false },
  { name: 'attempts', kind: 'int', list: false, nullable: false },
  { name: 'at', kind: 'number', list: false, nullable: false },
]

const deadLetterSchema: StreamSchema = {
  names: deadLetterShapes.map((shape) => shape.name),
  shapes: deadLetterShapes,
  // Only the engine emits them.
  validate: () => undefined,
}

export const deadLetterStream: StreamDeclaration = {
  streamId: DEAD_LETTER_STREAM,
  schema: deadLetterSchema,
  direct: false,
}

/** The declaration of a component's stream, dead letters included; undefined if it has no such stream. */
export function streamOf(component: Component, streamId: string): StreamDeclaration | undefined {
  if (streamId === DEAD_LETTER_STREAM) return deadLetterStream
  return component.definition.outputs.get(streamId)
}

/** Inputs that read a stream, with the component each belongs to, in the order they were set. */
export function readersOf(topology: Topology, componentId: string, streamId: string): readonly Reader[] {
  const readers: Reader[] = []
  for (const component of topology.components.values()) {
    for (const input of component.inputs) {
      if (input.componentId === componentId && input.streamId === streamId) {
        readers.push({ component, input })
      }
    }
  }
  return readers
}

export interface Reader {
  readonly component: Component
  readonly input: Input
}
