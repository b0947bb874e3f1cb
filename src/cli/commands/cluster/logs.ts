/** `typhoon logs`: lines of the workers of a topology, from wherever they run, filtered here. */
import { pause } from '../../../rpc/client/waiting.ts'
import type { TopologyStatus } from '../../../rpc/contract.ts'
import { componentOf } from '../../cluster/component.ts'
import { argument, openCluster, secondsMs } from '../../cluster/session.ts'
import { ExitCode } from '../../exit-code.ts'
import { CommandFailure } from '../../failure.ts'
import { counted } from '../../figures.ts'
import type { Invocation } from '../../invocation.ts'
import { onInterrupt } from '../../run/interrupts.ts'
import type { Shell } from '../../shell.ts'

const FOLLOW_MS = 500
const LINES_DEFAULT = 100
const LINES_MAX = 2_000
const levels: readonly unknown[] = ['debug', 'info', 'warn', 'error']

/** What is known of a line. */
interface LogLine {
  readonly raw: string
  readonly fields: Readonly<Record<string, unknown>> | undefined
}

export async function logs(shell: Shell, invocation: Invocation): Promise<number> {
  const { nimbus, host } = await openCluster(shell, invocation)
  const [name = '', component] = argument(invocation, 0, 'the topology').split('/')
  if (component !== undefined) refuseUnknown(await nimbus.call('topology', [name]), component)
  const fits = filterOf(invocation, host.clock.now())
  const isFollowing = invocation.flag('follow')
  const stop = new AbortController()
  if (isFollowing) {
    onInterrupt({ first: () => stop.abort(), again: (code) => shell.endNow(code) })
  }
  const after: Record<string, string> = {}
  const troubles = new Map<string, string>()
  let printedCount = 0
  let namelessCount = 0
  const worker = invocation.count('worker')
  const linesMax = invocation.count('lines') ?? LINES_DEFAULT
  while (!stop.signal.aborted) {
    const wanted = Object.keys(after).length === 0 ? linesMax : LINES_MAX
    const pieces = await nimbus.call('logs', [name, { after, worker, linesMax: wanted }])
    for (const { node, port, worker: number, lines, next, trouble = '' } of pieces) {
      const place = `${node}:${port}`
      after[place] = next
      // Once, however often it is asked while it lasts.
      if (trouble !== '' && troubles.get(place) !== trouble) shell.say(`no log of ${place}: ${trouble}`)
      troubles.set(place, trouble)
      for (const raw of lines) {
        const line = { raw, fields: fieldsOf(raw) }
        const isWanted = fits(line)
        const isNameless = component !== undefined && line.fields === undefined
        if (isWanted && isNameless) namelessCount += 1
        if (!isWanted || isNameless || !isOf(line, component)) continue
        printedCount += 1
        print(shell, invocation, line, { node, port, worker: number })
      }
    }
    if (!isFollowing) break
    await pause(host, FOLLOW_MS, stop.signal).catch((error: unknown) => {
      if (!stop.signal.aborted) throw error
    })
  }
  if (!isFollowing && printedCount === 0) shell.say(nothingSaid(invocation, component))
  if (namelessCount > 0 && (invocation.output === 'table' || printedCount === 0))
    shell.say(namelessSaid(name, namelessCount))
  return ExitCode.OK
}

/** An empty answer looks like a broken one; what it means depends on what was asked. */
function nothingSaid(invocation: Invocation, component: string | undefined): string {
  const isNarrowed =
    ['grep', 'level', 'since'].some((name) => invocation.text(name) !== undefined) ||
    invocation.count('worker') !== undefined
  if (isNarrowed) return 'no line fits'
  if (component !== undefined) return `no line of component ${component}`
  return 'no lines yet: here stands what components print and log, and what goes wrong in a worker'
}

/** A component of the system, such as an acker, is in no list; without the outline nothing is. */
function refuseUnknown(topology: TopologyStatus, component: string): void {
  if (!component.startsWith('__') && topology.components.length > 0) componentOf(topology, component)
}

function isOf({ fields }: LogLine, component: string | undefined): boolean {
  return component === undefined || fields?.['component'] === component
}

/** What is printed carries no name: a worker runs many components, and their calls may overlap. */
function namelessSaid(name: string, count: number): string {
  return (
    `${counted(count, 'line')} left out: what a component prints with console or a print sink stands under ` +
    `its worker, without a component; all lines: typhoon logs ${name}`
  )
}

function filterOf(invocation: Invocation, nowMs: number): (line: LogLine) => boolean {
  const wanted = invocation.text('grep')
  const pattern = wanted === undefined ? undefined : expressionOf(wanted)
  const level = levels.indexOf(invocation.text('level'))
  const sinceMs = secondsMs(invocation, 'since')
  const from = sinceMs === undefined ? undefined : nowMs - sinceMs
  return ({ raw, fields }) => {
    if (pattern !== undefined && !pattern.test(raw)) return false
    // What a component prints has no level and no time; it is left out where either is asked for.
    if (level > 0 && levels.indexOf(fields?.['level']) < level) return false
    if (from === undefined) return true
    const at = new Date(String(fields?.['time'])).getTime()
    return Number.isFinite(at) && at >= from
  }
}

function expressionOf(text: string): RegExp {
  try {
    return new RegExp(text)
  } catch (error) {
    throw new CommandFailure(
      `--grep '${text}' is no regular expression: ${error instanceof Error ? error.message : ''}`,
    )
  }
}

function fieldsOf(line: string): LogLine['fields'] {
  if (!line.startsWith('{')) return undefined
  try {
    const fields: unknown = JSON.parse(line)
    return typeof fields === 'object' && fields !== null ? { ...fields } : undefined
  } catch {
    // Somebody printed a brace.
    return undefined
  }
}

interface Origin {
  readonly node: string
  readonly port: number
  readonly worker: number
}

function print(shell: Shell, invocation: Invocation, { raw, fields }: LogLine, origin: Origin): void {
  if (invocation.output !== 'table') {
    shell.printJsonLine({ ...origin, ...(fields ?? { msg: raw }) })
    return
  }
  const from = shell.paint('dim', `${origin.node}:${origin.port}`)
  if (fields === undefined) {
    shell.print(`${from}  ${raw}`)
    return
  }
  const { time, level, msg, component, ...rest } = fields
  const style = level === 'error' ? 'red' : level === 'warn' ? 'yellow' : 'dim'
  const more = Object.entries(rest)
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ')
  const words = [
    from,
    String(time ?? '').slice(11, 23),
    shell.paint(style, String(level ?? '').padEnd(5)),
    component === undefined ? '' : `${String(component)}:`,
    String(msg ?? ''),
    shell.paint('dim', more),
  ]
  shell.print(words.filter((word) => word !== '').join('  '))
}
