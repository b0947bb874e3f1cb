// Goal: what a user may write compiles, and what he must not write fails where and as it should, under both compilers.
// Method: declarations are emitted as they are published; samples and cases are checked against them.
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { check, compilers, type Diagnostic, doorsAreThere, emitDeclarations, marksIn, read } from './compilers.ts'

const here = fileURLToPath(new URL('./', import.meta.url))
const declarations = emitDeclarations()
afterAll(() => declarations[Symbol.dispose]())

function sourcesIn(folder: string): string[] {
  const files = readdirSync(join(here, folder)).map((name) => join(here, folder, name))
  return files.filter((file) => file.endsWith('.ts'))
}

function shown(found: readonly Diagnostic[]): string[] {
  return found.map(({ file, line, code, text }) => `${file}(${line}): ${code}: ${text}`)
}

const samples = sourcesIn('samples').filter((file) => doorsAreThere(read(file)))
const cases = sourcesIn('must-fail')

describe.each(compilers)('%s', (compiler) => {
  test(`${samples.length} samples compile`, () => {
    expect(shown(check(compiler, declarations, samples))).toEqual([])
  })

  const found = check(compiler, declarations, cases.filter((file) => doorsAreThere(read(file))))

  test('nothing but the cases fails', () => {
    expect(shown(found.filter(({ file }) => !file.includes('must-fail/')))).toEqual([])
  })

  for (const file of cases) {
    const name = file.slice(file.lastIndexOf('/') + 1)
    test.skipIf(!doorsAreThere(read(file)))(`${name} fails where and as it says`, () => {
      const [mark, ...more] = marksIn(read(file))
      expect(mark).toBeDefined()
      expect(more).toEqual([])
      const mine = found.filter((diagnostic) => diagnostic.file.endsWith(`must-fail/${name}`))
      const text = mine.map((diagnostic) => diagnostic.text).join('\n')
      expect(mine.length, 'it compiles').toBeGreaterThan(0)
      expect(mine.map((diagnostic) => diagnostic.line), text).toEqual(mine.map(() => mark?.line))
      for (const { code } of mine) expect(mark?.codes, text).toContain(code)
      expect(text).toContain(mark?.words)
    })
  }

  test('a topology of 300 bolts compiles', () => {
    const file = join(declarations.folder, 'big.ts')
    writeFileSync(file, bigTopology(300))
    expect(shown(check(compiler, declarations, [file]))).toEqual([])
  })
})

/** A chain of bolts, a third of them keyed, each with a schema of its own. */
function bigTopology(bolts: number): string {
  const lines = [
    `import { TopologyBuilder, bolt, fields, keyedBolt, spoutFrom, valueState } from 'typhoon'`,
    'const builder = new TopologyBuilder()',
    `const F0 = fields({ f0: 'int', text: 'string', tags: 'string[]' })`,
    `const h0 = builder.setSpout('s0', spoutFrom(F0, function* () { yield { f0: 1, text: '', tags: [] } }))`,
  ]
  for (let i = 1; i <= bolts; i += 1) {
    lines.push(`const F${i} = fields({ f${i}: 'int', text: 'string', tags: 'string[]' })`)
    lines.push(...(i % 3 === 0 ? keyed(i) : plain(i)))
  }
  lines.push(`export default builder.createTopology('big')`, `export { h${bolts} }`)
  return lines.join('\n')
}

function keyed(i: number): string[] {
  return [
    `const b${i} = keyedBolt({ input: F${i - 1}, key: 'f${i - 1}', output: F${i},`,
    `  state: { n: valueState({ initial: () => 0 }) }, execute(tuple, out, { n }) { n.set(n.get() + 1);`,
    `    out.emit({ f${i}: n.get(), text: tuple.values.text, tags: tuple.values.tags }) } })`,
    `const h${i} = builder.setBolt('b${i}', b${i}, 2).fieldsGrouping(h${i - 1}, 'f${i - 1}')`,
  ]
}

function plain(i: number): string[] {
  const grouping = i % 2 === 1 ? `shuffleGrouping(h${i - 1})` : `fieldsGrouping(h${i - 1}, 'f${i - 1}', 'text')`
  return [
    `const b${i} = bolt({ input: F${i - 1}, output: { default: F${i}, bad: F${i - 1} },`,
    `  prepare: () => new Map<string, number>(), execute(tuple, out, seen) {`,
    `    seen.set(tuple.values.text, tuple.values.f${i - 1}); out.emit('bad', tuple.values);`,
    `    out.emit({ f${i}: tuple.values.f${i - 1}, text: 'x', tags: [] }) } })`,
    `const h${i} = builder.setBolt('b${i}', b${i}, 2).${grouping}`,
  ]
}
