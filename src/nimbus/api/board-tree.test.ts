import { expect, test } from 'vitest'
import type { BoardView } from '../../cluster/board.ts'
import { boardList, boardRead } from './board-tree.ts'

const view = {
  epoch: { record: { epoch: 3, nimbus: 'n', address: 'n:1' }, version: 2 },
  topologies: new Map([['t.1', { record: { id: 't.1', quarantine: undefined }, version: 4 }]]),
  assignments: new Map([['t.1', { record: { token: 'secret-token', workers: [] }, version: 5 }]]),
  supervisors: new Map([['a', { node: 'a', owner: 'secret-owner' }]]),
  nodes: new Map(),
  nimbuses: new Map(),
  names: new Map([['a/b', 't.1']]),
  malformed: new Map([['/typhoon/topologies/broken', 'no JSON']]),
} as unknown as BoardView

test('folders, then names as they stand in paths, then records', () => {
  expect(boardList(view, '/')).toContain('topologies')
  expect(boardList(view, '/topologies')).toEqual(['t%2E1'])
  expect(boardList(view, '/topologies/t%2E1')).toEqual([])
  expect(boardList(view, '/names')).toEqual(['a%2Fb'])
  expect(boardRead(view, '/topologies/t%2E1')).toEqual({ record: { id: 't.1' }, version: 4 })
  expect(boardRead(view, '/names/a%2Fb')).toBe('t.1')
  expect(boardRead(view, '/leader/epoch')).toMatchObject({ record: { epoch: 3 } })
  expect(boardRead(view, '/topologies/broken')).toEqual({ malformed: 'no JSON' })
})

test('secrets are masked', () => {
  const texts = ['/assignments/t%2E1', '/supervisors/a'].map((path) => JSON.stringify(boardRead(view, path)))
  expect(texts.join()).not.toContain('secret')
  expect(texts.join()).toContain('***')
})

test('whatever is asked for, the answer is a record or an error of ours', () => {
  const odd = [
    '',
    'topologies',
    '/../etc',
    '/constructor',
    '/topologies/__proto__',
    '/names/%E0',
    '/a/b/c/d',
    `/${'x'.repeat(3_000)}`,
    '/topologies/\0',
  ]
  for (const path of odd) {
    for (const call of [boardList, boardRead])
      expect(() => call(view, path), path).toThrow(
        expect.objectContaining({ code: expect.stringMatching(/^(RECORD_MISSING|REQUEST_INVALID)$/) }),
      )
  }
})
