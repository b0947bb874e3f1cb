/**
 * Layers of a graph: who stands in which column, in which order from the top. For text and SVG alike.
 *
 *   longest way from a source → column; edges over several columns get a place in each (a bend);
 *   order in a column by the middle of the neighbours, swept to and fro
 *
 * Edges that close a circle are left out of the order and come back as `back`.
 */
import type { Graph, GraphEdge } from './graph-model.ts'

/** A place in a column: a component, or a bend of an edge that goes by. */
export interface Cell {
  /** Of the component; of a bend a name of its own. */
  readonly id: string
  readonly isBend: boolean
}

/** An edge cut at every column: from, bends, to. */
export interface Way {
  readonly edge: GraphEdge
  readonly ids: readonly string[]
}

export interface Layers {
  readonly columns: readonly (readonly Cell[])[]
  readonly ways: readonly Way[]
  readonly back: readonly GraphEdge[]
}

const SWEEPS = 8

export function layersOf(graph: Graph): Layers {
  const back = backEdges(graph)
  const edges = graph.edges.filter((edge) => !back.includes(edge))
  const columnOf = longestWays(graph, edges)
  const columns: Cell[][] = []
  const put = (column: number, cell: Cell): void => {
    while (columns.length <= column) columns.push([])
    columns[column]?.push(cell)
  }
  for (const { id } of graph.nodes) put(columnOf.get(id) ?? 0, { id, isBend: false })
  const ways = edges.map((edge, index): Way => {
    const [from, to] = [columnOf.get(edge.from) ?? 0, columnOf.get(edge.to) ?? 0]
    const bends: string[] = []
    for (let column = from + 1; column < to; column++) {
      const id = `\u0000${index}/${column}`
      put(column, { id, isBend: true })
      bends.push(id)
    }
    return { edge, ids: [edge.from, ...bends, edge.to] }
  })
  return { columns: ordered(columns, ways), ways, back }
}

/** Edges that lead back to somebody on the way to them, by a walk from the sources. */
function backEdges(graph: Graph): readonly GraphEdge[] {
  const state = new Map<string, 'open' | 'done'>()
  const back: GraphEdge[] = []
  const walk = (id: string): void => {
    state.set(id, 'open')
    for (const edge of graph.edges) {
      if (edge.from !== id) continue
      if (state.get(edge.to) === 'open') back.push(edge)
      else if (!state.has(edge.to)) walk(edge.to)
    }
    state.set(id, 'done')
  }
  const sourcesFirst = [...graph.nodes].sort((a, b) => Number(a.kind === 'bolt') - Number(b.kind === 'bolt'))
  for (const { id } of sourcesFirst) if (!state.has(id)) walk(id)
  return back
}

function longestWays(graph: Graph, edges: readonly GraphEdge[]): ReadonlyMap<string, number> {
  const columnOf = new Map(graph.nodes.map(({ id }) => [id, 0]))
  // Without circles no way is longer than there are nodes.
  for (let round = 0; round < graph.nodes.length; round++) {
    let isChanged = false
    for (const { from, to } of edges) {
      const column = (columnOf.get(from) ?? 0) + 1
      if (column <= (columnOf.get(to) ?? 0)) continue
      columnOf.set(to, column)
      isChanged = true
    }
    if (!isChanged) break
  }
  return columnOf
}

function ordered(columns: Cell[][], ways: readonly Way[]): readonly (readonly Cell[])[] {
  const before = neighbours(ways, -1)
  const after = neighbours(ways, 1)
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const isForth = sweep % 2 === 0
    const order = isForth ? columns.keys() : [...columns.keys()].reverse()
    for (const index of order) {
      const fixed = columns[index + (isForth ? -1 : 1)]
      const column = columns[index]
      if (fixed === undefined || column === undefined) continue
      columns[index] = sorted(column, fixed, isForth ? before : after)
    }
  }
  return columns
}

function sorted(
  column: readonly Cell[],
  fixed: readonly Cell[],
  neighboursOf: ReadonlyMap<string, readonly string[]>,
): Cell[] {
  const place = new Map(fixed.map(({ id }, index) => [id, index]))
  const middle = (cell: Cell, index: number): number => {
    const places = (neighboursOf.get(cell.id) ?? []).flatMap((id) => place.get(id) ?? [])
    return places.length === 0 ? index : places.reduce((sum, each) => sum + each, 0) / places.length
  }
  return column
    .map((cell, index) => ({ cell, index, at: middle(cell, index) }))
    .sort((a, b) => a.at - b.at || a.index - b.index)
    .map(({ cell }) => cell)
}

function neighbours(ways: readonly Way[], step: -1 | 1): ReadonlyMap<string, readonly string[]> {
  const all = new Map<string, string[]>()
  for (const { ids } of ways) {
    for (const [index, id] of ids.entries()) {
      const other = ids[index + step]
      if (other !== undefined) all.set(id, [...(all.get(id) ?? []), other])
    }
  }
  return all
}
