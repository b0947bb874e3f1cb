/** Asks before dangerous actions on contexts that are marked as production. */
import { deferred } from '../../base/deferred.ts'
import { UsageError } from '../../base/errors.ts'
import { ExitCode } from '../exit-code.ts'
import { CommandFailure } from '../failure.ts'
import type { Invocation } from '../invocation.ts'
import type { Shell } from '../shell.ts'
import type { ClusterSession } from './session.ts'

const ENTER = /[\r\n]/
const BACK = /[\b\u007f]/
const LEAVE = '\u0003'

/** @throws UsageError CONFIRMATION_NEEDED nobody can be asked; CommandFailure the answer was another */
export async function confirm(
  shell: Shell,
  invocation: Invocation,
  session: ClusterSession,
  subject: string,
): Promise<void> {
  const { isProduction, context } = session.target
  if (!isProduction || invocation.flag('yes')) return
  if (!shell.terminal.hasKeyboard) {
    const what = `${invocation.command} on the production context '${context}'`
    throw new UsageError('CONFIRMATION_NEEDED', `${what} needs --yes; nothing was changed`)
  }
  shell.terminal.err.write(`${invocation.command} on ${context}? Type the name to confirm: `)
  if ((await typedLine(shell)) === subject) return
  throw new CommandFailure('that is another name; nothing was changed', { exitCode: ExitCode.DECLINED })
}

async function typedLine(shell: Shell): Promise<string> {
  const done = deferred<string>()
  const { err } = shell.terminal
  let typed = ''
  const keys = shell.terminal.onKey((key) => {
    if (ENTER.test(key)) done.resolve(typed)
    else if (key === LEAVE) done.resolve('')
    else if (BACK.test(key)) {
      if (typed !== '') err.write('\b \b')
      typed = typed.slice(0, -1)
    } else {
      typed += key
      err.write(key)
    }
  })
  try {
    return await done.promise
  } finally {
    keys.stop()
    err.write('\n')
  }
}
