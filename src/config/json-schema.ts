/**
 * A JSON Schema of `typhoon.yaml`, made of the tables: for editors, and for whoever checks files elsewhere.
 *
 * Route: keys.ts → [here] → docs/reference/typhoon.schema.json.
 */

import { allKeys, type Key } from './keys.ts'
import type { KeySpec } from './tables/key-spec.ts'
import { notSupported } from './tables/not-supported.ts'

export type JsonSchema = { readonly [member: string]: unknown }

const texts: JsonSchema = { type: 'array', items: { type: 'string' } }
const durationText: JsonSchema = {
  type: 'string',
  pattern: '^(\\d+(\\.\\d+)?|\\.\\d+)(e[+-]?\\d+)?(ms|s|m|h|d)$',
}
const sizeText: JsonSchema = {
  type: 'string',
  pattern: '^(\\d+(\\.\\d+)?|\\.\\d+)(e[+-]?\\d+)?(B|KiB|MiB|GiB)$',
}
const actions = ['fail', 'dead-letter', 'skip', 'restart-worker', 'stop-topology']

/**
 * The schema of the file. Storm names that are accepted, and those that are ignored, are marked as
 * deprecated.
 */
export function configJsonSchema(): JsonSchema {
  const properties: Record<string, JsonSchema> = {}
  for (const key of allKeys) {
    properties[key.name] = property(key)
    if (key.storm === null || key.storm === key.name) continue
    properties[key.storm] = {
      ...property(key),
      deprecated: true,
      description: `Storm's name of ${key.name}.`,
    }
  }
  for (const [name, instead] of notSupported) {
    properties[name] = { deprecated: true, description: `Ignored. Instead: ${instead}.` }
  }
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'typhoon.yaml',
    description: 'Configuration of Typhoon daemons, and defaults for all topologies.',
    type: 'object',
    properties,
    additionalProperties: false,
  }
}

function property(key: Key): JsonSchema {
  const { spec, unit, doc } = key
  const description = unit === null ? doc : `${doc} In ${unit}.`
  const schema = valueSchema(spec)
  const withNull = spec.default === null ? { anyOf: [schema, { type: 'null' }] } : schema
  return { description, default: key.default, ...withNull }
}

function valueSchema(spec: KeySpec): JsonSchema {
  switch (spec.type) {
    case 'string':
      return { type: 'string', minLength: 1 }
    case 'boolean':
      return { type: 'boolean' }
    case 'enum':
      return { enum: spec.values }
    case 'integer':
    case 'number':
      return { type: spec.type, ...bounds(spec) }
    case 'duration':
      return { anyOf: [{ type: 'number', ...bounds(spec) }, durationText] }
    case 'bytes':
      return { anyOf: [{ type: 'number', ...bounds(spec) }, sizeText] }
    case 'list':
      if (spec.of === 'string') return { type: 'array', items: { type: 'string', minLength: 1 } }
      if (spec.of === 'integer') return { type: 'array', items: { type: 'integer', ...bounds(spec) } }
      return { type: 'array', items: reporter }
    case 'map':
      if (spec.of === 'integer') {
        return { type: 'object', additionalProperties: { type: 'integer', ...bounds(spec) } }
      }
      return {
        type: 'object',
        additionalProperties: spec.of === 'list' ? texts : { type: 'string' },
      }
    case 'onError':
      return { anyOf: [{ enum: actions }, policy] }
  }
}

const reporter: JsonSchema = {
  type: 'object',
  properties: { module: { type: 'string', minLength: 1 }, every: durationText, options: { type: 'object' } },
  required: ['module'],
  additionalProperties: false,
}

const policy: JsonSchema = {
  type: 'object',
  properties: {
    retries: { type: 'integer', minimum: 0 },
    backoff: {
      type: 'object',
      properties: { first: durationText, factor: { type: 'number', minimum: 1 }, max: durationText },
      additionalProperties: false,
    },
    // biome-ignore lint/suspicious/noThenProperty: the public name of the member; a schema is never awaited
    then: { enum: actions },
  },
  required: ['then'],
  additionalProperties: false,
}

function bounds(spec: { readonly min: number; readonly max?: number }): JsonSchema {
  return spec.max === undefined ? { minimum: spec.min } : { minimum: spec.min, maximum: spec.max }
}
