/** The graph for other programs: Mermaid and Graphviz. */
import { edgeLabel, type Graph, nodeLabel } from './graph-model.ts'

export function drawMermaid(graph: Graph): readonly string[] {
  // Ids of Mermaid are narrow, so components are numbered, and called by name in their label.
  const ids = new Map(graph.nodes.map(({ id }, index) => [id, `c${index + 1}`]))
  const label = (text: string): string => `"${text.replaceAll('"', '#quot;')}"`
  return [
    'flowchart LR',
    ...graph.nodes.map((node) => {
      const [open, close] =
        node.kind === 'spout' ? ['([', '])'] : node.role === 'sink' ? ['[/', '/]'] : ['[', ']']
      return `  ${ids.get(node.id)}${open}${label(nodeLabel(node))}${close}`
    }),
    ...graph.edges.map((edge) => {
      return `  ${ids.get(edge.from)} -->|${label(edgeLabel(edge))}| ${ids.get(edge.to)}`
    }),
  ]
}

export function drawDot(graph: Graph): readonly string[] {
  const quoted = (text: string): string => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
  return [
    `digraph ${quoted(graph.name)} {`,
    '  rankdir=LR',
    '  node [shape=box, style=rounded, fontname="sans-serif"]',
    '  edge [fontname="sans-serif", fontsize=10]',
    ...graph.nodes.map((node) => {
      const shape = node.kind === 'spout' ? ', shape=ellipse' : node.role === 'sink' ? ', shape=cylinder' : ''
      return `  ${quoted(node.id)} [label=${quoted(nodeLabel(node))}${shape}]`
    }),
    ...graph.edges.map((edge) => {
      return `  ${quoted(edge.from)} -> ${quoted(edge.to)} [label=${quoted(edgeLabel(edge))}]`
    }),
    '}',
  ]
}
