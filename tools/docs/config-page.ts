/** docs/reference/config.md: every configuration key. Made of src/config/keys.ts. */
import { toTyped } from '../../src/config/format.ts'
import { allKeys, type Key, type Scope } from '../../src/config/keys.ts'
import { defaultValue, wantedValue } from '../../src/config/parse.ts'
import { notSupported } from '../../src/config/tables/not-supported.ts'
import { code, pageHead, table } from './markdown.ts'

const intro = `
Later wins: the default, the cluster file (\`typhoon.yaml\`), the environment, \`config\` of
\`typhoon.config.ts\`, the topology's own configuration, the command line (\`-c key=value\`). \`typhoon
config explain <key>\` shows what holds and who said so.

- In YAML, keys stand as they are here, in one line, and numbers are in the unit given under "Takes". Text
  with a unit (\`30s\`, \`64MiB\`) is understood as well.
- In the environment a key is called \`TYPHOON_\` and its name in capitals, dots as underscores:
  \`TYPHOON_TOPOLOGY_WORKERS=4\`. Lists and maps are JSON there, and on the command line.
- In TypeScript a key has the name in the second column. Durations and sizes are text with a unit.
- A key of Storm that means the same under another name is accepted, too.

An unknown key is \`CONFIG_UNKNOWN_KEY\`, a value that does not fit \`CONFIG_INVALID_VALUE\`, two that
exclude each other \`CONFIG_CONTRADICTION\`. The [JSON Schema](typhoon.schema.json) of the file is made of
the same table.
`

interface Section {
  readonly scope: Scope
  readonly title: string
  readonly text: string
}

const sections: readonly Section[] = [
  { scope: 'topology', title: 'Topologies', text: 'Settings of a topology as a whole.' },
  {
    scope: 'component',
    title: 'Components',
    text:
      'Settings of one component. In a definition or where it is placed they are for it alone, and a ' +
      'setting without meaning for it is refused; in the configuration of a topology they are defaults for ' +
      'all of its components.',
  },
  {
    scope: 'cluster',
    title: 'Daemons',
    text: 'Settings of Nimbus, supervisors and the dashboard: YAML or environment.',
  },
]

export function configPage(): string {
  const parts = [pageHead('Configuration', 'src/config/tables'), intro]
  for (const { scope, title, text } of sections) {
    const keys = allKeys.filter((key) => key.scope === scope)
    parts.push(`\n## ${title}\n\n${text}\n\n${keyTable(keys, scope !== 'cluster')}\n`)
  }
  const ignored = [...notSupported].map(([name, instead]) => [code(name), instead])
  parts.push(
    '\n## Keys of Storm that mean nothing here\n\n',
    'They are ignored, with the warning `CONFIG_NOT_SUPPORTED`.\n\n',
    `${table(['Key', 'Instead'], ignored)}\n`,
  )
  return parts.join('')
}

function keyTable(keys: readonly Key[], hasProperty: boolean): string {
  const head = hasProperty
    ? ['Key', 'In TypeScript', 'Takes', 'Default', '']
    : ['Key', 'Takes', 'Default', '']
  const rows = keys.map((key) => {
    const first = hasProperty ? [code(key.name), code(key.property ?? '')] : [code(key.name)]
    return [...first, wantedValue(key.spec), defaultOf(key), key.doc + onlyFor(key) + storm(key)]
  })
  return table(head, rows)
}

/** The default as it is written in TypeScript, in YAML for daemons. */
function defaultOf(key: Key): string {
  if (key.default === null) return 'none'
  return code(shown(key.property === null ? key.default : toTyped(key, defaultValue(key))))
}

function shown(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : JSON.stringify(value)
}

function onlyFor(key: Key): string {
  return key.spec.kind === undefined ? '' : ` For ${key.spec.kind}s.`
}

function storm(key: Key): string {
  const { stormDefault } = key.spec
  const twin = key.storm === null || key.storm === key.name ? '' : ` Storm: ${code(key.storm)}.`
  if (stormDefault === undefined) return twin
  return `${twin} Storm's default: ${stormDefault === null ? 'none' : code(shown(stormDefault))}.`
}
