/**
 * Values that have members of their own: error policies, backoffs, metrics reporters.
 *
 * The same in TypeScript and in files, but for `retryIf`, which is a function and so in code only.
 */

import { nearest } from '../base/nearest.ts'
import type { CompiledErrorPolicy, CompiledReporter } from './compiled.ts'
import { DURATION_WANTED, tryParseDuration } from './duration.ts'
import { contradiction, invalidValue, isPlainObject, type Place, unknownKey } from './invalid.ts'
import type { ErrorAction } from './topology-config.ts'

/** Waits between attempts, in numbers. */
export interface CompiledBackoff {
  readonly firstMs: number
  readonly factor: number
  readonly maxMs: number
}

const FIRST_MS = 100
const FACTOR = 2
const MAX_MS = 10_000
const REPORT_EVERY_MS = 10_000

const actions: ReadonlySet<unknown> = new Set<ErrorAction>([
  'fail',
  'dead-letter',
  'skip',
  'restart-worker',
  'stop-topology',
])

const ACTIONS_WANTED = [...actions].join(', ')

/** What stands in a definition that says nothing of errors. */
export const FAIL_AT_ONCE: CompiledErrorPolicy = {
  retries: 0,
  firstMs: FIRST_MS,
  factor: FACTOR,
  maxMs: MAX_MS,
  action: 'fail',
  retryIf: undefined,
}

/**
 * An action, or a policy with retries.
 * @throws UsageError CONFIG_INVALID_VALUE, CONFIG_UNKNOWN_KEY, CONFIG_CONTRADICTION
 */
export function compileErrorPolicy(value: unknown, name: string, place: Place): CompiledErrorPolicy {
  if (isAction(value)) return { ...FAIL_AT_ONCE, action: value }
  const wanted = `one of ${ACTIONS_WANTED}, or { retries, backoff, then }`
  if (!isPlainObject(value)) throw invalidValue(place, name, value, wanted)
  refuseOthers(value, ['retries', 'backoff', 'then', 'retryIf'], name, place)
  const { retries = 0, retryIf, then: action } = value
  if (!isAction(action)) throw invalidValue(place, `${name}.then`, action, `one of ${ACTIONS_WANTED}`)
  if (!isCount(retries, 0)) throw invalidValue(place, `${name}.retries`, retries, 'a whole number from 0')
  if (retryIf !== undefined && !isPredicate(retryIf)) {
    throw invalidValue(place, `${name}.retryIf`, retryIf, 'a function of the error, in code only')
  }
  const backoff = compileBackoff(value['backoff'], `${name}.backoff`, place)
  return { retries, ...backoff, action, retryIf }
}

/**
 * A `Backoff` with its defaults. One that is set alone moves the default of the other with it.
 * @throws UsageError CONFIG_INVALID_VALUE, CONFIG_UNKNOWN_KEY, CONFIG_CONTRADICTION
 */
export function compileBackoff(value: unknown, name: string, place: Place): CompiledBackoff {
  if (value === undefined) return { firstMs: FIRST_MS, factor: FACTOR, maxMs: MAX_MS }
  if (!isPlainObject(value)) throw invalidValue(place, name, value, '{ first, factor, max }')
  refuseOthers(value, ['first', 'factor', 'max'], name, place)
  const first = optionalMs(value['first'], `${name}.first`, place)
  const max = optionalMs(value['max'], `${name}.max`, place)
  if (first !== undefined && max !== undefined && first > max) {
    throw contradiction(
      `${place.prefix}${name}.first is ${first} ms, above ${name}.max, which is ${max} ms`,
      `${name}.first`,
      `${name}.max`,
    )
  }
  const { factor = FACTOR } = value
  if (typeof factor !== 'number' || !(factor >= 1) || factor === Number.POSITIVE_INFINITY) {
    throw invalidValue(place, `${name}.factor`, factor, 'a number from 1')
  }
  return {
    firstMs: first ?? Math.min(FIRST_MS, max ?? FIRST_MS),
    factor,
    maxMs: max ?? Math.max(MAX_MS, first ?? MAX_MS),
  }
}

/** @throws UsageError CONFIG_INVALID_VALUE, CONFIG_UNKNOWN_KEY */
export function compileReporter(value: unknown, name: string, place: Place): CompiledReporter {
  if (!isPlainObject(value)) throw invalidValue(place, name, value, '{ module, every, options }')
  refuseOthers(value, ['module', 'every', 'options'], name, place)
  const { module, options = {} } = value
  if (typeof module !== 'string' || module === '') {
    throw invalidValue(place, `${name}.module`, module, 'the path or name of a module')
  }
  if (!isPlainObject(options)) throw invalidValue(place, `${name}.options`, options, 'an object')
  const everyMs = optionalMs(value['every'], `${name}.every`, place) ?? REPORT_EVERY_MS
  if (everyMs < 1) throw invalidValue(place, `${name}.every`, value['every'], "a duration from '1ms'")
  return { module, everyMs, options }
}

function optionalMs(value: unknown, name: string, place: Place): number | undefined {
  if (value === undefined) return undefined
  const ms = typeof value === 'string' ? tryParseDuration(value) : undefined
  if (ms === undefined) throw invalidValue(place, name, value, DURATION_WANTED)
  return ms
}

function refuseOthers(value: object, members: readonly string[], name: string, place: Place): void {
  for (const member of Object.keys(value)) {
    if (members.includes(member)) continue
    const near = nearest(member, members)
    throw unknownKey(place, `${name}.${member}`, near === undefined ? undefined : `${name}.${near}`)
  }
}

function isAction(value: unknown): value is ErrorAction {
  return actions.has(value)
}

function isCount(value: unknown, min: number): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= min
}

function isPredicate(value: unknown): value is (error: unknown) => boolean {
  return typeof value === 'function'
}
