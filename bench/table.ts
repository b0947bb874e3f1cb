/** Figures for people. */
import type { Line } from './case.ts'

/** Fields that have a column, or need none. */
const SHOWN = new Set([
  'name',
  'tuplesPerSecond',
  'cpuSecondsPerMillion',
  'p50Ms',
  'p99Ms',
  'rssMb',
  'unit',
  'tuples',
  'least',
  'most',
  'latency',
])

export const TABLE_HEAD = row('case', 'per second', 'CPU s/M', 'p50 ms', 'p99 ms', 'MB', '')

export function tableRow(line: Line): string {
  const { name, tuplesPerSecond, cpuSecondsPerMillion, p50Ms, p99Ms, rssMb, unit } = line
  const more = Object.entries(line).filter(([key, value]) => !SHOWN.has(key) && value !== null)
  const rest = [unit, ...more.map(([key, value]) => `${key} ${value}`)].join(', ')
  return row(
    name,
    short(tuplesPerSecond),
    plain(cpuSecondsPerMillion),
    plain(p50Ms),
    plain(p99Ms),
    plain(rssMb),
    rest,
  )
}

function row(name: string, ...cells: readonly string[]): string {
  const rest = cells.at(-1) ?? ''
  const figures = cells.slice(0, -1).map((cell) => cell.padStart(10))
  return `${name.padEnd(30)}${figures.join('')}  ${rest}`.trimEnd()
}

/** 1.23 M, 45.6 k, 789. */
export function short(value: number | null): string {
  if (value === null) return '–'
  if (value >= 1e6) return `${(value / 1e6).toPrecision(3)} M`
  if (value >= 1e4) return `${(value / 1e3).toPrecision(3)} k`
  return String(Math.round(value))
}

export function plain(value: number | null): string {
  if (value === null) return '–'
  if (value === 0) return '0'
  return value >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)))
}
