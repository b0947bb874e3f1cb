/**
 * Keys by value: every key becomes something a `Map` compares by value.
 *
 * Texts, numbers, booleans and bigints are that already: a `Map` tells 1 from '1', takes -0 for 0, finds NaN,
 * and compares bigints by value. Lists become a text of their own that begins with U+0000; a text key that
 * begins with it is put behind another prefix, so the two never meet.
 */
import { UsageError } from '../base/errors.ts'

/** What a `Map` of the state room is keyed by. */
export type MapKey = string | number | bigint | boolean

const LIST = '\u0000['
const TEXT = '\u0000"'

/**
 * HOT. The map key of a key. A text that does not begin with U+0000, which is nearly every key, costs one
 * look.
 * @throws UsageError STATE_NOT_ENCODABLE the value can be no key
 */
export function mapKeyOf(key: unknown): MapKey {
  if (typeof key === 'string') return key.charCodeAt(0) === 0 ? TEXT + key : key
  if (typeof key === 'number' || typeof key === 'bigint' || typeof key === 'boolean') return key
  if (Array.isArray(key)) return listKey(key)
  throw notAKey(key)
}

function listKey(parts: readonly unknown[]): string {
  let text = LIST
  for (const part of parts) text += partText(part)
  return text
}

/** One part, with its length in front where it has none of its own: no two lists give the same text. */
function partText(part: unknown): string {
  switch (typeof part) {
    case 'string':
      return `s${part.length}:${part}`
    case 'number':
      // String(-0) is '0', as it should be here: both are the same key.
      return `n${String(part)};`
    case 'bigint':
      return `i${part};`
    case 'boolean':
      return part ? 't' : 'f'
    default:
      throw notAKey(part)
  }
}

function notAKey(key: unknown): UsageError {
  const found = key === null ? 'null' : typeof key
  return new UsageError(
    'STATE_NOT_ENCODABLE',
    `a key is ${found}; keys are texts, numbers, bigints, booleans, and lists of them`,
    { found },
  )
}
