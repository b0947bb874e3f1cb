/** `typhoon graph`: the graph as text, Mermaid, Graphviz, SVG or JSON. */
import { topologyDocument } from '../../topology/describe/document.ts'
import { settingsOf } from '../../topology/expand.ts'
import { ExitCode } from '../exit-code.ts'
import { drawDot, drawMermaid } from '../graph/draw-markup.ts'
import { drawSvg } from '../graph/draw-svg.ts'
import { drawText } from '../graph/draw-text.ts'
import { type Graph, graphOf } from '../graph/graph-model.ts'
import type { Invocation } from '../invocation.ts'
import { buildSource, loadTopology, locateTopology } from '../load/load-topology.ts'
import type { Shell } from '../shell.ts'

/** Nothing wraps in a file. */
const FILE_COLUMNS = 200

export async function graph(shell: Shell, invocation: Invocation): Promise<number> {
  const place = await locateTopology(shell, invocation, invocation.args[0] ?? '')
  const built = await buildSource(shell, invocation, place, await loadTopology(shell, place))
  const document = topologyDocument(built.topology)
  const form = invocation.output === 'json' ? 'json' : (invocation.text('format') ?? 'text')
  if (form === 'json') {
    shell.printJson({ version: 1, ...document, name: built.name })
    return ExitCode.OK
  }
  const drawn = graphOf(built.name, document, settingsOf(built.topology))
  for (const line of linesOf(form, drawn, shell)) shell.print(line)
  return ExitCode.OK
}

function linesOf(form: string, drawn: Graph, shell: Shell): readonly string[] {
  if (form === 'mermaid') return drawMermaid(drawn)
  if (form === 'dot') return drawDot(drawn)
  if (form === 'svg') return drawSvg(drawn)
  const { out } = shell.terminal
  const columnsMax = out.isTerminal ? out.columns() : FILE_COLUMNS
  return [shell.paint('bold', drawn.name), ...drawText(drawn, columnsMax)]
}
