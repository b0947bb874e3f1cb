/**
 * The graph in characters.
 *
 *   ┌──────────┐  shuffle  ┌──────────┐  fields(word)  ┌──────────┐
 *   │ lines ×1 ├──────────▶│ split ×2 ├───────────────▶│ count ×4 │
 *
 * Every input enters on a row of its own, so labels never meet; every stream leaves on a row of its own.
 * Between two columns each stream has a track of its own for going up and down. Too wide, or two streams that
 * would have to change places: a list instead.
 */
import { Canvas } from './canvas.ts'
import { edgeLabel, type Graph, nodeLabel } from './graph-model.ts'
import { type Layers, layersOf, type Way } from './layers.ts'

/** A component or a bend, with its place. Rows of ports are counted from the top of the sheet. */
interface Placed {
  readonly column: number
  readonly y: number
  readonly height: number
  readonly label: string | undefined
  readonly inPorts: readonly string[]
  readonly outPorts: readonly string[]
}

interface Sheet {
  readonly layers: Layers
  readonly placed: ReadonlyMap<string, Placed>
}

const ROW_GAP = 1
const ARROW = '▶'

/** @param columnsMax wider drawings become a list */
export function drawText(graph: Graph, columnsMax: number): readonly string[] {
  const layers = layersOf(graph)
  const rows = drawn({ layers, placed: place(graph, layers) })
  if (rows === undefined || rows.some((row) => [...row].length > columnsMax)) return listed(graph)
  return [...rows, ...layers.back.map((edge) => `↺ ${edge.from} ── ${edgeLabel(edge)} ──▶ ${edge.to}`)]
}

/** Names of the ports of one place: an input is an edge, an output a stream. */
function portsOf(layers: Layers, id: string): Pick<Placed, 'inPorts' | 'outPorts'> {
  const ins: string[] = []
  const outs = new Set<string>()
  for (const [index, way] of layers.ways.entries()) {
    const at = way.ids.indexOf(id)
    if (at === -1) continue
    if (at > 0) ins.push(inPort(index))
    if (at < way.ids.length - 1) outs.add(outPort(way, at, index))
  }
  return { inPorts: ins, outPorts: [...outs] }
}

function inPort(wayIndex: number): string {
  return `in ${wayIndex}`
}

/** Edges of one stream leave together; behind a bend each goes alone. */
function outPort(way: Way, at: number, wayIndex: number): string {
  return at === 0 ? `out ${way.edge.stream}` : `out ${wayIndex}`
}

function place(graph: Graph, layers: Layers): ReadonlyMap<string, Placed> {
  const labels = new Map(graph.nodes.map((node) => [node.id, nodeLabel(node)]))
  const placed = new Map<string, Placed>()
  for (const [column, cells] of layers.columns.entries()) {
    let free = 0
    for (const { id, isBend } of cells) {
      const ports = sortedPorts(layers, id, placed)
      const rows = Math.max(1, ports.inPorts.length, ports.outPorts.length)
      const height = isBend ? 1 : rows + 2
      const y = Math.max(free, wantedRow(layers, id, placed) - (isBend ? 0 : 1))
      placed.set(id, { column, y, height, label: labels.get(id), ...ports })
      free = y + height + ROW_GAP
    }
  }
  return placed
}

/** Inputs from the top in the order of where they come from, so that they cross as little as can be. */
function sortedPorts(
  layers: Layers,
  id: string,
  placed: ReadonlyMap<string, Placed>,
): Pick<Placed, 'inPorts' | 'outPorts'> {
  const { inPorts, outPorts } = portsOf(layers, id)
  const rowOf = (port: string): number => {
    const index = Number(port.slice('in '.length))
    const way = layers.ways[index]
    const from = way?.ids[way.ids.indexOf(id) - 1]
    return way === undefined || from === undefined ? 0 : outRow(layers, placed, way, from, index)
  }
  return { inPorts: [...inPorts].sort((a, b) => rowOf(a) - rowOf(b)), outPorts }
}

/** The row on which its first input would come straight. */
function wantedRow(layers: Layers, id: string, placed: ReadonlyMap<string, Placed>): number {
  const rows = layers.ways.flatMap((way, index) => {
    const at = way.ids.indexOf(id)
    const from = way.ids[at - 1]
    return at > 0 && from !== undefined ? [outRow(layers, placed, way, from, index)] : []
  })
  return rows.length === 0 ? 0 : Math.min(...rows)
}

function outRow(
  _layers: Layers,
  placed: ReadonlyMap<string, Placed>,
  way: Way,
  from: string,
  wayIndex: number,
): number {
  const source = placed.get(from)
  if (source === undefined) return 0
  return portRow(source, source.outPorts.indexOf(outPort(way, way.ids.indexOf(from), wayIndex)))
}

