/**
 * Colours or none: decided once per stream, applied by name. Also the width of a text as a terminal shows it.
 */
import type { Terminal, TextOut, TextStyle } from '../host/cli/node-cli-terminal.ts'

/** Colours a text, or gives it back as it is. */
export type Paint = (style: TextStyle, text: string) => string

export const plainPaint: Paint = (_style, text) => text

/** `asked` is what `--color` says. FORCE_COLOR wins over NO_COLOR, as in Node. */
export function paintFor(terminal: Terminal, out: TextOut, asked: string | undefined): Paint {
  return isColored(terminal.environment, out.isTerminal, asked) ? terminal.style : plainPaint
}

export function isColored(
  environment: Readonly<Record<string, string | undefined>>,
  isTerminal: boolean,
  asked: string | undefined,
): boolean {
  if (asked === 'always') return true
  if (asked === 'never') return false
  const forced = environment['FORCE_COLOR']
  if (forced !== undefined) return forced !== '0' && forced !== 'false'
  const refused = environment['NO_COLOR']
  if (refused !== undefined && refused !== '') return false
  return isTerminal && environment['TERM'] !== 'dumb'
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: what colours a text begins with one
const STYLES = /\u001b\[[0-9;]*m/g
/** East Asian wide forms and pictures take two columns. */
const WIDE = new RegExp(
  '[\\u1100-\\u115f\\u2e80-\\ua4cf\\uac00-\\ud7a3\\uf900-\\ufaff' +
    '\\ufe30-\\ufe6f\\uff00-\\uff60\\uffe0-\\uffe6]' +
    '|\\p{Emoji_Presentation}',
  'u',
)
const ZERO_WIDTH = /\p{Mark}|[\u200b-\u200f]/u

/** Text of others: nothing in it that a terminal would obey, and one line. */
export function withoutControls(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, ' ')
}

/** Columns that a text takes. */
export function widthOf(text: string): number {
  let width = 0
  for (const character of text.replace(STYLES, '')) {
    if (ZERO_WIDTH.test(character)) continue
    width += WIDE.test(character) ? 2 : 1
  }
  return width
}

/** Text cut to so many columns, with `…` where something is missing. Styles are lost if it is cut. */
export function cut(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text
  let kept = ''
  for (const character of text.replace(STYLES, '')) {
    if (widthOf(kept + character) > columns - 1) break
    kept += character
  }
  return `${kept}…`
}
