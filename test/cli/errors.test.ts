// Goal: whatever goes wrong, the user reads what, where in his file, and what to do; scripts get a code.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildOnce, Sandbox } from './sandbox.ts'
import { wordCount } from './topologies.ts'

const sandbox = new Sandbox()

const forever = `\nfunction* forever() { while (true) yield 'a b' }\n`

beforeAll(buildOnce)
afterAll(() => sandbox.remove())

async function errorOf(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await sandbox.typhoon(...args)
  return `${stdout}${stderr}exit ${code}`
}

test('no topology in the module', async () => {
  sandbox.write('other.ts', 'export const port = 1\n')
  expect(await errorOf('run', 'other.ts')).toMatchInlineSnapshot(`
    "error E1015 NO_DEFAULT_EXPORT  other.ts has no topology as its default export; it exports port (a number)
      at    other.ts:1:1
      fix   export default defineTopology({ … }), or defineStreams.
      more  typhoon explain E1015
    exit 2"
  `)
})

test('a module that does not compile', async () => {
  sandbox.write('syntax.ts', 'export const a = 1\nconst b = ;\n')
  expect(await errorOf('run', 'syntax.ts')).toMatchInlineSnapshot(`
    "error syntax.ts does not compile: Unexpected ";"
      at    syntax.ts:2:11
    exit 2"
  `)
})

test('a module that throws', async () => {
  sandbox.write('throws.ts', "function connect(): never {\n  throw new TypeError('no city')\n}\nconnect()\n")
  expect(await errorOf('run', 'throws.ts')).toMatchInlineSnapshot(`
    "error throws.ts threw while it was imported
      fix   correct the module; what is needed at run time only belongs into prepare or open
      cause TypeError: no city
      in    connect throws.ts:2:9
      in    <anonymous> throws.ts:4:1
    exit 2"
  `)
})

test('a package that is not installed, and a file that is not there', async () => {
  sandbox.write('package.ts', "import x from 'no-such-package'\nexport default x\n")
  expect(await errorOf('graph', 'package.ts')).toMatchInlineSnapshot(`
    "error package.ts imports 'no-such-package', which is not installed
      fix   npm install no-such-package
    exit 2"
  `)
  sandbox.write('misspelt.ts', "import x from 'typhon'\nexport default x\n")
  expect(await errorOf('graph', 'misspelt.ts')).toMatchInlineSnapshot(`
    "error misspelt.ts imports 'typhon', which is not installed
      fix   did you mean 'typhoon'?
    exit 2"
  `)
  sandbox.write('relative.ts', "import x from './no-such-file.ts'\nexport default x\n")
  expect(await errorOf('graph', 'relative.ts')).toMatchInlineSnapshot(`
    "error relative.ts does not compile: Could not resolve "./no-such-file.ts"
      at    relative.ts:1:15
    exit 2"
  `)
})

test('a build that throws, with the place in a bundled module', async () => {
  const text = wordCount
    .replace('import {', 'enum Kind { A = 1 }\nimport {')
    .replace('build(builder) {', "build(builder) {\n    if (Kind.A === 1) throw new RangeError('too many')")
  sandbox.write('build.ts', text)
  expect(await errorOf('run', 'build.ts')).toMatchInlineSnapshot(`
    "error build of the topology threw
      cause RangeError: too many
      in    build build.ts:35:29
    exit 2"
  `)
})

test('a prepare that throws', async () => {
  sandbox.write(
    'prepare.ts',
    wordCount.replace('() => new Map<string, number>()', "() => { throw new Error('no database') }"),
  )
  expect(await errorOf('run', 'prepare.ts')).toMatchInlineSnapshot(`
    "error E3003 PREPARE_THREW  task 2 of count could not start: no database
      fix   Mend what was thrown. In a topology that runs already, the task is tried again with growing waits.
      more  typhoon explain E3003
      in    prepare prepare.ts:22:26
    exit 1"
  `)
})

