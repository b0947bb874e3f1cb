import { describe, expect, test } from 'vitest'
import { assertDefined } from '../base/assert.ts'
import { configJsonSchema } from './json-schema.ts'
import { allKeys } from './keys.ts'

describe('configJsonSchema', () => {
  const properties = configJsonSchema()['properties'] as Readonly<
    Record<string, Readonly<Record<string, unknown>>>
  >

  test('knows every key, with its doc and default, and every Storm name', () => {
    for (const key of allKeys) {
      const property = assertDefined(properties[key.name], key.name)
      expect(property['description']).toContain(key.doc)
      expect(property['default']).toEqual(key.default)
      if (key.storm !== null && key.storm !== key.name)
        expect(properties[key.storm]?.['deprecated']).toBe(true)
    }
    expect(properties['topology.kryo.register']?.['deprecated']).toBe(true)
  })

  test('carries bounds, and null only where a key may be unset', () => {
    expect(properties['topology.workers']).toMatchObject({ type: 'integer', minimum: 1, maximum: 10_000 })
    expect(properties['topology.tasks']?.['anyOf']).toContainEqual({ type: 'null' })
  })
})
