/**
 * From whatever a user gives as a schema to a StreamSchema: names, kinds, a check.
 *
 * Route: `input` and `output` of a spec → here → definitions → groupings, the wire and the test kit.
 */
import { DEFAULT_STREAM, type FieldShape, type StreamDeclaration, type StreamSchema } from '../definition.ts'
import { isObject, kindOf, refused } from '../make/expect.ts'
import type { Schema, SchemaResult } from './schema.ts'
import { type SchemaShape, schemaShape } from './schema-shape.ts'

/** The field that carries an item which is no object. */
export const VALUE_FIELD = 'value'

const valueShape: FieldShape = { name: VALUE_FIELD, kind: 'value', list: false, nullable: false }

/** Items of any kind, unchecked, in the one field `value`: of sources that decode texts or bytes. */
export const carriedValue: StreamSchema = {
  names: [VALUE_FIELD],
  shapes: [valueShape],
  carriesValue: true,
  validate: () => undefined,
}

/** True for Standard Schemas, some of which are functions. */
export function isSchema(value: unknown): value is Schema<unknown> {
  const standard: unknown =
    typeof value === 'function'
      ? Reflect.get(value, '~standard')
      : isObject(value)
        ? value['~standard']
        : undefined
  return isObject(standard) && typeof standard['validate'] === 'function'
}

/** `fields(…)` makes schemas that are StreamSchemas already; so may a connector. */
function isStreamSchema(value: unknown): value is StreamSchema {
  return isObject(value) && Array.isArray(value['names']) && Array.isArray(value['shapes'])
}

/**
 * The schema of a stream. One that cannot say its names gives an `unnamed` one, which is refused when the
 * topology is built: until then nobody knows whether names are needed.
 */
export function streamSchemaOf(schema: Schema<unknown>): StreamSchema {
  if (isStreamSchema(schema)) return schema
  const shape = schemaShape(schema)
  const validate = checkOf(schema, shape)
  if (shape.kind === 'value') return { ...carriedValue, validate: (values) => validate(carried(values)) }
  const shapes = shape.fields.map(({ name, optional }) => fieldOf(name, optional))
  const names = shapes.map((field) => field.name)
  return names.length > 0 ? { names, shapes, validate } : { names, shapes, validate, unnamed: true }
}

function fieldOf(name: string, optional: boolean): FieldShape {
  const field: FieldShape = { name, kind: 'value', list: false, nullable: false }
  return optional ? { ...field, optional } : field
}

function carried(values: unknown): unknown {
  return isObject(values) ? values[VALUE_FIELD] : undefined
}

/** A check that runs the schema, or none where its result must not go in again. */
export function checkOf(schema: Schema<unknown>, shape: SchemaShape): StreamSchema['validate'] {
  if (shape.transforms) return () => undefined
  return (values) => issuesOf(validated(schema, values))
}

/** What a schema says, at once. One that must wait for its answer gives an issue instead. */
export function validated(schema: Schema<unknown>, value: unknown): SchemaResult<unknown> {
  const result = schema['~standard'].validate(value)
  if (!(result instanceof Promise)) return result
  // Its answer comes too late for anybody; nobody may stumble over its failure.
  result.catch(() => undefined)
  return { issues: [{ message: 'the schema checks asynchronously, which is not possible here' }] }
}

/** Issues in a line: `at: expected number; tags.0: …`. undefined: there are none. */
export function issuesOf(result: SchemaResult<unknown>): string | undefined {
  if (result.issues === undefined) return undefined
  return result.issues
    .map(({ message, path }) => (path?.length ? `${pathOf(path)}: ${message}` : message))
    .join('; ')
}

function pathOf(path: readonly (PropertyKey | { readonly key: PropertyKey })[]): string {
  return path.map((part) => String(typeof part === 'object' ? part.key : part)).join('.')
}

/** Shapes a bolt reads, from its `input`; undefined: anything. */
export function inputsOf(maker: string, input: unknown): readonly StreamSchema[] | undefined {
  if (input === undefined) return undefined
  const schemas: readonly unknown[] = Array.isArray(input) ? input : [input]
  return schemas.map((schema) => {
    if (isSchema(schema)) return streamSchemaOf(schema)
    throw refused(`${maker}: input must be a schema, or a list of schemas, but is ${kindOf(schema)}`)
  })
}

/** Streams of a component, from its `output`: a schema, or schemas by stream id. */
export function outputsOf(maker: string, output: unknown): ReadonlyMap<string, StreamDeclaration> {
  if (output === undefined) return new Map()
  if (isSchema(output)) return new Map([[DEFAULT_STREAM, declared(maker, DEFAULT_STREAM, output)]])
  if (!isObject(output) || Array.isArray(output)) {
    throw refused(`${maker}: output must be a schema, or schemas by stream id, but is ${kindOf(output)}`)
  }
  const entries = Object.entries(output)
  return new Map(entries.map(([streamId, schema]) => [streamId, declared(maker, streamId, schema)]))
}

function declared(maker: string, streamId: string, schema: unknown): StreamDeclaration {
  if (isSchema(schema)) return { streamId, schema: streamSchemaOf(schema), direct: false }
  const inner = isObject(schema) ? schema['direct'] : undefined
  if (isSchema(inner)) return { streamId, schema: streamSchemaOf(inner), direct: true }
  throw refused(`${maker}: the stream ${streamId} must be given a schema, but is ${kindOf(schema)}`)
}