test('check refuses what run refuses: exactly-once', async () => {
  const text = wordCount.replace("name: '", "config: { guarantee: 'exactly-once' },\n  name: '")
  sandbox.write('exact.ts', text)
  expect(await errorOf('run', 'exact.ts')).toContain('GUARANTEE_NOT_POSSIBLE')
  const { code, stdout } = await sandbox.typhoon('check', 'exact.ts')
  expect(stdout).toContain('GUARANTEE_NOT_POSSIBLE  this version has no checkpoints yet')
  expect(code).toBe(1)
})

test('several findings at once', async () => {
  const text = wordCount
    .replace("'word')", "'wrd' as never)")
    .replace('globalGrouping(counts)', "globalGrouping('cuont')")
  sandbox.write('several.ts', text)
  await expect(await errorOf('run', 'several.ts')).toMatchFileSnapshot('golden/several.txt')
})

test('unknown topology, command and option', async () => {
  sandbox.write('typhoon.config.json', '{ "topologies": { "word-count": "./word-count.ts" } }')
  expect(await errorOf('run', 'word-cuont')).toMatchInlineSnapshot(`
    "error there is no topology and no file 'word-cuont'
      fix   did you mean word-count?
    exit 3"
  `)
  expect(await errorOf('rnu')).toMatchInlineSnapshot(`
    "error there is no command 'rnu'
      fix   did you mean typhoon run?
    exit 2"
  `)
  expect(await errorOf('run', 'x', '--wrokers', '2')).toMatchInlineSnapshot(`
    "error unknown option '--wrokers'
      fix   did you mean --workers?
    exit 2"
  `)
})

test('arguments the topology does not take, and configuration that is wrong', async () => {
  sandbox.write('word-count.ts', wordCount)
  expect(await errorOf('run', 'word-count', '--', '--input', 'x')).toMatchInlineSnapshot(`
    "error E1018 ARGS_INVALID  the topology takes no arguments, but was given --input x
      fix   See the issues in the message; arguments follow -- on the command line, as --name value.
      more  typhoon explain E1018
    exit 2"
  `)
  expect(await errorOf('run', 'word-count', '-c', 'topology.workrs=2')).toMatchInlineSnapshot(`
    "error E2001 CONFIG_UNKNOWN_KEY  command line: there is no configuration key topology.workrs
      near  did you mean topology.workers?
      fix   Use the nearest name in the message; docs/reference/config.md lists all.
      more  typhoon explain E2001
    exit 2"
  `)
})

test('a promise nobody awaits, and a timer that throws, are the user’s', async () => {
  sandbox.write('rejected.ts', `Promise.reject(new Error('lost'))\n${wordCount}`)
  expect(await errorOf('check', 'rejected.ts')).toContain(
    'error a promise was rejected, and nobody caught it',
  )
  const slow = wordCount.replace(
    'yield { sentence }',
    "{ yield { sentence }; setTimeout(() => { throw new Error('late') }) }",
  )
  sandbox.write(
    'late.ts',
    slow.replace("for (const sentence of ['a b', 'b'])", 'for (const sentence of forever())') + forever,
  )
  const { code, stderr } = await sandbox.typhoon('run', 'late.ts', '--for', '5s')
  expect(stderr).toContain('error an error was thrown outside of a call, and nobody caught it')
  expect(stderr).toContain('cause Error: late')
  expect(code).toBe(1)
})

test('for programs an error is one object', async () => {
  const { code, stdout, stderr } = await sandbox.typhoon('run', 'syntax.ts', '-o', 'json')
  expect([code, stdout]).toEqual([2, ''])
  expect(JSON.parse(stderr)).toMatchObject({
    version: 1,
    exitCode: 2,
    bug: false,
    errors: [{ line: 2, column: 11 }],
  })
})

test('a daemon that is asked for a port at which nothing would answer', async () => {
  sandbox.write('metrics.yaml', 'metrics.prometheus.port: 9464\n')
  const said = await errorOf('nimbus', '--config', 'metrics.yaml')
  expect(said).toContain(
    'CONFIG_INVALID_VALUE  metrics.prometheus.port: daemons of this version serve no /metrics',
  )
  expect(said).toContain('exit 2')
})
