/** Markdown of the reference pages. */

/** The first line of every page that is made, so that nobody edits it by hand. */
export function pageHead(title: string, source: string): string {
  const made = `<!-- Made by tools/docs.ts from ${source}. Do not edit: npm run docs writes it anew. -->`
  return `${made}\n\n# ${title}\n`
}

/** A table. Cells are Markdown; what would end a cell is escaped. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n')
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}

/** Text as it is, in the font of code. */
export function code(text: string): string {
  return text.includes('`') ? `\`\` ${text} \`\`` : `\`${text}\``
}
