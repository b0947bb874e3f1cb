// Goal: the real tree is tidy, and each rule goes red on a planted violation, and only there. Method: trees
// of a file or two, compared as `file:line rule`.
import { describe, expect, test } from 'vitest'
import { findBans } from './tidy/bans.ts'
import { findUndocumentedDoors } from './tidy/doors.ts'
import { findErrorCodeTrouble, renderCodesInUse } from './tidy/errors.ts'
import { findDeadLinks } from './tidy/links.ts'
import { findBadNames } from './tidy/names.ts'
import { findRoomPageTrouble } from './tidy/rooms.ts'
import { findSizes } from './tidy/sizes.ts'
import { findBadTexts } from './tidy/texts.ts'
import { excuse, findUntidy } from './tidy.ts'
import { type Finding, findingLine, plantTree, readTree, type Tree } from './tree.ts'

type Texts = Readonly<Record<string, string>>

function broken(find: (tree: Tree) => readonly Finding[], texts: Texts): string[] {
  return find(plantTree(texts)).map(({ file, line, rule }) => `${file}:${line} ${rule}`)
}

test('the house is tidy', () => {
  expect(findUntidy(readTree()).map(findingLine)).toEqual([])
})

describe('sizes', () => {
  const sizes = (texts: Texts) => broken(findSizes, texts)
  const lines = (count: number, line = '// a') => Array.from({ length: count }, () => line).join('\n')

  test('a source of 500 lines may be, one of 501 may not; a test may have 800', () => {
    expect(sizes({ 'src/base/a.ts': `${lines(500)}\n` })).toEqual([])
    expect(sizes({ 'src/base/a.ts': `${lines(501)}\n` })).toEqual(['src/base/a.ts:501 sizes/file'])
    expect(sizes({ 'src/base/a.test.ts': `${lines(800)}\n` })).toEqual([])
    expect(sizes({ 'src/base/a.test.ts': `${lines(801)}\n` })).toEqual(['src/base/a.test.ts:801 sizes/file'])
  })

  test('a line of 111 characters', () => {
    expect(sizes({ 'tools/a.ts': `\n//${'a'.repeat(108)}` })).toEqual([])
    expect(sizes({ 'tools/a.ts': `\n//${'a'.repeat(109)}` })).toEqual(['tools/a.ts:2 sizes/line'])
  })

  test('a function of 71 lines, in any form, but not in tests', () => {
    const body = lines(69, '  a()')
    expect(sizes({ 'src/base/a.ts': `function f() {\n${lines(68, '  a()')}\n}` })).toEqual([])
    for (const head of ['function f() {', 'const f = () => {', 'const o = { f() {', 'class C { f() {']) {
      const tail = head.startsWith('const o') || head.startsWith('class') ? '} }' : '}'
      expect(sizes({ 'src/base/a.ts': `${head}\n${body}\n${tail}` })).toEqual([
        'src/base/a.ts:1 sizes/function',
      ])
    }
    expect(sizes({ 'src/base/a.test.ts': `describe('a', () => {\n${body}\n})` })).toEqual([])
  })

  test('six parameters, also where only a type has them; `this` does not count', () => {
    const six = '(a: 1, b: 1, c: 1, d: 1, e: 1, f: 1)'
    expect(sizes({ 'src/base/a.ts': `function f${six} {}` })).toEqual(['src/base/a.ts:1 sizes/parameters'])
    expect(sizes({ 'src/base/a.ts': `interface I { f${six}: void }` })).toEqual([
      'src/base/a.ts:1 sizes/parameters',
    ])
    expect(sizes({ 'src/base/a.ts': `function f(this: 1, ${six.slice(1, -7)}) {}` })).toEqual([])
  })

  test('five levels of nesting; `else if` and a function inside do not count', () => {
    const deep = 'for (;;) { if (a) { while (b) { switch (c) { default: try { d() } catch { e() } } } } }'
    expect(sizes({ 'src/base/a.ts': `function f() { ${deep} }` })).toEqual(['src/base/a.ts:1 sizes/nesting'])
    const four = 'for (;;) { if (a) { while (b) { if (c) x(); else if (d) y(); else if (e) z() } } }'
    expect(sizes({ 'src/base/a.ts': `function f() { ${four} }` })).toEqual([])
    const inside = 'for (;;) { if (a) { while (b) { if (c) { const g = () => { if (d) e() } } } } }'
    expect(sizes({ 'src/base/a.ts': `function f() { ${inside} }` })).toEqual([])
  })

  test('sixteen public methods; fields, private ones and the constructor do not count', () => {
    const methods = Array.from({ length: 15 }, (_, index) => `m${index}() {}`).join('\n')
    expect(
      sizes({ 'src/base/a.ts': `class C {\n${methods}\nfield = 1\nconstructor() {}\nprivate p() {}\n}` }),
    ).toEqual([])
    expect(sizes({ 'src/base/a.ts': `class C {\n${methods}\nget one() { return 1 }\n}` })).toEqual([
      'src/base/a.ts:1 sizes/class',
    ])
  })

  test('twenty-one files in one folder, tests apart', () => {
    const files = Object.fromEntries(
      Array.from({ length: 20 }, (_, index) => [`src/flow/route/f${index}.ts`, '']),
    )
    expect(sizes({ ...files, 'src/flow/route/f.test.ts': '' })).toEqual([])
    expect(sizes({ ...files, 'src/flow/route/one-more.ts': '' })).toEqual([
      'src/flow/route/README.md:1 sizes/folder',
    ])
  })
})

