/** `typhoon top`: figures of a topology as they change; one plain table where nobody looks at a terminal. */
import { deferred } from '../../../base/deferred.ts'
import type { Stoppable } from '../../../host/host.ts'
import { pause } from '../../../rpc/client/waiting.ts'
import type { TopologyMetrics, TopologyStatus } from '../../../rpc/contract.ts'
import { printOne } from '../../cluster/print.ts'
import { argument, type ClusterSession, openCluster, secondsMs } from '../../cluster/session.ts'
import { sparkline } from '../../cluster/sparkline.ts'
import { ExitCode } from '../../exit-code.ts'
import { shortCount, shortTime } from '../../figures.ts'
import type { Invocation } from '../../invocation.ts'
import { onInterrupt } from '../../run/interrupts.ts'
import { LiveArea } from '../../run/live-area.ts'
import type { Shell } from '../../shell.ts'
import { colorOf, componentLines } from './list.ts'

const EVERY_MS = 1_000
const HISTORY_MAX = 24

export async function top(shell: Shell, invocation: Invocation): Promise<number> {
  const session = await openCluster(shell, invocation)
  const name = argument(invocation, 0, 'the topology')
  const everyMs = secondsMs(invocation, 'interval') ?? EVERY_MS
  if (invocation.output === 'jsonl') return await stream(shell, session, name, everyMs)
  const isLive = invocation.output === 'table' && shell.terminal.out.isTerminal
  if (isLive) return await live(shell, session, name, everyMs)
  const status = await session.nimbus.call('topology', [name])
  const metrics = await session.nimbus.call('metrics', [name])
  const { samples: _samples, ...figures } = metrics
  printOne(shell, invocation, { name, state: status.state, ...figures }, () => [
    headline(shell, status, metrics, []),
    ...componentLines(shell, metrics.components),
    ...bottleneck(status),
  ])
  return ExitCode.OK
}

/** A line each time, until somebody stops it. */
async function stream(shell: Shell, session: ClusterSession, name: string, everyMs: number): Promise<number> {
  const end = deferred<number>()
  const stop = new AbortController()
  onInterrupt({ first: leave, again: (code) => shell.endNow(code) })
  function leave(): void {
    stop.abort()
    end.resolve(ExitCode.OK)
  }
  while (!stop.signal.aborted) {
    const { samples: _samples, ...figures } = await session.nimbus.call('metrics', [name])
    shell.printJsonLine({ ...figures, at: new Date(figures.at).toISOString() })
    await Promise.race([pause(session.host, everyMs), end.promise])
  }
  return ExitCode.OK
}

async function live(shell: Shell, session: ClusterSession, name: string, everyMs: number): Promise<number> {
  const { out } = shell.terminal
  const area = new LiveArea(out)
  const rates: number[] = []
  const end = deferred<void>()
  let isOver = false
  const leave = () => {
    isOver = true
    end.resolve()
  }
  onInterrupt({ first: leave, again: (code) => shell.endNow(code) })
  const keys: Stoppable | undefined = shell.terminal.hasKeyboard
    ? shell.terminal.onKey((key) => (key === 'q' || key === '\u0003' ? leave() : undefined))
    : undefined
  try {
    while (!isOver) {
      const status = await session.nimbus.call('topology', [name])
      const metrics = await session.nimbus.call('metrics', [name])
      rates.push(metrics.ackedPerSecond)
      if (rates.length > HISTORY_MAX) rates.shift()
      area.draw([
        headline(shell, status, metrics, rates),
        ...componentLines(shell, metrics.components, out.columns()),
        ...bottleneck(status),
        shell.paint('dim', 'q quit'),
      ])
      await Promise.race([pause(session.host, everyMs), end.promise])
    }
    return ExitCode.OK
  } finally {
    keys?.stop()
  }
}

function headline(
  { paint }: Shell,
  status: TopologyStatus,
  metrics: TopologyMetrics,
  rates: readonly number[],
): string {
  const { name, state } = status
  const lag = metrics.components.reduce((sum, { lagCount }) => sum + (lagCount ?? 0), 0)
  const parts = [
    `${paint('bold', name)}  ${paint(colorOf(state), state)}`,
    `acked ${shortCount(metrics.ackedPerSecond)}/s${rates.length > 1 ? ` ${sparkline(rates)}` : ''}`,
    `failed ${shortCount(metrics.failedPerSecond)}/s`,
    `p50 ${shortTime(metrics.completeP50)}  p99 ${shortTime(metrics.completeP99)}`,
    ...(lag > 0 ? [`lag ${shortCount(lag)}`] : []),
  ]
  return parts.join('   ')
}

function bottleneck({ bottleneck: found }: TopologyStatus): readonly string[] {
  return found === undefined ? [] : [`◀ bottleneck: ${found.evidence}`]
}
