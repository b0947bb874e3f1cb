/**
 * Layers: what one source says of the configuration, read and checked value by value.
 *
 * Route: text of a file, variables, a topology's config, `-c` arguments → [here] → load.ts puts layers on
 * each other.
 * Reading files and variables is the caller's business; nothing outside is touched here.
 *
 * A value that does not fit becomes a finding, so that all of them are told at once.
 */
import { isMap, isScalar, LineCounter, parseDocument } from 'yaml'
import { UsageError } from '../base/errors.ts'
import { type ConfigFinding, findingOf } from './finding.ts'
import { isPlainObject, NOWHERE, show, unknownKey } from './invalid.ts'
import { allKeys, type Key, keyNamed, keyOfEnv, keyOfProperty, nearestEnv, nearestName } from './keys.ts'
import { type Form, parseValue } from './parse.ts'
import { unknownProperty } from './settings.ts'
import { notSupported } from './tables/not-supported.ts'
import type { TopologyConfig } from './topology-config.ts'

/** Sources, later wins. `project`: `config` in typhoon.config.ts. */
export const layerOrder = ['cluster-file', 'environment', 'project', 'topology', 'command-line'] as const

export type LayerKind = (typeof layerOrder)[number]

/** One key that a layer sets. */
export interface LayerEntry {
  readonly key: Key
  /** Compiled: milliseconds, bytes, or what it is; undefined where it was unset with null. */
  readonly value: unknown
  /** `typhoon.yaml:3:1`, the name of a variable, `topology`, `command line`. */
  readonly origin: string
}

export interface Layer {
  readonly kind: LayerKind
  readonly entries: readonly LayerEntry[]
  readonly findings: readonly ConfigFinding[]
}

/** A name and a value as they stood there. */
interface Given {
  readonly name: string
  readonly value: unknown
  readonly origin: string
}

/**
 * The cluster file. An empty one sets nothing.
 * @param file its name, for messages
 * @throws UsageError CONFIG_FILE_UNREADABLE with line and column
 */
export function readYaml(text: string, file: string): Layer {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset)
    return `${file}:${line}:${col}`
  }
  const [broken] = document.errors
  if (broken !== undefined) throw unreadable(at(broken.pos[0]), broken.message)
  const { contents } = document
  if (contents === null || (isScalar(contents) && contents.value === null))
    return layerOf('cluster-file', [], 'file')
  if (!isMap(contents)) throw unreadable(at(contents.range[0]), 'a map from keys to values is needed')
  const given = contents.items.map((pair): Given => {
    if (!isScalar(pair.key)) throw unreadable(at(contents.range[0]), 'keys are texts')
    const origin = at(pair.key.range?.[0] ?? 0)
    return { name: String(pair.key.value), value: plainValue(pair.value, document, origin), origin }
  })
  return layerOf('cluster-file', given, 'file')
}

function plainValue(node: unknown, document: ReturnType<typeof parseDocument>, origin: string): unknown {
  if (node === null || typeof node !== 'object' || !('toJS' in node) || typeof node.toJS !== 'function')
    return null
  try {
    return node.toJS(document)
  } catch (error) {
    // An alias without its anchor, or so many of them that somebody means harm.
    throw unreadable(origin, error instanceof Error ? error.message : String(error))
  }
}

/** The environment: every variable whose name begins with `TYPHOON_`. An empty one says nothing. */
export function readEnvironment(variables: Readonly<Record<string, string | undefined>>): Layer {
  const entries: LayerEntry[] = []
  const findings: ConfigFinding[] = []
  for (const [name, value] of Object.entries(variables)) {
    if (!name.startsWith('TYPHOON_') || value === undefined || value === '') continue
    const key = keyOfEnv(name)
    if (key === undefined) {
      // A warning only: other programs may have variables of this name.
      const { code, message } = unknownKey(NOWHERE, name, nearestEnv(name))
      findings.push({ severity: 'warning', code, message, key: name, origin: name })
      continue
    }
    read({ key, name, value, origin: name, form: 'text' }, entries, findings)
  }
  return { kind: 'environment', entries, findings }
}

