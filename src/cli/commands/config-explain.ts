/** `typhoon config explain`: what holds for a key, and every layer that said something. */

import { refuseErrors } from '../../config/finding.ts'
import { allKeys } from '../../config/keys.ts'
import { type Explanation, inspectConfig, type ResolvedConfig } from '../../config/load.ts'
import type { TopologyConfig } from '../../config/topology-config.ts'
import { recipeOf } from '../../topology/topology-def.ts'
import { ExitCode } from '../exit-code.ts'
import { CommandFailure } from '../failure.ts'
import type { Invocation } from '../invocation.ts'
import { layersOf } from '../load/layers.ts'
import { loadTopology, locateTopology } from '../load/load-topology.ts'
import { findProject } from '../load/project.ts'
import type { Shell } from '../shell.ts'
import { type Cell, textTable } from '../text-table.ts'
import { findKey, keyLines, nearestKey } from './explain.ts'

const layerNames: Readonly<Record<string, string>> = {
  defaults: 'default',
  'cluster-file': 'file',
  environment: 'environment',
  project: 'project',
  topology: 'topology',
  'command-line': 'command line',
}

export async function configExplain(shell: Shell, invocation: Invocation): Promise<number> {
  const resolved = await resolve(shell, invocation)
  const [word] = invocation.args
  if (word === undefined) return printAll(shell, invocation, resolved)
  const key = findKey(word)
  const explanation = key === undefined ? undefined : resolved.explain(key.name)
  if (explanation === undefined) throw unknownKey(word)
  if (invocation.output === 'table') printOne(shell, explanation)
  else shell.printJson({ version: 1, ...keyDocument(explanation) })
  return ExitCode.OK
}

async function resolve(shell: Shell, invocation: Invocation): Promise<ResolvedConfig> {
  const project = await findProject(shell)
  const own = await ownConfig(shell, invocation)
  const { resolved, findings } = inspectConfig(await layersOf(shell, invocation, project, own))
  refuseErrors(findings)
  for (const { code, origin, message } of resolved.warnings) {
    shell.say(
      `${shell.paintError('yellow', 'warning')} ${code}  ${origin === '' ? '' : `${origin}: `}${message}`,
    )
  }
  return resolved
}

async function ownConfig(shell: Shell, invocation: Invocation): Promise<TopologyConfig | undefined> {
  const word = invocation.text('topology')
  if (word === undefined) return undefined
  const place = await locateTopology(shell, invocation, word)
  const { definition, args } = await loadTopology(shell, place)
  return recipeOf(definition)?.build(args).topology.config
}

function printAll(shell: Shell, invocation: Invocation, resolved: ResolvedConfig): number {
  const set = allKeys
    .flatMap(({ name }) => resolved.explain(name) ?? [])
    .filter(({ said }) => said.length > 1)
  if (invocation.output === 'json') shell.printJson({ version: 1, keys: set.map(keyDocument) })
  else if (invocation.output === 'jsonl') for (const each of set) shell.printJsonLine(keyDocument(each))
  else if (set.length === 0)
    shell.print('nothing is set: every key has its default (docs/reference/config.md)')
  else {
    const rows = set.map((each): readonly Cell[] => {
      const last = each.said.at(-1)
      return [each.key.name, shown(each.value), originOf(last?.layer ?? '', last?.origin ?? '')]
    })
    const columns = [{ title: 'KEY' }, { title: 'VALUE' }, { title: 'SAID BY' }]
    for (const line of textTable(columns, rows, shell.paint)) shell.print(line)
  }
  return ExitCode.OK
}

function printOne(shell: Shell, { key, value, said }: Explanation): void {
  const unit = key.unit === null || value === null ? '' : ` ${key.unit}`
  shell.print(`${shell.paint('bold', key.name)} = ${shown(value)}${unit}`)
  for (const line of keyLines(key)) shell.print(line)
  shell.print('')
  const rows = said.map(({ layer, origin, value: each }, index): readonly Cell[] => {
    const isLast = index === said.length - 1
    const what = originOf(layer, origin)
    return [isLast ? { text: '▶', style: 'green' } : '', what, shown(each), isLast ? 'holds' : '']
  })
  const columns = [{ title: '' }, { title: '' }, { title: '' }, { title: '' }]
  for (const line of textTable(columns, rows, shell.paint)) shell.print(line)
}

function originOf(layer: string, origin: string): string {
  const name = layerNames[layer] ?? layer
  return origin === '' || origin === name || origin === layer ? name : `${name} (${origin})`
}

function shown(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? 'unset')
}

function keyDocument({ key, value, said }: Explanation): object {
  const { name, property, scope, type, unit, doc } = key
  return {
    key: name,
    value: value ?? null,
    property,
    scope,
    type,
    unit,
    default: key.default,
    doc,
    layers: said,
  }
}

function unknownKey(word: string): CommandFailure {
  const close = nearestKey(word)
  const fix = close === undefined ? 'see docs/reference/config.md' : `did you mean ${close}?`
  return new CommandFailure(`there is no configuration key '${word}'`, { exitCode: ExitCode.NOT_FOUND, fix })
}
