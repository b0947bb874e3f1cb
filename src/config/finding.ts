/** What a look at configuration finds, before anybody decides to throw. */
import type { ErrorCode } from '../base/error-codes.ts'
import { UsageError } from '../base/errors.ts'

export interface ConfigFinding {
  /** `error`: nothing starts with it. `warning`: said once, then ignored. */
  readonly severity: 'error' | 'warning'
  readonly code: ErrorCode
  readonly message: string
  /** Name of the key, as it stood there. */
  readonly key: string
  /**
   * Where it stood: `typhoon.yaml:3:1`, the name of a variable, `topology`, `command line`. Empty: nowhere.
   */
  readonly origin: string
}

/** A finding of an error that was thrown. What is no UsageError is thrown on. */
export function findingOf(error: unknown, key: string, origin: string): ConfigFinding {
  if (!(error instanceof UsageError)) throw error
  return { severity: 'error', code: error.code, message: error.message, key, origin }
}

/**
 * Throws if there is an error among the findings: the first one's code and message, all of them in
 * `details.findings`, one a line.
 * @throws UsageError
 */
export function refuseErrors(findings: readonly ConfigFinding[]): void {
  const errors = findings.filter((finding) => finding.severity === 'error')
  const [first] = errors
  if (first === undefined) return
  const more = errors.length === 1 ? '' : ` (and ${errors.length - 1} more)`
  throw new UsageError(first.code, `${describe(first)}${more}`, {
    key: first.key,
    origin: first.origin,
    findings: errors.map(describe).join('\n'),
  })
}

/** A finding in a line: where, then what. */
export function describe(finding: ConfigFinding): string {
  return finding.origin === '' ? finding.message : `${finding.origin}: ${finding.message}`
}
