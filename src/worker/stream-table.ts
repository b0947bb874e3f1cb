/**
 * All streams of a topology, numbered the same in every worker: components by name, streams by name, dead
 * letters last.
 */
import { compileHasFields } from '../flow/route/field-access.ts'
import { StreamRef } from '../flow/route/stream-ref.ts'
import { deadLetterStream, type Topology } from '../topology/topology.ts'

export class StreamTable {
  readonly all: readonly StreamRef[]
  private readonly byKey = new Map<string, StreamRef>()

  constructor(topology: Topology) {
    const all: StreamRef[] = []
    const scopes: StreamRef['scopes'] = []
    const components = [...topology.components.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
    for (const component of components) {
      const declared = [...component.definition.outputs.values()].sort((a, b) =>
        a.streamId < b.streamId ? -1 : 1,
      )
      for (const { streamId, schema, direct } of [...declared, deadLetterStream]) {
        const hasFields = compileHasFields(requiredNames(schema))
        const kind = { isDirect: direct, carriesPlainValues: schema.carriesValue === true, hasFields, scopes }
        const ref = new StreamRef(component.id, streamId, all.length, schema, kind)
        all.push(ref)
        this.byKey.set(`${component.id}:${streamId}`, ref)
      }
    }
    this.all = all
  }

  find(componentId: string, streamId: string): StreamRef | undefined {
    return this.byKey.get(`${componentId}:${streamId}`)
  }
}

/** Fields that must not be undefined. */
function requiredNames(schema: StreamRef['schema']): string[] {
  return schema.shapes.filter((shape) => shape.optional !== true).map((shape) => shape.name)
}