/** A topology's own configuration, or the project's for all its topologies, as written in TypeScript. */
export function readTypeScript(
  config: TopologyConfig,
  kind: 'project' | 'topology' = 'topology',
  origin: string = kind,
): Layer {
  const entries: LayerEntry[] = []
  const findings: ConfigFinding[] = []
  for (const [property, value] of Object.entries(config)) {
    if (value === undefined) continue
    const key = keyOfProperty(property)
    if (key === undefined) findings.push(findingOf(unknownProperty(property, NOWHERE), property, origin))
    else read({ key, name: property, value, origin, form: 'typed' }, entries, findings)
  }
  return { kind, entries, findings }
}

/** `-c key=value` arguments in their order. Values are JSON; what is no JSON is text. */
export function readCommandLine(assignments: readonly string[]): Layer {
  const given: Given[] = []
  const findings: ConfigFinding[] = []
  for (const assignment of assignments) {
    const equals = assignment.indexOf('=')
    if (equals > 0) {
      given.push({
        name: assignment.slice(0, equals),
        value: assignment.slice(equals + 1),
        origin: 'command line',
      })
      continue
    }
    const message = `-c ${show(assignment)} is not of the form key=value`
    findings.push({
      severity: 'error',
      code: 'CONFIG_INVALID_VALUE',
      message,
      key: assignment,
      origin: 'command line',
    })
  }
  const layer = layerOf('command-line', given, 'text')
  return { ...layer, findings: [...findings, ...layer.findings] }
}

function layerOf(kind: LayerKind, given: readonly Given[], form: Form): Layer {
  const entries: LayerEntry[] = []
  const findings: ConfigFinding[] = []
  for (const { name, value, origin } of given) {
    const key = keyNamed(name)
    if (key !== undefined) read({ key, name, value, origin, form }, entries, findings)
    else findings.push(unknown(name, value, origin))
  }
  // In a file no line is later than another; on the command line the last one wins.
  if (form === 'file') findings.push(...twins(entries))
  return { kind, entries, findings }
}

interface Reading extends Given {
  readonly key: Key
  readonly form: Form
}

/** Checks one value: it becomes an entry, or a finding. */
function read(reading: Reading, entries: LayerEntry[], findings: ConfigFinding[]): void {
  const { key, name, value, origin, form } = reading
  try {
    entries.push({ key, value: parseValue(key, value, form), origin })
  } catch (error) {
    findings.push(findingOf(error, name, origin))
  }
}

function unknown(name: string, value: unknown, origin: string): ConfigFinding {
  const instead = notSupported.get(name)
  if (instead !== undefined) {
    const message = `the Storm key ${name} has no meaning here and is ignored; instead: ${instead}`
    return { severity: 'warning', code: 'CONFIG_NOT_SUPPORTED', message, key: name, origin }
  }
  if (isPlainObject(value) && allKeys.some((key) => key.name.startsWith(`${name}.`))) {
    const message = `there is no configuration key ${name}; keys are written with dots, in one line`
    return { severity: 'error', code: 'CONFIG_UNKNOWN_KEY', message, key: name, origin }
  }
  return findingOf(unknownKey(NOWHERE, name, nearestName(name)), name, origin)
}

/** A key and its Storm twin in one file, with different values. */
function twins(entries: readonly LayerEntry[]): readonly ConfigFinding[] {
  const first = new Map<Key, LayerEntry>()
  const findings: ConfigFinding[] = []
  for (const entry of entries) {
    const { key, value, origin } = entry
    const other = first.get(key)
    if (other === undefined) first.set(key, entry)
    else if (JSON.stringify(other.value) !== JSON.stringify(value)) {
      const message = `${key.name} and its Storm name ${key.storm} are given different values`
      findings.push({ severity: 'error', code: 'CONFIG_CONTRADICTION', message, key: key.name, origin })
    }
  }
  return findings
}

function unreadable(at: string, message: string): UsageError {
  return new UsageError('CONFIG_FILE_UNREADABLE', `${at}: ${message}`, { at })
}
