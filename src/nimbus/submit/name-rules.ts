/**
 * What a topology may be called, as a module is told too, and the id it gets: a short form of its name, and
 * a number.
 */
import { UsageError } from '../../base/errors.ts'
import { topologyNameTrouble } from '../../topology/topology-name.ts'

const SLUG_CHARACTERS_MAX = 40
export const KEY_CHARACTERS_MAX = 128

/** Control characters, separators of paths, and what turns text around or hides it. */
const FORBIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}/\\]/u

/** @throws UsageError REQUEST_INVALID */
export function checkName(name: string): void {
  const why = topologyNameTrouble(name)
  if (why !== undefined) throw new UsageError('REQUEST_INVALID', why, { field: 'name' })
}

/** @throws UsageError REQUEST_INVALID */
export function checkKey(key: string): void {
  if (key.length > 0 && key.length <= KEY_CHARACTERS_MAX && !FORBIDDEN.test(key)) return
  const text = `an idempotency key has 1 to ${KEY_CHARACTERS_MAX} characters, no slashes or controls`
  throw new UsageError('REQUEST_INVALID', text, { field: 'idempotencyKey' })
}

/**
 * Id of a topology: what is plain of its name, and a number that no other has. `random` is 64 bits: names are
 * used again, ids never.
 */
export function topologyId(name: string, random: Int32Array): string {
  const slug = name
    .replaceAll(/[^A-Za-z0-9_-]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, SLUG_CHARACTERS_MAX)
  const number = [...random.subarray(0, 2)].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('')
  return `${slug === '' ? 'topology' : slug}-${number}`
}
