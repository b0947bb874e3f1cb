// Goal: pictures are looked at, so they are written down here as they look.
import { expect, test } from 'vitest'
import { drawDot, drawMermaid } from './draw-markup.ts'
import { drawSvg } from './draw-svg.ts'
import { drawText } from './draw-text.ts'
import type { Graph, GraphNode } from './graph-model.ts'
import { layersOf } from './layers.ts'

const node = (id: string, kind: GraphNode['kind'] = 'bolt', executors = 1): GraphNode => {
  return { id, kind, role: kind, executors, tasks: executors }
}

const edge = (from: string, to: string, grouping = 'shuffle', stream = 'default') => ({
  from,
  to,
  grouping,
  stream,
})

const wordCount: Graph = {
  name: 'word-count',
  nodes: [node('lines', 'spout'), node('split', 'bolt', 2), node('count', 'bolt', 4)],
  edges: [edge('lines', 'split'), edge('split', 'count', 'fields(word)')],
}

const branching: Graph = {
  name: 'orders',
  nodes: [node('in', 'spout'), node('check'), node('store'), node('audit')],
  edges: [
    edge('in', 'check'),
    edge('check', 'store', 'fields(id)'),
    edge('check', 'audit', 'global', 'rejected'),
    edge('in', 'audit', 'all'),
  ],
}

test('a chain', () => {
  expect(drawText(wordCount, 120).join('\n')).toMatchInlineSnapshot(`
    "┌──────────┐             ┌──────────┐                  ┌──────────┐
    │ lines ×1 ├── shuffle ─▶│ split ×2 ├── fields(word) ─▶│ count ×4 │
    └──────────┘             └──────────┘                  └──────────┘"
  `)
})

test('branches, and an edge that passes a column by', () => {
  expect(drawText(branching, 120).join('\n')).toMatchInlineSnapshot(`
    "┌───────┐              ┌──────────┐                         ┌──────────┐
    │ in ×1 ├─┬─ shuffle ─▶│          ├───── fields(id) ───────▶│ store ×1 │
    └───────┘ │            │ check ×1 ├───┐                     └──────────┘
              │            └──────────┘   │
              │                           │                     ┌──────────┐
              └─────────────────────────┐ └─ rejected: global ─▶│          │
                                        └─── all ──────────────▶│ audit ×1 │
                                                                └──────────┘"
  `)
})

test('too wide for the window, it is a list', () => {
  expect(drawText(wordCount, 40).join('\n')).toMatchInlineSnapshot(`
    "lines ×1  (spout)
      └─ shuffle ─▶ split
    split ×2  (bolt)
      └─ fields(word) ─▶ count
    count ×4  (bolt)"
  `)
})

test('an edge that closes a circle is said below', () => {
  const graph = { ...wordCount, edges: [...wordCount.edges, edge('count', 'split', 'shuffle', 'again')] }
  expect(drawText(graph, 120).at(-1)).toBe('↺ count ── again: shuffle ──▶ split')
  expect(layersOf(graph).back).toHaveLength(1)
})

test('every edge of any graph goes from a column to a later one, through all between', () => {
  const nodes = Array.from({ length: 9 }, (_, index) => node(`n${index}`, index < 2 ? 'spout' : 'bolt'))
  const edges = nodes.flatMap((_, to) =>
    [to - 2, to - 5].filter((from) => from >= 0).map((from) => edge(`n${from}`, `n${to}`)),
  )
  const { columns, ways, back } = layersOf({ name: 'x', nodes, edges })
  const columnOf = new Map(columns.flatMap((cells, column) => cells.map(({ id }) => [id, column] as const)))
  expect(back).toEqual([])
  expect(ways).toHaveLength(edges.length)
  for (const { ids } of ways) {
    const steps = ids.map((id) => columnOf.get(id) ?? -1)
    for (const [index, step] of steps.entries()) if (index > 0) expect(step).toBe((steps[index - 1] ?? 0) + 1)
  }
})

test('lines of different streams never lie on each other', () => {
  // Two sources that change places: no order of tracks can draw that.
  const graph: Graph = {
    name: 'x',
    nodes: [node('a', 'spout'), node('b', 'spout'), node('c'), node('d')],
    edges: [edge('a', 'c'), edge('a', 'd'), edge('b', 'c'), edge('b', 'd')],
  }
  const drawing = drawText(graph, 200).join('\n')
  expect(drawing).toMatchInlineSnapshot(`
    "┌──────┐                ┌──────┐
    │ a ×1 ├─┬─── shuffle ─▶│      │
    └──────┘ │ ┌─ shuffle ─▶│ c ×1 │
             │ │            └──────┘
    ┌──────┐ │ │
    │ b ×1 ├─┼─┤            ┌──────┐
    └──────┘ └─┼─ shuffle ─▶│      │
               └─ shuffle ─▶│ d ×1 │
                            └──────┘"
  `)
})

test('Mermaid and Graphviz, with names that need quotes', () => {
  const graph = { ...branching, nodes: [...branching.nodes, node('say "hi"')] }
  expect(drawMermaid(graph).join('\n')).toMatchInlineSnapshot(`
    "flowchart LR
      c1(["in ×1"])
      c2["check ×1"]
      c3["store ×1"]
      c4["audit ×1"]
      c5["say #quot;hi#quot; ×1"]
      c1 -->|"shuffle"| c2
      c2 -->|"fields(id)"| c3
      c2 -->|"rejected: global"| c4
      c1 -->|"all"| c4"
  `)
  expect(drawDot(graph).join('\n')).toMatchInlineSnapshot(`
    "digraph "orders" {
      rankdir=LR
      node [shape=box, style=rounded, fontname="sans-serif"]
      edge [fontname="sans-serif", fontsize=10]
      "in" [label="in ×1", shape=ellipse]
      "check" [label="check ×1"]
      "store" [label="store ×1"]
      "audit" [label="audit ×1"]
      "say \\"hi\\"" [label="say \\"hi\\" ×1"]
      "in" -> "check" [label="shuffle"]
      "check" -> "store" [label="fields(id)"]
      "check" -> "audit" [label="rejected: global"]
      "in" -> "audit" [label="all"]
    }"
  `)
})

test('SVG holds every component, stream and label once, and is well made', () => {
  const graph = {
    ...branching,
    name: 'a < b & "c"',
    edges: [...branching.edges, edge('store', 'check', 'shuffle')],
  }
  const svg = drawSvg(graph).join('\n')
  expect(svg).toContain('<title>a &lt; b &amp; &quot;c&quot;</title>')
  for (const { id } of graph.nodes) expect(svg).toContain(`>${id} ×1</text>`)
  expect(svg.match(/<path class="way/g)).toHaveLength(graph.edges.length)
  expect(svg.match(/rejected: global/g)).toHaveLength(2)
  expect(svg).not.toMatch(/NaN|undefined|Infinity/)
  const open = [...svg.matchAll(/<([a-z]+)[^>]*[^/]>|<([a-z]+)>/g)].length
  expect([...svg.matchAll(/<\/[a-z]+>/g)].length).toBe(open)
})
