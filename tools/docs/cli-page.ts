/**
 * docs/reference/cli.md: every command of `typhoon`. Made of the table that the command line itself is made
 * of, `commandTable` in src/cli/command-table.ts. What is read of it is `CommandRow`; more may stand there.
 */
import { code, pageHead, table } from './markdown.ts'

export interface OptionRow {
  /** As typed: `-w, --wait <duration>`. */
  readonly flags: string
  readonly summary: string
  readonly default?: string | undefined
}

export interface CommandRow {
  /** Words after `typhoon`: `submit`, `config explain`. */
  readonly name: string
  /** What follows them: `<file> [-- args]`. */
  readonly arguments?: string | undefined
  readonly aliases?: readonly string[] | undefined
  /** What it does, in a sentence. */
  readonly summary: string
  readonly options?: readonly OptionRow[] | undefined
  /** Command lines as typed. */
  readonly examples?: readonly string[] | undefined
}

const intro = `
Data goes to stdout, all else to stderr. \`typhoon help <command>\` shows the same as this page.
`

const exitCodes: readonly (readonly [string, string])[] = [
  ['0', 'done'],
  ['1', 'ran, with a negative result: a check failed, a topology failed'],
  ['2', 'usage, configuration or validation; or a confirmation is missing'],
  ['3', 'not found'],
  ['4', 'not permitted'],
  ['5', 'conflict: the name is taken, the state is another'],
  ['6', 'cluster unreachable'],
  ['7', 'the user said no'],
  ['70', 'a bug of Typhoon'],
  ['124', 'timed out waiting'],
  ['130, 143', 'interrupted'],
]

export function cliPage(commands: readonly CommandRow[]): string {
  const parts = [pageHead('Command line', 'src/cli/command-table.ts'), intro]
  parts.push(
    `\n${table(
      ['Command', ''],
      commands.map(({ name, summary }) => [code(`typhoon ${name}`), summary]),
    )}\n`,
  )
  for (const command of commands) parts.push(section(command))
  parts.push(`\n## Exit codes\n\n${table(['Code', 'Means'], exitCodes)}\n`)
  return parts.join('')
}

function section(command: CommandRow): string {
  const { name, aliases = [], summary, options = [], examples = [] } = command
  const usage = ['typhoon', name, command.arguments ?? ''].filter((word) => word !== '').join(' ')
  const parts = [`\n## typhoon ${name}\n\n${summary}\n\n\`\`\`\n${usage}\n\`\`\`\n`]
  if (aliases.length > 0)
    parts.push(`\nAlso: ${aliases.map((alias) => code(`typhoon ${alias}`)).join(', ')}\n`)
  if (options.length > 0) {
    const rows = options.map((option) => [code(option.flags), option.summary, defaultOf(option)])
    parts.push(`\n${table(['Option', '', 'Default'], rows)}\n`)
  }
  if (examples.length > 0) parts.push(`\n\`\`\`sh\n${examples.join('\n')}\n\`\`\`\n`)
  return parts.join('')
}

function defaultOf(option: OptionRow): string {
  return option.default === undefined ? '' : code(option.default)
}

/** The table of a module, if it has one of the right form. */
export function commandRows(module: object): readonly CommandRow[] {
  const rows: unknown = 'commandTable' in module ? module.commandTable : undefined
  if (!Array.isArray(rows) || !rows.every(isCommandRow)) {
    throw new Error(
      'src/cli/command-table.ts does not export a commandTable of CommandRow (tools/docs/cli-page.ts)',
    )
  }
  return rows
}

function isCommandRow(row: unknown): row is CommandRow {
  if (typeof row !== 'object' || row === null) return false
  return 'name' in row && typeof row.name === 'string' && 'summary' in row && typeof row.summary === 'string'
}
