/**
 * Figures of this machine: processor, memory, network, load, and how late the event loop of this very process
 * is.
 *
 * Route: /proc and node:os → [here] → the source of topology.ts. What the machine does not tell (there is no
 * /proc outside of Linux) is left out.
 */
import { readFile } from 'node:fs/promises'
import { availableParallelism, cpus, freemem, loadavg, totalmem } from 'node:os'
import { monitorEventLoopDelay } from 'node:perf_hooks'

export type Metric = 'cpu' | 'memory' | 'load' | 'loop-delay' | 'net-in' | 'net-out'

export interface Sample {
  readonly metric: string
  readonly value: number
  /** Milliseconds since 1970. */
  readonly at: number
}

interface Counters {
  readonly at: number
  readonly busyTicks: number
  readonly allTicks: number
  readonly receivedBytes: number | undefined
  readonly sentBytes: number | undefined
}

/** Reads the machine every `periodMs`, for ever. */
export async function* readMachine(
  periodMs: number,
  now: () => number,
  signal: AbortSignal,
): AsyncGenerator<Sample[]> {
  const loopDelay = monitorEventLoopDelay({ resolution: 5 })
  loopDelay.enable()
  try {
    let before = await readCounters(now())
    while (!signal.aborted) {
      await pause(periodMs, signal)
      const after = await readCounters(now())
      const figures = [...ratesBetween(before, after), ...gauges(loopDelay.percentile(99) / 1e6)]
      loopDelay.reset()
      yield figures.map(([metric, value]) => ({ metric, value, at: after.at }))
      before = after
    }
  } finally {
    loopDelay.disable()
  }
}

type Figure = readonly [metric: Metric, value: number]

/** Shares are 0 to 1, delays milliseconds. */
function gauges(loopDelayMs: number): Figure[] {
  return [
    ['memory', 1 - freemem() / totalmem()],
    ['load', (loadavg()[0] ?? 0) / availableParallelism()],
    ['loop-delay', loopDelayMs],
  ]
}

/** Bytes are per second. */
function ratesBetween(before: Counters, after: Counters): Figure[] {
  const seconds = Math.max(0.001, (after.at - before.at) / 1_000)
  const ticks = Math.max(1, after.allTicks - before.allTicks)
  const figures: Figure[] = [['cpu', Math.max(0, (after.busyTicks - before.busyTicks) / ticks)]]
  if (after.receivedBytes !== undefined && before.receivedBytes !== undefined) {
    figures.push(['net-in', Math.max(0, after.receivedBytes - before.receivedBytes) / seconds])
  }
  if (after.sentBytes !== undefined && before.sentBytes !== undefined) {
    figures.push(['net-out', Math.max(0, after.sentBytes - before.sentBytes) / seconds])
  }
  return figures
}

async function readCounters(at: number): Promise<Counters> {
  const [stat, net] = await Promise.all([readProc('stat'), readProc('net/dev')])
  const { busyTicks, allTicks } = stat === undefined ? ticksOfNode() : ticksOfStat(stat)
  return { at, busyTicks, allTicks, ...bytesOfNet(net) }
}

async function readProc(name: string): Promise<string | undefined> {
  try {
    return await readFile(`/proc/${name}`, 'utf8')
  } catch {
    return undefined // Not Linux, or not allowed.
  }
}

/** First line of /proc/stat: `cpu user nice system idle iowait irq softirq …`. */
export function ticksOfStat(stat: string): { busyTicks: number; allTicks: number } {
  const ticks = (stat.split('\n', 1)[0] ?? '').split(/\s+/).slice(1, 9).map(Number)
  const allTicks = ticks.reduce((sum, each) => sum + each, 0)
  return { allTicks, busyTicks: allTicks - (ticks[3] ?? 0) - (ticks[4] ?? 0) }
}

function ticksOfNode(): { busyTicks: number; allTicks: number } {
  let allTicks = 0
  let busyTicks = 0
  for (const { times } of cpus()) {
    const busy = times.user + times.nice + times.sys + times.irq
    busyTicks += busy
    allTicks += busy + times.idle
  }
  return { busyTicks, allTicks }
}

/**
 * Sums over all interfaces of /proc/net/dev; the first column after the name is received bytes, the ninth
 * sent.
 */
export function bytesOfNet(net: string | undefined): Pick<Counters, 'receivedBytes' | 'sentBytes'> {
  if (net === undefined) return { receivedBytes: undefined, sentBytes: undefined }
  let receivedBytes = 0
  let sentBytes = 0
  for (const line of net.split('\n')) {
    const [name, columns] = line.split(':')
    if (name === undefined || columns === undefined) continue
    const values = columns.trim().split(/\s+/).map(Number)
    receivedBytes += values[0] ?? 0
    sentBytes += values[8] ?? 0
  }
  return { receivedBytes, sentBytes }
}

function pause(durationMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, durationMs)
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer)
        resolve()
      },
      { once: true },
    )
  })
}
