/**
 * Breaks comment lines that are too long, as the formatter does not: at a word, the rest going into the next
 * line of the same paragraph. Drawings, tables and code in comments are left alone.
 */

const oneLine = /^(\s*)\/\*\* (.*) \*\/$/
const prose = /^\s*(?:\/\/|\*) +(?=\S)/
const listMark = /^(?:[-*] |\d+\. +|[A-Z]\d+ +)/
const fixedForm = /[─│┌└├▶▼]|^\s*(?:\/\/|\*) {4,}|^\s*(?:\/\/|\*) +(?:@|\|)|https?:/

/** The text with no prose comment line over `widthMax` characters, where words allow it. */
export function reflowComments(text: string, widthMax: number): string {
  const lines = text.split('\n')
  for (let index = 0; index < lines.length; index += 1) {
    const line = lines[index] ?? ''
    if (line.length <= widthMax) continue
    const [, indent = '', words] = oneLine.exec(line) ?? []
    if (words !== undefined) lines.splice(index, 1, `${indent}/**`, `${indent} * ${words}`, `${indent} */`)
    else breakLine(lines, index, widthMax)
  }
  return lines.join('\n')
}

/** Moves the words that are too many to the next line. */
function breakLine(lines: string[], index: number, widthMax: number): void {
  const line = lines[index] ?? ''
  const start = prose.exec(line)?.[0]
  if (start === undefined || fixedForm.test(line)) return
  const mark = listMark.exec(line.slice(start.length))?.[0] ?? ''
  const hang = start + ' '.repeat(mark.length)
  const cut = line.lastIndexOf(' ', widthMax)
  if (cut <= hang.length) return
  lines[index] = line.slice(0, cut)
  const rest = hang + line.slice(cut + 1)
  const next = lines[index + 1] ?? ''
  if (continues(hang, next)) lines[index + 1] = `${rest} ${next.slice(hang.length)}`
  else lines.splice(index + 1, 0, rest)
}

/**
 * True when `next` is more of the same paragraph: same indent, no list mark, no drawing, no end of comment.
 */
function continues(hang: string, next: string): boolean {
  const words = next.slice(hang.length)
  return next.startsWith(hang) && /^\w|^[`'"(]/.test(words) && !listMark.test(words) && !fixedForm.test(next)
}
