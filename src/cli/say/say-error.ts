/** Says an error on stderr, and what exit code it means. */
import { ExitCode } from '../exit-code.ts'
import { CommandFailure } from '../failure.ts'
import type { Shell } from '../shell.ts'
import { isThrownByUser, reportOf } from './error-report.ts'
import { errorDocument, errorText } from './error-text.ts'

export function sayError(shell: Shell, error: unknown, isJson: boolean): ExitCode {
  const report = reportOf(error)
  if (isJson) shell.say(JSON.stringify(errorDocument(report)))
  else shell.terminal.err.write(errorText(report, shell.terminal.directory, shell.paintError))
  return report.exitCode
}

/** The same for what nobody caught. */
export function sayUncaught(
  shell: Shell,
  error: unknown,
  kind: 'thrown' | 'rejected',
  isJson: boolean,
): ExitCode {
  if (!isThrownByUser(error)) return sayError(shell, error, isJson)
  const what = kind === 'thrown' ? 'an error was thrown outside of a call' : 'a promise was rejected'
  const failure = new CommandFailure(`${what}, and nobody caught it`, {
    exitCode: ExitCode.NEGATIVE,
    cause: error,
    fix: 'await promises, and catch errors in callbacks of your own; a tuple fails only by its own call',
  })
  return sayError(shell, failure, isJson)
}
