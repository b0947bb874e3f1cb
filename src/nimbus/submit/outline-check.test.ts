import { expect, test } from 'vitest'
import { bolt } from '../../topology/bolt.ts'
import { buildTopology } from '../../topology/build.ts'
import { defineTopology } from '../../topology/define-topology.ts'
import { outlineOf, reshape } from '../../topology/describe/outline.ts'
import { fields } from '../../topology/schema/fields.ts'
import { spoutFrom } from '../../topology/spout.ts'
import { judgeOutline } from './judge-outline.ts'
import { outlineText, parseOutline } from './outline-check.ts'
import { changesBetween } from './preview.ts'

const Word = fields({ word: 'string' })

function build(splitters: number, grouping: 'shuffle' | 'fields' = 'shuffle') {
  const definition = defineTopology({
    name: 'words',
    config: { workers: 2 },
    build(builder) {
      const words = builder.setSpout(
        'words',
        spoutFrom(Word, () => [{ word: 'a' }]),
        1,
      )
      const split = bolt({ input: Word, output: Word, execute: (tuple, out) => out.emit(tuple.values) })
      const placed = builder.setBolt('split', split, splitters)
      if (grouping === 'shuffle') placed.shuffleGrouping(words)
      else placed.fieldsGrouping(words, 'word')
    },
  })
  return outlineOf('words', buildTopology(definition).topology)
}

const outline = build(3)

function bytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value))
}

test('an outline comes back as it was, whatever the order of its members', () => {
  const found = parseOutline(bytes(outline))
  expect(outlineText(found)).toBe(outlineText(outline))
  const turned = Object.fromEntries(Object.entries(outline).reverse())
  expect(outlineText(parseOutline(bytes(turned)))).toBe(outlineText(outline))
  expect(outlineText(build(4))).not.toBe(outlineText(outline))
})

test('what could not be expanded or scheduled is refused with its place', () => {
  const [first, ...rest] = outline.components
  const cases: [string, unknown][] = [
    ['no JSON', undefined],
    ['workers', { ...outline, workers: 0 }],
    ['workers', { ...outline, workers: 1e9 }],
    ['guarantee', { ...outline, guarantee: 'maybe' }],
    ['name order', { ...outline, components: [...rest, first] }],
    ['name order', { ...outline, components: [first, ...outline.components] }],
    ['more executors', { ...outline, components: [{ ...first, executors: 9, tasks: 3 }, ...rest] }],
    ['tasks', { ...outline, components: [{ ...first, tasks: 2e6 }, ...rest] }],
    ['reads', { ...outline, components: [{ ...first, inputs: ['nobody'] }, ...rest] }],
    ['the document', { ...outline, document: { ...outline.document, components: {} } }],
    ['components', { ...outline, components: [] }],
  ]
  for (const [place, value] of cases) {
    const text = value === undefined ? new Uint8Array([0xff]) : bytes(value)
    expect(() => parseOutline(text), place).toThrow(
      expect.objectContaining({ code: 'REQUEST_INVALID', message: expect.stringContaining(place) }),
    )
  }
  expect(() => parseOutline(new Uint8Array(5 * 1024 * 1024))).toThrow(
    expect.objectContaining({ code: 'REQUEST_TOO_LARGE' }),
  )
})

test('what this version has nothing behind is refused, and what is beyond the limits', () => {
  const codes = (...args: Parameters<typeof judgeOutline>): string[] =>
    judgeOutline(...args).map(({ code }) => code)
  const open = { workersMax: undefined, executorsMax: undefined }
  expect(codes(outline, {}, open)).toEqual([])
  expect(codes({ ...outline, guarantee: 'exactly-once' }, {}, open)).toEqual(['GUARANTEE_NOT_POSSIBLE'])
  expect(codes(outline, { stateBackend: 'leveldb' }, open)).toEqual(['CONFIG_INVALID_VALUE'])
  const document = { ...outline.document, config: { stateBackend: 'leveldb' } }
  expect(codes({ ...outline, document }, {}, open)).toEqual(['CONFIG_INVALID_VALUE'])
  expect(codes(outline, {}, { workersMax: 2, executorsMax: 6 })).toEqual([])
  expect(codes(outline, {}, { workersMax: 1, executorsMax: 5 })).toHaveLength(2)
})

test('a preview names components, parallelism, groupings and configuration that differ', () => {
  expect(changesBetween(outline, outline)).toEqual([])
  const kinds = (after: typeof outline): string[] =>
    changesBetween(outline, after).map(({ kind, subject }) => `${kind} ${subject}`)
  expect(kinds(build(5))).toContain('parallelism split')
  expect(kinds(build(3, 'fields'))).toEqual(['grouping words:default → split'])
  expect(kinds(reshape(outline, { workers: 7 }))).toEqual(['config workers'])
})
