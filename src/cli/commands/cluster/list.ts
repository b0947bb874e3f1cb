/** `typhoon list | status | describe`: topologies, shortly and at length. */
import { isStreamError } from '../../../base/errors.ts'
import { LastTrouble, oneLine } from '../../../rpc/client/last-trouble.ts'
import { waitUntil } from '../../../rpc/client/waiting.ts'
import type { ComponentStatus, TopologyStatus } from '../../../rpc/contract.ts'
import type { WorkerStatus } from '../../../rpc/nimbus-api.ts'
import { attached } from '../../cluster/attached.ts'
import { componentOf } from '../../cluster/component.ts'
import { printListing, printOne } from '../../cluster/print.ts'
import { timeText } from '../../cluster/say-times.ts'
import { argument, type ClusterSession, openCluster } from '../../cluster/session.ts'
import { ExitCode } from '../../exit-code.ts'
import { counted, countText, percent, shortCount, shortTime } from '../../figures.ts'
import type { Invocation } from '../../invocation.ts'
import type { Shell } from '../../shell.ts'
import { type Cell, textTable } from '../../text-table.ts'

export async function list(shell: Shell, invocation: Invocation): Promise<number> {
  const { nimbus } = await openCluster(shell, invocation)
  printListing(shell, invocation, {
    name: 'topologies',
    rows: await nimbus.call('topologies', []),
    columns: [
      { title: 'NAME' },
      { title: 'STATE' },
      { title: 'WORKERS', align: 'right' },
      { title: 'TASKS', align: 'right' },
      { title: 'SUBMITTED' },
      { title: 'ID' },
    ],
    cells: (each) => [
      each.name,
      stateCell(each.state),
      String(each.workers),
      String(each.tasks),
      timeText(each.submittedAt),
      each.id,
    ],
    empty: 'no topology is running; typhoon submit starts one',
  })
  return ExitCode.OK
}

/** Exit code 0: healthy, that is active and all placed; 1 if not. */
export async function status(shell: Shell, invocation: Invocation): Promise<number> {
  const session = await openCluster(shell, invocation)
  const name = argument(invocation, 0, 'the topology')
  if (invocation.text('wait') === 'healthy') {
    const code = await untilHealthy(shell, invocation, session, name)
    if (code !== ExitCode.OK) return code
  }
  const found = await session.nimbus.call('topology', [name])
  const isGood = isHealthy(found)
  const trouble = invocation.output === 'table' ? await troubleLines(shell, session, found) : []
  printOne(shell, invocation, { ...documentOf(found), isHealthy: isGood }, () => [
    ...statusLines(shell, found),
    ...trouble,
  ])
  return isGood ? ExitCode.OK : ExitCode.NEGATIVE
}

async function untilHealthy(
  shell: Shell,
  invocation: Invocation,
  { nimbus, host, timeoutMs }: ClusterSession,
  name: string,
): Promise<number> {
  return await attached(shell, invocation, `typhoon status ${name} --wait healthy`, async (calls) => {
    const timeout = timeoutMs === undefined ? {} : { timeout: `${timeoutMs}ms` as const }
    const options = { ...timeout, signal: calls.signal }
    const last = new LastTrouble(nimbus, host, name)
    const look = async (): Promise<true | undefined> => {
      const found = await nimbus.call('topology', [name])
      const own = new Set(found.components.map(({ component }) => component))
      const unplaced = found.unplaced.filter(({ component }) => own.has(component))
      const missing = unplaced.reduce((sum, { count }) => sum + count, 0)
      const done = Math.max(0, found.tasks - missing)
      const isGood = isHealthy(found)
      const trouble = isGood ? undefined : await last.look()
      calls.progress.report({ step: found.state, done, total: found.tasks, unit: 'tasks', trouble })
      return isGood ? true : undefined
    }
    await waitUntil(host, `a healthy ${name}`, options, look, () => last.text)
  })
}

/** `version` of a document is that of its form. */
function documentOf({ version, ...rest }: TopologyStatus): object {
  return { topologyVersion: version, ...rest }
}

function isHealthy({ state, unplaced }: TopologyStatus): boolean {
  return (state === 'active' || state === 'inactive') && unplaced.every(({ count }) => count === 0)
}

export async function describe(shell: Shell, invocation: Invocation): Promise<number> {
  const { nimbus } = await openCluster(shell, invocation)
  const [name = '', component] = argument(invocation, 0, 'the topology').split('/')
  const found = await nimbus.call('topology', [name])
  const workers = await nimbus.call('workers', [name])
  const outline = await nimbus.call('outline', [name]).catch((error: unknown) => {
    // Its bundle may be gone while it runs: the rest is worth seeing.
    if (isStreamError(error) && error.family === 'unavailable') return undefined
    throw error
  })
  if (component !== undefined) return describeComponent(shell, invocation, found, component)
  const document = { ...documentOf(found), workers, graph: outline?.document ?? null }
  printOne(shell, invocation, document, () => [
    ...statusLines(shell, found),
    '',
    ...workerLines(shell, workers),
  ])
  return ExitCode.OK
}

