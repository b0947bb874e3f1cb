/** What needs the coordinator is tried again until that answers, as long as it is wanted. */
import { isStreamError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { Host } from '../../host/host.ts'

export interface UntilAnsweredSpec {
  readonly host: Host
  readonly log: Logger
  readonly isWanted: () => boolean
  /** Said of each try that was in vain. */
  readonly trouble: string
  /** Between two tries. */
  readonly againMs: number
}

/** undefined: it was not wanted any more. @throws what is not to be had by waiting */
export async function untilAnswered<T>(
  { host, log, isWanted, trouble, againMs }: UntilAnsweredSpec,
  ask: () => Promise<T>,
): Promise<T | undefined> {
  while (isWanted()) {
    try {
      return await ask()
    } catch (error) {
      if (!isStreamError(error) || !error.retryable) throw error
      if (isWanted()) log.warn(trouble, { why: error.message })
    }
    if (againMs > 0) await new Promise<void>((resolve) => host.timers.after(againMs, resolve))
  }
  return undefined
}
