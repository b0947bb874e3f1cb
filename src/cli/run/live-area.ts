/**
 * Lines at the bottom of a terminal that are drawn anew in place; other lines go above them.
 *
 * Invariant: what is above is never touched again, so scrolling back shows everything that was said.
 */
import type { TextOut } from '../../host/cli/node-cli-terminal.ts'
import { cut } from '../paint.ts'

const CLEAR_DOWN = '\u001b[0J'
const HIDE_CURSOR = '\u001b[?25l'
const SHOW_CURSOR = '\u001b[?25h'

export class LiveArea {
  private readonly out: TextOut
  private lines: readonly string[] = []
  private shownCount = 0

  constructor(out: TextOut) {
    this.out = out
  }

  /** Draws these lines in place of the last ones. */
  draw(lines: readonly string[]): void {
    const columns = Math.max(1, this.out.columns() - 1)
    // A line that wraps would take two rows, and an area higher than the window could not be cleared.
    const fitting = lines.slice(0, Math.max(1, this.out.rows() - 1)).map((line) => cut(line, columns))
    this.lines = fitting
    this.out.write(`${HIDE_CURSOR}${this.up()}${fitting.map((line) => `${line}\n`).join('')}${SHOW_CURSOR}`)
    this.shownCount = fitting.length
  }

  /** Writes text above the area. `write` may write to another stream of the same terminal. */
  above(write: () => void): void {
    if (this.shownCount > 0) this.out.write(this.up())
    this.shownCount = 0
    write()
    if (this.lines.length > 0) this.draw(this.lines)
  }

  /** Removes the area. */
  clear(): void {
    if (this.shownCount > 0) this.out.write(this.up())
    this.lines = []
    this.shownCount = 0
  }

  private up(): string {
    return this.shownCount === 0 ? '' : `\u001b[${this.shownCount}A\r${CLEAR_DOWN}`
  }
}
