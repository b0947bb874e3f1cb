// Goal: what cannot be a topology is refused by submit with its code, its place and what to do, before
// anything reaches the cluster. Method: the real command with the real bundler and its throw-away process,
// before a Nimbus that is none. What a build may do in that process: test/worker/inspect.test.ts; what
// Nimbus refuses: test/nimbus/submit.test.ts.
import { appendFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ClusterShell } from '../cli/cluster-shell.ts'
import { wordCount } from '../cli/topologies.ts'

let shell: ClusterShell
beforeEach(async () => {
  shell = await ClusterShell.open()
})
afterEach(() => shell.close())

const reached = (): readonly unknown[] =>
  shell.nimbus.asked.map(([name]) => name).filter((name) => name !== 'leadership' && name !== 'blobs')

test('a bundle of 200 MB', async () => {
  shell.write('big.ts', 'export const big = "')
  const file = join(shell.directory, 'big.ts')
  const piece = 'x'.repeat(2 ** 22)
  for (let n = 0; n < 50; n += 1) appendFileSync(file, piece)
  appendFileSync(file, '"\n')
  shell.write('uses-big.ts', `import { big } from './big.ts'\nexport const size = big.length\n${wordCount}`)
  const { code, stderr } = await shell.run('submit', 'uses-big.ts')
  expect([code, reached()]).toEqual([2, []])
  expect(stderr).toContain('BUNDLE_TOO_LARGE')
  expect(stderr).toContain('the bundle of uses-big.ts has 200.0 MiB, at most 64.0 MiB are taken')
  expect(stderr).toContain('fix   Leave data and native parts out of the bundle.')
})

test.each([
  ['a slash', 'a/b'],
  ['dots', '..'],
  ['one dot', '.'],
  ['a NUL', 'a\0b'],
  ['a minus first', '--x'],
  ['300 characters', 'n'.repeat(300)],
  ['no character', ''],
])('a name with %s', async (_, name) => {
  shell.write('named.ts', wordCount.replace("name: 'word-count'", `name: ${JSON.stringify(name)}`))
  const { code, stderr } = await shell.run('submit', 'named.ts')
  expect([code, reached()]).toEqual([2, []])
  expect(stderr).toContain('RESERVED_ID')
  expect(stderr).toContain("the topology's name")
  // A terminal is never told what a name tells it to do.
  expect([...stderr].filter((each) => each < ' ' && each !== '\n')).toEqual([])
})

test('a module that throws, in another folder: its place as the user would write it', async () => {
  mkdirSync(join(shell.directory, 'topologies'))
  shell.write('topologies/throws.ts', "export const city = 1\nthrow new Error('no city')\n")
  const { code, stderr } = await shell.run('submit', 'topologies/throws.ts')
  expect([code, reached()]).toEqual([1, []])
  expect(stderr).toContain('BUILD_THREW  the module threw: Error: no city')
  expect(stderr).toContain('at    topologies/throws.ts:2:7')
})

test('a build that gives another graph each time: both are named', async () => {
  shell.write('dice.ts', wordCount.replace("'split', split", "'split-' + Math.random(), split"))
  const { code, stderr } = await shell.run('submit', 'dice.ts')
  expect([code, reached()]).toEqual([2, []])
  expect(stderr).toMatch(/BUILD_NOT_DETERMINISTIC .*split-0\.\d+.* \/ .*split-0\.\d+/)
})

test('a module that prints: submitted, its JSON stays JSON, and what it printed is told once', async () => {
  shell.write('prints.ts', `${wordCount}\nconsole.log('{"hello":1}')\nprocess.stderr.write('from here\\n')\n`)
  const { code, stdout, stderr } = await shell.run('submit', 'prints.ts', '--name', 'prints', '-o', 'json')
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({ name: 'prints' })
  expect(`${stdout}${stderr}`).not.toContain('{"hello":1}\n{"hello":1}')
})
