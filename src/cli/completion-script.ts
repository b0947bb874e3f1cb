/**
 * Completion scripts. The tables of words are written into the script, so completing starts no process.
 *
 * What can be completed: commands, their options, values with a fixed choice, and files for topologies.
 */
import type { CommandRow, OptionRow } from './command-row.ts'

export const shells = ['bash', 'zsh', 'fish', 'pwsh'] as const

/** Undefined: no such shell. */
export function completionScript(shell: string, rows: readonly CommandRow[]): string | undefined {
  if (shell === 'bash') return bash(rows)
  if (shell === 'zsh') return zsh(rows)
  if (shell === 'fish') return fish(rows)
  if (shell === 'pwsh') return pwsh(rows)
  return undefined
}

interface Names {
  readonly short: string | undefined
  readonly long: string
}

function namesOf({ flags }: OptionRow): Names {
  const [, short] = /^-(\w),/.exec(flags) ?? []
  const [, long = ''] = /--([\w-]+)/.exec(flags) ?? []
  return { short, long }
}

function optionWords(row: CommandRow): readonly string[] {
  return row.options.flatMap((option) => {
    const { short, long } = namesOf(option)
    return short === undefined ? [`--${long}`] : [`-${short}`, `--${long}`]
  })
}

/** Command words, aliases included; of `config explain` both words. */
function wordsOf(row: CommandRow): readonly string[] {
  return [row.name, ...(row.aliases ?? [])]
}

function firstWords(rows: readonly CommandRow[]): readonly string[] {
  return [...new Set([...rows.flatMap(wordsOf).map((name) => name.split(' ', 1).join()), 'help'])]
}

function argumentWords({ completes }: CommandRow): readonly string[] {
  return typeof completes === 'object' ? completes : []
}

function bash(rows: readonly CommandRow[]): string {
  const cases = rows.flatMap((row) => {
    const pattern = wordsOf(row)
      .map((name) => `"${name}"`)
      .join('|')
    return [`    ${pattern}) words="${[...optionWords(row), ...argumentWords(row)].join(' ')}" ;;`]
  })
  const groups = rows.flatMap(({ name }) => (name.includes(' ') ? [name.split(' ')] : []))
  return `# bash completion of typhoon: source <(typhoon completion bash)
_typhoon() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" words=""
  local command="\${COMP_WORDS[1]}"
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${firstWords(rows).join(' ')}" -- "$current"))
    return
  fi
${groups
  .map(
    ([first, second]) => `  if [ "$command" = "${first}" ]; then
    if [ "$COMP_CWORD" -eq 2 ]; then COMPREPLY=($(compgen -W "${second}" -- "$current")); return; fi
    command="${first} \${COMP_WORDS[2]}"
  fi
`,
  )
  .join('')}  case "$previous" in
${bashChoices(rows)}
  esac
  case "$command" in
${cases.join('\n')}
  esac
  case "$current" in
    -*) COMPREPLY=($(compgen -W "$words" -- "$current")) ;;
    *) COMPREPLY=($(compgen -W "$words" -- "$current") $(compgen -f -- "$current")) ;;
  esac
}
complete -o filenames -F _typhoon typhoon`
}

/** Values of options with a fixed choice, by the ways to write the option. */
function choicesOf(
  rows: readonly CommandRow[],
): readonly (readonly [readonly string[], readonly string[]])[] {
  const choices = new Map<string, Set<string>>()
  for (const option of rows.flatMap((row) => row.options)) {
    if (option.choices === undefined) continue
    const { short, long } = namesOf(option)
    const names = short === undefined ? `--${long}` : `-${short} --${long}`
    choices.set(names, new Set([...(choices.get(names) ?? []), ...option.choices]))
  }
  return [...choices].map(([names, values]) => [names.split(' '), [...values]])
}

function bashChoices(rows: readonly CommandRow[]): string {
  return choicesOf(rows)
    .map(([names, values]) => {
      const reply = `COMPREPLY=($(compgen -W "${values.join(' ')}" -- "$current"))`
      return `    ${names.join('|')}) ${reply}; return ;;`
    })
    .join('\n')
}

