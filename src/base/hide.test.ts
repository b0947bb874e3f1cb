import { expect, test } from 'vitest'
import { hide } from './hide.ts'

test('what is hidden is there, and shown by nothing', () => {
  const object = { name: 'words', token: 'secret' }
  hide(object, 'token')
  expect(object.token).toBe('secret')
  expect(JSON.stringify(object)).toBe('{"name":"words"}')
  expect({ ...object }).toEqual({ name: 'words' })
  object.token = 'other'
  expect(Object.keys(object)).toEqual(['name'])
})

test('a member that was renamed is not silently shown again', () => {
  expect(() => hide({ name: 'words' }, 'token')).toThrow('there is no token to hide')
})
