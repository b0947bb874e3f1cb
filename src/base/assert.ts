/** A broken invariant: a bug of ours. Nobody catches it; the main of a process logs it and exits with 70. */
export class InvariantError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'InvariantError'
  }
}

/** States what is true. For bugs only: what may go wrong in the world is a `StreamError`. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InvariantError(message)
}

/** The value, which is known to be there. */
export function assertDefined<T>(value: T | undefined | null, message: string): T {
  if (value === undefined || value === null) throw new InvariantError(message)
  return value
}
