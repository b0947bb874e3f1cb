import { expect, test } from 'vitest'
import { stackInSources, userFrameOf } from './user-frame.ts'

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

test('frames of a bundle are told from the folder of its module, those of others as they are', () => {
  const stack = [
    'Error: boom',
    '    at Object.execute (/n/node-1/bundles/boom.ts:4:9)',
    '    at parse (file:///n/node-1/lib/parse.ts:1:2)',
    '    at new A (/n/node-1/bundles/deep/a.ts:7:1)',
    '    at BoltTask.run (file:///opt/typhoon/dist/flow/bolt-task.js:10:5)',
    '    at Object.open (node:fs:600:3)',
  ]
  const sources = { bundlePath: '/n/node-1/bundles/0a1b.mjs', ownCode: own }
  expect(stackInSources(stack.join('\n'), sources).split('\n')).toEqual([
    stack[0],
    '    at Object.execute (boom.ts:4:9)',
    '    at parse (../lib/parse.ts:1:2)',
    '    at new A (deep/a.ts:7:1)',
    ...stack.slice(4),
  ])
})