function portRow(place: Placed, port: number): number {
  return place.label === undefined ? place.y : place.y + 1 + Math.max(0, port)
}

/** One piece of an edge, between two columns. */
interface Piece {
  readonly net: string
  readonly fromRow: number
  readonly toRow: number
  /** Undefined: it goes on behind a bend. */
  readonly label: string | undefined
}

/** Undefined: lines of different streams would lie on each other. */
function drawn(sheet: Sheet): readonly string[] | undefined {
  const canvas = new Canvas()
  let x = 0
  for (const [column, cells] of sheet.layers.columns.entries()) {
    const places = cells.flatMap(({ id }) => sheet.placed.get(id) ?? [])
    const width = Math.max(1, ...places.map(({ label }) => (label === undefined ? 1 : [...label].length + 4)))
    const pieces = piecesFrom(sheet, column)
    for (const each of places) drawPlace(canvas, each, x, width, pieces)
    x += width
    const next = drawPieces(canvas, pieces, x)
    if (next === undefined) return undefined
    x = next
  }
  return canvas.rows()
}

function drawPlace(canvas: Canvas, place: Placed, x: number, width: number, pieces: readonly Piece[]): void {
  if (place.label === undefined) {
    canvas.across(place.y, x - 1, x + width)
    return
  }
  canvas.box(x, place.y, width, place.height)
  canvas.text(x + 2, place.y + Math.floor(place.height / 2), place.label)
  const rows = new Set(pieces.map(({ fromRow }) => fromRow))
  for (const port of place.outPorts.keys()) {
    const row = portRow(place, port)
    if (rows.has(row)) canvas.across(row, x + width - 1, x + width)
  }
}

function piecesFrom({ layers, placed }: Sheet, column: number): readonly Piece[] {
  return layers.ways.flatMap((way, index): Piece[] => {
    const at = way.ids.findIndex((id) => placed.get(id)?.column === column)
    const [from, to] = [way.ids[at], way.ids[at + 1]]
    const target = to === undefined ? undefined : placed.get(to)
    if (at === -1 || from === undefined || target === undefined) return []
    const fromRow = outRow(layers, placed, way, from, index)
    const toRow = portRow(target, target.inPorts.indexOf(inPort(index)))
    const label = target.label === undefined ? undefined : edgeLabel(way.edge)
    return [{ net: `${from}/${fromRow}`, fromRow, toRow, label }]
  })
}

/** Draws the channel right of `x`; gives where the next column begins. */
function drawPieces(canvas: Canvas, pieces: readonly Piece[], x: number): number | undefined {
  if (pieces.length === 0) return x
  const bent = trackOrder(pieces.filter(({ fromRow, toRow }) => fromRow !== toRow))
  if (bent === undefined) return undefined
  const trackOf = new Map(bent.map((net, index) => [net, x + 1 + index * 2]))
  const labelX = x + (bent.length === 0 ? 1 : bent.length * 2) + 1
  const labelWidth = Math.max(0, ...pieces.map(({ label }) => [...(label ?? '')].length))
  const endX = labelX + labelWidth + 3
  for (const { net, fromRow, toRow, label } of pieces) {
    const track = trackOf.get(net)
    if (track === undefined || fromRow === toRow) canvas.across(fromRow, x, endX)
    else {
      canvas.across(fromRow, x, track)
      canvas.down(track, fromRow, toRow)
      canvas.across(toRow, track, endX)
    }
    if (label !== undefined) {
      canvas.text(endX, toRow, ARROW)
      canvas.text(labelX, toRow, ` ${label} `)
    }
  }
  return endX + 1
}

/**
 * Nets from the left: one that leaves on the row where another arrives must have turned off before.
 * Undefined: they wait for each other.
 */
function trackOrder(pieces: readonly Piece[]): readonly string[] | undefined {
  const left = new Set(pieces.map(({ net }) => net))
  const order: string[] = []
  while (left.size > 0) {
    const next = [...left].find((net) => {
      const rows = new Set(pieces.filter((piece) => piece.net === net).map(({ toRow }) => toRow))
      return !pieces.some((other) => other.net !== net && left.has(other.net) && rows.has(other.fromRow))
    })
    if (next === undefined) return undefined
    left.delete(next)
    order.push(next)
  }
  return order
}

/** For what is too wide to draw. */
function listed(graph: Graph): string[] {
  return graph.nodes.flatMap((node) => {
    const outs = graph.edges.filter(({ from }) => from === node.id)
    const lines = outs.map((edge, index) => {
      return `  ${index === outs.length - 1 ? '└' : '├'}─ ${edgeLabel(edge)} ─▶ ${edge.to}`
    })
    return [`${nodeLabel(node)}  (${node.role})`, ...lines]
  })
}
