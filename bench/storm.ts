/**
 * Ours beside Apache Storm's. Storm's figures come as lines of a driver that runs storm-perf in real daemons:
 *
 *   storm <topology> <ack|noack> <workers> <tuples/s> <p50ms> <p99ms> <cpu_s_per_M> key=value …
 *
 * `storm~` marks a window in which others used the machine, `storm!` one that failed: neither counts.
 * Figures are medians over the windows of a configuration; ratios are taken to the best configuration of
 * each figure, and to the defaults.
 */
import type { Line } from './case.ts'
import { median } from './measure.ts'
import { plain, short } from './table.ts'

export interface StormRow {
  readonly topology: string
  readonly acks: string
  readonly workers: number
  readonly config: string
  readonly rate: string
  readonly windowCount: number
  readonly tuplesPerSecond: number
  readonly p50Ms: number | null
  readonly p99Ms: number | null
  readonly cpuSecondsPerMillion: number
}

/** Our case and the runs of Storm that do the same. */
interface Pair {
  readonly name: string
  readonly topology: string
  readonly acks: 'ack' | 'noack'
  readonly workers: number
  readonly rate: string
}

const pairs: readonly Pair[] = [
  ...both('const-spout', 'ConstSpoutOnlyTopo'),
  ...both('const-null', 'ConstSpoutNullBoltTopo'),
  ...both('const-id-null', 'ConstSpoutIdBoltNullBoltTopo'),
  ...both('simplified-word-count', 'SimplifiedWordCountTopo'),
  ...both('word-count-text', 'FileReadWordCountTopo'),
  one('const-null/noack-ids', 'ConstSpoutNullBoltTopo', 'noack', 1),
  one('const-null/2-workers-noack', 'ConstSpoutNullBoltTopo', 'noack', 2),
  one('const-null/2-workers-ack', 'ConstSpoutNullBoltTopo', 'ack', 2),
  one('word-count-text/2-workers-ack', 'FileReadWordCountTopo', 'ack', 2),
  one('tcp/const-null/noack', 'ConstSpoutNullBoltTopo', 'noack', 2),
  one('tcp/const-null/ack', 'ConstSpoutNullBoltTopo', 'ack', 2),
  one('tcp/word-count-text/noack', 'FileReadWordCountTopo', 'noack', 2),
  one('tcp/word-count-text/ack', 'FileReadWordCountTopo', 'ack', 2),
  one('rate/const-null-10k', 'ConstSpoutNullBoltTopo', 'ack', 1, '10000'),
  one('rate/const-null-300k', 'ConstSpoutNullBoltTopo', 'ack', 1, '300000'),
  // Half of each one's own full speed: ours is by far the higher rate.
  one('rate/const-null-half', 'ConstSpoutNullBoltTopo', 'ack', 1, '300000'),
  one('rate/const-null-2-workers-10k', 'ConstSpoutNullBoltTopo', 'ack', 2, '10000'),
  one('tcp/const-null-10k', 'ConstSpoutNullBoltTopo', 'ack', 2, '10000'),
]

/** Cases that Storm has, too. */
export const stormCases: readonly string[] = pairs.map((pair) => pair.name)

function one(name: string, topology: string, acks: Pair['acks'], workers: number, rate = 'max'): Pair {
  return { name, topology, acks, workers, rate }
}

function both(name: string, topology: string): readonly Pair[] {
  return [one(`${name}/noack`, topology, 'noack', 1), one(`${name}/ack`, topology, 'ack', 1)]
}

/** Medians of each configuration. Lines that are none are passed over, as a driver's output has some. */
export function parseStorm(text: string): readonly StormRow[] {
  const groups = new Map<string, StormRow[]>()
  for (const line of text.split('\n')) {
    const [mark, topology, acks, workers, perSecond, p50, p99, cpu, ...pairsOf] = line.trim().split(/\s+/)
    if (mark !== 'storm' || topology === undefined || acks === undefined || cpu === undefined) continue
    const more = new Map(pairsOf.map((pair): [string, string] => splitPair(pair)))
    const row: StormRow = {
      topology,
      acks,
      workers: Number(workers),
      config: more.get('config') ?? 'default',
      rate: more.get('rate') ?? 'max',
      windowCount: 1,
      tuplesPerSecond: Number(perSecond),
      p50Ms: numberOrNull(p50),
      p99Ms: numberOrNull(p99),
      cpuSecondsPerMillion: Number(cpu),
    }
    const key = [row.topology, row.acks, row.workers, row.config, row.rate].join(' ')
    groups.set(key, [...(groups.get(key) ?? []), row])
  }
  return [...groups.values()].map(medianRow)
}

function splitPair(pair: string): [string, string] {
  const at = pair.indexOf('=')
  return [pair.slice(0, at), pair.slice(at + 1)]
}

function numberOrNull(text: string | undefined): number | null {
  const value = Number(text)
  return text === undefined || Number.isNaN(value) ? null : value
}

