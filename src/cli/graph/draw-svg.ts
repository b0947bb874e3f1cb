/**
 * The graph as a picture: one SVG that stands alone, light or dark as the reader has it.
 *
 * Widths of texts are reckoned, as nothing here can measure them: a character of the label is 7.2 wide at 12
 * px of a monospaced font.
 */
import { edgeLabel, type Graph, type GraphNode, nodeLabel } from './graph-model.ts'
import { type Layers, layersOf, type Way } from './layers.ts'

const CHARACTER = 7.2
const SMALL_CHARACTER = 6.1
const BOX_HEIGHT = 44
const BEND_HEIGHT = 14
const ROW_GAP = 28
const MARGIN = 20
const CHANNEL_MIN = 90

interface Spot {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly node: GraphNode | undefined
}

const style = `
    .box { fill: #f7f9fc; stroke: #4a6785; stroke-width: 1.5 }
    .spout { fill: #e6f4ea; stroke: #3b7d4f }
    .sink { fill: #fdf3e1; stroke: #a9741c }
    .name { font: 600 12px ui-monospace, monospace; fill: #1c2733 }
    .role, .label { font: 10px ui-monospace, monospace; fill: #52616f }
    .way { fill: none; stroke: #6b7f93; stroke-width: 1.5 }
    .back { stroke-dasharray: 5 4 }
    .tip { fill: #6b7f93 }
    .halo { fill: none; stroke: #fff; stroke-width: 4; stroke-linejoin: round }
    @media (prefers-color-scheme: dark) {
      .box { fill: #1d2733; stroke: #7d9cbc } .spout { fill: #1b2f22; stroke: #6fb98a }
      .sink { fill: #33291a; stroke: #d1a252 } .name { fill: #e8eef5 }
      .role, .label { fill: #a9b8c6 } .way { stroke: #8fa3b7 } .tip { fill: #8fa3b7 }
      .halo { stroke: #10161d }
    }`

export function drawSvg(graph: Graph): readonly string[] {
  const layers = layersOf(graph)
  const spots = placed(graph, layers)
  const all = [...spots.values()]
  const width = Math.ceil(Math.max(0, ...all.map((spot) => spot.x + spot.width)) + MARGIN)
  const bottom = Math.max(0, ...all.map((spot) => spot.y + BOX_HEIGHT / 2))
  const height = Math.ceil(bottom + MARGIN + layers.back.length * 24)
  const ways = layers.ways.map((way) => wayText(way, spots))
  const back = layers.back.map((edge, index) => backText(edge, spots, bottom + 24 * (index + 1) - 8))
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}"`,
    `  width="${width}" height="${height}" role="img">`,
    `  <title>${escaped(graph.name)}</title>`,
    `  <style>${style}\n  </style>`,
    '  <defs>',
    '    <marker id="tip" viewBox="0 0 8 8" refX="7" refY="4"',
    '      markerWidth="7" markerHeight="7" orient="auto">',
    '      <path class="tip" d="M0 0 L8 4 L0 8 z"/>',
    '    </marker>',
    '  </defs>',
    ...ways.map(({ path }) => path),
    ...back,
    ...all.flatMap(({ node, ...spot }) => (node === undefined ? [] : boxText(node, spot))),
    // Labels last: no line goes over them.
    ...ways.map(({ label }) => label),
    '</svg>',
  ]
}

function placed(graph: Graph, layers: Layers): ReadonlyMap<string, Spot> {
  const nodes = new Map(graph.nodes.map((node) => [node.id, node]))
  const heights = layers.columns.map((cells) => {
    return cells.reduce((sum, { isBend }) => sum + (isBend ? BEND_HEIGHT : BOX_HEIGHT) + ROW_GAP, -ROW_GAP)
  })
  const tallest = Math.max(0, ...heights)
  const spots = new Map<string, Spot>()
  let x = MARGIN
  for (const [column, cells] of layers.columns.entries()) {
    const widths = cells.map(({ id }) => {
      const node = nodes.get(id)
      return node === undefined ? 0 : nodeLabel(node).length * CHARACTER + 28
    })
    const width = Math.max(...widths)
    let y = MARGIN + (tallest - (heights[column] ?? 0)) / 2
    for (const { id, isBend } of cells) {
      const own = isBend ? BEND_HEIGHT : BOX_HEIGHT
      spots.set(id, { x, y: y + own / 2, width, node: nodes.get(id) })
      y += own + ROW_GAP
    }
    x += width + channelAfter(layers, column)
  }
  return spots
}

