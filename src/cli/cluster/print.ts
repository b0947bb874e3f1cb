/** What commands about a cluster print: one document for programs, or a table for people. */
import type { Invocation } from '../invocation.ts'
import type { Shell } from '../shell.ts'
import { type Cell, type Column, textTable } from '../text-table.ts'
import { withIsoTimes } from './say-times.ts'

export interface Listing<T> {
  /** Name of the list in the document. */
  readonly name: string
  readonly rows: readonly T[]
  readonly columns: readonly Column[]
  readonly cells: (row: T) => readonly Cell[]
  /** Said in place of an empty table. */
  readonly empty: string
}

export function printListing<T>(shell: Shell, invocation: Invocation, listing: Listing<T>): void {
  const { rows, columns, cells, name, empty } = listing
  if (invocation.output === 'json') {
    shell.printJson({ version: 1, [name]: withIsoTimes(rows) })
  } else if (invocation.output === 'jsonl') {
    for (const row of rows) shell.printJsonLine(withIsoTimes(row))
  } else if (rows.length === 0) {
    shell.say(empty)
  } else {
    for (const line of textTable(columns, rows.map(cells), shell.paint, columnsMax(shell))) shell.print(line)
  }
}

/** A window cuts long lines; a file or a pipe gets them whole. */
function columnsMax(shell: Shell): number {
  const { out } = shell.terminal
  return out.isTerminal ? out.columns() : Number.POSITIVE_INFINITY
}

/** One object: as a document, or by the lines that `say` gives. */
export function printOne(
  shell: Shell,
  invocation: Invocation,
  value: object,
  lines: () => readonly string[],
): void {
  if (invocation.output === 'table') for (const line of lines()) shell.print(line)
  else if (invocation.output === 'jsonl') shell.printJsonLine({ version: 1, ...Object(withIsoTimes(value)) })
  else shell.printJson({ version: 1, ...Object(withIsoTimes(value)) })
}
