/** `typhoon version`. */
import { ExitCode } from '../exit-code.ts'
import type { Invocation } from '../invocation.ts'
import type { Shell } from '../shell.ts'

export async function version(shell: Shell, invocation: Invocation): Promise<number> {
  const { machine } = shell
  const typhoon = machine.packageVersion()
  if (invocation.output === 'json') {
    shell.printJson({ version: 1, typhoon, node: machine.nodeVersion, platform: machine.platform })
  } else {
    shell.print(`typhoon ${typhoon}  node ${machine.nodeVersion}  ${machine.platform}`)
  }
  return ExitCode.OK
}
