/**
 * What the demo shows: one line that is redrawn on a terminal, plain lines in a pipe, and the result as a
 * table.
 *
 * Does not know: topologies. It is given figures and writes text.
 */
import { styleText } from 'node:util'

export interface Figures {
  readonly elapsedMs: number
  /** Lines of the book that are done: their whole tree of words is counted. */
  readonly ackedCount: number
  readonly failedCount: number
  readonly replayedCount: number
  readonly linesCount: number
  readonly wordsCount: number
  readonly wordsPerSecond: number
}

export interface Result extends Figures {
  readonly distinctCount: number
  readonly top: readonly (readonly [word: string, count: number])[]
}

interface Output {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): unknown
}

const CLEAR_LINE = '\r\u001b[2K'
const HIDE_CURSOR = '\u001b[?25l'
const SHOW_CURSOR = '\u001b[?25h'
const BAR_WIDTH_MAX = 32
const BAR_WIDTH_MIN = 6
const RANK_BAR_WIDTH = 36
/** Eighths of a block, so that short bars differ too. */
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉']

export class Screen {
  private readonly out: Output
  private readonly isLive: boolean

  constructor(out: Output) {
    this.out = out
    this.isLive = out.isTTY === true
  }

  /** Time between two calls of `progress` that looks good. */
  get period(): '50ms' | '250ms' {
    return this.isLive ? '50ms' : '250ms'
  }

  head(title: string, facts: string, graph: string): void {
    if (this.isLive) this.out.write(HIDE_CURSOR)
    this.say(`${this.paint('bold', title)}  ${this.paint('dim', facts)}`)
    this.say(`${this.paint('dim', graph)}\n`)
  }

  progress(figures: Figures): void {
    const { ackedCount, linesCount } = figures
    const share = linesCount === 0 ? 1 : ackedCount / linesCount
    const facts = [
      `${String(Math.floor(share * 100)).padStart(3)} %`,
      `${whole(figures.wordsCount).padStart(7)} words`,
      `${short(figures.wordsPerSecond).padStart(5)}/s`,
      `acked ${whole(ackedCount).padStart(6)}`,
      `failed ${whole(figures.failedCount)}`,
      `${seconds(figures.elapsedMs)} s`,
    ].join('  ')
    if (!this.isLive) {
      this.say(`  ${facts}`)
      return
    }
    const width = Math.min(BAR_WIDTH_MAX, (this.out.columns ?? 80) - facts.length - 5)
    const bar = width < BAR_WIDTH_MIN ? '' : `${this.bar(share, width)} `
    this.out.write(`${CLEAR_LINE}  ${bar}${facts}`)
  }

  result(result: Result): void {
    if (this.isLive) this.out.write('\n')
    this.say('')
    const most = result.top[0]?.[1] ?? 1
    const wordWidth = Math.max(4, ...result.top.map(([word]) => word.length))
    this.say(this.paint('dim', `   #  ${'word'.padEnd(wordWidth)}    count   per 1,000 words`))
    for (const [index, [word, count]] of result.top.entries()) {
      const rank = this.paint('dim', String(index + 1).padStart(4))
      const bar = this.paint('cyan', blocks(count / most, RANK_BAR_WIDTH))
      const perThousand = ((count * 1_000) / result.wordsCount).toFixed(1)
      const figure = `${whole(count).padStart(7)}  ${this.paint('dim', perThousand.padStart(5))}`
      this.say(`${rank}  ${this.paint('bold', word.padEnd(wordWidth))}  ${figure}  ${bar}`)
    }
    this.say('')
    this.totals(result)
  }

  /** Leaves the terminal as it was. */
  close(): void {
    if (this.isLive) this.out.write(SHOW_CURSOR)
  }

  private totals(result: Result): void {
    const isWhole = result.failedCount === 0 && result.ackedCount === result.linesCount
    const mark = isWhole ? this.paint('green', '✔') : this.paint('yellow', '!')
    const average = (result.wordsCount * 1_000) / result.elapsedMs
    const time = `${seconds(result.elapsedMs)} s`
    this.say(`${mark} ${whole(result.wordsCount)} words, ${whole(result.distinctCount)} different`)
    const parts = [
      `lines ${whole(result.linesCount)}`,
      `acked ${whole(result.ackedCount)}`,
      `failed ${whole(result.failedCount)}`,
      `replayed ${whole(result.replayedCount)}`,
      `time ${time}`,
      `${short(average)} words/s`,
    ]
    this.say(`  ${parts.join('   ')}`)
  }

  private bar(share: number, width: number): string {
    const filled = Math.round(Math.min(1, share) * width)
    return this.paint('cyan', '━'.repeat(filled)) + this.paint('dim', '━'.repeat(width - filled))
  }

  private say(line: string): void {
    this.out.write(`${line}\n`)
  }

  private paint(style: 'bold' | 'dim' | 'cyan' | 'green' | 'yellow', text: string): string {
    const wanted = process.env['FORCE_COLOR'] !== undefined && process.env['FORCE_COLOR'] !== '0'
    const plain = process.env['NO_COLOR'] !== undefined && process.env['NO_COLOR'] !== ''
    if (plain || !(this.isLive || wanted)) return text
    return styleText(style, text, { validateStream: false })
  }
}

/** A bar of `share` (0 to 1) of `width` cells, without its empty part. */
function blocks(share: number, width: number): string {
  const eighths = Math.round(Math.min(1, share) * width * 8)
  return '█'.repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? '')
}

export function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

/** `412 k`, `1.3 M`. */
function short(value: number): string {
  if (value >= 999_500) return `${(value / 1_000_000).toFixed(1)} M`
  return value >= 1_000 ? `${Math.round(value / 1_000)} k` : whole(value)
}

function seconds(durationMs: number): string {
  return (durationMs / 1_000).toFixed(durationMs < 10_000 ? 2 : 1)
}
