/**
 * `npm run check`: all that must be true of a change, cheapest first, then all tests. Every check runs,
 * whatever the ones before it said. Ends with the closing line; a check counts like a test.
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { addTallies, closingLine } from './closing-line.ts'
import { doors, findLayerViolations, readLayerTable, renderLayerTable } from './layers.ts'
import { runTests } from './test.ts'
import { findUntidy } from './tidy.ts'
import { type Finding, findingLine, readTree, root, type Tree } from './tree.ts'

interface Check {
  readonly name: string
  /** What is wrong, for people; empty when nothing is. */
  run(): string
  /** Why the check has nothing to look at yet, if so. */
  absent?: string | undefined
}

function command(name: string, bin: string, args: readonly string[], absent?: string): Check {
  return {
    name,
    absent,
    run() {
      const done = spawnSync(join(root, 'node_modules', '.bin', bin), args, { cwd: root, encoding: 'utf8' })
      return done.status === 0
        ? ''
        : `${done.stdout}${done.stderr}${done.error ?? ''}` || `exit ${done.status}`
    },
  }
}

function scan(name: string, find: (tree: Tree) => readonly Finding[]): Check {
  return { name, run: () => find(tree).map(findingLine).join('\n') }
}

const docs = join(root, 'tools', 'docs.ts')
const noDoors = existsSync(join(root, 'src', 'index.ts')) ? undefined : 'no doors yet'
/** Imports every door by the package's own name, from dist, as a user's code would. */
const importDoors = doors
  .map((door) => door.replace(/^src\/(connect\/|rpc\/)?/, 'typhoon/').replace(/\/index\.ts$/, ''))
  .map((name) => `await import('${name}')`)
  .join('\n')
const tree = readTree()

const checks: readonly Check[] = [
  command('format and lint', 'biome', ['ci', '--colors=off', '--error-on-warnings', '.']),
  command('types', 'tsc', ['-p', 'tsconfig.json', '--pretty', 'false']),
  scan('layers', findLayerViolations),
  scan('tidy', findUntidy),
  {
    name: 'layer table',
    run: () =>
      readLayerTable(tree) === renderLayerTable() ? '' : 'docs/ARCHITECTURE.md: npm run fix writes it anew',
  },
  command('unused code and dependencies', 'knip', ['--no-progress'], noDoors),
  command('package', 'publint', ['run', '--strict'], noDoors),
  command('built doors', 'node', ['--input-type=module', '--eval', importDoors], noDoors),
  command('reference pages', 'node', [docs, '--check'], existsSync(docs) ? undefined : 'no generator yet'),
]

let [passed, failed, skipped] = [0, 0, 0]
for (const check of checks) {
  if (check.absent !== undefined) {
    process.stdout.write(`–  ${check.name}: ${check.absent}\n`)
    skipped += 1
    continue
  }
  const fromMs = performance.now()
  const trouble = check.run().trimEnd()
  const seconds = ((performance.now() - fromMs) / 1000).toFixed(1)
  process.stdout.write(`${trouble === '' ? '✓' : '✗'}  ${check.name} (${seconds} s)\n`)
  if (trouble === '') passed += 1
  else {
    failed += 1
    process.stdout.write(`${trouble.replace(/^/gm, '     ')}\n`)
  }
}

const tests = await runTests(process.argv.slice(2))
process.stdout.write(`${closingLine(addTallies({ passed, failed, skipped }, tests.tally))}\n`)
process.exit(failed > 0 || tests.failed ? 1 : 0)
