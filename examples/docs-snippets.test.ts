// Goal: whatever code a reader copies from the README or the guide works. Method: every block becomes a file;
// all are compiled, topologies are built twice, and the word count of the README is run and tested as the
// README says.
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { buildTopologyTwice } from '../src/topology/build.ts'
import { recipeOf, type TopologyDef } from '../src/topology/topology-def.ts'
import { readSnippets, root, snippetsFolder, writeSnippets } from './docs-snippets.ts'

const snippets = readSnippets()
const nameOf = (path: string) => path.slice(snippetsFolder.length + 1)
const topologies = snippets.filter(({ text }) => /^export default (defineTopology|\w+$|builder)/m.test(text))

beforeAll(() => writeSnippets(snippets))

function run(command: string, args: readonly string[], cwd: string) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8', timeout: 60_000 })
  return { status, stdout, stderr }
}

describe('code in the README and the guide', () => {
  test('has a file name in every block, different ones on a page', () => {
    expect(snippets.filter(({ name }) => name === undefined)).toEqual([])
    expect(new Set(snippets.map(({ path }) => path)).size).toBe(snippets.length)
    expect(snippets.length).toBeGreaterThan(20)
  })

  test('keeps the word count of the README within 45 lines', () => {
    const wordCount = snippets.find(({ page, name }) => page === 'README.md' && name === 'word-count.ts')
    expect(wordCount?.text.split('\n').length).toBeLessThan(45)
  })

  test('compiles under the strict set', () => {
    const tsc = join(root, 'node_modules/typescript/bin/tsc')
    const { stdout } = run(
      process.execPath,
      [tsc, '--noEmit', '--pretty', 'false', '-p', snippetsFolder],
      root,
    )
    // Errors of sources are for the check of the sources to tell.
    const own = stdout.split('\n').filter((line) => line.startsWith('.typhoon/') || line.startsWith('error'))
    expect(own).toEqual([])
  })

  test.each(topologies.map(({ path }) => [nameOf(path), path]))(
    '%s builds twice the same',
    async (_, path) => {
      const module: Record<string, unknown> = await import(path)
      const definition = module['default']
      expect(recipeOf(definition)).toBeDefined()
      expect(buildTopologyTwice(definition as TopologyDef).topology.components.size).toBeGreaterThan(1)
    },
  )
})

describe('the page on running', () => {
  const folder = join(snippetsFolder, 'run-locally')
  const page = readFileSync(join(root, 'docs/guide/run-locally.md'), 'utf8')
  const commands = [...page.matchAll(/^npx typhoon ([^#\n]*)/gm)].map((found) => (found[1] ?? '').trim())

  beforeAll(() => writeFileSync(join(folder, 'poem.txt'), 'a\nb\n'))

  test.each(commands)('typhoon %s works as written', (command) => {
    const args = [join(root, 'bin/typhoon.js'), ...command.split(' ')]
    const { status, stdout } = run(process.execPath, args, folder)
    expect(status).toBe(0)
    expect(stdout).toMatch(/^b$|"line":"b"/m)
  })
})

describe('the quick start', () => {
  const folder = join(snippetsFolder, 'README')

  beforeAll(() => {
    writeFileSync(join(folder, 'poem.txt'), 'the cow jumped over the moon\nthe moon was full\n')
  })

  test('counts the poem', () => {
    const args = [join(root, 'bin/typhoon.js'), 'run', 'word-count.ts', '--fresh']
    const { status, stdout, stderr } = run(process.execPath, args, folder)
    expect(stderr).toContain('acked 2')
    expect(status).toBe(0)
    const lines = stdout.trimEnd().split('\n')
    expect(lines.length).toBe(10)
    expect(stdout).toContain('{"word":"the","count":3}')
    expect(stdout).toContain('{"word":"moon","count":2}')
  })

  test.each(['check', 'graph'])('%s of the word count is content', (command) => {
    const args = [join(root, 'bin/typhoon.js'), command, 'word-count.ts']
    const { status, stdout } = run(process.execPath, args, folder)
    expect(stdout).toContain('word-count')
    expect(status).toBe(0)
  })

  test('has a test that passes', () => {
    writeFileSync(
      join(folder, 'vitest.config.mjs'),
      `import { defineConfig } from 'vitest/config'\nexport default defineConfig({})\n`,
    )
    const vitest = join(root, 'node_modules/vitest/vitest.mjs')
    const report = join(folder, 'report.json')
    const args = [vitest, 'run', '--root', folder, '--reporter', 'json', '--outputFile', report]
    const { status, stderr } = run(process.execPath, args, folder)
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(JSON.parse(readFileSync(report, 'utf8'))).toMatchObject({ numPassedTests: 2, numFailedTests: 0 })
  })
})
