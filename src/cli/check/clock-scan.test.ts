import { expect, test } from 'vitest'
import { scanSource } from './clock-scan.ts'
import { blanked } from './source-text.ts'

const found = (source: string) =>
  scanSource(source).map(({ code, line, column }) => `${code} ${line}:${column}`)

test('the clock, chance and timers in a component are found with their place', () => {
  const source = [
    'const b = bolt({',
    '  execute(tuple, out) {',
    '    out.emit({ at: Date.now(), id: Math.random() })',
    '    setTimeout(() => new Date(), 5)',
    '  },',
    '})',
  ].join('\n')
  expect(found(source)).toEqual(['wall-clock 3:20', 'own-chance 3:36', 'own-timer 4:5', 'wall-clock 4:22'])
})

test('outside of components they are nobody else’s business', () => {
  expect(found('const t = Date.now()\nconst b = bolt({ execute() {} })\nsetInterval(f, 1)')).toEqual([])
})

test('class components count, other classes do not', () => {
  expect(found('class A extends BaseRichBolt<X> { execute() { Date.now() } }')).toEqual(['wall-clock 1:47'])
  expect(found('class A extends Map { execute() { Date.now() } }')).toEqual([])
})

test('texts, comments and patterns are no code', () => {
  const source =
    "spout({ a: 'Date.now()', /* Date.now() */ b: /Date.now()[/]/, c: `Date.now()` }) // Date.now()"
  expect(found(source)).toEqual([])
})

test('code inside a template is code', () => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: source text
  expect(found('bolt({ a: `x ${`y ${Date.now()}`} Date.now()` })')).toEqual(['wall-clock 1:21'])
})

test('a date made of a number, and a context’s own clock, are fine', () => {
  expect(found('bolt({ a: new Date(5), b: context.now(), c: my.Date.now() })')).toEqual([])
})

test('blanking keeps length and lines', () => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: source text
  const source = "a = 'x\\'y' // z\nb = a / 2 / c /* 1\n2 */ + `q${ { a: 1 } }r`"
  const result = blanked(source)
  expect(result.length).toBe(source.length)
  expect(result.split('\n').length).toBe(3)
  expect(result).toContain('a / 2 / c')
  expect(result).toContain('{ a: 1 }')
})
