/**
 * `node bench/report.ts RESULTS.jsonl [STORM.txt] [--print]`: writes the tables of BENCHMARKS.md, between
 * its markers, from a file of `npm run bench -- --all --json`. Storm's lines: bench/results/storm-2.8.4.txt
 * unless another file is named. `--print`: to stdout instead.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { Line } from './case.ts'
import { cases } from './catalog.ts'
import { type GoalRow, goalRows, machineSpeed } from './goals.ts'
import { parseLines } from './results.ts'
import { compareWithStorm, comparisonTable, markdownTable, parseStorm, type StormRow } from './storm.ts'
import { plain, short } from './table.ts'

const page = fileURLToPath(new URL('../BENCHMARKS.md', import.meta.url))
const stormFile = fileURLToPath(new URL('results/storm-2.8.4.txt', import.meta.url))

/** The text of each marked part of the page, by its name. */
export function reportParts(
  lines: readonly Line[],
  storm: readonly StormRow[],
  source: string,
  isSameHour = false,
): Readonly<Record<string, string>> {
  return {
    goals: `${aboutSpeed(lines, source, isSameHour)}\n\n${goalTable(goalRows(lines, storm, isSameHour))}`,
    storm: comparisonTable(compareWithStorm(lines, storm)),
    cases: caseTable(lines),
  }
}

/** Puts each part between its markers. @throws Error if the page has no such markers */
export function filledPage(text: string, parts: Readonly<Record<string, string>>): string {
  let filled = text
  for (const [name, part] of Object.entries(parts)) {
    const begin = `<!-- ${name}: begin -->`
    const end = `<!-- ${name}: end -->`
    const from = filled.indexOf(begin)
    const to = filled.indexOf(end)
    if (from < 0 || to < from) throw new Error(`the page has no markers for ${name}`)
    filled = `${filled.slice(0, from + begin.length)}\n${part}\n${filled.slice(to)}`
  }
  return filled
}

function aboutSpeed(lines: readonly Line[], source: string, isSameHour: boolean): string {
  const speed = machineSpeed(lines)
  if (speed === null) return `From \`${source}\`.`
  const beside = isSameHour ? ' Storm ran in the same hour, so ratios to it stand as they are.' : ''
  return [
    `From \`${source}\`. The machine then ran \`loop/yardstick\` at ${plain(speed)} × the speed`,
    `it had on Storm's machine; *adjusted* is the ratio divided by that.${beside}`,
  ].join(' ')
}

function goalTable(rows: readonly GoalRow[]): string {
  return markdownTable(
    ['goal', 'Storm, loop or limit', 'ours', 'ratio', 'adjusted', 'met'],
    rows.map((row) => [row.goal, row.against, row.ours, row.ratio, row.adjusted ?? '', verdict(row)]),
  )
}

function verdict({ isMet, isMetAdjusted }: GoalRow): string {
  if (isMet === undefined) return 'not measured'
  if (isMet) return isMetAdjusted === false ? 'yes (adjusted: no)' : 'yes'
  return isMetAdjusted === true ? '**no** (adjusted: yes)' : '**no**'
}

/** Fields that have a column of their own, or say nothing to a reader. */
const COLUMNS = new Set([
  ...['name', 'tuplesPerSecond', 'cpuSecondsPerMillion', 'p50Ms', 'p99Ms', 'rssMb'],
  ...['unit', 'tuples', 'least', 'most', 'latency', 'foreignCores'],
])

function caseTable(lines: readonly Line[]): string {
  const byName = new Map(lines.map((line) => [line.name, line]))
  const rows = cases.flatMap(({ name, what }) => {
    const line = byName.get(name)
    return line === undefined ? [] : [caseRow(line, what)]
  })
  const head = ['case', 'what', 'per second (least–most)', 'CPU s/M', 'p50 / p99 ms', 'MB', 'more']
  return markdownTable(head, rows)
}

function caseRow(line: Line, what: string): readonly string[] {
  const { tuplesPerSecond, cpuSecondsPerMillion, p50Ms, p99Ms, rssMb } = line
  const { least, most } = line
  const isSpread = typeof least === 'number' && typeof most === 'number'
  const spread = isSpread ? ` (${short(least)}–${short(most)})` : ''
  const more = Object.entries(line).filter(([key, value]) => !COLUMNS.has(key) && value !== null)
  return [
    `\`${line.name}\``,
    what,
    `${short(tuplesPerSecond)}${spread}`,
    plain(cpuSecondsPerMillion),
    p50Ms === null ? '–' : `${plain(p50Ms)} / ${plain(p99Ms)}`,
    plain(rssMb),
    more.map(([key, value]) => `${key} ${typeof value === 'number' ? plain(value) : value}`).join(', '),
  ]
}

function main(): void {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { print: { type: 'boolean', default: false } },
  })
  const [results, storm = stormFile] = positionals
  if (results === undefined) {
    process.stderr.write('usage: node bench/report.ts RESULTS.jsonl [STORM.txt] [--print]\n')
    process.exit(2)
  }
  const lines = parseLines(readFileSync(results, 'utf8'))
  const parts = reportParts(
    lines,
    parseStorm(readFileSync(storm, 'utf8')),
    basename(results),
    storm !== stormFile,
  )
  if (values.print) process.stdout.write(`${Object.values(parts).join('\n\n')}\n`)
  else writeFileSync(page, filledPage(readFileSync(page, 'utf8'), parts))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main()
