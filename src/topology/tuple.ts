/** The values of a tuple whose fields are not declared: any names, unchecked. */
// biome-ignore lint/suspicious/noExplicitAny: unchecked is what it says
export type AnyValues = { readonly [field: string]: any }

/**
 * One item of a stream, as a bolt sees it. Read-only and shared: every reader inside a worker sees the same
 * object, so copy before changing. In dev and in the test kit values are frozen deeply, and writing throws
 * TUPLE_WRITTEN.
 */
export interface Tuple<out V = AnyValues> {
  /** The values by field name. */
  readonly values: Readonly<V>
  /** Component that emitted it. */
  readonly sourceComponent: string
  /** Its stream; `default` unless named. */
  readonly sourceStream: string
  /** Its task, from 1. */
  readonly sourceTask: number
  /**
   * Event time, milliseconds since 1970; undefined if the source has none. Emits inherit that of their
   * input.
   */
  readonly time: number | undefined
  /**
   * Aborts when the call has outlived its `timeout`, when the tree has expired, and when the task stops.
   * Made at first reading, so it costs nothing unless used. Hand it to `fetch` and the like.
   */
  readonly signal: AbortSignal
}

/** Why a tree failed. */
export type FailReason = 'explicit' | 'error' | 'timeout' | 'worker-lost' | 'link-lost'

/** What a spout is told of a failed tuple. */
export interface Failure {
  readonly reason: FailReason
  /** Component that failed it, or where it was last seen; undefined if nobody knows. */
  readonly component: string | undefined
  /** What that component said. */
  readonly message: string | undefined
  /** How often this tuple failed before. */
  readonly failedBefore: number
}

/** A tuple that was given up, on its way to the dead letters. */
export interface DeadLetter<out V = AnyValues> {
  readonly component: string
  readonly task: number
  readonly stream: string
  readonly values: Readonly<V>
  readonly code: string
  readonly message: string
  readonly attempts: number
  /** When it was given up, milliseconds since 1970. */
  readonly at: number
}