/** As wide as the longest label that stands in it. */
function channelAfter({ columns, ways }: Layers, column: number): number {
  const next = new Set((columns[column + 1] ?? []).map(({ id }) => id))
  const labels = ways
    .filter(({ ids }) => next.has(ids.at(-1) ?? ''))
    .map(({ edge }) => edgeLabel(edge).length)
  return Math.max(CHANNEL_MIN, Math.max(0, ...labels) * SMALL_CHARACTER + 56)
}

function boxText(node: GraphNode, { x, y, width }: Omit<Spot, 'node'>): readonly string[] {
  const middle = round(x + width / 2)
  const kind = node.kind === 'spout' ? ' spout' : node.role === 'sink' ? ' sink' : ''
  const size = `width="${round(width)}" height="${BOX_HEIGHT}"`
  const rect = `x="${round(x)}" y="${round(y - BOX_HEIGHT / 2)}" ${size} rx="7"`
  const name = escaped(nodeLabel(node))
  return [
    `  <rect class="box${kind}" ${rect}/>`,
    `  <text class="name" x="${middle}" y="${round(y - 2)}" text-anchor="middle">${name}</text>`,
    `  <text class="role" x="${middle}" y="${round(y + 13)}" text-anchor="middle">${node.role}</text>`,
  ]
}

function wayText(
  { edge, ids }: Way,
  spots: ReadonlyMap<string, Spot>,
): { readonly path: string; readonly label: string } {
  const points = ids.flatMap((id) => spots.get(id) ?? [])
  let path = ''
  let labelX = 0
  let labelY = 0
  for (const [index, to] of points.entries()) {
    const from = points[index - 1]
    if (from === undefined) continue
    const [startX, endX] = [from.x + from.width, to.x]
    const bend = (endX - startX) / 2
    const pull = `${round(startX + bend)} ${round(from.y)} ${round(endX - bend)} ${round(to.y)}`
    const curve = `C${pull} ${round(endX)} ${round(to.y)}`
    path +=
      path === ''
        ? `M${round(startX)} ${round(from.y)} ${curve}`
        : ` L${round(startX)} ${round(from.y)} ${curve}`
    labelX = startX + bend
    labelY = (from.y + to.y) / 2
  }
  const name = `${edge.from} to ${edge.to}`
  const at = `x="${round(labelX)}" y="${round(labelY - 5)}" text-anchor="middle"`
  const text = escaped(edgeLabel(edge))
  return {
    path: `  <path class="way" d="${path}" marker-end="url(#tip)"><title>${escaped(name)}</title></path>`,
    label: `  <text class="label halo" ${at}>${text}</text><text class="label" ${at}>${text}</text>`,
  }
}

/** Below all boxes, from right to left. */
function backText(edge: Graph['edges'][number], spots: ReadonlyMap<string, Spot>, y: number): string {
  const [from, to] = [spots.get(edge.from), spots.get(edge.to)]
  if (from === undefined || to === undefined) return ''
  const [fromX, toX] = [round(from.x + from.width / 2), round(to.x + to.width / 2)]
  const [startY, endY] = [round(from.y + BOX_HEIGHT / 2), round(to.y + BOX_HEIGHT / 2)]
  const d = `M${fromX} ${startY} V${round(y)} H${toX} V${endY}`
  const at = `x="${round((fromX + toX) / 2)}" y="${round(y - 4)}" text-anchor="middle"`
  const label = `<text class="label" ${at}>${escaped(edgeLabel(edge))}</text>`
  return `  <path class="way back" d="${d}" marker-end="url(#tip)"/>${label}`
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
