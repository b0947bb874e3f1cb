/** A promise together with the two functions that settle it. Settling twice does nothing. */
export interface Deferred<T> {
  readonly promise: Promise<T>
  readonly resolve: (value: T) => void
  readonly reject: (error: unknown) => void
}

export function deferred<T = void>(): Deferred<T> {
  let resolve: (value: T) => void = unset
  let reject: (error: unknown) => void = unset
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve
    reject = onReject
  })
  return { promise, resolve, reject }
}

function unset(): void {
  // Replaced before anybody can call it: the promise's executor runs at once.
}
