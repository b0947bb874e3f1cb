/** What a command is in the tables of commands, and the options that many of them have. */

export interface OptionRow {
  /** As typed: `-w, --workers <n>`. */
  readonly flags: string
  readonly summary: string
  readonly default?: string | undefined
  /** What its value may be. Undefined: anything. */
  readonly choices?: readonly string[] | undefined
  /** May be given several times. */
  readonly isRepeatable?: boolean | undefined
}

export interface CommandRow {
  /** Words after `typhoon`. */
  readonly name: string
  /** What follows them: `<topology> [-- args...]`. */
  readonly arguments?: string | undefined
  readonly aliases?: readonly string[] | undefined
  /** What it does, in a sentence. */
  readonly summary: string
  readonly options: readonly OptionRow[]
  /** Command lines as typed. */
  readonly examples: readonly string[]
  /** What an argument can be completed to. */
  readonly completes?: 'topology' | 'code' | 'key' | readonly string[] | undefined
}

export const color: OptionRow = {
  flags: '--color <when>',
  summary: 'colours; NO_COLOR and FORCE_COLOR are heeded, too',
  default: 'auto',
  choices: ['auto', 'always', 'never'],
}

export const json: OptionRow = {
  flags: '--json',
  summary: 'the same as -o json',
}

export function output(...choices: readonly string[]): OptionRow {
  const [first] = choices
  return { flags: '-o, --output <form>', summary: 'form of what is printed', default: first, choices }
}

export const settings: OptionRow = {
  flags: '-c, --set <key=value>',
  summary: 'set a configuration key, value as JSON or text; may be repeated',
  isRepeatable: true,
}

export const file: OptionRow = {
  flags: '--config <file>',
  summary: 'a YAML file with configuration keys, below all other layers',
}
