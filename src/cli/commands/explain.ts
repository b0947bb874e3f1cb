/** `typhoon explain`: an error code or a configuration key, from the tables. */
import { type ErrorCodeFacts, errorCode, errorCodes } from '../../base/error-codes.ts'
import { nearest } from '../../base/nearest.ts'
import { allKeys, type Key, keyNamed, keyOfEnv, keyOfProperty } from '../../config/keys.ts'
import { type WarningEntry, warningEntry } from '../check/warning-codes.ts'
import { ExitCode } from '../exit-code.ts'
import { CommandFailure } from '../failure.ts'
import type { Invocation } from '../invocation.ts'
import type { Shell } from '../shell.ts'

const whoActs: Readonly<Record<ErrorCodeFacts['family'], string>> = {
  usage: 'you: fix the call, the topology or the configuration',
  unavailable: 'nobody yet: the same may succeed later, and is tried again where that makes sense',
  conflict: 'you: read again, then decide; somebody else was first',
  format: 'you: bytes or versions do not fit, trying again is of no use',
  'user-code': 'you: a component threw; its own error is the cause',
}

export async function explain(shell: Shell, invocation: Invocation): Promise<number> {
  const [word = ''] = invocation.args
  const { found } = errorCode(word)
  if (found !== undefined) {
    if (invocation.output === 'json') shell.printJson({ version: 1, kind: 'error', ...found })
    else printCode(shell, found)
    return ExitCode.OK
  }
  const warning = warningEntry(word)
  if (warning !== undefined) {
    if (invocation.output === 'json') shell.printJson({ version: 1, kind: 'warning', code: word, ...warning })
    else printWarning(shell, word, warning)
    return ExitCode.OK
  }
  const key = findKey(word)
  if (key === undefined) throw notFound(word)
  if (invocation.output === 'json') {
    const { spec: _line, ...facts } = key
    shell.printJson({ version: 1, kind: 'key', ...facts })
  } else printKey(shell, key)
  return ExitCode.OK
}

/** By name, Storm's name, property, or variable. */
export function findKey(word: string): Key | undefined {
  return keyNamed(word) ?? keyOfProperty(word) ?? keyOfEnv(word.toUpperCase())
}

/** The nearest of all names there are. */
export function nearestKey(word: string): string | undefined {
  return nearest(
    word,
    allKeys.flatMap(({ name, property, storm, env }) => [name, property ?? '', storm ?? '', env]),
  )
}

function printCode(shell: Shell, { number, code, meaning, action, family, retryable }: ErrorCodeFacts): void {
  shell.print(`${shell.paint('bold', `${number} ${code}`)}`)
  shell.print(`  ${meaning}`)
  const row = rowIn(shell)
  row('fix', action)
  row('acts', whoActs[family])
  row('retry', retryable ? 'the same call may succeed later' : 'no')
}

function printWarning(shell: Shell, code: string, { meaning, action }: WarningEntry): void {
  shell.print(shell.paint('bold', code))
  shell.print(`  ${meaning}`)
  rowIn(shell)('fix', action)
}

function printKey(shell: Shell, key: Key): void {
  shell.print(shell.paint('bold', key.name))
  for (const line of keyLines(key)) shell.print(line)
}

/** What is known of a key, without what was set. */
export function keyLines(key: Key): readonly string[] {
  const { name, doc, type, unit, property, env, storm, scope } = key
  const rows: [string, string | undefined][] = [
    ['type', unit === null ? type : `${type}, in ${unit}`],
    ['default', JSON.stringify(key.default)],
    ['of', scope],
    ['in TypeScript', property ?? undefined],
    ['variable', env],
    ['in Storm', storm === null ? undefined : storm === name ? 'the same' : storm],
  ]
  return [
    `  ${doc}`,
    ...rows.flatMap(([label, text]) => (text === undefined ? [] : `  ${label.padEnd(13)} ${text}`)),
  ]
}

function rowIn(shell: Shell): (label: string, text: string) => void {
  return (label, text) => shell.print(`  ${shell.paint('dim', label.padEnd(5))} ${text}`)
}

function notFound(word: string): CommandFailure {
  const looksLikeCode = /^e\d/i.test(word)
  const close = looksLikeCode
    ? nearest(
        word.toUpperCase(),
        errorCodes.map(({ number }) => number),
      )
    : (nearestKey(word) ??
      nearest(
        word.toUpperCase().replaceAll('-', '_'),
        errorCodes.map(({ code }) => code),
      ))
  const fix =
    close === undefined
      ? 'see docs/reference/errors.md and docs/reference/config.md'
      : `did you mean ${close}?`
  const what = `there is no error code and no configuration key '${word}'`
  return new CommandFailure(what, { exitCode: ExitCode.NOT_FOUND, fix })
}
