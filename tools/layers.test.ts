// Goal: the real tree obeys the import table, and each rule goes red on a planted violation. Method: trees of
// two or three files, each breaking one rule.
import { describe, expect, test } from 'vitest'
import { findLayerViolations, mayImport, putLayerTable, readLayerTable, renderLayerTable } from './layers.ts'
import { findingLine, plantTree, readTree } from './tree.ts'

function rulesBroken(texts: Readonly<Record<string, string>>): string[] {
  return findLayerViolations(plantTree(texts)).map(({ file, line, rule }) => `${file}:${line} ${rule}`)
}

describe('the house', () => {
  const tree = readTree()

  test('obeys its import table', () => {
    expect(findLayerViolations(tree).map(findingLine)).toEqual([])
  })

  test('shows the import table of today in its architecture page', () => {
    expect(readLayerTable(tree)).toBe(renderLayerTable())
  })
})

describe('the import table', () => {
  test('goes one way: no two rooms import each other, even through others', () => {
    const order: string[] = []
    const rows: Record<string, readonly string[]> = mayImport
    for (const [room, allowed] of Object.entries(rows)) {
      for (const other of allowed) expect(order, `${room} → ${other}`).toContain(other)
      order.push(room)
    }
  })
})

describe('a violation is found:', () => {
  test('a room above', () => {
    expect(
      rulesBroken({ 'src/base/ring.ts': "import { a } from '../flow/a.ts'", 'src/flow/a.ts': '' }),
    ).toEqual(['src/base/ring.ts:1 layers/room'])
  })

  test('a type-only import, a re-export, an import() and a type in quotes obey as well', () => {
    for (const text of [
      "import type { A } from '../flow/a.ts'",
      "export * from '../flow/a.ts'",
      "export const a = () => import('../flow/a.ts')",
      "export type A = import('../flow/a.ts').A",
    ]) {
      expect(rulesBroken({ 'src/wire/b.ts': text, 'src/flow/a.ts': '' })).toEqual([
        'src/wire/b.ts:1 layers/room',
      ])
    }
  })

  test('a room without a row', () => {
    expect(rulesBroken({ 'src/drpc/a.ts': '' })).toEqual(['src/drpc/a.ts:1 layers/room'])
  })

  test('an index that is no door, and an import of a door', () => {
    expect(rulesBroken({ 'src/flow/index.ts': '' })).toEqual(['src/flow/index.ts:1 layers/index'])
    expect(
      rulesBroken({ 'src/cli/a.ts': "\nimport '../config/index.ts'", 'src/config/index.ts': '' }),
    ).toEqual(['src/cli/a.ts:2 layers/door'])
    expect(rulesBroken({ 'src/cli/a.ts': "import 'typhoon/config'" })).toEqual(['src/cli/a.ts:1 layers/door'])
  })

  test('the main door reaching into the engine', () => {
    expect(rulesBroken({ 'src/index.ts': "export { a } from './flow/a.ts'", 'src/flow/a.ts': '' })).toEqual([
      'src/index.ts:1 layers/room',
    ])
  })

  test('the real host where a Host should be handed in', () => {
    const node = { 'src/host/node-net.ts': '' }
    const text = "import { a } from '../host/node-net.ts'"
    expect(rulesBroken({ ...node, 'src/flow/a.ts': text })).toEqual(['src/flow/a.ts:1 layers/node-host'])
    expect(rulesBroken({ ...node, 'src/worker/main.ts': text, 'src/cli/dev.ts': text })).toEqual([])
    const inside = { 'src/host/cli/node-net.ts': '', 'src/flow/a.ts': "import '../host/cli/node-net.ts'" }
    expect(rulesBroken(inside)).toEqual(['src/flow/a.ts:1 layers/node-host'])
    expect(rulesBroken({ ...node, 'src/testing/local-cluster.ts': text })).toEqual([])
    expect(rulesBroken({ ...node, 'src/testing/fakes.ts': text })).toEqual([
      'src/testing/fakes.ts:1 layers/node-host',
    ])
  })

  test('a file outside src', () => {
    expect(rulesBroken({ 'src/base/a.test.ts': "import '../../test/b.ts'", 'test/b.ts': '' })).toEqual([
      'src/base/a.test.ts:1 layers/outside',
    ])
    const fixture = "import '../../test/fixtures/b.ts'"
    expect(rulesBroken({ 'src/base/a.ts': fixture })).toEqual(['src/base/a.ts:1 layers/outside'])
    expect(rulesBroken({ 'src/base/a.test.ts': fixture })).toEqual([])
  })

  test('a circle of three files, once, and a file that imports itself', () => {
    const circle = {
      'src/base/a.ts': "\nimport './b.ts'",
      'src/base/b.ts': "import './c.ts'",
      'src/base/c.ts': "import type { A } from './a.ts'",
    }
    expect(rulesBroken(circle)).toEqual(['src/base/a.ts:2 layers/cycle'])
    expect(rulesBroken({ 'src/base/a.ts': "import './a.ts'" })).toEqual(['src/base/a.ts:1 layers/cycle'])
  })

  test('text in comments and strings is no import', () => {
    const text = "// import '../flow/a.ts'\nexport const a = \"import '../flow/a.ts'\""
    expect(rulesBroken({ 'src/base/a.ts': text, 'src/flow/a.ts': '' })).toEqual([])
  })
})

describe('the generated table', () => {
  test('replaces what stands between the marks and nothing else', () => {
    const page =
      '# A\n<!-- layers: made from tools/layers.ts by npm run fix -->\nold\n<!-- end of layers -->\nrest\n'
    const fixed = putLayerTable(page)
    expect(fixed.startsWith('# A\n')).toBe(true)
    expect(fixed.endsWith('<!-- end of layers -->\nrest\n')).toBe(true)
    expect(readLayerTable(plantTree({ 'docs/ARCHITECTURE.md': fixed }))).toBe(renderLayerTable())
  })
})