describe('bans', () => {
  const bans = (text: string, file = 'src/flow/a.ts') =>
    broken(findBans, { [file]: text }).map((each) => each.split(' ')[1])

  test('time, timers, randomness, processes and the network', () => {
    for (const text of [
      'setTimeout(f, 1)',
      'const later = setImmediate',
      'queueMicrotask(f)',
      'const now = Date.now()',
      'const now = new Date()',
      'const text = Date()',
      'const make = Date',
      'Math.random()',
      'process.exit(1)',
      'const { env } = process',
      'const shorthand = { process }',
      'performance.now()',
      'crypto.randomUUID()',
      'fetch(address)',
      'console.log(1)',
      'globalThis.setTimeout(f, 1)',
      'export type A = typeof process',
    ]) {
      expect(bans(text), text).toEqual(['bans/global'])
      expect(bans(text, 'src/flow/a.test.ts'), text).toEqual(['bans/global'])
      expect(bans(text, 'src/host/node-clock.ts'), text).toEqual([])
    }
  })

  test('a name that only looks like one of them is free', () => {
    for (const text of [
      '// setTimeout(f, 1)',
      "const text = 'Date.now() and process.exit'",
      'host.setTimeout(f, 1)',
      'const a = { process: 1, console: 2 }',
      'interface A { process: string; fetch(): void }',
      'class A { fetch() {} }',
      'function f(process: string) { return process }',
      "import { performance } from './a.ts'; performance()",
      'const setTimeoutMs = 1',
      'const at = new Date(ms)',
      'const is = value instanceof Date',
      'export type A = Date | string',
      'const at = Date.UTC(2026, 0)',
      'Math.max(1, 2)',
    ]) {
      expect(bans(text), text).toEqual([])
    }
  })

  test('node modules, with and without their prefix', () => {
    expect(bans("import { join } from 'node:path'")).toEqual(['bans/node'])
    expect(bans("import type { Socket } from 'net'")).toEqual(['bans/node'])
    expect(bans("import { join } from 'node:path'", 'src/host/node-files.ts')).toEqual([])
    expect(bans("import { join } from 'node:path'", 'src/host/cli/node-files.ts')).toEqual([])
    expect(bans("import { join } from 'node:path'", 'src/host/virtual/virtual-host.ts')).toEqual([
      'bans/node',
    ])
  })

  test('default exports, enums, namespaces, #private', () => {
    expect(bans('export default 1')).toEqual(['bans/default-export'])
    expect(bans('export default function f() {}')).toEqual(['bans/default-export'])
    expect(bans('enum Step { One }')).toEqual(['bans/enum'])
    expect(bans('namespace A { export const a = 1 }')).toEqual(['bans/namespace'])
    expect(bans('class A { #a = 1 }')).toEqual(['bans/hash-private'])
  })

  test('sleeping in a unit test', () => {
    expect(bans('await sleep(10)', 'src/flow/a.test.ts')).toEqual(['bans/sleep'])
    expect(bans('await host.timers.sleep(10)', 'src/flow/a.test.ts')).toEqual([])
  })

  test('errors without a code, but not in tests', () => {
    expect(bans("throw new Error('a')")).toEqual(['bans/plain-error'])
    expect(bans("throw new TypeError('a')")).toEqual(['bans/plain-error'])
    expect(bans("throw new UsageError('A_B', 'a')")).toEqual([])
    expect(bans("throw new Error('a')", 'src/flow/a.test.ts')).toEqual([])
  })

  test('more casts than the house allows; `as const` is none', () => {
    const cast = 'a(b as C)\n'
    expect(bans(cast.repeat(5))).toEqual([])
    expect(bans(cast.repeat(6))).toEqual(['bans/as'])
    expect(bans('a(b as const)\n'.repeat(6))).toEqual([])
    expect(bans('a(b!)\n'.repeat(2))).toEqual(['bans/bang'])
  })
})

