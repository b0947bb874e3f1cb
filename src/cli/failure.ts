/**
 * What ends a command early, where no code of the table stands for it: wrong usage, a file that is not there.
 */
import { ExitCode } from './exit-code.ts'

export interface FailureFacts {
  readonly exitCode?: ExitCode
  /** What to do about it, in a sentence. */
  readonly fix?: string | undefined
  /** `file:line:column`, absolute. */
  readonly where?: string | undefined
  /** What the user's code threw. Its own frames are shown. */
  readonly cause?: unknown
}

/** Message: what happened, lower case, no full stop. */
export class CommandFailure extends Error {
  readonly exitCode: ExitCode
  readonly fix: string | undefined
  readonly where: string | undefined

  constructor(message: string, facts: FailureFacts = {}) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause })
    this.name = 'CommandFailure'
    this.exitCode = facts.exitCode ?? ExitCode.USAGE
    this.fix = facts.fix
    this.where = facts.where
  }
}
