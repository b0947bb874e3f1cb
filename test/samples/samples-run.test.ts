// Goal: every sample of the public API runs as it stands. Method: copies of the samples in a directory of
// their own, run by the built command (or by Node, where the sample is a program); what their world is made
// of stands in outside.mjs.
import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildOnce } from '../cli/sandbox.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const samples = join(root, 'test', 'types', 'samples')
const outside = join(root, 'test', 'samples', 'outside.mjs')
const bin = join(root, 'bin', 'typhoon.js')
let directory = ''

const AT_LEAST_ONCE = ['-c', 'topology.guarantee=at-least-once']

interface Run {
  /** The module that is run, where it is not the sample itself. */
  readonly entry?: string
  readonly args: readonly string[]
  /** Files the sample reads. */
  readonly files?: Readonly<Record<string, string>>
  /** What the report must say, of components by id. */
  readonly executed?: Readonly<Record<string, number>>
  /** Executed at least once: of endless sources. */
  readonly alive?: readonly string[]
}

const visits = Array.from({ length: 8 }, (_, n) => JSON.stringify({ user: `u${n % 4}`, page: '/', at: n }))
const sales = ['id,shop,cents', ...Array.from({ length: 30 }, (_, n) => `s${n},a,${n}`)]

const runs: Readonly<Record<string, Run>> = {
  'a-classic.ts': { args: ['--for', '1s'], alive: ['split', 'report'] },
  'a-word-count.ts': {
    args: [],
    files: { 'moby-dick.txt': 'Call me Ishmael\ncall me\n' },
    executed: { split: 2, count: 5 },
  },
  'async-enrichment.ts': {
    args: ['--for', '2s'],
    files: { 'visits.jsonl': `${visits.join('\n')}\n` },
    executed: { enrich: 8, print: 6 },
  },
  'custom-grouping.ts': {
    args: [],
    executed: { serve: 100_000, 'by-amount': 100_000, cached: 100_000, sampled: 100_000 },
  },
  'direct-grouping.ts': { args: [], executed: { dispatch: 20_000, work: 10_000 } },
  'replayable-source.ts': { args: ['--for', '2s', ...AT_LEAST_ONCE], executed: { archive: 80 } },
  'schemas.ts': { args: [], executed: { label: 1, tag: 1, score: 3 } },
  'storm-port.ts': { args: ['--for', '2s'], executed: { join: 2_000, print: 1_000, report: 1_000 } },
  'tick-batching.ts': { args: ['--for', '2s'], alive: ['insert'] },
  'transactional-sink.ts': {
    args: ['--for', '2s', ...AT_LEAST_ONCE],
    files: { 'in/a.csv': `${sales.join('\n')}\n` },
    executed: { sales: 30, latest: 30 },
  },
  // Its default export stands for the reporter's module, so another module exports the topology.
  'worker-resources.ts': {
    entry: 'resources.ts',
    args: [],
    files: {
      'resources.ts': "export { resources as default } from './worker-resources.ts'\n",
      'line-reporter.js':
        'export default () => ({ report(samples) { console.log("figures", samples.length) } })\n',
    },
    executed: { 'look-up': 1_000, print: 1_000 },
  },
}
/** Programs and configuration, run or read in another way. */
const others = ['e-local.ts', 'operate.ts', 'typhoon.config.ts']

beforeAll(() => {
  buildOnce()
  directory = realpathSync(mkdtempSync(join(tmpdir(), 'typhoon-samples-')))
  writeFileSync(join(directory, 'package.json'), '{ "type": "module" }')
  cpSync(samples, directory, { recursive: true })
  rmSync(join(directory, 'typhoon.config.ts'))
  // As an installation would have it: the package, and what the samples import besides.
  execFileSync('mkdir', ['-p', join(directory, 'node_modules')])
  symlinkSync(root, join(directory, 'node_modules', 'typhoon'))
  for (const name of ['zod', 'valibot', 'arktype', '@ark', 'arkregex']) link(name)
})

afterAll(() => rmSync(directory, { recursive: true, force: true }))

test('every sample is run here', () => {
  expect(readdirSync(samples).sort()).toEqual([...Object.keys(runs), ...others].sort())
})

for (const [name, run] of Object.entries(runs)) {
  test(`${name} runs as it stands`, () => {
    for (const [path, text] of Object.entries(run.files ?? {})) write(path, text)
    const report = JSON.parse(
      lastObject(node([bin, 'run', run.entry ?? name, '--fresh', '-o', 'json', ...run.args])),
    )
    const executed: Record<string, number> = {}
    for (const each of report.components) executed[each.component] = each.executed
    expect(executed).toMatchObject(run.executed ?? {})
    for (const component of run.alive ?? []) expect(executed[component]).toBeGreaterThan(0)
  })
}

test('e-local.ts runs as it stands', () => {
  write('moby-dick.txt', 'Call me Ishmael\n'.repeat(200))
  node([join(directory, 'e-local.ts')])
})

function node(args: readonly string[]): string {
  return execFileSync(process.execPath, ['--import', outside, ...args], {
    cwd: directory,
    encoding: 'utf8',
    timeout: 60_000,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

/** The report is the last thing on stdout; samples print there, too. */
function lastObject(stdout: string): string {
  return stdout.slice(stdout.lastIndexOf('\n{\n') + 1)
}

function write(path: string, text: string): void {
  execFileSync('mkdir', ['-p', join(directory, path, '..')])
  writeFileSync(join(directory, path), text)
}

function link(name: string): void {
  try {
    symlinkSync(join(root, 'node_modules', name), join(directory, 'node_modules', name))
  } catch (error) {
    throw new Error(`cannot link ${name}`, { cause: error })
  }
}
