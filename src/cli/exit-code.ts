/** How the process ends, for scripts. The same table is in docs/reference/cli.md. */
export const ExitCode = {
  OK: 0,
  /** It ran; the result is negative: a check failed, a topology failed. */
  NEGATIVE: 1,
  /** Usage, configuration or validation. */
  USAGE: 2,
  NOT_FOUND: 3,
  NOT_PERMITTED: 4,
  CONFLICT: 5,
  UNREACHABLE: 6,
  /** The user said no. */
  DECLINED: 7,
  BUG: 70,
  TIMED_OUT: 124,
  INTERRUPTED: 130,
  TERMINATED: 143,
} as const

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode]
