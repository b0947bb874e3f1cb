/**
 * Errors as people read them.
 *
 *   error E1004 UNKNOWN_FIELD  bolt 'count': fieldsGrouping on 'wrod' …
 *     at    src/word-count.ts:31:62
 *     near  word
 *     fix   Use one of the fields in the message.
 *     more  typhoon explain E1004
 */
import type { Paint } from '../paint.ts'
import { placeOf, shortPlace } from '../place.ts'
import type { ErrorReport, Trouble } from './error-report.ts'

const bugLine = 'this is a bug of Typhoon, not of your code; please report it with the lines above'

export function errorText(report: ErrorReport, directory: string, paint: Paint): string {
  const lines: string[] = []
  for (const trouble of report.troubles) lines.push(...troubleLines(trouble, directory, paint))
  const row = rowIn(paint)
  const said = report.troubles.map(({ message }) => message).join('\n')
  for (const cause of report.causes) if (!isSaidIn(said, cause)) lines.push(row('cause', cause))
  for (const frame of report.frames) lines.push(row('in', frameText(frame, directory)))
  if (report.stack !== undefined) {
    const frames = report.stack.split('\n').filter((line) => /^\s+at /.test(line))
    lines.push(...frames.map((frame) => paint('dim', frame)))
  }
  if (report.isBug) lines.push(row('bug', bugLine))
  return `${lines.join('\n')}\n`
}

/** Most messages end with what was thrown; the same sentence twice tells nothing. */
function isSaidIn(said: string, cause: string): boolean {
  const text = cause.replace(/^\w+: /, '')
  return text !== '' && said.includes(text)
}

function troubleLines(trouble: Trouble, directory: string, paint: Paint): readonly string[] {
  const { code, number, message, where, didYouMean, fix } = trouble
  const name = code === undefined ? '' : ` ${paint('bold', [number, code].filter(Boolean).join(' '))} `
  const row = rowIn(paint)
  const lines = [`${paint('red', 'error')}${name} ${message}`]
  if (where !== undefined) lines.push(row('at', paint('cyan', shortPlace(where, directory))))
  if (didYouMean !== undefined) lines.push(row('near', `did you mean ${didYouMean}?`))
  if (fix !== undefined) lines.push(row('fix', fix))
  if (number !== undefined) lines.push(row('more', `typhoon explain ${number}`))
  return lines
}

function rowIn(paint: Paint): (label: string, text: string) => string {
  return (label, text) => `  ${paint('dim', label.padEnd(5))} ${text}`
}

function frameText(frame: string, directory: string): string {
  const blank = frame.lastIndexOf(' /')
  return blank === -1
    ? shortPlace(frame, directory)
    : `${frame.slice(0, blank)} ${shortPlace(frame.slice(blank + 1), directory)}`
}

/** The same for programs. Flat; places taken apart. */
export function errorDocument(report: ErrorReport): object {
  const errors = report.troubles.map((trouble) => {
    const place = trouble.where === undefined ? undefined : placeOf(trouble.where)
    return {
      code: trouble.code ?? null,
      number: trouble.number ?? null,
      message: trouble.message,
      file: place?.file ?? null,
      line: place?.line ?? null,
      column: place?.column ?? null,
      didYouMean: trouble.didYouMean ?? null,
      fix: trouble.fix ?? null,
    }
  })
  return { version: 1, exitCode: report.exitCode, bug: report.isBug, errors, causes: report.causes }
}
