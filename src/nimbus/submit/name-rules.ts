/**
 * What a topology may be called, and the id it gets. Names are the user's, so they are shown as they are;
 * ids go into paths of files and nodes, so they have only letters, digits, minus and underscore.
 */
import { UsageError } from '../../base/errors.ts'

const NAME_CHARACTERS_MAX = 128
const SLUG_CHARACTERS_MAX = 40
export const KEY_CHARACTERS_MAX = 128

/** Control characters, separators of paths, and what turns text around or hides it. */
const FORBIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}/\\]/u

/** @throws UsageError REQUEST_INVALID */
export function checkName(name: string): void {
  const why = whyNot(name)
  if (why !== undefined)
    throw new UsageError('REQUEST_INVALID', `a topology's name ${why}`, { field: 'name' })
}

function whyNot(name: string): string | undefined {
  if (name === '') return 'is not empty'
  if ([...name].length > NAME_CHARACTERS_MAX) return `has at most ${NAME_CHARACTERS_MAX} characters`
  if (FORBIDDEN.test(name)) return 'has no slashes and no control characters'
  if (name.includes('..') || name === '.') return "is not '.' and has no '..'"
  if (name.trim() !== name) return 'has no blanks at its ends'
  if (name.startsWith('-')) return 'does not begin with a minus: commands would take it for an option'
  if (name.startsWith('__')) return 'does not begin with two underscores'
  return undefined
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