describe('names', () => {
  const names = (texts: Texts) => broken(findBadNames, texts)

  test('files and folders that could hold anything', () => {
    expect(names({ 'src/flow/utils.ts': '' })).toEqual(['src/flow/utils.ts:1 names/file'])
    expect(names({ 'src/flow/types.test.ts': '' })).toEqual(['src/flow/types.test.ts:1 names/file'])
    expect(names({ 'src/common/ring.ts': '' })).toEqual(['src/common/ring.ts:1 names/file'])
    expect(names({ 'test/types/api.test.ts': '', 'src/flow/type-check.ts': '' })).toEqual([])
  })

  test('declarations that begin with an empty word', () => {
    for (const text of [
      'function processTuple() {}',
      'class DataStore {}',
      'type Info = 1',
      'class A { handle() {} }',
    ]) {
      expect(names({ 'src/flow/a.ts': text }), text).toEqual(['src/flow/a.ts:1 names/word'])
    }
    for (const text of [
      'function documentOf() {}',
      'class Itemized {}',
      'class Log { info() {} }',
      'const data = 1',
    ]) {
      expect(names({ 'src/flow/a.ts': text }), text).toEqual([])
    }
  })
})

describe('texts', () => {
  const texts = (file: string, text: string) =>
    broken(findBadTexts, { [file]: text }).map((each) => each.split(' ')[1])
  const slash = '/'

  test('marks of unfinished work', () => {
    expect(texts('src/a.ts', `// ${'TO'}${'DO'}: later`)).toEqual(['texts/unfinished'])
    expect(texts('src/a.ts', '// Todos are a list')).toEqual([])
  })

  test('paths of one machine', () => {
    expect(texts('docs/a.md', `cd ${slash}work/main`)).toEqual(['texts/machine-path'])
    expect(texts('src/a.ts', `const a = '${slash}tmp/a'`)).toEqual(['texts/machine-path'])
    expect(texts('a.json', `"${slash}home/anna/a"`)).toEqual(['texts/machine-path'])
    expect(texts('docs/a.md', 'https://example.com/work/a and ../work/a and a/tmp/b')).toEqual([])
  })

  test('registries, and download addresses in the lock file', () => {
    expect(texts('a.md', `https:${slash}/registry.npmjs.org/a`)).toEqual(['texts/registry'])
    expect(texts('test/pom.xml', 'xmlns="http://maven.apache.org/POM/4.0.0"')).toEqual([])
    const resolved = `"resolved": "https:${slash}/example.com/a.tgz"`
    expect(texts('package-lock.json', resolved)).toEqual(['texts/registry'])
  })
})

describe('room pages', () => {
  const pages = (texts: Texts) => broken(findRoomPageTrouble, texts)

  test('a room without a page, or with a page that lacks a file', () => {
    expect(pages({ 'src/base/ring.ts': '' })).toEqual(['src/base/README.md:1 rooms/page'])
    expect(pages({ 'src/base/ring.ts': '', 'src/base/README.md': 'base' })).toEqual([
      'src/base/README.md:1 rooms/page',
    ])
    expect(
      pages({ 'src/base/ring.ts': '', 'src/base/ring.test.ts': '', 'src/base/README.md': '`ring.ts`' }),
    ).toEqual([])
  })

  test('a line for a file that is gone', () => {
    const texts = { 'src/base/ring.ts': '', 'src/base/README.md': '`ring.ts`\n`queue.ts`' }
    expect(pages(texts)).toEqual(['src/base/README.md:2 rooms/page'])
  })

  test('a file of a sub-room, by its name or by its path in the room', () => {
    const file = { 'src/flow/ack/acker.ts': '' }
    expect(pages({ ...file, 'src/flow/README.md': '`ack/acker.ts`' })).toEqual([])
    expect(pages({ ...file, 'src/flow/README.md': '`acker.ts`' })).toEqual([])
  })
})

