/** A record with the version of its node, for the conditional write that follows. */
export interface Versioned<R> {
  readonly record: R
  readonly version: number
}