function zsh(rows: readonly CommandRow[]): string {
  const commands = rows
    .filter(({ name }) => !name.includes(' '))
    .flatMap((row) => wordsOf(row).map((name) => `    '${name}:${zshText(row.summary)}'`))
  const cases = rows.map((row) => {
    const specs = row.options.map(zshOption)
    const fixed = argumentWords(row)
    const values = fixed.length > 0 ? `(${fixed.join(' ')})` : '_files'
    const rest = row.arguments === undefined ? [] : [`'*:: :${values}'`]
    const pattern = wordsOf(row)
      .map((name) => name.replace(' ', '\\ '))
      .join('|')
    return `    ${pattern}) _arguments ${[...specs, ...rest].join(' \\\n      ')} ;;`
  })
  return `#compdef typhoon
# zsh completion of typhoon: put it into a file _typhoon of $fpath
_typhoon() {
  local -a commands=(
${commands.join('\n')}
    'config:${zshText('Look at the configuration.')}'
    'help:${zshText('Show the help of a command.')}'
  )
  if (( CURRENT == 2 )); then _describe command commands; return; fi
  local command="$words[2]"
  if [[ "$command" == config ]]; then
    if (( CURRENT == 3 )); then compadd explain; return; fi
    command="config $words[3]"
    shift words; (( CURRENT-- ))
  fi
  shift words; (( CURRENT-- ))
  case "$command" in
${cases.join('\n')}
  esac
}
compdef _typhoon typhoon`
}

function zshOption(option: OptionRow): string {
  const { short, long } = namesOf(option)
  const takes = /<([^>]+)>/.exec(option.flags)?.[1]
  const values = option.choices === undefined ? '_files' : `(${option.choices.join(' ')})`
  const value = takes === undefined ? '' : `:${takes.replace('=', ' ')}:${values}`
  const text = `[${zshText(option.summary)}]${value}`
  if (short === undefined) return `'--${long}${text}'`
  return `{-${short},--${long}}'${text}'`
}

function zshText(text: string): string {
  return text.replaceAll("'", "'\\''").replace(/[[\]:]/g, '\\$&')
}

function fish(rows: readonly CommandRow[]): string {
  const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
  const lines = ['# fish completion of typhoon: ~/.config/fish/completions/typhoon.fish']
  for (const row of rows) {
    const [first = '', second] = row.name.split(' ')
    const [summary, words] = [quoted(row.summary), wordsOf(row).join(' ')]
    if (second === undefined) {
      lines.push(`complete -c typhoon -n __fish_use_subcommand -a ${quoted(words)} -d ${summary}`)
    } else {
      lines.push(`complete -c typhoon -n __fish_use_subcommand -a ${first} -d 'Look at the configuration.'`)
      lines.push(`complete -c typhoon -n '__fish_seen_subcommand_from ${first}' -a ${second} -d ${summary}`)
    }
    const seen = quoted(`__fish_seen_subcommand_from ${second ?? words}`)
    for (const option of row.options) {
      const { short, long } = namesOf(option)
      const takes = option.flags.includes('<') ? ' -r' : ''
      const choices = option.choices === undefined ? '' : ` -f -a ${quoted(option.choices.join(' '))}`
      const letter = short === undefined ? '' : ` -s ${short}`
      lines.push(
        `complete -c typhoon -n ${seen}${letter} -l ${long}${takes}${choices} -d ${quoted(option.summary)}`,
      )
    }
    const fixed = argumentWords(row)
    if (fixed.length > 0) lines.push(`complete -c typhoon -n ${seen} -f -a ${quoted(fixed.join(' '))}`)
  }
  return lines.join('\n')
}

function pwsh(rows: readonly CommandRow[]): string {
  const list = (words: readonly string[]): string => `@(${words.map((word) => `'${word}'`).join(', ')})`
  const table = rows.flatMap((row) => {
    return wordsOf(row).map((name) => `    '${name}' = ${list([...optionWords(row), ...argumentWords(row)])}`)
  })
  return `# PowerShell completion of typhoon: typhoon completion pwsh | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName typhoon -ScriptBlock {
  param($word, $ast, $position)
  $words = @{
${table.join('\n')}
    'config' = ${list(['explain'])}
  }
  $choices = @{
${choicesOf(rows)
  .flatMap(([names, values]) => names.map((name) => `    '${name}' = ${list(values)}`))
  .join('\n')}
  }
  $typed = @($ast.CommandElements | ForEach-Object { $_.ToString() } | Select-Object -Skip 1)
  if ($word -ne '') { $typed = @($typed | Select-Object -SkipLast 1) }
  $found = if ($typed.Count -gt 0 -and $choices.ContainsKey($typed[-1])) { $choices[$typed[-1]] }
    elseif ($typed.Count -eq 0) { ${list(firstWords(rows))} }
    elseif ($words.ContainsKey("$($typed[0]) $($typed[1])")) { $words["$($typed[0]) $($typed[1])"] }
    else { $words[$typed[0]] }
  $found | Where-Object { $_ -like "$word*" } | ForEach-Object {
    [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
  }
}`
}
