/**
 * Checks of what a maker (`bolt`, `spout` …) was given, for callers that TypeScript did not stop. They speak
 * at once, where the mistake is, and not in a worker.
 */
import { UsageError } from '../../base/errors.ts'
import { nearest } from '../../base/nearest.ts'

/** A value read as an object of any members. */
export type Members = Readonly<Record<string, unknown>>

/** A class instance, a list and a function are objects too; they are told apart where it matters. */
export function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null
}

/** How a value is called in messages. Never shows the value itself. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  if (typeof value !== 'object') return value === undefined ? 'nothing' : `a ${typeof value}`
  const name: unknown = value.constructor?.name
  return typeof name === 'string' && name !== 'Object' && name !== '' ? `an instance of ${name}` : 'an object'
}

export function refused(message: string): UsageError {
  return new UsageError('CONFIG_INVALID_VALUE', message)
}

/** What a maker is given, as members. */
export function specOf(maker: string, spec: unknown): Members {
  if (isObject(spec) && !Array.isArray(spec)) return spec
  throw refused(`${maker} needs an object, but was given ${kindOf(spec)}`)
}

/** Refuses a spec without these functions; the nearest name that is there is told. */
export function requireFunctions(maker: string, spec: Members, names: readonly string[]): void {
  for (const name of names) {
    const found = spec[name]
    if (typeof found === 'function') continue
    if (found !== undefined) throw refused(`${maker}: ${name} must be a function, but is ${kindOf(found)}`)
    const close = nearest(name, Object.keys(spec))
    const hint = close === undefined ? '' : `; did you mean it by "${close}"?`
    throw refused(`${maker} has no ${name}${hint}`)
  }
}

/** Refuses a member that is there, but is no function. */
export function allowFunctions(maker: string, spec: Members, names: readonly string[]): void {
  for (const name of names) {
    const found = spec[name]
    if (found !== undefined && typeof found !== 'function') {
      throw refused(`${maker}: ${name} must be a function, but is ${kindOf(found)}`)
    }
  }
}

/**
 * The component settings that stand in a spec: whatever is neither a member of its own nor a function. Their
 * names and values are checked when the topology is built, together with those of its placement.
 */
export function settingsIn(spec: Members, own: readonly string[]): Members {
  const settings: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(spec)) {
    if (!own.includes(name) && typeof value !== 'function' && value !== undefined) settings[name] = value
  }
  return settings
}
