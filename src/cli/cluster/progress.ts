/**
 * Steps of long work, on stderr: drawn in place on a terminal, else a line a step and then one every ten
 * seconds, or JSON lines.
 */
import type { Progress } from '../../rpc/contract.ts'
import { counted, kibText, shortTime } from '../figures.ts'
import type { Invocation } from '../invocation.ts'
import { LiveArea } from '../run/live-area.ts'
import type { Shell } from '../shell.ts'

const REPEAT_MS = 10_000
const BAR_WIDTH = 20

export class ProgressLines {
  private readonly shell: Shell
  private readonly isJson: boolean
  private readonly area: LiveArea | undefined
  private step = ''
  private stepFromMs = 0
  /** Said last; news of it does not wait for its turn. */
  private trouble = ''
  private saidMs = Number.NEGATIVE_INFINITY

  constructor(shell: Shell, invocation: Invocation) {
    this.shell = shell
    this.isJson = invocation.output !== 'table'
    const isLive = !this.isJson && shell.terminal.err.isTerminal
    this.area = isLive ? new LiveArea(shell.terminal.err) : undefined
  }

  readonly report = (progress: Progress): void => {
    const nowMs = this.shell.nowMs()
    if (progress.step !== this.step) this.begin(progress.step, nowMs)
    if (this.area !== undefined) {
      this.area.draw([`  ${this.text(progress, nowMs)}`])
      return
    }
    const { trouble = '' } = progress
    const isNews = trouble !== '' && trouble !== this.trouble
    if (!isNews && nowMs - this.saidMs < REPEAT_MS) return
    this.saidMs = nowMs
    if (isNews) this.trouble = trouble
    if (this.isJson) this.shell.say(JSON.stringify({ progress }))
    else this.shell.say(this.text(progress, nowMs))
  }

  /** The last step is over, well or not. */
  end(): void {
    this.finishStep(this.shell.nowMs())
    this.area?.clear()
    this.step = ''
  }

  private begin(step: string, nowMs: number): void {
    this.finishStep(nowMs)
    this.step = step
    this.stepFromMs = nowMs
    this.saidMs = Number.NEGATIVE_INFINITY
  }

  private finishStep(nowMs: number): void {
    if (this.step === '' || this.area === undefined) return
    const { paintError } = this.shell
    const line = `${paintError('green', '✔')} ${this.step.padEnd(16)} ${shortTime(nowMs - this.stepFromMs)}`
    this.area.clear()
    this.shell.say(line)
  }

  private text(progress: Progress, nowMs: number): string {
    const { trouble } = progress
    const more = trouble === undefined ? '' : `  ${this.shell.paintError('red', '✖')} ${trouble}`
    return `${this.stepText(progress, nowMs)}${more}`
  }

  private stepText({ step, done, total, unit }: Progress, nowMs: number): string {
    // A line that is said when its step begins would only say that it has just begun.
    const isNew = this.area === undefined && nowMs - this.stepFromMs < REPEAT_MS
    const took = isNew ? '' : `  ${shortTime(nowMs - this.stepFromMs)}`
    // One of one is the end of work that counts nothing.
    const countsNothing = total === undefined || total === 0 || (total === 1 && done === 1)
    if (countsNothing) return took === '' ? step : `${step.padEnd(14)} ${took}`
    // An upload is mostly over before its second line.
    if (isNew && done === 0 && unit === 'bytes') return `${step.padEnd(16)} ${kibText(total)}`
    const share = Math.min(1, done / total)
    const full = Math.round(share * BAR_WIDTH)
    const bar = this.area === undefined ? '' : `${'█'.repeat(full)}${'░'.repeat(BAR_WIDTH - full)} `
    const counts =
      unit === 'bytes'
        ? `${kibText(done)} of ${kibText(total)}`
        : `${done} of ${counted(total, unit.slice(0, -1))}`
    return `${step.padEnd(16)} ${bar}${Math.round(share * 100)}%  ${counts}${took}`
  }
}
