/**
 * The table of error codes: every code that leaves Typhoon, once, with its meaning and what to do about it.
 *
 * Route: a thrower names a code (`errors.ts`) → logs, dashboard and wire carry it → `typhoon explain` and the
 * reference page read the table through `errorCode`.
 *
 * Does not know: who throws what.
 *
 * Invariants
 *   C1  codes and numbers are unique, and a number's first digit tells its range
 *   C2  exactly the codes of family `unavailable` are retryable
 */
import type { ErrorCodeEntry } from './error-code-entry.ts'
import { clusterCodes } from './error-table-cluster.ts'
import { engineCodes } from './error-table-engine.ts'
import { topologyCodes } from './error-table-topology.ts'
import { nearest } from './nearest.ts'

const table = { ...topologyCodes, ...clusterCodes, ...engineCodes }

/** Stable codes. Meaning and advice of each: `typhoon explain <code>`. */
export type ErrorCode = keyof typeof table

/** An entry of the table together with its code. */
export interface ErrorCodeFacts extends ErrorCodeEntry {
  readonly code: ErrorCode
  readonly retryable: boolean
}

const entries: Readonly<Record<ErrorCode, ErrorCodeEntry>> = table

/** All codes in the order of their numbers. */
export const errorCodes: readonly ErrorCodeFacts[] = Object.entries(entries).map(([code, entry]) => ({
  // `Object.entries` forgets the keys' type.
  code: code as ErrorCode,
  ...entry,
  retryable: entry.family === 'unavailable',
}))

/** What a look-up found: the entry, or the nearest name if there is one near enough. */
export type ErrorCodeFound =
  | { readonly found: ErrorCodeFacts }
  | { readonly found: undefined; readonly suggestion: string | undefined }

/** Looks a code up by its name or its number, in any case: `unknown_field`, `E1004`. */
export function errorCode(nameOrNumber: string): ErrorCodeFound {
  const wanted = nameOrNumber.trim().toUpperCase().replaceAll('-', '_')
  const found = errorCodes.find((facts) => facts.code === wanted || facts.number === wanted)
  if (found !== undefined) return { found }
  const names = /^E\d/.test(wanted) ? errorCodes.map((f) => f.number) : errorCodes.map((f) => f.code)
  return { found: undefined, suggestion: nearest(wanted, names) }
}

/** True if `text` is a code of the table; for codes that came over the wire. */
export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(entries, text)
}

/** The entry of a code. */
export function errorCodeEntry(code: ErrorCode): ErrorCodeEntry {
  return entries[code]
}