function describeComponent(
  shell: Shell,
  invocation: Invocation,
  topology: TopologyStatus,
  name: string,
): number {
  const found = componentOf(topology, name)
  printOne(shell, invocation, found, () =>
    Object.entries(found)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => `${key.padEnd(14)} ${figureText(key, value)}`),
  )
  return ExitCode.OK
}

const SHARES: readonly string[] = ['busy', 'blocked', 'idle', 'inboxFill']

/** As tables show it; exact figures are in the JSON. */
function figureText(key: string, value: unknown): string {
  if (typeof value !== 'number') return String(value)
  if (key.endsWith('PerSecond')) return `${shortCount(value)}/s`
  if (/P\d+$/.test(key)) return shortTime(value)
  return SHARES.includes(key) ? percent(value) : countText(value)
}

function statusLines(shell: Shell, found: TopologyStatus): readonly string[] {
  const { paint } = shell
  const { name, state, workers, tasks, guarantee, unplaced, bottleneck, id, submittedAt } = found
  const mark = paint(colorOf(state), state)
  const lines = [
    `${paint('bold', name)}  ${mark}  ${counted(workers, 'worker')}, ${counted(tasks, 'task')}, ${guarantee}`,
    `${id}, submitted ${timeText(submittedAt)}`,
    '',
    ...componentLines(shell, found.components),
  ]
  for (const { component, count, why } of unplaced) {
    if (component === '') {
      lines.push(`${paint('yellow', '⚠')} ${why}`)
      continue
    }
    const what = `${counted(count, 'executor')} of ${component} ${count === 1 ? 'runs' : 'run'} nowhere`
    lines.push(`${paint('yellow', '⚠')} ${what}: ${why}`)
  }
  if (bottleneck !== undefined) lines.push(`${paint('yellow', '◀')} bottleneck: ${bottleneck.evidence}`)
  return lines
}

/** The newest error, shortly; without one, how a worker of a topology ended that is not well. */
async function troubleLines(
  { paint }: Shell,
  { nimbus, host }: ClusterSession,
  topology: TopologyStatus,
): Promise<readonly string[]> {
  const { name } = topology
  const mark = paint('red', '✖')
  const [newest] = await nimbus.call('errors', [name])
  if (newest === undefined) {
    const text = isHealthy(topology) ? undefined : await new LastTrouble(nimbus, host, name).look()
    return text === undefined ? [] : [`${mark} ${text}   typhoon describe ${name}`]
  }
  const { component, code, message, lastAt, count } = newest
  const when = `${timeText(lastAt)}, ${counted(count, 'time')}`
  return [`${mark} last error: ${component}: ${code} ${oneLine(message)} (${when})   typhoon errors ${name}`]
}

/** The table of components, as `status` and `top` have it. */
export function componentLines(
  shell: Shell,
  components: readonly ComponentStatus[],
  columnsMax?: number,
): readonly string[] {
  const right = (title: string) => ({ title, align: 'right' as const })
  const columns = [
    { title: 'COMPONENT' },
    ...['TASKS', 'IN/s', 'OUT/s', 'BUSY', 'BLOCKED', 'QUEUE', 'P50', 'P99', 'FAILED', 'RESTARTS', 'LAG'].map(
      right,
    ),
  ]
  const rows = components.map((each): readonly Cell[] => [
    each.component,
    String(each.tasks),
    each.kind === 'spout' ? '–' : shortCount(each.inPerSecond),
    shortCount(each.outPerSecond),
    each.busy > 0.9 ? { text: percent(each.busy), style: 'yellow' } : percent(each.busy),
    percent(each.blocked),
    each.kind === 'spout' ? '–' : percent(each.inboxFill),
    shortTime(each.executeP50),
    shortTime(each.executeP99),
    each.failedCount > 0 ? { text: shortCount(each.failedCount), style: 'red' } : '0',
    String(each.restartCount),
    each.lagCount === undefined ? '–' : shortCount(each.lagCount),
  ])
  return textTable(columns, rows, shell.paint, columnsMax)
}

function workerLines(shell: Shell, workers: readonly WorkerStatus[]): readonly string[] {
  const columns = [
    { title: 'WORKER', align: 'right' as const },
    { title: 'NODE' },
    { title: 'PORT', align: 'right' as const },
    { title: 'PID', align: 'right' as const },
    { title: 'PHASE' },
    { title: 'UP', align: 'right' as const },
    { title: 'RESTARTS', align: 'right' as const },
    { title: 'EXECUTORS' },
    { title: '' },
  ]
  const rows = workers.map((each): readonly Cell[] => [
    String(each.worker),
    each.node,
    String(each.port),
    each.pid === undefined ? '–' : String(each.pid),
    each.phase === 'running' ? { text: each.phase, style: 'green' } : { text: each.phase, style: 'yellow' },
    shortTime(each.uptimeMs),
    String(each.restartCount),
    each.executors,
    [each.why, ...each.atRisk.map((risk) => `at risk: ${risk}`)].filter((text) => text !== '').join('; '),
  ])
  return textTable(columns, rows, shell.paint)
}

function stateCell(state: TopologyStatus['state']): Cell {
  return { text: state, style: colorOf(state) }
}

export function colorOf(state: TopologyStatus['state']): 'green' | 'red' | 'yellow' {
  return state === 'active' ? 'green' : state === 'failed' ? 'red' : 'yellow'
}
