/** One command line, understood: which command, its arguments and options, and what came after `--`. */
import { DURATION_WANTED, tryParseDuration } from '../config/duration.ts'
import { CommandFailure } from './failure.ts'

export class Invocation {
  /** Name in the command table. */
  readonly command: string
  readonly args: readonly string[]
  /** After `--`: for the topology. undefined: there was no `--`. */
  readonly rest: readonly string[] | undefined
  private readonly options: Readonly<Record<string, unknown>>

  constructor(
    command: string,
    args: readonly string[],
    options: Readonly<Record<string, unknown>>,
    rest?: readonly string[],
  ) {
    this.command = command
    this.args = args
    this.options = options
    this.rest = rest
  }

  /** The value of `--name <value>`; undefined: not given, and without default. */
  text(name: string): string | undefined {
    const value = this.options[name]
    return typeof value === 'string' ? value : undefined
  }

  texts(name: string): readonly string[] {
    const value = this.options[name]
    return Array.isArray(value) ? value.map(String) : []
  }

  flag(name: string): boolean {
    return this.options[name] === true
  }

  /** What is printed: `-o`, or `json` with `--json`. */
  get output(): string {
    return this.flag('json') ? 'json' : (this.text('output') ?? 'table')
  }

  /** The same, with values for options that were not given. */
  withDefaults(values: Readonly<Record<string, string>>): Invocation {
    return new Invocation(this.command, this.args, { ...values, ...this.options }, this.rest)
  }

  /** @throws CommandFailure it is no duration */
  durationMs(name: string): number | undefined {
    const text = this.text(name)
    if (text === undefined) return undefined
    const ms = tryParseDuration(text)
    if (ms === undefined) throw new CommandFailure(`--${name} is '${text}', wanted ${DURATION_WANTED}`)
    return ms
  }

  /** @throws CommandFailure it is no whole number from 1 */
  count(name: string): number | undefined {
    const text = this.text(name)
    if (text === undefined) return undefined
    if (!/^[1-9]\d{0,4}$/.test(text))
      throw new CommandFailure(`--${name} is '${text}', wanted a whole number from 1`)
    return Number(text)
  }
}
