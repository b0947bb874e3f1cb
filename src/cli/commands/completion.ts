/** `typhoon completion`: scripts for shells, made of the command table. */
import { commandTable } from '../command-table.ts'
import { completionScript, shells } from '../completion-script.ts'
import { ExitCode } from '../exit-code.ts'
import { CommandFailure } from '../failure.ts'
import type { Invocation } from '../invocation.ts'
import type { Shell } from '../shell.ts'

export async function completion(shell: Shell, invocation: Invocation): Promise<number> {
  const [name = ''] = invocation.args
  const script = completionScript(name, commandTable)
  if (script === undefined) {
    throw new CommandFailure(`there is no completion for '${name}'`, {
      fix: `there are ${shells.join(', ')}`,
    })
  }
  shell.print(script)
  return ExitCode.OK
}
