/** Moments: as people read them, and as programs do. */

/** `2026-01-02 03:04:05`, in UTC. */
export function timeText(at: number): string {
  return new Date(at).toISOString().replace('T', ' ').slice(0, 19)
}

/** The same value with milliseconds since 1970 as ISO 8601, wherever a name says that it is a moment. */
export function withIsoTimes(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withIsoTimes)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => {
      const isMoment = typeof each === 'number' && /^(at|since)$|[a-z]At$/.test(name)
      return [name, isMoment ? new Date(each).toISOString() : withIsoTimes(each)]
    }),
  )
}
