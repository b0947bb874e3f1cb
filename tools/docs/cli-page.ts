/**
 * docs/reference/cli.md: every command of `typhoon`. Made of the table that the command line itself is made
 * of, src/cli/command-table.ts.
 */
import type { CommandRow, OptionRow } from '../../src/cli/command-row.ts'
import { code, pageHead, table } from './markdown.ts'

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
  const { name, aliases = [], summary, options, examples } = command
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
