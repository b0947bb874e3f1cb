/**
 * `npm test`: unit tests and suites, ended by the closing line. Arguments are vitest's: `npm test --
 * flow/ack` filters by path, `-t word` by name, `--project unit` by project, `--coverage` measures.
 */
import { fileURLToPath } from 'node:url'
import { parseCLI, startVitest } from 'vitest/node'
import { ClosingLine, closingLine, type Tally } from './closing-line.ts'

/** Runs the tests that the arguments choose. Failed when one failed, and when there was none. */
export async function runTests(args: readonly string[]): Promise<{ tally: Tally; failed: boolean }> {
  const { filter, options } = parseCLI(['vitest', 'run', ...args])
  const reporter = new ClosingLine(false)
  const reporters = process.env['CI'] === undefined ? ['default', reporter] : ['dot', reporter]
  const vitest = await startVitest('test', filter, { ...options, watch: false, run: true, reporters })
  await vitest.close()
  const { tally } = reporter
  const ranCount = tally.passed + tally.failed
  if (ranCount === 0) process.stderr.write('no test ran\n')
  return { tally, failed: tally.failed > 0 || ranCount === 0 }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { tally, failed } = await runTests(process.argv.slice(2))
  process.stdout.write(`${closingLine(tally)}\n`)
  process.exit(failed ? 1 : 0)
}
