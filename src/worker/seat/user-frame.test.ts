import { expect, test } from 'vitest'
import { userFrameOf } from './user-frame.ts'

const own = 'file:///opt/typhoon/dist/'

test('the first frame that is neither ours nor of Node', () => {
  const stack = [
    'TypeError: no such file',
    '    at Object.open (node:fs:600:3)',
    '    at BoltTask.run (file:///opt/typhoon/dist/flow/bolt-task.js:10:5)',
    '    at execute (/srv/app/topology.ts:3:14)',
    '    at file:///srv/app/other.ts:9:1',
  ].join('\n')
  expect(userFrameOf(stack, own)).toBe('/srv/app/topology.ts:3:14')
})

test('frames of the built package that source maps lead to its sources are ours', () => {
  const stack = [
    'UsageError: spoutFrom needs a function',
    '    at spoutFrom (/opt/typhoon/src/topology/spout.ts:120:11)',
    '    at build (/srv/app/topology.ts:10:35)',
  ].join('\n')
  expect(userFrameOf(stack, own)).toBe('/srv/app/topology.ts:10:35')
})

test('none, where all of it is ours', () => {
  expect(
    userFrameOf('Error: x\n    at f (/opt/typhoon/dist/a.js:1:2)\n    at node:internal/x:1:1', own),
  ).toBeUndefined()
})

test('the place of a module that does not parse stands before its message', () => {
  expect(userFrameOf('file:///srv/app/a.mjs:1:5\nSyntaxError: x', own)).toBe('/srv/app/a.mjs:1:5')
})
