/**
 * Understands a command line, by the command table.
 *
 * Route: argv → [here, with commander] → an Invocation, or a text to print → main.ts.
 *
 * What stands after the first `--` is cut off before and belongs to the topology.
 */
import { Command, CommanderError, Option } from 'commander'
import { nearest } from '../base/nearest.ts'
import type { CommandRow, OptionRow } from './command-row.ts'
import { commandTable } from './command-table.ts'
import { CommandFailure } from './failure.ts'
import { Invocation } from './invocation.ts'

/** Help is for reading: wider lines are not. */
const HELP_COLUMNS_MAX = 100

export type Understood =
  | { readonly invocation: Invocation }
  /** Help was asked for. */
  | { readonly invocation: undefined; readonly text: string }

const exitCodes = `
Exit codes: 0 done · 1 negative result · 2 usage or configuration · 3 not found · 4 not permitted ·
5 conflict · 6 cluster unreachable · 7 declined · 70 our bug · 124 timed out · 130, 143 interrupted.
Data goes to stdout, all else to stderr.
`

/**
 * @param columns width of help
 * @throws CommandFailure what is wrong with the command line, with the nearest name
 */
export function understand(argv: readonly string[], columns: number): Understood {
  const dashes = argv.indexOf('--')
  const own = dashes === -1 ? argv : argv.slice(0, dashes)
  const rest = dashes === -1 ? undefined : argv.slice(dashes + 1)
  refuseUnknownCommand(own)
  const heard: Heard = { text: '', trouble: '', invocation: undefined }
  const program = programOf(heard, Math.min(columns, HELP_COLUMNS_MAX), rest)
  try {
    // `typhoon`, `typhoon help graph`, `typhoon --version`: as people try them.
    program.parse([...(own.length === 0 ? ['--help'] : own)], { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    // A group without a command says its help there.
    if (heard.trouble.startsWith('Usage:')) return { invocation: undefined, text: heard.trouble }
    if (heard.trouble !== '') throw troubleOf(heard.trouble, own[0] ?? '')
  }
  if (heard.invocation !== undefined) return { invocation: heard.invocation }
  return { invocation: undefined, text: heard.text }
}

interface Heard {
  text: string
  trouble: string
  invocation: Invocation | undefined
}

function programOf(heard: Heard, columns: number, rest: readonly string[] | undefined): Command {
  const program = new Command('typhoon')
  program
    .description('Typhoon: distributed, fault-tolerant stream processing for TypeScript.')
    .helpCommand('help [command]', 'Show the help of a command.')
    .helpOption('-h, --help', 'show this help')
    .addHelpText('after', exitCodes)
    .showSuggestionAfterError(true)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => {
        heard.text += text
      },
      writeErr: (text) => {
        heard.trouble += text
      },
      getOutHelpWidth: () => columns,
      getErrHelpWidth: () => columns,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
  const groups = new Map<string, Command>()
  for (const row of commandTable) {
    const command = parentOf(program, row, groups).command(lastWord(row.name))
    describe(command, row)
    command.action(() => {
      heard.invocation = new Invocation(row.name, command.args, command.opts(), rest)
    })
  }
  return program
}

/** Of the first words of commands that have two. */
const groupSummaries: Readonly<Record<string, string>> = {
  config: 'Look at the configuration.',
  cluster: 'Look at the cluster.',
  node: 'Empty nodes, and use them again.',
  zk: 'Look at what stands in ZooKeeper.',
  context: 'Clusters by name.',
  blob: 'Bundles and other blobs that Nimbus keeps.',
}

function parentOf(program: Command, { name }: CommandRow, groups: Map<string, Command>): Command {
  const [first = '', second] = name.split(' ')
  if (second === undefined) return program
  const group = groups.get(first) ?? program.command(first).description(groupSummaries[first] ?? '')
  group.helpOption('-h, --help', 'show this help')
  groups.set(first, group)
  return group
}

function describe(command: Command, row: CommandRow): void {
  command.description(row.summary).helpOption('-h, --help', 'show this help')
  for (const alias of row.aliases ?? []) command.alias(alias)
  for (const argument of (row.arguments ?? '').split(' ')) {
    // The part after `--` is not commander's.
    if (/^[<[][a-z-]+(\.\.\.)?[>\]]$/.test(argument)) command.argument(argument)
  }
  if (row.arguments?.includes('--') === true) command.usage(`[options] ${row.arguments}`)
  for (const option of row.options) command.addOption(optionOf(option))
  const examples = row.examples.map((line) => `  $ ${line}`).join('\n')
  command.addHelpText('after', `\nExamples:\n${examples}\n`)
}

function optionOf(row: OptionRow): Option {
  const option = new Option(row.flags, row.summary)
  if (row.choices !== undefined) option.choices(row.choices)
  if (row.default !== undefined) option.default(row.default)
  if (row.isRepeatable === true) {
    option.argParser((value: string, before: readonly string[] | undefined) => [...(before ?? []), value])
  }
  return option
}

function lastWord(name: string): string {
  return name.slice(name.lastIndexOf(' ') + 1)
}

/** Said by ourselves, because commander looks among the words of one level only. */
function refuseUnknownCommand(own: readonly string[]): void {
  const [first = '', second = ''] = own
  if (first === '' || first.startsWith('-') || first === 'help') return
  const names = commandTable.flatMap((row) => [row.name, ...(row.aliases ?? [])])
  const groups = names.filter((name) => name.startsWith(`${first} `))
  if (groups.length > 0) {
    const isKnown = second === '' || second.startsWith('-') || second === 'help'
    if (!isKnown && !groups.includes(`${first} ${second}`)) {
      throw unknownCommand(`${first} ${second}`, groups)
    }
    return
  }
  if (!names.includes(first)) throw unknownCommand(first, names)
}

function unknownCommand(name: string, names: readonly string[]): CommandFailure {
  const close = nearest(name, names)
  const fix =
    close === undefined ? `there are ${names.join(', ')}; see typhoon help` : `did you mean typhoon ${close}?`
  return new CommandFailure(`there is no command '${name}'`, { fix })
}

/** `error: unknown option '--foo'\n(Did you mean --for?)` and the like. */
function troubleOf(text: string, command: string): CommandFailure {
  const [first = '', second = ''] = text.trim().split('\n')
  const message = first.replace(/^error: /, '').replace(/\.$/, '')
  const close = /^\(Did you mean (?:one of )?(.+)\?\)$/.exec(second)?.[1]
  return new CommandFailure(message, {
    fix: close === undefined ? `see typhoon help ${command}`.trimEnd() : `did you mean ${close}?`,
  })
}
