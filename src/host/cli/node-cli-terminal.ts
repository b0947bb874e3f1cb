/**
 * The terminal and the process of the command line: streams, keys, colours, environment, end.
 *
 * Route: cli/main.ts makes one → everything in cli/ prints and asks through it. Tests hand in a plain object.
 *
 * Invariants
 *   T1  a reader that goes away (`typhoon graph … | head`) ends the process quietly
 *   T2  whatever happens, a terminal that was put into raw mode is put back
 */
import { styleText } from 'node:util'
import type { Stoppable } from '../host.ts'

/** What texts may look like. The names are those of `util.styleText`. */
export type TextStyle = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan' | 'blue' | 'underline'

/** Where text goes: stdout or stderr. */
export interface TextOut {
  readonly isTerminal: boolean
  /** Now: a window may be resized. */
  columns(): number
  rows(): number
  write(text: string): void
}

export interface Terminal {
  readonly out: TextOut
  readonly err: TextOut
  /** True: somebody sits at the keyboard. */
  readonly hasKeyboard: boolean
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly directory: string
  /** Colours a text, whatever it is printed to; whether one should is decided elsewhere. */
  style(style: TextStyle, text: string): string
  /** Calls with each key pressed (`q`, `\u0003` for Ctrl-C) until it is stopped. */
  onKey(callback: (key: string) => void): Stoppable
  /** Calls with what nobody caught: an error that was thrown, a promise that was rejected. */
  onUncaught(callback: (error: unknown, kind: 'thrown' | 'rejected') => void): void
  /** Resolves in the next turn of the event loop. */
  nextTurn(): Promise<void>
  /** Ends the process once everything is written, whatever else may be open. Never resolves. */
  end(exitCode: number): Promise<never>
}

const COLUMNS_DEFAULT = 100
const ROWS_DEFAULT = 24

export function nodeTerminal(): Terminal {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', endIfNobodyReads)
  return {
    out: textOut(process.stdout),
    err: textOut(process.stderr),
    hasKeyboard: process.stdin.isTTY === true,
    environment: process.env,
    directory: process.cwd(),
    style: (style, text) => styleText(style, text, { validateStream: false }),
    onKey,
    nextTurn: () => new Promise((resolve) => setImmediate(resolve)),
    onUncaught(callback): void {
      process.on('uncaughtException', (error: unknown) => callback(error, 'thrown'))
      process.on('unhandledRejection', (error) => callback(error, 'rejected'))
    },
    end,
  }
}

function textOut(stream: NodeJS.WriteStream): TextOut {
  return {
    isTerminal: stream.isTTY === true,
    // A terminal that does not know its size says 0.
    columns: () => (stream.isTTY === true ? stream.columns || COLUMNS_DEFAULT : COLUMNS_DEFAULT),
    rows: () => (stream.isTTY === true ? stream.rows || ROWS_DEFAULT : ROWS_DEFAULT),
    write: (text) => stream.write(text),
  }
}

function endIfNobodyReads(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit()
  throw error
}

function onKey(callback: (key: string) => void): Stoppable {
  const { stdin } = process
  const onBytes = (bytes: Buffer): void => {
    for (const key of bytes.toString('utf8')) callback(key)
  }
  const restore = (): void => {
    if (stdin.isTTY) stdin.setRawMode(false)
  }
  stdin.setRawMode(true)
  stdin.on('data', onBytes)
  process.once('exit', restore)
  return {
    stop: () => {
      stdin.off('data', onBytes)
      process.off('exit', restore)
      restore()
      stdin.pause()
    },
  }
}

async function end(exitCode: number): Promise<never> {
  // A user's module may hold the process with a timer or a socket; so it is ended, after the last byte.
  await Promise.all([process.stdout, process.stderr].map(written))
  return process.exit(exitCode)
}

function written(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => stream.write('', () => resolve()))
}
