/**
 * Names, order and kinds of the values of a stream: `fields`, and its companions.
 *
 * A `Fields` is a Standard Schema to the outside and a StreamSchema to the engine; the second half is not in
 * its public type.
 *
 * Invariants
 *   F1  `~standard.validate` gives back the declared fields and nothing else, in declared order
 *   F2  a check tells all that is wrong with a value, not just the first
 */
import type { FieldShape, StreamSchema } from '../definition.ts'
import { isObject, kindOf, refused } from '../make/expect.ts'
import type { IfEncodable } from './encodable.ts'
import { checkKind, parseKind } from './field-kind.ts'
import type { Schema, SchemaIssue, SchemaResult } from './schema.ts'
import { schemaShape } from './schema-shape.ts'
import { isSchema, issuesOf, validated } from './stream-schema.ts'
import type { DirectSchema } from './streams.ts'

/** Kinds of a field, and what each is in TypeScript. `int` is a whole number up to ±2^53 − 1. */
export interface FieldKinds {
  string: string
  int: number
  number: number
  bigint: bigint
  boolean: boolean
  bytes: Uint8Array
}

/** A kind as text, written as TypeScript would: `'int'`, `'string[]'`, `'number | null'`. */
export type FieldKind = keyof FieldKinds | `${keyof FieldKinds}[]` | `${keyof FieldKinds} | null`

/** What a field may be declared as: a kind, a schema of its own, or `encodable<T>()`. */
export type FieldSpec = FieldKind | Schema<unknown>

/** The TypeScript type of a declared field. */
export type FieldType<F> = F extends keyof FieldKinds
  ? FieldKinds[F]
  : F extends `${infer K extends keyof FieldKinds}[]`
    ? readonly FieldKinds[K][]
    : F extends `${infer K extends keyof FieldKinds} | null`
      ? FieldKinds[K] | null
      : F extends Schema<infer V>
        ? V
        : never

/** Names, order and kinds of the values of a stream. Made by `fields`. */
export interface Fields<out V> extends Schema<V> {
  /**
   * Field names in declared order: the order of groupings, of the wire, and of multi-language components.
   */
  readonly names: readonly string[]
}

/**
 * Declares the fields of a stream.
 *
 * `fields({ word: 'string', count: 'int' })` names kinds, which gives the most compact encoding.
 * `fields(schema, ['id', 'user'])` gives field names to a Standard Schema that cannot say them itself;
 * schemas that can (zod 4 does) are taken as they are, wherever a schema is asked for.
 *
 * @throws UsageError SCHEMA_HAS_NO_FIELDS a schema without names where names are needed (when the topology
 *   is built)
 */
export function fields<F extends { readonly [name: string]: FieldSpec }>(
  spec: F,
): Fields<{ [N in keyof F]: FieldType<F[N]> }>
export function fields<V extends object>(schema: Schema<V>, names: readonly (keyof V & string)[]): Fields<V>
export function fields(specOrSchema: unknown, names?: readonly string[]): unknown {
  if (isSchema(specOrSchema)) return named(specOrSchema, names)
  if (!isObject(specOrSchema) || Array.isArray(specOrSchema)) {
    throw refused(`fields needs names with kinds, or a schema, but was given ${kindOf(specOrSchema)}`)
  }
  return new DeclaredFields(Object.entries(specOrSchema).map(([name, spec]) => fieldOf(name, spec)))
}

/**
 * A field of any encodable type: `fields({ order: encodable<Order>() })`. Encoded by its own shape; not
 * validated.
 */
export function encodable<T>(): IfEncodable<T, Schema<T>>
export function encodable(): unknown {
  return ANYTHING
}

/**
 * Marks a stream as direct: the emitter names the task that gets each tuple, and it is read by
 * `directGrouping`.
 */
export function direct<V extends object>(schema: Schema<V>): DirectSchema<V>
export function direct(schema: unknown): unknown {
  if (isSchema(schema)) return { direct: schema }
  throw refused(`direct needs a schema, but was given ${kindOf(schema)}`)
}

