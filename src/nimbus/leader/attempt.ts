/**
 * Deciding on one topology so that its trouble is its own, be it a bug of ours that only it brings out: what
 * was decided so far of it is thrown away, so no invariant is at risk that would end the process elsewhere.
 */

/** undefined: it threw, and `quarantine` has why. */
export function attempt<T>(id: string, quarantine: Map<string, string>, decide: () => T): T | undefined {
  try {
    return decide()
  } catch (error) {
    quarantine.set(id, messageOf(error))
    return undefined
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
