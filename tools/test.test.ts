// Goal: the run of all tests cannot look green when it is not. Method: a project of one file in the folder
// for temporary files, run by `tools/test.ts` in a process of its own, from that folder.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { root } from './tree.ts'

const folders: string[] = []

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

function run(text: string): { status: number | null; lastLine: string | undefined } {
  const folder = mkdtempSync(join(tmpdir(), 'typhoon-test-'))
  folders.push(folder)
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(folder, 'a.test.ts'), `import { expect, test } from 'vitest'\n${text}`)
  const { status, stdout } = spawnSync(process.execPath, [join(root, 'tools/test.ts')], {
    cwd: folder,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] },
  })
  return { status, lastLine: stdout.trimEnd().split('\n').at(-1) }
}

test('green, with the count of skipped tests', () => {
  const text = "test('a', () => {})\ntest.skip('b', () => {})"
  expect(run(text)).toEqual({ status: 0, lastLine: '1 passed, 0 failed, 1 skipped' })
})

test('red when a test fails', () => {
  const text = "test('a', () => expect(1).toBe(2))\ntest('b', () => {})"
  expect(run(text)).toEqual({ status: 1, lastLine: '1 passed, 1 failed' })
})

test('red when a file cannot be loaded', () => {
  expect(run("test('a', () => {})\nthrow new Error('no')")).toEqual({
    status: 1,
    lastLine: '0 passed, 1 failed',
  })
})

test('red when a promise that nobody awaits is rejected', () => {
  const text =
    "test('a', async () => { Promise.reject(new Error('no')); await new Promise((r) => setTimeout(r, 20)) })"
  expect(run(text)).toEqual({ status: 1, lastLine: '1 passed, 1 failed' })
})

test('red when no test ran', () => {
  expect(run("test.skip('a', () => {})")).toEqual({ status: 1, lastLine: '0 passed, 0 failed, 1 skipped' })
})
