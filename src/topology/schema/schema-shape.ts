/**
 * What a Standard Schema of zod 4, valibot or arktype says of its values: the names of its fields, and
 * whether it gives back something else than it was given. The standard itself says neither, so this reads
 * what the three libraries show in public: zod's `_zod.def`, valibot's `entries` and `pipe`, arktype's
 * `out.json`.
 *
 * Does not know: what names are needed for. Never throws: what is not understood is `unknown`.
 */
import { isObject, type Members } from '../make/expect.ts'

export interface NamedField {
  readonly name: string
  readonly optional: boolean
}

export interface SchemaShape {
  /**
   * `object`: fields are known. `value`: its values are no objects with fields, but texts, numbers, lists,
   * dates. `unknown`: it cannot say.
   */
  readonly kind: 'object' | 'value' | 'unknown'
  readonly fields: readonly NamedField[]
  /** True: what comes out may differ from what goes in, so that what came out must not go in again. */
  readonly transforms: boolean
}

const DEPTH_MAX = 64

/** What is known of the values that come out of a Standard Schema. */
export function schemaShape(schema: unknown): SchemaShape {
  const vendor = member(member(schema, '~standard'), 'vendor')
  if (vendor === 'zod') return { ...zodShape(schema, 0), transforms: zodTransforms(schema, 0) }
  if (vendor === 'valibot') return { ...valibotShape(schema, 0), transforms: valibotTransforms(schema, 0) }
  if (vendor === 'arktype') return arktypeShape(schema)
  return { ...UNKNOWN, transforms: false }
}

type Shape = Omit<SchemaShape, 'transforms'>

const UNKNOWN: Shape = { kind: 'unknown', fields: [] }
const VALUE: Shape = { kind: 'value', fields: [] }