const ANYTHING: Schema<unknown> = {
  '~standard': { version: 1, vendor: 'typhoon', validate: (value) => ({ value }) },
}

/** A declared field: its shape, and how its value is checked. */
interface Field {
  readonly shape: FieldShape
  /** A schema of its own; undefined: a kind says all. */
  readonly schema: Schema<unknown> | undefined
  /** True: what the schema gives may differ from what it was given. */
  readonly transforms: boolean
}

function fieldOf(name: string, spec: unknown): Field {
  if (typeof spec === 'string') return { shape: parseKind(name, spec), schema: undefined, transforms: false }
  if (!isSchema(spec)) {
    throw refused(`fields: ${name} must be a kind such as 'string', or a schema, but is ${kindOf(spec)}`)
  }
  const shape: FieldShape = { name, kind: 'value', list: false, nullable: false }
  if (spec === ANYTHING) return { shape, schema: undefined, transforms: false }
  return { shape, schema: spec, transforms: schemaShape(spec).transforms }
}

/** What `fields({ … })` makes. */
class DeclaredFields implements StreamSchema {
  readonly names: readonly string[]
  readonly shapes: readonly FieldShape[]
  readonly '~standard': Schema<object>['~standard']
  private readonly declared: readonly Field[]

  constructor(declared: readonly Field[]) {
    this.declared = declared
    this.names = declared.map((field) => field.shape.name)
    this.shapes = declared.map((field) => field.shape)
    const validate = (value: unknown): SchemaResult<object> => this.parse(value)
    this['~standard'] = { version: 1, vendor: 'typhoon', validate }
  }

  validate(values: unknown): string | undefined {
    if (!isObject(values)) return `expected an object with ${this.names.join(', ')}, found ${kindOf(values)}`
    const issues: string[] = []
    for (const { shape, schema, transforms } of this.declared) {
      const value = values[shape.name]
      const wrong = schema === undefined ? checkKind(shape, value) : undefined
      const said = schema === undefined || transforms ? undefined : issuesOf(validated(schema, value))
      if (wrong !== undefined || said !== undefined) issues.push(`${shape.name}: ${wrong ?? said}`)
    }
    return issues.length === 0 ? undefined : issues.join('; ')
  }

  private parse(value: unknown): SchemaResult<object> {
    if (!isObject(value)) {
      return {
        issues: [{ message: `expected an object with ${this.names.join(', ')}, found ${kindOf(value)}` }],
      }
    }
    const issues: SchemaIssue[] = []
    const parsed = this.declared.map(({ shape, schema }): [string, unknown] => {
      const result = parseField(shape, schema, value[shape.name])
      if (result.issues === undefined) return [shape.name, result.value]
      for (const issue of result.issues) issues.push({ ...issue, path: [shape.name, ...(issue.path ?? [])] })
      return [shape.name, undefined]
    })
    return issues.length === 0 ? { value: Object.fromEntries(parsed) } : { issues }
  }
}

function parseField(
  shape: FieldShape,
  schema: Schema<unknown> | undefined,
  value: unknown,
): SchemaResult<unknown> {
  if (schema !== undefined) return validated(schema, value)
  const wrong = checkKind(shape, value)
  return wrong === undefined ? { value } : { issues: [{ message: wrong }] }
}

/** `fields(schema, names)`: the schema checks, the names are given. */
function named(schema: Schema<unknown>, names: readonly string[] | undefined): unknown {
  if (!Array.isArray(names) || names.some((name) => typeof name !== 'string')) {
    throw refused("fields needs the names of the schema's fields: fields(schema, ['id', 'user'])")
  }
  const { fields: known, transforms } = schemaShape(schema)
  const shapes = names.map((name): FieldShape => {
    const optional = known.find((field) => field.name === name)?.optional === true
    const shape: FieldShape = { name, kind: 'value', list: false, nullable: false }
    return optional ? { ...shape, optional } : shape
  })
  return {
    names: [...names],
    shapes,
    '~standard': schema['~standard'],
    validate: (values: unknown) => (transforms ? undefined : issuesOf(validated(schema, values))),
    ...(names.length === 0 ? { unnamed: true } : {}),
  }
}
