import { expect, test } from 'vitest'
import { operationId, parseOperationId } from './operations.ts'

test('an id says what it is of, whatever the name of the subject', () => {
  for (const subject of ['words-1', 'node:1', 'a%b', '言葉', 'a b'])
    for (const version of [0, 17]) {
      const key = { kind: 'drain-node', subject, version } as const
      expect(parseOperationId(operationId(key))).toEqual(key)
    }
})

test('other texts are no ids', () => {
  for (const id of [
    '',
    'kill',
    'kill:x',
    'kill::1',
    'kill:x:',
    'kill:x:-1',
    'kill:x:1:2',
    'sing:x:1',
    'kill:%E0:1',
  ])
    expect(() => parseOperationId(id), id).toThrow(expect.objectContaining({ code: 'REQUEST_INVALID' }))
})
