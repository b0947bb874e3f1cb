// Goal: whatever code a reader copies from the README or the guide works. Method: every block becomes a file;
// all are compiled, topologies are built twice, and the word count of the README is run and tested as the
// README says.
import { execFile } from 'node:child_process'
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

interface Outcome {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

function run(args: readonly string[], cwd: string): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd, timeout: 60_000 }, (error, stdout, stderr) => {
      const status = error === null ? 0 : Number(error.code ?? -1)
      resolve({ status, stdout, stderr })
    })
  })
}

const typhoon = join(root, 'bin/typhoon.js')

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

  test('compiles under the strict set', async () => {
    const tsc = join(root, 'node_modules/typescript/bin/tsc')
    const { stdout } = await run([tsc, '--noEmit', '--pretty', 'false', '-p', snippetsFolder], root)
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

describe('topologies of the guide', () => {
  // What each must print; those of the README and of the page on running have tests of their own.
  const printed: Readonly<Record<string, readonly string[]>> = {
    'concepts/evens.ts': ['{"n":2}', '{"n":10}'],
    'concepts/parallel.ts': [],
    'from-storm/single-join.ts': ['{"first":'],
    'groupings/all-groupings.ts': [],
    'groupings/direct.ts': [],
    'operate-and-debug/evens.ts': [],
    'operate-and-debug/hooks.ts': [],
    'operate-and-debug/reported.ts': ['typhoon_tuples_acked_total items 2'],
    'reliability/dead-letters.ts': ['parse EXECUTE_THREW no number: two'],
    'reliability/fast.ts': ['{"value":1}', '{"value":2}'],
    'several-workers/two-workers.ts': ['{"id":1}', '{"id":2}', '{"id":3}'],
    'spouts-and-bolts/sessions.ts': [],
    'spouts-and-bolts/classes.ts': ['{"word":"cow"}'],
  }
  // Those of the README, of running locally and of the cluster have tests or a tour of their own.
  const own = /^(README|run-locally)\/|^run-a-cluster\//

  test('all have a line above', () => {
    const names = topologies.map(({ path }) => nameOf(path)).filter((name) => !own.test(name))
    expect(Object.keys(printed).sort()).toEqual(names.sort())
  })

  test.concurrent.each(Object.entries(printed))('%s runs', async (name, texts) => {
    const args = [typhoon, 'run', join(snippetsFolder, name), '--fresh', '--for', '500ms']
    const { status, stdout, stderr } = await run(args, snippetsFolder)
    for (const text of texts) expect(stdout).toContain(text)
    expect(stderr).not.toMatch(/error/i)
    expect(status).toBe(0)
  })
})

describe('programs of the guide', () => {
  test('embed.ts runs a topology to its end', async () => {
    const folder = join(snippetsFolder, 'run-locally')
    writeFileSync(join(folder, 'poem.txt'), 'a\nb\n')
    expect(await run([join(folder, 'embed.ts')], folder)).toEqual({ status: 0, stdout: 'a\nb\n', stderr: '' })
  })

  test('look.ts taps two tuples and reads the counts', async () => {
    const { status, stdout } = await run([join(snippetsFolder, 'operate-and-debug/look.ts')], snippetsFolder)
    const lines = stdout.trimEnd().split('\n')
    expect(lines.slice(0, 2).map((line) => Number(line) % 2)).toEqual([0, 0])
    expect(lines.slice(2).sort()).toEqual(['even 100 0', 'items 100 0'])
    expect(status).toBe(0)
  })
})

describe('the page on running', () => {
  const folder = join(snippetsFolder, 'run-locally')
  const page = readFileSync(join(root, 'docs/guide/run-locally.md'), 'utf8')
  const commands = [...page.matchAll(/^npx typhoon ([^#\n]*)/gm)].map((found) => (found[1] ?? '').trim())

  beforeAll(() => writeFileSync(join(folder, 'poem.txt'), 'a\nb\n'))

  test.each(commands)('typhoon %s works as written', async (command) => {
    const args = [typhoon, ...command.split(' ')]
    const { status, stdout } = await run(args, folder)
    expect(status).toBe(0)
    expect(stdout).toMatch(/^b$|"line":"b"/m)
  })
})

describe('the quick start', () => {
  const folder = join(snippetsFolder, 'README')

  beforeAll(() => {
    writeFileSync(join(folder, 'poem.txt'), 'the cow jumped over the moon\nthe moon was full\n')
  })

  test('counts the poem', async () => {
    const args = [typhoon, 'run', 'word-count.ts', '--fresh']
    const { status, stdout, stderr } = await run(args, folder)
    expect(stderr).toContain('acked 2')
    expect(status).toBe(0)
    const lines = stdout.trimEnd().split('\n')
    expect(lines.length).toBe(10)
    expect(stdout).toContain('{"word":"the","count":3}')
    expect(stdout).toContain('{"word":"moon","count":2}')
  })

  test.each(['check', 'graph'])('%s of the word count is content', async (command) => {
    const args = [typhoon, command, 'word-count.ts']
    const { status, stdout } = await run(args, folder)
    expect(stdout).toContain('word-count')
    expect(status).toBe(0)
  })

  test('has a test that passes', async () => {
    writeFileSync(
      join(folder, 'vitest.config.mjs'),
      `import { defineConfig } from 'vitest/config'\nexport default defineConfig({})\n`,
    )
    const vitest = join(root, 'node_modules/vitest/vitest.mjs')
    const report = join(folder, 'report.json')
    const args = [vitest, 'run', '--root', folder, '--reporter', 'json', '--outputFile', report]
    const { status, stderr } = await run(args, folder)
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(JSON.parse(readFileSync(report, 'utf8'))).toMatchObject({ numPassedTests: 2, numFailedTests: 0 })
  })
})
