/** What user code hands back and throws, looked at in one way everywhere. */
import { parseDuration } from '../../config/duration.ts'
import type { Duration } from '../../config/topology-config.ts'

/** HOT. Anything that can be waited for. */
export function isPromise(result: unknown): result is PromiseLike<unknown> {
  return (
    typeof result === 'object' && result !== null && 'then' in result && typeof result.then === 'function'
  )
}

/** What a thrown or given value says of itself. */
export function messageOf(why: unknown): string {
  if (typeof why === 'string') return why
  try {
    return String(why instanceof Error ? why.message : why)
  } catch {
    // An object without a prototype, or with a `toString` or `message` that throws: the reason must not
    // become a second error.
    return 'a value that has no text'
  }
}

/** Milliseconds of a duration that a definition may leave out. */
export function durationOr(text: Duration | undefined, otherwiseMs: number): number {
  return text === undefined ? otherwiseMs : parseDuration(text)
}
