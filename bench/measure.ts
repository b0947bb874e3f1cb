/**
 * Windows over something that runs: counts at both ends, CPU time between them, how latency was spread;
 * medians over the windows. Works the same for the engine, which runs by itself, and for a loop, which is
 * driven.
 */
import { cpus } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { Histogram, type HistogramSnapshot } from '../src/base/histogram.ts'
import type { Figures, Plan } from './case.ts'

/** What is measured. Counts and histograms only grow. */
export interface Workload {
  readonly unit: string
  count(): number
  /** Latency of each sampled tuple so far, in ms. */
  latency?(): HistogramSnapshot
  /** Further histograms by name: their p50 and p99 become fields. */
  further?(): Readonly<Record<string, HistogramSnapshot>>
}

/** A loop without an engine: `turn` does some thousand tuples and returns. */
export interface DrivenWorkload extends Workload {
  turn(): void
}

interface Window {
  readonly perSecond: number
  readonly cpuPerMillion: number
  readonly p50: number | null
  readonly p99: number | null
  readonly further: Readonly<Record<string, number>>
  readonly foreignCores: number
  readonly rssMb: number
  readonly count: number
}

interface Edge {
  readonly atMs: number
  readonly count: number
  readonly cpuMs: number
  readonly busyMs: number
  readonly latency: HistogramSnapshot | undefined
  readonly further: Readonly<Record<string, HistogramSnapshot>>
}

/** Measures what runs on the event loop by itself. */
export async function measure(work: Workload, plan: Plan): Promise<Figures> {
  await sleep(plan.warmMs)
  const windows: Window[] = []
  for (let i = 0; i < plan.windowCount; i += 1) {
    const from = edgeOf(work)
    await sleep(plan.windowMs)
    windows.push(windowOf(from, edgeOf(work)))
  }
  return figuresOf(work, windows)
}

/** Measures a loop by driving it. */
export function drive(work: DrivenWorkload, plan: Plan): Figures {
  driveFor(work, plan.warmMs)
  const windows: Window[] = []
  for (let i = 0; i < plan.windowCount; i += 1) {
    const from = edgeOf(work)
    driveFor(work, plan.windowMs)
    windows.push(windowOf(from, edgeOf(work)))
  }
  return figuresOf(work, windows)
}

function driveFor(work: DrivenWorkload, durationMs: number): void {
  const endMs = performance.now() + durationMs
  while (performance.now() < endMs) work.turn()
}

function edgeOf(work: Workload): Edge {
  const cpu = process.cpuUsage()
  return {
    atMs: performance.now(),
    count: work.count(),
    cpuMs: (cpu.user + cpu.system) / 1000,
    busyMs: machineBusyMs(),
    latency: work.latency?.(),
    further: work.further?.() ?? {},
  }
}

function windowOf(from: Edge, to: Edge): Window {
  const elapsedMs = to.atMs - from.atMs
  const count = to.count - from.count
  const cpuMs = to.cpuMs - from.cpuMs
  const latency = spread(from.latency, to.latency)
  const further: Record<string, number> = {}
  for (const [name, snapshot] of Object.entries(to.further)) {
    const each = spread(from.further[name], snapshot)
    if (each === undefined || each.count === 0) continue
    further[`${name}P50Ms`] = each.quantile(0.5)
    further[`${name}P99Ms`] = each.quantile(0.99)
  }
  const isKnown = latency !== undefined && latency.count > 0
  return {
    perSecond: (count / elapsedMs) * 1000,
    cpuPerMillion: cpuMs / 1000 / (count / 1e6),
    p50: isKnown ? latency.quantile(0.5) : null,
    p99: isKnown ? latency.quantile(0.99) : null,
    further,
    foreignCores: Math.max(0, (to.busyMs - from.busyMs - cpuMs) / elapsedMs),
    rssMb: process.memoryUsage.rss() / 2 ** 20,
    count,
  }
}

function figuresOf(work: Workload, windows: readonly Window[]): Figures {
  const perSecond = windows.map((each) => each.perSecond)
  const names = new Set(windows.flatMap((each) => Object.keys(each.further)))
  const further = [...names].map((name): [string, number] => [
    name,
    significant(median(windows.flatMap((each) => each.further[name] ?? []))),
  ])
  return {
    tuplesPerSecond: median(perSecond),
    cpuSecondsPerMillion: median(windows.map((each) => each.cpuPerMillion)),
    p50Ms: medianOrNull(windows.map((each) => each.p50)),
    p99Ms: medianOrNull(windows.map((each) => each.p99)),
    rssMb: Math.max(...windows.map((each) => each.rssMb)),
    unit: work.unit,
    tuples: windows.reduce((sum, each) => sum + each.count, 0),
    more: {
      least: Math.round(Math.min(...perSecond)),
      most: Math.round(Math.max(...perSecond)),
      foreignCores: significant(median(windows.map((each) => each.foreignCores))),
      ...Object.fromEntries(further),
    },
  }
}

/**
 * What was recorded after `from` was taken. Ends of the range are those of all time, which bucket width
 * covers.
 */
export function spread(
  from: HistogramSnapshot | undefined,
  to: HistogramSnapshot | undefined,
): Histogram | undefined {
  if (to === undefined) return undefined
  const before = new Map<number, number>()
  const old = from?.buckets ?? []
  for (let i = 0; i + 1 < old.length; i += 2) before.set(old[i] ?? 0, old[i + 1] ?? 0)
  const buckets: number[] = []
  let count = 0
  for (let i = 0; i + 1 < to.buckets.length; i += 2) {
    const bucket = to.buckets[i] ?? 0
    const added = (to.buckets[i + 1] ?? 0) - (before.get(bucket) ?? 0)
    if (added <= 0) continue
    buckets.push(bucket, added)
    count += added
  }
  const histogram = new Histogram()
  histogram.mergeSnapshot({ count, sum: to.sum - (from?.sum ?? 0), min: to.min, max: to.max, buckets })
  return histogram
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const half = sorted.length >> 1
  const upper = sorted[half] ?? 0
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[half - 1] ?? upper)) / 2
}

function medianOrNull(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null)
  return known.length === 0 ? null : median(known)
}

function significant(value: number): number {
  return Number(value.toPrecision(4))
}

/** CPU time of everybody on this machine. */
function machineBusyMs(): number {
  return cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0)
}
