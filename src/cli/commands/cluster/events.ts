/** `typhoon events`: what has happened in the cluster, and what happens. */
import { WAIT_MS_MAX } from '../../../rpc/limits.ts'
import type { EventPage } from '../../../rpc/nimbus-api.ts'
import { timeText, withIsoTimes } from '../../cluster/say-times.ts'
import { openCluster } from '../../cluster/session.ts'
import { ExitCode } from '../../exit-code.ts'
import type { Invocation } from '../../invocation.ts'
import { withoutControls } from '../../paint.ts'
import { onInterrupt } from '../../run/interrupts.ts'
import type { Shell } from '../../shell.ts'

type Happened = EventPage['events'][number]

export async function events(shell: Shell, invocation: Invocation): Promise<number> {
  const { nimbus } = await openCluster(shell, invocation)
  // Before the first there is no event: all that is still known.
  const page = await nimbus.call('events', [invocation.text('after') ?? '0-0', 0])
  if (!invocation.flag('follow')) {
    if (invocation.output === 'json') {
      shell.printJson({ version: 1, events: withIsoTimes(page.events), next: page.next })
    } else for (const each of page.events) print(shell, invocation, each)
    return ExitCode.OK
  }
  const stop = new AbortController()
  onInterrupt({ first: () => stop.abort(), again: (code) => shell.endNow(code) })
  for (const each of page.events) print(shell, invocation, each)
  let after = page.next
  const { signal } = stop
  while (!signal.aborted) {
    try {
      const options = { signal, timeoutMs: 3 * WAIT_MS_MAX }
      const news = await nimbus.call('events', [after, WAIT_MS_MAX], options)
      for (const each of news.events) print(shell, invocation, each)
      after = news.next
    } catch (error) {
      // Stopping is how it ends.
      if (!signal.aborted) throw error
    }
  }
  return ExitCode.OK
}

function print(shell: Shell, invocation: Invocation, event: Happened): void {
  if (invocation.output !== 'table') {
    shell.printJsonLine(withIsoTimes(event))
    return
  }
  const { at, kind, message } = event
  shell.print(`${shell.paint('dim', timeText(at))}  ${kind.padEnd(20)}  ${withoutControls(message)}`)
}
