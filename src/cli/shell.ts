/** What commands get: the terminal with colours decided, the machine, files, and the loader of modules. */

import type { Machine } from '../host/cli/node-cli-machine.ts'
import type { ModuleLoader } from '../host/cli/node-cli-modules.ts'
import type { Terminal } from '../host/cli/node-cli-terminal.ts'
import type { Clock, Files, Timers } from '../host/host.ts'
import type { Paint } from './paint.ts'
import { plainJson, shortPlace } from './place.ts'

export interface ShellParts {
  readonly terminal: Terminal
  readonly machine: Machine
  readonly files: Files
  readonly timers: Timers
  readonly clock: Clock
  readonly paint: Paint
  readonly paintError: Paint
  /** Makes the loader; called at its first use. */
  readonly makeModules: () => Promise<ModuleLoader>
}

export class Shell {
  readonly terminal: Terminal
  readonly machine: Machine
  readonly files: Files
  readonly timers: Timers
  /** For stdout. */
  readonly paint: Paint
  /** For stderr. */
  readonly paintError: Paint
  private readonly clock: Clock
  private readonly makeModules: () => Promise<ModuleLoader>
  private loader: Promise<ModuleLoader> | undefined

  constructor(parts: ShellParts) {
    this.terminal = parts.terminal
    this.machine = parts.machine
    this.files = parts.files
    this.timers = parts.timers
    this.clock = parts.clock
    this.paint = parts.paint
    this.paintError = parts.paintError
    this.makeModules = parts.makeModules
  }

  modules(): Promise<ModuleLoader> {
    this.loader ??= this.makeModules()
    return this.loader
  }

  /** A line of data. */
  print(line: string): void {
    this.terminal.out.write(`${line}\n`)
  }

  /** A line for people. */
  say(line: string): void {
    this.terminal.err.write(`${line}\n`)
  }

  printJson(value: unknown): void {
    this.print(JSON.stringify(value, plainJson, 2))
  }

  /** One object a line. */
  printJsonLine(value: unknown): void {
    this.print(JSON.stringify(value, plainJson))
  }

  /** Monotonic. */
  nowMs(): number {
    return this.clock.monotonicMs()
  }

  /** Ends the process as soon as everything is written. */
  endNow(exitCode: number): void {
    this.terminal.end(exitCode).catch((error: unknown) => this.say(String(error)))
  }

  /** A path or place relative to the working directory. */
  short(place: string): string {
    return shortPlace(place, this.terminal.directory)
  }
}
