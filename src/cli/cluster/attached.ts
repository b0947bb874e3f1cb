/**
 * Waits for work of the cluster, as long as somebody wants to: Ctrl-C leaves it to itself and says how to
 * come back; a second one ends the command at once. The work goes on in any case.
 */
import { ExitCode } from '../exit-code.ts'
import type { Invocation } from '../invocation.ts'
import { type Interrupted, onInterrupt } from '../run/interrupts.ts'
import type { Shell } from '../shell.ts'
import { ProgressLines } from './progress.ts'

export interface AttachedCalls {
  readonly signal: AbortSignal
  readonly progress: ProgressLines
}

class Detached {
  readonly exitCode: Interrupted

  constructor(exitCode: Interrupted) {
    this.exitCode = exitCode
  }
}

/**
 * @param again the command line that comes back to it
 * @returns OK, or 130/143 if somebody left
 */
export async function attached(
  shell: Shell,
  invocation: Invocation,
  again: string,
  wait: (calls: AttachedCalls) => Promise<void>,
): Promise<number> {
  const progress = new ProgressLines(shell, invocation)
  const leave = new AbortController()
  onInterrupt({
    first: (exitCode) => leave.abort(new Detached(exitCode)),
    again: (exitCode) => shell.endNow(exitCode),
  })
  try {
    await wait({ signal: leave.signal, progress })
    progress.end()
    return ExitCode.OK
  } catch (error) {
    progress.end()
    if (!(error instanceof Detached)) throw error
    shell.say(`left; the cluster goes on with it. Come back with: ${again}`)
    return error.exitCode
  }
}
