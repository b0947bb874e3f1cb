/**
 * The code blocks of the README and the guide, as files: `ts` blocks whose first line is `// name.ts`. Blocks
 * of one page lie in one folder, so they may import each other; `typhoon` is this package, found as a user's
 * code finds it.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../', import.meta.url))

/** Within the package, so that it can name itself; ignored by git. */
export const snippetsFolder = join(root, '.typhoon', 'snippets')

/**
 * Pages with a way of their own: their blocks are fragments, and their tables are generated or tested
 * elsewhere.
 */
const otherPages = new Set(['configuration.md', 'files.md', 'testing.md'])

export interface Snippet {
  /** Page, relative to the root: `docs/guide/concepts.md`. */
  readonly page: string
  readonly line: number
  /** From its first line; undefined: it has none, and is no file. */
  readonly name: string | undefined
  readonly text: string
  /** Where `writeSnippets` puts it. */
  readonly path: string
}

function pages(): string[] {
  const guide = readdirSync(join(root, 'docs/guide')).filter((name) => !otherPages.has(name))
  return ['README.md', ...guide.map((name) => `docs/guide/${name}`)]
}

export function readSnippets(): Snippet[] {
  return pages().flatMap((page) => snippetsOf(page, readFileSync(join(root, page), 'utf8')))
}

function snippetsOf(page: string, text: string): Snippet[] {
  const found: Snippet[] = []
  const folder = page.replace(/^docs\/guide\//, '').replace(/\.md$/, '')
  for (const match of text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)) {
    const code = match[1] ?? ''
    const name = /^\/\/ ([\w.-]+\.ts)\n/.exec(code)?.[1]
    const line = text.slice(0, match.index).split('\n').length
    const path = join(snippetsFolder, folder, name ?? `unnamed-${line}.ts`)
    found.push({ page, line, name, text: code, path })
  }
  return found
}

/** Writes all of them, and a configuration for the compiler beside them. */
export function writeSnippets(snippets: readonly Snippet[]): void {
  rmSync(snippetsFolder, { recursive: true, force: true })
  for (const { path, text } of snippets) {
    mkdirSync(join(path, '..'), { recursive: true })
    writeFileSync(path, text)
  }
  const paths = {
    typhoon: ['../../src/index.ts'],
    'typhoon/files': ['../../src/connect/files/index.ts'],
    'typhoon/testing': ['../../src/testing/index.ts'],
    'typhoon/config': ['../../src/config/index.ts'],
    'typhoon/client': ['../../src/rpc/client/index.ts'],
  }
  const compilerOptions = { paths, noUnusedLocals: false, noUnusedParameters: false }
  const config = { extends: '../../tsconfig.json', compilerOptions, include: ['**/*.ts'], exclude: [] }
  writeFileSync(join(snippetsFolder, 'tsconfig.json'), JSON.stringify(config))
}
