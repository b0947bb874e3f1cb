/** Tables of text: columns two blanks apart, no lines, as wide as what stands in them. */
import type { TextStyle } from '../host/cli/node-cli-terminal.ts'
import { cut, type Paint, widthOf, withoutControls } from './paint.ts'

export interface Column {
  readonly title: string
  /** Default left. */
  readonly align?: 'left' | 'right'
}

/** A text, or one with a style; the style does not count for widths. Control characters are left out. */
export type Cell = string | { readonly text: string; readonly style: TextStyle }

const GAP = '  '

/** Lines of the table, the titles first unless all are empty; none wider than `columnsMax`. */
export function textTable(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  paint: Paint,
  columnsMax: number = Number.POSITIVE_INFINITY,
): readonly string[] {
  const titles = columns.map(({ title }): Cell => ({ text: title, style: 'dim' }))
  const all = columns.some(({ title }) => title !== '') ? [titles, ...rows] : rows
  const widths = columns.map((_, index) => Math.max(0, ...all.map((row) => widthOf(textOf(row[index])))))
  return all.map((row) => {
    let left = columnsMax
    const cells = columns.map((column, index) => {
      const needsNoBlanks = index === columns.length - 1 && column.align !== 'right'
      const width = widths[index] ?? 0
      const text = left <= 0 ? '' : cut(textOf(row[index]), left)
      left -= width + GAP.length
      return text === '' && left <= 0
        ? ''
        : placed(text, row[index], column, needsNoBlanks ? 0 : width, paint)
    })
    return cells.join(GAP).trimEnd()
  })
}

function placed(text: string, cell: Cell | undefined, column: Column, width: number, paint: Paint): string {
  const isRight = column.align === 'right'
  const blanks = ' '.repeat(Math.max(0, width - widthOf(text)))
  const styled = typeof cell === 'object' ? paint(cell.style, text) : text
  return isRight ? blanks + styled : styled + blanks
}

function textOf(cell: Cell | undefined): string {
  return withoutControls(typeof cell === 'object' ? cell.text : (cell ?? ''))
}