function medianRow(rows: readonly StormRow[]): StormRow {
  const [first] = rows
  if (first === undefined) throw new Error('a group has a row')
  const known = (values: readonly (number | null)[]) => {
    const numbers = values.filter((value) => value !== null)
    return numbers.length === 0 ? null : median(numbers)
  }
  return {
    ...first,
    windowCount: rows.length,
    tuplesPerSecond: median(rows.map((row) => row.tuplesPerSecond)),
    p50Ms: known(rows.map((row) => row.p50Ms)),
    p99Ms: known(rows.map((row) => row.p99Ms)),
    cpuSecondsPerMillion: median(rows.map((row) => row.cpuSecondsPerMillion)),
  }
}

/** Ours and Storm's. Ratios above 1 are in our favour, whatever the figure. */
export interface Comparison {
  readonly name: string
  readonly ours: Line
  /** Of `defaults.yaml` alone; undefined if it was not measured. */
  readonly byDefault: StormRow | undefined
  /** The one with the most tuples a second. */
  readonly fastest: StormRow
  /** The one with the least CPU per tuple. */
  readonly thriftiest: StormRow
  /** The one with the lowest p99. */
  readonly quickest: StormRow
  readonly speedToDefault: number | null
  readonly speedToBest: number | null
  readonly cpuToBest: number | null
  readonly p50ToBest: number | null
  readonly p99ToBest: number | null
}

export function compareWithStorm(ours: readonly Line[], storm: readonly StormRow[]): readonly Comparison[] {
  const byName = new Map(ours.map((line) => [line.name, line]))
  return pairs.flatMap((pair) => {
    const line = byName.get(pair.name)
    const rows = storm.filter((row) => isOf(pair, row))
    return line === undefined || rows.length === 0 ? [] : [comparison(line, rows)]
  })
}

function isOf(pair: Pair, row: StormRow): boolean {
  return (
    row.topology === pair.topology &&
    row.acks === pair.acks &&
    row.workers === pair.workers &&
    row.rate === pair.rate
  )
}

function comparison(ours: Line, rows: readonly StormRow[]): Comparison {
  const byDefault = rows.find((row) => row.config === 'default')
  const fastest = best(rows, (row) => -row.tuplesPerSecond)
  const thriftiest = best(rows, (row) => row.cpuSecondsPerMillion)
  const quickest = best(rows, (row) => row.p99Ms ?? Number.POSITIVE_INFINITY)
  const lowest50 = best(rows, (row) => row.p50Ms ?? Number.POSITIVE_INFINITY)
  return {
    name: ours.name,
    ours,
    byDefault,
    fastest,
    thriftiest,
    quickest,
    speedToDefault: ratio(ours.tuplesPerSecond, byDefault?.tuplesPerSecond),
    speedToBest: ratio(ours.tuplesPerSecond, fastest.tuplesPerSecond),
    cpuToBest: ratio(thriftiest.cpuSecondsPerMillion, ours.cpuSecondsPerMillion),
    p50ToBest: ratio(lowest50.p50Ms, ours.p50Ms),
    p99ToBest: ratio(quickest.p99Ms, ours.p99Ms),
  }
}

function best(rows: readonly StormRow[], cost: (row: StormRow) => number): StormRow {
  return rows.reduce((least, row) => (cost(row) < cost(least) ? row : least))
}

function ratio(above: number | null | undefined, below: number | null | undefined): number | null {
  if (above === null || above === undefined || below === null || below === undefined || below === 0)
    return null
  return Number((above / below).toPrecision(3))
}

/** As a Markdown table. */
export function comparisonTable(rows: readonly Comparison[]): string {
  const lines = rows.map((row) => {
    const { ours, byDefault, fastest, thriftiest, quickest } = row
    const defaults = byDefault === undefined ? '–' : short(byDefault.tuplesPerSecond)
    return [
      `\`${row.name}\``,
      `${defaults} / ${short(fastest.tuplesPerSecond)} (${fastest.config})`,
      short(ours.tuplesPerSecond),
      `${times(row.speedToDefault)} / ${times(row.speedToBest)}`,
      plain(thriftiest.cpuSecondsPerMillion),
      plain(ours.cpuSecondsPerMillion),
      times(row.cpuToBest),
      `${plain(quickest.p50Ms)} / ${plain(quickest.p99Ms)}`,
      `${plain(ours.p50Ms)} / ${plain(ours.p99Ms)}`,
      times(row.p99ToBest),
    ]
  })
  return markdownTable(
    [
      'case',
      'Storm default / best, per s',
      'ours, per s',
      'times',
      'Storm CPU s/M, best',
      'ours',
      'times',
      'Storm p50 / p99 ms, best',
      'ours',
      'times',
    ],
    lines,
  )
}

export function times(value: number | null): string {
  return value === null ? '–' : `${plain(value)} ×`
}

export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}
