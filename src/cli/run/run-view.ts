/**
 * How a run is shown: a live table on a terminal, plain lines in a pipe, or objects for programs.
 *
 *               stdout                               stderr
 *   table       what the topology prints             all else; a table that is drawn in place on a terminal
 *   jsonl       events, printed lines among them     errors that end the run
 *   json        one object at the end                what the topology prints, and errors
 */
import type { Stoppable } from '../../host/host.ts'
import type { RunEvent } from '../../testing/local-run.ts'
import type { Shell } from '../shell.ts'
import { EventLimit } from './event-limit.ts'
import { eventDocument, eventLines } from './event-text.ts'
import { LiveArea } from './live-area.ts'
import {
  type Ending,
  endingDocument,
  progressLine,
  type Standing,
  standingDocument,
  summaryLines,
  tableLines,
} from './run-text.ts'

export interface RunView {
  /** Where printed lines go; undefined: to stdout, as they are. */
  readonly print: ((line: string) => void) | undefined
  /** Something worth a line; `event` is its name for programs. */
  note(event: string, text: string, facts?: Readonly<Record<string, unknown>>): void
  event(event: RunEvent): void
  /** Called every second. */
  standing(standing: Standing): void
  ended(ending: Ending): void
  /** Nothing is drawn any more. */
  close(): void
}

export function runViewFor(shell: Shell, output: string): RunView {
  if (output === 'jsonl') return new JsonLinesView(shell)
  if (output === 'json') return new JsonView(shell)
  return shell.terminal.err.isTerminal ? new LiveView(shell) : new PlainView(shell)
}

const PLAIN_EVERY_MS = 10_000
/** The first line of a pipe comes early: people wait for it. */
const PLAIN_FIRST_MS = 900

class PlainView implements RunView {
  readonly print = undefined
  private readonly shell: Shell
  private readonly limit = new EventLimit()
  private nextMs = PLAIN_FIRST_MS

  constructor(shell: Shell) {
    this.shell = shell
  }

  note(_event: string, text: string): void {
    this.shell.say(text)
  }

  event(event: RunEvent): void {
    if (!this.limit.lets(event, this.shell.nowMs())) return
    for (const line of eventLines(event, this.shell.paintError, this.shell.terminal.directory))
      this.shell.say(line)
  }

  standing(standing: Standing): void {
    for (const line of this.limit.heldBack(this.shell.nowMs())) this.shell.say(line)
    if (standing.elapsedMs < this.nextMs) return
    this.nextMs = standing.elapsedMs + PLAIN_EVERY_MS
    this.shell.say(progressLine(standing))
  }

  ended(ending: Ending): void {
    this.close()
    for (const line of summaryLines(ending, this.shell.paintError)) this.shell.say(line)
  }

  close(): void {
    for (const line of this.limit.heldBack()) this.shell.say(line)
    this.nextMs = Number.POSITIVE_INFINITY
  }
}

/** Printed lines wait this long, so that the table is not drawn anew for each of a million. */
const PRINT_EVERY_MS = 50
const PRINT_LINES_MAX = 1_000

class LiveView implements RunView {
  readonly print: ((line: string) => void) | undefined
  private readonly shell: Shell
  private readonly area: LiveArea
  private readonly limit = new EventLimit()
  private printed: string[] = []
  private printing: Stoppable | undefined = undefined

  constructor(shell: Shell) {
    this.shell = shell
    this.area = new LiveArea(shell.terminal.err)
    // On the same terminal printed lines go above the table; into a file they do not disturb it.
    this.print = shell.terminal.out.isTerminal ? (line) => this.onPrinted(line) : undefined
  }

  note(_event: string, text: string): void {
    this.flush()
    this.area.above(() => this.shell.say(text))
  }

  event(event: RunEvent): void {
    const { paintError, terminal } = this.shell
    if (!this.limit.lets(event, this.shell.nowMs())) return
    const lines = eventLines(event, paintError, terminal.directory)
    if (lines.length > 0) this.area.above(() => this.shell.say(lines.join('\n')))
  }

  standing(standing: Standing): void {
    const { paintError, terminal } = this.shell
    this.flush()
    this.sayHeldBack(this.shell.nowMs())
    this.area.draw(['', ...tableLines(standing, paintError, terminal.err.columns())])
  }

  ended(ending: Ending): void {
    this.close()
    for (const line of summaryLines(ending, this.shell.paintError)) this.shell.say(line)
  }

  close(): void {
    this.flush()
    this.sayHeldBack()
    this.area.clear()
  }

  private sayHeldBack(nowMs?: number): void {
    const lines = this.limit.heldBack(nowMs)
    if (lines.length > 0) this.area.above(() => this.shell.say(lines.join('\n')))
  }

  private onPrinted(line: string): void {
    this.printed.push(line)
    if (this.printed.length >= PRINT_LINES_MAX) this.flush()
    else this.printing ??= this.shell.timers.after(PRINT_EVERY_MS, () => this.flush())
  }

  private flush(): void {
    this.printing?.stop()
    this.printing = undefined
    if (this.printed.length === 0) return
    const text = this.printed.join('\n')
    this.printed = []
    this.area.above(() => this.shell.print(text))
  }
}

class JsonLinesView implements RunView {
  readonly print = (line: string): void => this.put({ event: 'print', line })
  private readonly shell: Shell

  constructor(shell: Shell) {
    this.shell = shell
  }

  note(event: string, text: string, facts: Readonly<Record<string, unknown>> = {}): void {
    this.put({ event, message: text, ...facts })
  }

  event(event: RunEvent): void {
    this.put(eventDocument(event))
  }

  standing(standing: Standing): void {
    this.put({ event: 'standing', ...standingDocument(standing) })
  }

  ended(ending: Ending): void {
    this.put({ event: 'ended', ...endingDocument(ending) })
  }

  close(): void {
    // Every line is out already.
  }

  private put(facts: object): void {
    this.shell.printJsonLine({ version: 1, ...facts })
  }
}

class JsonView implements RunView {
  readonly print = (line: string): void => this.shell.say(line)
  private readonly shell: Shell
  private readonly limit = new EventLimit()

  constructor(shell: Shell) {
    this.shell = shell
  }

  note(): void {
    // One object at the end is all that was asked for.
  }

  event(event: RunEvent): void {
    if (event.kind === 'warning' && this.limit.lets(event, this.shell.nowMs())) this.shell.say(event.message)
  }

  standing(): void {
    for (const line of this.limit.heldBack(this.shell.nowMs())) this.shell.say(line)
  }

  ended(ending: Ending): void {
    this.shell.printJson({ version: 1, ...endingDocument(ending) })
  }

  close(): void {
    // Nothing is drawn.
  }
}