/** Schemas may be functions (arktype's are), so members are read of both. */
function member(value: unknown, name: string): unknown {
  if (typeof value === 'function') return Reflect.get(value, name)
  return isObject(value) ? value[name] : undefined
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

const ZOD_VALUES: ReadonlySet<unknown> = new Set([
  'string',
  'number',
  'int',
  'bigint',
  'boolean',
  'date',
  'array',
  'tuple',
  'enum',
  'literal',
  'template_literal',
  'null',
  'undefined',
  'nan',
])

/** zod's wrappers that leave the shape as it is. `pipe` is not one: what counts there is its `out`. */
const ZOD_WRAPPERS: ReadonlySet<unknown> = new Set([
  'readonly',
  'default',
  'prefault',
  'catch',
  'nonoptional',
  'optional',
  'nullable',
])

function zodShape(schema: unknown, depth: number): Shape {
  const def = zodDef(schema)
  const type = member(def, 'type')
  if (depth > DEPTH_MAX) return UNKNOWN
  if (type === 'object') return { kind: 'object', fields: zodFields(member(def, 'shape')) }
  if (ZOD_VALUES.has(type)) return VALUE
  if (type === 'pipe') return zodShape(member(def, 'out'), depth + 1)
  if (ZOD_WRAPPERS.has(type)) return zodShape(member(def, 'innerType'), depth + 1)
  if (type === 'lazy') return zodShape(called(member(def, 'getter')), depth + 1)
  if (type === 'intersection') {
    return joined(zodShape(member(def, 'left'), depth + 1), zodShape(member(def, 'right'), depth + 1))
  }
  if (type === 'union') return common(listOf(member(def, 'options')).map((o) => zodShape(o, depth + 1)))
  return UNKNOWN
}

function zodDef(schema: unknown): unknown {
  return member(member(schema, '_zod'), 'def')
}

function zodFields(shape: unknown): NamedField[] {
  if (!isObject(shape)) return []
  return Object.entries(shape).map(([name, field]) => {
    return { name, optional: member(member(field, '_zod'), 'optout') === 'optional' }
  })
}

function called(getter: unknown): unknown {
  return typeof getter === 'function' ? getter() : undefined
}

/** Both at once: fields of the left, then those the right adds. */
function joined(left: Shape, right: Shape): Shape {
  if (left.kind !== 'object' || right.kind !== 'object') return left.kind === right.kind ? left : UNKNOWN
  const names = new Set(left.fields.map((field) => field.name))
  return {
    kind: 'object',
    fields: [...left.fields, ...right.fields.filter((field) => !names.has(field.name))],
  }
}

/** One of several: known only if all are plain values. Objects of several shapes have no order of fields. */
function common(shapes: readonly Shape[]): Shape {
  return shapes.length > 0 && shapes.every((shape) => shape.kind === 'value') ? VALUE : UNKNOWN
}

const ZOD_INNER = ['innerType', 'element', 'left', 'right', 'in', 'out', 'keyType', 'valueType', 'catchall']

function zodTransforms(schema: unknown, depth: number): boolean {
  const def = zodDef(schema)
  const type = member(def, 'type')
  // A recursive schema is taken as one that transforms: not validating is the harmless side.
  if (type === 'transform' || type === 'pipe' || depth > DEPTH_MAX) return true
  if (type === 'lazy') return zodTransforms(called(member(def, 'getter')), depth + 8)
  const shape = member(def, 'shape')
  const inner = [
    ...ZOD_INNER.map((name) => member(def, name)),
    ...listOf(member(def, 'options')),
    ...listOf(member(def, 'items')),
    ...(isObject(shape) ? Object.values(shape) : []),
  ]
  return inner.some((each) => zodDef(each) !== undefined && zodTransforms(each, depth + 1))
}

const VALIBOT_VALUES: ReadonlySet<unknown> = new Set([
  'string',
  'number',
  'bigint',
  'boolean',
  'date',
  'array',
  'tuple',
  'strict_tuple',
  'loose_tuple',
  'tuple_with_rest',
  'enum',
  'literal',
  'picklist',
  'null',
  'undefined',
  'nan',
])

const VALIBOT_OPTIONAL: ReadonlySet<unknown> = new Set([
  'optional',
  'exact_optional',
  'nullish',
  'undefinedable',
])

function valibotShape(schema: unknown, depth: number): Shape {
  if (depth > DEPTH_MAX) return UNKNOWN
  const pipe = member(schema, 'pipe')
  if (Array.isArray(pipe)) return valibotPipeShape(pipe, depth)
  const entries = member(schema, 'entries')
  if (isObject(entries)) return { kind: 'object', fields: valibotFields(entries) }
  const type = member(schema, 'type')
  if (VALIBOT_VALUES.has(type)) return VALUE
  const wrapped = member(schema, 'wrapped')
  if (wrapped !== undefined) return valibotShape(wrapped, depth + 1)
  if (type === 'lazy') return UNKNOWN
  if (type === 'intersect') {
    const options = listOf(member(schema, 'options')).map((option) => valibotShape(option, depth + 1))
    return options.length === 0 ? UNKNOWN : options.reduce(joined)
  }
  if (type === 'union' || type === 'variant') {
    return common(listOf(member(schema, 'options')).map((option) => valibotShape(option, depth + 1)))
  }
  return UNKNOWN
}

/** The last schema of a pipe says the shape, unless a transformation comes after it. */
function valibotPipeShape(pipe: readonly unknown[], depth: number): Shape {
  let shape = UNKNOWN
  for (const [index, step] of pipe.entries()) {
    const kind = member(step, 'kind')
    // The first entry of a pipe is the schema it began with, as it was before the pipe was laid.
    if (kind === 'schema')
      shape = valibotShape(index === 0 ? { ...spread(step), pipe: undefined } : step, depth + 1)
    else if (kind === 'transformation' && shape.kind === 'object') shape = UNKNOWN
  }
  return shape
}

function spread(value: unknown): Members {
  return isObject(value) ? value : {}
}

function valibotFields(entries: Members): NamedField[] {
  return Object.entries(entries).map(([name, field]) => {
    const maybe = VALIBOT_OPTIONAL.has(member(field, 'type')) && member(field, 'default') === undefined
    return { name, optional: maybe }
  })
}

const VALIBOT_INNER = ['wrapped', 'item', 'rest', 'key', 'value']

function valibotTransforms(schema: unknown, depth: number): boolean {
  if (depth > DEPTH_MAX) return true
  const pipe = listOf(member(schema, 'pipe'))
  if (pipe.some((step) => member(step, 'kind') === 'transformation')) return true
  if (member(schema, 'type') === 'lazy') return true
  const entries = member(schema, 'entries')
  const inner = [
    ...VALIBOT_INNER.map((name) => member(schema, name)),
    ...listOf(member(schema, 'options')),
    ...listOf(member(schema, 'items')),
    ...(isObject(entries) ? Object.values(entries) : []),
    ...pipe.slice(1),
  ]
  return inner.some((each) => member(each, 'kind') === 'schema' && valibotTransforms(each, depth + 1))
}

const ARKTYPE_VALUES: ReadonlySet<unknown> = new Set(['string', 'number', 'bigint'])
const ARKTYPE_PROTOS: ReadonlySet<unknown> = new Set(['Array', 'Date', 'Uint8Array'])

function arktypeShape(schema: unknown): SchemaShape {
  const transforms = member(schema, 'includesTransform') !== false
  const json = member(member(schema, 'out'), 'json')
  return { ...arktypeJsonShape(json), transforms }
}

function arktypeJsonShape(json: unknown): Shape {
  if (Array.isArray(json)) return common(json.map(arktypeJsonShape))
  const required = member(json, 'required')
  const optional = member(json, 'optional')
  if (required !== undefined || optional !== undefined) {
    const fields = [...arktypeFields(required, false), ...arktypeFields(optional, true)]
    return { kind: 'object', fields }
  }
  // Within a union a plain domain is its name alone.
  const domain = typeof json === 'string' ? json : member(json, 'domain')
  const name = isObject(domain) ? domain['domain'] : domain
  if (ARKTYPE_VALUES.has(name) || ARKTYPE_PROTOS.has(member(json, 'proto'))) return VALUE
  return isObject(json) && 'unit' in json ? VALUE : UNKNOWN
}

function arktypeFields(entries: unknown, optional: boolean): NamedField[] {
  return listOf(entries).flatMap((entry) => {
    const name = member(entry, 'key')
    if (typeof name !== 'string') return []
    return [{ name, optional: optional && member(entry, 'default') === undefined }]
  })
}
