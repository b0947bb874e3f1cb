/**
 * Builds in a throw-away process: whatever a module does there, the answer is an outline or a typed error.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { inspectBundle } from '../../src/host/node-inspect.ts'
import { inspectResultOf } from '../../src/topology/describe/inspect-result.ts'

const mainPath = fileURLToPath(new URL('../../src/worker/inspect-main.ts', import.meta.url))
let directory = ''

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'typhoon-test-inspect-'))
})

afterAll(() => rmSync(directory, { recursive: true, force: true }))

const good = `
import { defineTopology, fields, spoutFrom, bolt } from 'typhoon'
const number = fields({ n: 'int' })
const bounds = (count) => function* () { for (let n = 0; n < count; n += 1) yield { n } }
export const named = (extra = {}) => defineTopology({
  name: 'mine',
  config: { workers: 2 },
  build(builder, args) {
    const source = builder.setSpout('source', spoutFrom(number, bounds(10)))
    const sum = bolt({ input: number, execute() {} })
    builder.setBolt('sum', sum, { executors: 3, ...extra }).shuffleGrouping(source)
  },
})
`

let files = 0

function inspect(code: string, over: { timeoutMs?: number; heapMb?: number; config?: unknown } = {}) {
  files += 1
  // As blobs are called: without an ending.
  const bundlePath = join(directory, `bundle-${files}`)
  writeFileSync(bundlePath, code)
  const spec = {
    mainPath,
    bundlePath,
    args: null,
    config: {},
    name: 'words',
    timeoutMs: 20_000,
    heapMb: 128,
    ...over,
  }
  return inspectBundle(spec, inspectResultOf)
}

async function errorOf(code: string, over?: Parameters<typeof inspect>[1]) {
  const result = await inspect(code, over)
  expect(result.isOk).toBe(false)
  return result.isOk ? undefined : result.error
}

test('a module that prints while it builds gives its outline all the same', async () => {
  const result = await inspect(`${good}\nconsole.log('hello from the module')\nexport default named()`)
  expect(result).toMatchObject({ isOk: true, outline: { name: 'words', workers: 2 } })
  const components = result.isOk ? result.outline.components.map(({ id, executors }) => [id, executors]) : []
  expect(components).toEqual([
    ['__acker', 2],
    ['source', 1],
    ['sum', 3],
  ])
  expect(result.output).toContain('hello from the module')
})

test('settings over those of the topology are in the outline', async () => {
  const result = await inspect(`${good}\nexport default named()`, { config: { workers: 5 } })
  expect(result).toMatchObject({ isOk: true, outline: { workers: 5 } })
})

test('files that are named by relative paths are told; of several, those that are', async () => {
  const code = `
    import { defineTopology, fields } from 'typhoon'
    import { fileSink, jsonLines, textFileSink, textLines } from 'typhoon/files'
    const build = (builder) => {
      const lines = builder.setSpout('lines', textLines(['./text.txt', '/data/*.txt']))
      const schema = fields({ n: 'int' })
      const facts = builder.setSpout('facts', jsonLines('/data/facts.jsonl', { schema }))
      builder.setBolt('out', textFileSink('out.txt')).shuffleGrouping(lines)
      builder.setBolt('kept', textFileSink('/data/out.txt')).shuffleGrouping(lines)
      const format = { extension: 'txt', encode: String }
      builder.setBolt('parts', fileSink({ directory: 'parts', format })).shuffleGrouping(facts)
    }
    export default defineTopology({ name: 'files', build })`
  const result = await inspect(code)
  expect(result.isOk ? result.relativePaths : result.error).toEqual([
    { component: 'lines', path: './text.txt' },
    { component: 'out', path: 'out.txt' },
    { component: 'parts', path: 'parts' },
  ])
})

test('a module that throws is told with the place', async () => {
  const error = await errorOf(`${good}\nfunction deep() {\n  throw new TypeError('no such file')\n}\ndeep()`)
  expect(error).toMatchObject({ code: 'BUILD_THREW', family: 'user-code' })
  expect(error?.message).toContain('no such file')
  expect(error?.where).toMatch(/bundle-\d+:16:9$/)
})

test('a module that does not parse', async () => {
  expect(await errorOf('export default {')).toMatchObject({ code: 'BUILD_THREW' })
})

test('a module that exports no topology', async () => {
  expect(await errorOf('export default 17')).toMatchObject({ code: 'NO_DEFAULT_EXPORT', family: 'usage' })
})

test('findings of a build keep their codes', async () => {
  expect(await errorOf(`${good}\nexport default named({ executors: 0 })`)).toMatchObject({ family: 'usage' })
})

test('what this version cannot do is refused at submit, not in every worker', async () => {
  const error = await errorOf(`${good}\nexport default named()`, { config: { stateBackend: 'leveldb' } })
  expect(error).toMatchObject({ code: 'CONFIG_INVALID_VALUE' })
})

test('a module that builds differently each time', async () => {
  const error = await errorOf(`${good}
let times = 0
const once = named()
export default { ...once, build: (args) => (times += 1, named({ executors: times }).build(args)) }`)
  expect(error?.code).toBe('BUILD_NOT_DETERMINISTIC')
})

test('a module that never comes to its end, busy or waiting', async () => {
  expect(await errorOf('for (;;);', { timeoutMs: 1_500 })).toMatchObject({ code: 'BUILD_TIMED_OUT' })
  const waiting = 'await new Promise((resolve) => setTimeout(resolve, 1e8))'
  expect(await errorOf(waiting, { timeoutMs: 1_500 })).toMatchObject({ code: 'BUILD_TIMED_OUT' })
})

test('a module that ends its process', async () => {
  const error = await errorOf('process.exit(0)')
  expect(error).toMatchObject({ code: 'BUILD_ENDED' })
  expect(error?.message).toContain('exit code 0')
})

test('a module that takes all memory, of the heap or beside it', async () => {
  const heap = 'const all = []\nfor (;;) all.push(new Array(1000).fill(all.length))'
  expect(await errorOf(heap, { heapMb: 32 })).toMatchObject({ code: 'BUILD_OUT_OF_MEMORY' })
  const buffers =
    'const all = []\nfor (;;) { all.push(Buffer.alloc(8e6, 1)); await new Promise((r) => setTimeout(r, 1)) }'
  expect(await errorOf(buffers, { heapMb: 32 })).toMatchObject({ code: 'BUILD_OUT_OF_MEMORY' })
})

test('a module sees nothing of its parent, and cannot answer in its place', async () => {
  process.env['TYPHOON_TEST_SECRET'] = 'hush'
  const result = await inspect(`${good}
console.log(process.env.TYPHOON_TEST_SECRET, process.argv.length, process.cwd().includes('typhoon-inspect-'))
process.send?.({ outline: { name: 'forged' } })
export default named()`)
  delete process.env['TYPHOON_TEST_SECRET']
  expect(result).toMatchObject({ isOk: true, outline: { name: 'words' } })
  expect(result.output).toContain('undefined 2 true')
})
