/**
 * `npm run bench -- [NAME …] [options]`: runs cases one after the other, each in a process of its own, and
 * prints what came out: a table for people, or a JSON line per case.
 *
 *   NAME            a case, or the beginning of its name: `const-null`, `wire/`
 *   --all           every case
 *   --list          names and what they are; with --json as lines
 *   --json          {"name","tuplesPerSecond","cpuSecondsPerMillion","p50Ms","p99Ms","rssMb", …} a line
 *   --seconds N     length of each of the three windows (default 3)
 *   --against FILE  lines of an earlier run: `ratio` and `cpuRatio` say what has changed, above 1: better
 *   --storm FILE    lines of the Storm anchor: ratios to them beside ours; without a NAME only what Storm has
 *   --results FILE  with --storm: our lines from a file instead of a run
 *
 * Exit code: 0; 1 if a case failed; 2 for a wrong call.
 */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { type Case, fullPlan, type Line } from './case.ts'
import { cases, casesBy } from './catalog.ts'
import { runInChild } from './child.ts'
import { parseLines, withRatios } from './results.ts'
import { compareWithStorm, comparisonTable, parseStorm, stormCases } from './storm.ts'
import { TABLE_HEAD, tableRow } from './table.ts'

const EXIT_FAILED = 1
const EXIT_USAGE = 2

function stop(text: string): never {
  process.stderr.write(`bench: ${text}\n`)
  process.exit(EXIT_USAGE)
}

function parsed() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        all: { type: 'boolean', default: false },
        list: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        seconds: { type: 'string', default: '3' },
        against: { type: 'string' },
        storm: { type: 'string' },
        results: { type: 'string' },
      },
    })
  } catch (error) {
    return stop(`${error instanceof Error ? error.message : error}; see the head of bench/main.ts`)
  }
}

const { values: options, positionals: names } = parsed()
const seconds = Number(options.seconds)
if (!(seconds > 0)) stop(`--seconds is ${options.seconds}, wanted a number above 0`)

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

function list(): void {
  for (const { name, what } of casesBy(names)) {
    print(options.json ? JSON.stringify({ name, what }) : `${name.padEnd(30)} ${what}`)
  }
}

function chosen(): readonly Case[] {
  if (options.storm !== undefined && names.length === 0) return casesBy(stormCases)
  if (options.all) return cases
  if (names.length === 0) stop('which case? give names, beginnings of names, --all, or --list to see them')
  const found = casesBy(names)
  if (found.length === 0) stop(`no case begins with ${names.join(' or ')}; --list shows them`)
  return found
}

/** @returns the lines of cases that ran; the others were told on stderr */
async function runAll(wanted: readonly Case[]): Promise<readonly Line[]> {
  const lines: Line[] = []
  const earlier = options.against === undefined ? [] : parseLines(readFileSync(options.against, 'utf8'))
  if (!options.json) print(TABLE_HEAD)
  for (const each of wanted) {
    const why = each.whyNot?.()
    if (why !== undefined) {
      process.stderr.write(`bench: ${each.name} is left out: ${why}\n`)
      continue
    }
    try {
      const line = withRatios(await runInChild(each, fullPlan(seconds)), earlier)
      lines.push(line)
      print(options.json ? JSON.stringify(line) : tableRow(line))
    } catch (error) {
      process.exitCode = EXIT_FAILED
      process.stderr.write(`bench: ${each.name}: ${error instanceof Error ? error.message : String(error)}\n`)
    }
  }
  return lines
}

if (options.list) list()
else {
  const { storm, results } = options
  const lines = results === undefined ? await runAll(chosen()) : parseLines(readFileSync(results, 'utf8'))
  if (storm !== undefined) {
    const rows = compareWithStorm(lines, parseStorm(readFileSync(storm, 'utf8')))
    print(options.json ? rows.map((row) => JSON.stringify(row)).join('\n') : `\n${comparisonTable(rows)}`)
  }
}