describe('error codes', () => {
  const table = { 'src/base/error-codes.ts': 'export const table = { NAME_TAKEN: 1, NAME_GONE: 2 }' }
  const codes = (texts: Texts) => broken(findErrorCodeTrouble, { ...table, ...texts })

  test('a thrown code that is not in the table', () => {
    expect(codes({ 'src/flow/a.ts': "throw new UsageError('NAME_TAKEN', 'a')" })).toEqual([])
    expect(codes({ 'src/flow/a.ts': "throw new UsageError('NAME_TEKEN', 'a')" })).toEqual([
      'src/flow/a.ts:1 errors/unknown',
    ])
  })

  test('a code in use that nothing throws any more', () => {
    const file = 'tools/codes-in-use.txt'
    const texts = { 'src/flow/a.ts': "fail('NAME_TAKEN')", [file]: 'NAME_GONE\nNAME_TAKEN\n' }
    expect(codes(texts)).toEqual([`${file}:1 errors/lost`])
    expect(renderCodesInUse(plantTree({ ...table, ...texts, [file]: '' }))).toBe('NAME_TAKEN\n')
  })
})

describe('links', () => {
  const links = (text: string, file = 'docs/guide/a.md') =>
    broken(findDeadLinks, {
      [file]: text,
      'docs/guide/b.md': '# Two words, and `code`\n## Again\n## Again',
      'src/c.ts': '',
    })

  test('to a file, a folder, a heading', () => {
    const alive =
      '[a](b.md) [b](./b.md#two-words-and-code) [c](b.md#again-1) [d](../../src) [e](https://example.com)'
    expect(links(alive)).toEqual([])
    expect(links('# Here\n[a](#here)')).toEqual([])
    expect(links('\n[a](c.md)')).toEqual(['docs/guide/a.md:2 links/dead'])
    expect(links('[a](b.md#one-word)')).toEqual(['docs/guide/a.md:1 links/dead'])
  })

  test('in code are none', () => {
    expect(links('```\n[a](c.md)\n```\n`[a](c.md)`')).toEqual([])
  })

  test('a back-quoted path must exist, but the past may name what is gone', () => {
    expect(links('`src/c.ts` and `src/…` and `src/`')).toEqual([])
    expect(links('`src/d.ts`')).toEqual(['docs/guide/a.md:1 links/path'])
    expect(links('`src/d.ts`', 'docs/decisions/0009-a.md')).toEqual([])
  })
})

describe('doors', () => {
  const undocumented = (texts: Texts) => broken(findUndocumentedDoors, texts)
  const documented = '/** What it is. */\nexport function a() {}\n'

  test('a name without a doc comment, followed through re-exports', () => {
    const bare = `${documented}export const b = 1\nexport interface C {}\n`
    expect(undocumented({ 'src/index.ts': "export { a, b } from './x.ts'", 'src/x.ts': bare })).toEqual([
      'src/x.ts:3 doors/doc',
    ])
    const through = {
      'src/index.ts': "export * from './y.ts'",
      'src/y.ts': "export { b as d } from './x.ts'",
      'src/x.ts': bare,
    }
    expect(undocumented(through)).toEqual(['src/x.ts:3 doors/doc'])
    expect(undocumented({ 'src/index.ts': "export type { C } from './x.ts'", 'src/x.ts': bare })).toEqual([
      'src/x.ts:4 doors/doc',
    ])
  })

  test('one doc comment is enough for all overloads', () => {
    const overloads = `${documented}export function a(b?: 1) {}\n`
    expect(undocumented({ 'src/index.ts': "export { a } from './x.ts'", 'src/x.ts': overloads })).toEqual([])
  })

  test('a name that is not exported at a door needs none', () => {
    expect(
      undocumented({ 'src/index.ts': "export { a } from './x.ts'", 'src/x.ts': `${documented}const b = 1` }),
    ).toEqual([])
  })
})

describe('an exception', () => {
  const finding = { file: 'src/a.ts', line: 1, rule: 'sizes/file', text: '' }

  test('excuses its file and rule, needs a reason, and is itself a finding once it excuses nothing', () => {
    const excused = { file: 'src/a.ts', rule: 'sizes/file', reason: 'one switch over all keys' }
    expect(excuse([finding], [excused])).toEqual([])
    expect(excuse([finding], [{ ...excused, reason: ' ' }])).toHaveLength(1)
    expect(excuse([], [excused])).toHaveLength(1)
    expect(excuse([finding], [{ ...excused, file: 'src/b.ts' }])).toHaveLength(2)
  })

  test('is one of twelve', () => {
    const thirteen = Array.from({ length: 13 }, (_, index) => ({ ...finding, file: `src/${index}.ts` }))
    const excuses = thirteen.map(({ file, rule }) => ({ file, rule, reason: 'a' }))
    expect(excuse(thirteen, excuses)).toHaveLength(1)
  })
})
