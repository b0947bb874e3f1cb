/** The graph as it is drawn: components with how many there are, streams with how they are grouped. */

import type { TopologyDocument } from '../../topology/describe/document.ts'
import type { CompiledSettings } from '../../topology/expand.ts'
import { parallelismOf } from '../../topology/expand.ts'

export interface GraphNode {
  readonly id: string
  readonly kind: 'spout' | 'bolt'
  /** `spout`, `bolt`, `keyed bolt`, `sink`. */
  readonly role: string
  readonly executors: number
  readonly tasks: number
}

export interface GraphEdge {
  readonly from: string
  readonly to: string
  readonly stream: string
  /** `shuffle`, `fields(word)`. */
  readonly grouping: string
}

export interface Graph {
  readonly name: string
  readonly nodes: readonly GraphNode[]
  readonly edges: readonly GraphEdge[]
}

const DEFAULT_STREAM = 'default'

export function graphOf(name: string, document: TopologyDocument, settings: CompiledSettings): Graph {
  const nodes: GraphNode[] = []
  const edges: GraphEdge[] = []
  for (const [id, component] of Object.entries(document.components)) {
    const own = settings.components.get(id)
    const { executors, tasks } =
      own === undefined
        ? { executors: 1, tasks: 1 }
        : parallelismOf(own, settings.topology.maxTaskParallelism)
    const role = component.sink !== null ? 'sink' : component.form === 'keyed' ? 'keyed bolt' : component.kind
    nodes.push({ id, kind: component.kind, role, executors, tasks })
    for (const input of component.inputs) {
      const fields = input.fields.length === 0 ? '' : `(${input.fields.join(', ')})`
      const grouping = `${input.grouping}${fields}`
      edges.push({ from: input.component, to: id, stream: input.stream, grouping })
    }
  }
  return { name, nodes, edges }
}

/** `split ×2`, and with more tasks than executors `split ×2/8`. */
export function nodeLabel({ id, executors, tasks }: GraphNode): string {
  return tasks === executors ? `${id} ×${executors}` : `${id} ×${executors}/${tasks}`
}

/** `fields(word)`, and of another than the default stream `rejected: shuffle`. */
export function edgeLabel({ stream, grouping }: GraphEdge): string {
  return stream === DEFAULT_STREAM ? grouping : `${stream}: ${grouping}`
}
