/** `typhoon errors`, `typhoon log-level`: what went wrong in a topology, and how much its workers say. */
import { printListing, printOne } from '../../cluster/print.ts'
import { timeText } from '../../cluster/say-times.ts'
import { argument, openCluster, secondsMs } from '../../cluster/session.ts'
import { ExitCode } from '../../exit-code.ts'
import { CommandFailure } from '../../failure.ts'
import { countText } from '../../figures.ts'
import type { Invocation } from '../../invocation.ts'
import type { Shell } from '../../shell.ts'

const LEVEL_FOR_MS = 600_000

export async function errors(shell: Shell, invocation: Invocation): Promise<number> {
  const { nimbus } = await openCluster(shell, invocation)
  const name = argument(invocation, 0, 'the topology')
  printListing(shell, invocation, {
    name: 'errors',
    rows: await nimbus.call('errors', [name]),
    columns: [
      { title: 'LAST' },
      { title: 'COUNT', align: 'right' },
      { title: 'COMPONENT' },
      { title: 'CODE' },
      { title: 'PLACE' },
      { title: 'MESSAGE' },
    ],
    cells: (each) => [
      timeText(each.lastAt),
      countText(each.count),
      each.component,
      { text: each.code, style: 'red' },
      placeIn(each.stack),
      each.message,
    ],
    empty: `${name} has no errors`,
  })
  return ExitCode.OK
}

/** Where in the user's files it came up: frames of others have absolute paths, URLs, or Node's names. */
function placeIn(stack: string | undefined): string {
  const frames = stack?.split('\n').filter((line) => /^\s+at /.test(line)) ?? []
  for (const frame of frames) {
    const [, place = ''] = /(?:\s|\()([^\s()]+:\d+:\d+)\)?$/.exec(frame) ?? []
    if (place !== '' && !/^(?:\/|[a-z]+:)/.test(place) && !place.includes('node_modules/')) return place
  }
  return ''
}

/** `typhoon log-level word-count split=debug --for 10m` */
export async function logLevel(shell: Shell, invocation: Invocation): Promise<number> {
  const name = argument(invocation, 0, 'the topology')
  const assignment = argument(invocation, 1, 'the logger and its level')
  const [, logger = '', level = ''] = /^([^=]+)=(\w+)$/.exec(assignment) ?? []
  if (level === '') {
    throw new CommandFailure(`'${assignment}' is not logger=level`, { fix: 'for example split=debug' })
  }
  const { nimbus } = await openCluster(shell, invocation)
  const forMs = secondsMs(invocation, 'for') ?? LEVEL_FOR_MS
  await nimbus.call('setLogLevel', [name, logger, level.toLowerCase(), forMs])
  const value = { topology: name, logger, level: level.toLowerCase(), forSeconds: forMs / 1_000 }
  printOne(shell, invocation, value, () => [
    `${shell.paint('green', '✔')} ${logger} of ${name} logs at ${value.level} for ${value.forSeconds} s`,
  ])
  return ExitCode.OK
}
