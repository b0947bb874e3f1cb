/** A sheet of characters on which boxes and lines are drawn; lines that meet become corners and crossings. */

const UP = 1
const DOWN = 2
const LEFT = 4
const RIGHT = 8

/** By which sides are open. */
const JOINTS = ' ╵╷│╴┘┐┤╶└┌├─┴┬┼'

export class Canvas {
  private readonly texts = new Map<string, string>()
  private readonly lines = new Map<string, number>()
  private width = 0
  private height = 0

  text(x: number, y: number, text: string): void {
    for (const [index, character] of [...text].entries()) this.texts.set(this.grown(x + index, y), character)
  }

  /** A line along a row; both ends are in it. */
  across(y: number, fromX: number, toX: number): void {
    for (let x = fromX; x <= toX; x++) {
      this.open(x, y, (x > fromX ? LEFT : 0) | (x < toX ? RIGHT : 0))
    }
  }

  /** A line along a column. */
  down(x: number, fromY: number, toY: number): void {
    const [top, bottom] = fromY < toY ? [fromY, toY] : [toY, fromY]
    for (let y = top; y <= bottom; y++) this.open(x, y, (y > top ? UP : 0) | (y < bottom ? DOWN : 0))
  }

  box(x: number, y: number, width: number, height: number): void {
    this.across(y, x, x + width - 1)
    this.across(y + height - 1, x, x + width - 1)
    this.down(x, y, y + height - 1)
    this.down(x + width - 1, y, y + height - 1)
  }

  rows(): readonly string[] {
    return Array.from({ length: this.height }, (_, y) => {
      const row = Array.from({ length: this.width }, (__, x) => {
        const key = `${x},${y}`
        return this.texts.get(key) ?? JOINTS[this.lines.get(key) ?? 0]
      })
      return row.join('').trimEnd()
    })
  }

  private open(x: number, y: number, sides: number): void {
    const key = this.grown(x, y)
    this.lines.set(key, (this.lines.get(key) ?? 0) | sides)
  }

  private grown(x: number, y: number): string {
    this.width = Math.max(this.width, x + 1)
    this.height = Math.max(this.height, y + 1)
    return `${x},${y}`
  }
}
