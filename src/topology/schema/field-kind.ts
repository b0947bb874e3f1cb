/** Kinds of fields as text: read once, where fields are declared, and checked against values. */
import { nearest } from '../../base/nearest.ts'
import type { FieldShape } from '../definition.ts'
import { kindOf, refused } from '../make/expect.ts'

type ScalarKind = Exclude<FieldShape['kind'], 'value'>

const KINDS: ReadonlyMap<string, ScalarKind> = new Map([
  ['string', 'string'],
  ['int', 'int'],
  ['number', 'number'],
  ['bigint', 'bigint'],
  ['boolean', 'boolean'],
  ['bytes', 'bytes'],
])

/**
 * Takes a kind apart: `'int'`, `'string[]'`, `'number | null'`.
 * @throws UsageError CONFIG_INVALID_VALUE with the nearest kind
 */
export function parseKind(name: string, text: string): FieldShape {
  const list = text.endsWith('[]')
  const nullable = text.endsWith(' | null')
  const scalar = list ? text.slice(0, -2) : nullable ? text.slice(0, -7) : text
  const kind = KINDS.get(scalar)
  if (kind !== undefined) return { name, kind, list, nullable }
  const close = nearest(scalar, KINDS.keys())
  const hint = close === undefined ? '' : `; did you mean '${close}'?`
  throw refused(
    `fields: ${name} is declared as '${text}', wanted ${[...KINDS.keys()].join(', ')}, each also as a list ` +
      `('int[]') or with null ('int | null')${hint}`,
  )
}

/** What is wrong with a value of this kind, or undefined. */
export function checkKind(shape: FieldShape, value: unknown): string | undefined {
  if (value === null && shape.nullable) return undefined
  if (!shape.list)
    return isOfKind(shape.kind, value)
      ? undefined
      : `expected ${written(shape)}, found ${found(shape, value)}`
  if (!Array.isArray(value)) return `expected ${written(shape)}, found ${found(shape, value)}`
  const wrong = value.findIndex((each) => !isOfKind(shape.kind, each))
  return wrong === -1
    ? undefined
    : `expected ${written(shape)}, found ${found(shape, value[wrong])} at ${wrong}`
}

/** The kind as it is declared. */
export function written(shape: FieldShape): string {
  return `${shape.kind}${shape.list ? '[]' : ''}${shape.nullable ? ' | null' : ''}`
}

function found(shape: FieldShape, value: unknown): string {
  // Values stay out of messages; that a number is no whole one, or too big, is no secret.
  if (typeof value !== 'number' || shape.kind !== 'int') return kindOf(value)
  if (!Number.isFinite(value)) return String(value)
  return Number.isInteger(value) ? 'a whole number beyond 2^53 - 1' : 'a number with a fraction'
}

function isOfKind(kind: FieldShape['kind'], value: unknown): boolean {
  switch (kind) {
    case 'int':
      return Number.isSafeInteger(value)
    case 'bytes':
      return value instanceof Uint8Array
    case 'value':
      return true
    default:
      return typeof value === kind
  }
}
