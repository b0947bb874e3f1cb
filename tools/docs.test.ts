// Goal: pages say what the tables say, and the comments that editors show over a property say the same.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { errorCodes } from '../src/base/error-codes.ts'
import { commandTable } from '../src/cli/command-table.ts'
import { formatBytes } from '../src/config/duration.ts'
import { allKeys, type Key } from '../src/config/keys.ts'
import { defaultValue } from '../src/config/parse.ts'
import { metricRows } from '../src/worker/metric-names.ts'
import { cliPage } from './docs/cli-page.ts'
import { code, table } from './docs/markdown.ts'
import { makePages } from './docs.ts'

/** Doc comment by member name, lines joined, of a file of types. */
function docComments(path: string): ReadonlyMap<string, string> {
  const text = readFileSync(fileURLToPath(new URL(path, import.meta.url)), 'utf8')
  const found = new Map<string, string>()
  for (const [, comment = '', name = ''] of text.matchAll(
    /\/\*\*((?:[^*]|\*(?!\/))*)\*\/\s+readonly '?([\w.]+)'?\?/g,
  )) {
    found.set(
      name,
      comment
        .replace(/\s*\n\s*\*\s?/g, ' ')
        .replace(/\s+/g, ' ')
        .trim(),
    )
  }
  return found
}

/** The default as the comments write it: in the unit of the key. */
function defaultText(key: Key): string {
  if (key.default === null) return 'none'
  if (typeof key.default === 'string') return `'${key.default}'`
  if (key.type === 'duration')
    return key.property === null ? `${key.default} ${key.unit}` : `'${key.default}${key.unit}'`
  if (key.type === 'bytes' && key.property !== null) return `'${key.default}${key.unit}'`
  return key.unit === null ? JSON.stringify(key.default).replaceAll('"', "'") : `${key.default} ${key.unit}`
}

describe('comments of the public types', () => {
  const properties = docComments('../src/config/topology-config.ts')
  const names = docComments('../src/config/cluster-config.ts')

  test('say doc, default and key of every property', () => {
    for (const key of allKeys) {
      // The name has no member: it is given by the definition. The unit of cpu is in its name.
      if (key.property === null || key.name === 'topology.name') continue
      const value = key.property === 'cpu' ? '10' : defaultText(key)
      expect(properties.get(key.property), key.name).toBe(`${key.doc} Default ${value}. \`${key.name}\`.`)
    }
  })

  test('say doc and default of every key of daemons', () => {
    for (const key of allKeys) {
      if (key.scope === 'cluster')
        expect(names.get(key.name), key.name).toBe(`${key.doc} Default ${defaultText(key)}.`)
    }
  })
})

describe('pages', () => {
  test('have every key and every code, once', () => {
    const pages = makePages()
    const rows = (path: string): readonly string[] => (pages.get(path) ?? '').split('\n')
    for (const key of allKeys) {
      const found = rows('docs/reference/config.md').filter((row) => row.startsWith(`| \`${key.name}\` |`))
      expect(found, key.name).toHaveLength(1)
    }
    for (const facts of errorCodes) {
      const found = rows('docs/reference/errors.md').filter((row) =>
        row.includes(`</a>${facts.number} | \`${facts.code}\``),
      )
      expect(found, facts.code).toHaveLength(1)
    }
    for (const { name } of metricRows) {
      const found = rows('docs/reference/metrics.md').filter((row) => row.startsWith(`| \`${name}\` |`))
      expect(found, name).toHaveLength(1)
    }
  })

  test('say sizes as TypeScript does', () => {
    const key = allKeys.find((one) => one.property === 'stateMemoryMax')
    const bytes = key === undefined ? undefined : defaultValue(key)
    const page = makePages().get('docs/reference/config.md')
    expect(page).toContain(
      `\`stateMemoryMax\` | a number of MiB from 1 | \`'${formatBytes(Number(bytes))}'\``,
    )
  })

  test('escape what would end a cell', () => {
    expect(table(['a'], [['x | y\nz']])).toBe('| a |\n|---|\n| x \\| y z |')
    expect(code('a`b')).toBe('`` a`b ``')
  })

  test('of the command line have each command with its options and examples', () => {
    const page = cliPage([
      {
        name: 'kill',
        arguments: '<topology>',
        aliases: ['stop'],
        summary: 'Stops a topology.',
        options: [{ flags: '-w, --wait <duration>', summary: 'Wait.', default: '30s' }],
        examples: ['typhoon kill words'],
      },
    ])
    expect(page).toContain('## typhoon kill\n\nStops a topology.\n\n```\ntyphoon kill <topology>\n```')
    expect(page).toContain('Also: `typhoon stop`')
    expect(page).toContain('| `-w, --wait <duration>` | Wait. | `30s` |')
    expect(page).toContain('```sh\ntyphoon kill words\n```')
  })
})

describe('texts of error codes', () => {
  test('name commands that exist, and what follows them', () => {
    const names = new Set(commandTable.map(({ name }) => name))
    for (const { code: errorCode, meaning, action } of errorCodes) {
      for (const [, command = ''] of `${meaning} ${action}`.matchAll(/\btyphoon ([a-z][a-z-]*)/g)) {
        const known = [...names].some((name) => name.split(' ')[0] === command)
        expect(known, `${errorCode}: typhoon ${command}`).toBe(true)
        const [word] = /typhoon config (\w+)/.exec(action)?.slice(1) ?? []
        if (command === 'config') expect(names, errorCode).toContain(`config ${word}`)
      }
    }
  })
})
