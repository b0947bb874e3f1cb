/**
 * `npm run docs`: writes the reference pages anew from the tables in the sources. `--check` writes nothing
 * and fails if a page is not what it would write.
 *
 * Source tables → tools/docs/*-page.ts → docs/reference.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { commandTable } from '../src/cli/command-table.ts'
import { configJsonSchema } from '../src/config/json-schema.ts'
import { cliPage } from './docs/cli-page.ts'
import { configPage } from './docs/config-page.ts'
import { errorPage } from './docs/error-page.ts'
import { metricsPage } from './docs/metrics-page.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = 'docs/reference'

/** Text of each page by its path in the project. */
export function makePages(): ReadonlyMap<string, string> {
  return new Map([
    [`${folder}/cli.md`, cliPage(commandTable)],
    [`${folder}/config.md`, configPage()],
    [`${folder}/errors.md`, errorPage()],
    [`${folder}/metrics.md`, metricsPage()],
    [`${folder}/typhoon.schema.json`, `${JSON.stringify(configJsonSchema(), null, 2)}\n`],
  ])
}

/** Pages that are missing or not what they should be. */
function stalePages(pages: ReadonlyMap<string, string>): readonly string[] {
  return [...pages].filter(([path, text]) => textOf(path) !== text).map(([path]) => path)
}

function textOf(path: string): string | undefined {
  const file = join(root, path)
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const pages = makePages()
  const stale = stalePages(pages)
  const checking = process.argv.includes('--check')
  if (!checking) mkdirSync(join(root, folder), { recursive: true })
  for (const path of stale) {
    if (!checking) writeFileSync(join(root, path), pages.get(path) ?? '')
    process.stdout.write(
      checking ? `${path} is not what its source says: npm run docs writes it anew\n` : `${path}\n`,
    )
  }
  process.exitCode = checking && stale.length > 0 ? 1 : 0
}
