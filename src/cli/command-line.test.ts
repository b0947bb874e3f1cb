import { expect, test } from 'vitest'
import { understand } from './command-line.ts'
import { commandTable } from './command-table.ts'
import { completionScript, shells } from './completion-script.ts'
import { CommandFailure } from './failure.ts'
import type { Invocation } from './invocation.ts'

const understood = (line: string): Invocation => {
  const { invocation } = understand(line.split(' '), 80)
  if (invocation === undefined) throw new CommandFailure('help')
  return invocation
}

const failureOf = (line: string): CommandFailure => {
  try {
    understand(line.split(' '), 80)
  } catch (error) {
    if (error instanceof CommandFailure) return error
    throw error
  }
  throw new CommandFailure('nothing is wrong')
}

test('options, arguments, and what belongs to the topology', () => {
  const run = understood('run src/a.ts -c a=1 -w 2 -c b=2 --for 60s -- --input x -c y')
  expect(run.command).toBe('run')
  expect(run.args).toEqual(['src/a.ts'])
  expect(run.texts('set')).toEqual(['a=1', 'b=2'])
  expect([run.count('workers'), run.durationMs('for'), run.flag('fresh')]).toEqual([2, 60_000, false])
  expect(run.rest).toEqual(['--input', 'x', '-c', 'y'])
  expect(run.text('directory')).toBe('typhoon-local')
})

test('repeated options do not leak into the next command line', () => {
  understood('run a -c x=1')
  expect(understood('run a').texts('set')).toEqual([])
})

test('aliases and commands of two words', () => {
  expect(understood('local a').command).toBe('run')
  expect(understood('config explain some.key').args).toEqual(['some.key'])
})

test('--json is -o json', () => {
  expect(understood('check --json').output).toBe('json')
  expect(understood('check -o jsonl').output).toBe('jsonl')
  expect(understood('check').output).toBe('table')
})

test('unknown commands and options suggest the nearest', () => {
  expect(failureOf('chekc').fix).toBe('did you mean typhoon check?')
  expect(failureOf('config explian').fix).toBe('did you mean typhoon config explain?')
  expect(failureOf('run a --wrokers 2').fix).toBe('did you mean --workers?')
  expect(failureOf('fly-away').fix).toContain('there are run, local, dev')
  expect(failureOf('run').message).toBe("missing required argument 'topology'")
  expect(failureOf('graph a -f png').message).toContain('Allowed choices are text, mermaid')
})

test('values of options are looked at', () => {
  expect(() => understood('run a --for soon').durationMs('for')).toThrow("--for is 'soon'")
  expect(() => understood('run a -w 0').count('workers')).toThrow("--workers is '0'")
})

test('help of everything', async () => {
  const pages = [[], ...commandTable.map(({ name }) => name.split(' '))]
  const texts = pages.map((words) => {
    const help = understand([...words, '--help'], 90)
    return `$ typhoon ${[...words, '--help'].join(' ')}\n${'text' in help ? help.text : ''}`
  })
  await expect(texts.join('\n')).toMatchFileSnapshot('../../test/cli/golden/help.txt')
})

test('a script for every shell names every command and option', () => {
  for (const shell of shells) {
    const script = completionScript(shell, commandTable) ?? ''
    for (const row of commandTable) {
      for (const word of row.name.split(' ')) expect(script).toContain(word)
      for (const { flags } of row.options) {
        const [, long = ''] = /--([\w-]+)/.exec(flags) ?? []
        expect(script, shell).toContain(long)
      }
    }
    expect(script).toContain('mermaid')
  }
  expect(completionScript('cmd', commandTable)).toBeUndefined()
})
