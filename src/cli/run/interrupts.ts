/**
 * Ctrl-C and SIGTERM while something runs: the first asks for an orderly end, every further one to end at
 * once.
 */
import { onSignal } from '../../host/node-signals.ts'
import { ExitCode } from '../exit-code.ts'

export type Interrupted = typeof ExitCode.INTERRUPTED | typeof ExitCode.TERMINATED

export interface InterruptCalls {
  readonly first: (exitCode: Interrupted) => void
  readonly again: (exitCode: Interrupted) => void
}

/** For the rest of the process. Returns the call for a key that means the same. */
export function onInterrupt({ first, again }: InterruptCalls): () => void {
  let isAsked = false
  const ask = (exitCode: Interrupted): void => {
    if (isAsked) {
      again(exitCode)
      return
    }
    isAsked = true
    first(exitCode)
  }
  onSignal('SIGINT', () => ask(ExitCode.INTERRUPTED))
  onSignal('SIGTERM', () => ask(ExitCode.TERMINATED))
  return () => ask(ExitCode.INTERRUPTED)
}
