import { expect, test } from 'vitest'
import { counted, shortCount, shortTime } from './figures.ts'
import { cut, isColored, plainPaint, widthOf } from './paint.ts'
import { textTable } from './text-table.ts'

test('columns are as wide as their widest cell, numbers end at the same place', () => {
  const columns = [{ title: 'NAME' }, { title: 'COUNT', align: 'right' as const }]
  expect(
    textTable(
      columns,
      [
        ['lines', '7'],
        ['a longer name', '12,345'],
      ],
      plainPaint,
    ),
  ).toEqual(['NAME            COUNT', 'lines               7', 'a longer name  12,345'])
})

test('styles do not count for widths', () => {
  const paint = (_: string, text: string): string => `\u001b[31m${text}\u001b[39m`
  const [, row = ''] = textTable(
    [{ title: 'A' }, { title: 'B' }],
    [[{ text: 'x', style: 'red' }, 'y']],
    paint,
  )
  expect(row).toBe('\u001b[31mx\u001b[39m  y')
})

test('no line is wider than the window', () => {
  const lines = textTable(
    [{ title: 'A' }, { title: 'B' }],
    [['x'.repeat(30), 'y'.repeat(30)]],
    plainPaint,
    40,
  )
  expect(lines.map(widthOf)).toEqual([33, 40])
  expect(cut('abcdef', 4)).toBe('abc…')
})

test('wide characters take two columns, marks none', () => {
  expect(widthOf('日本')).toBe(4)
  expect(widthOf('e\u0301')).toBe(1)
  expect(widthOf('🌀 ok')).toBe(5)
})

test('numbers and times stay short', () => {
  expect([0, 9.87, 870, 9_870, 12_400, 1_240_000, undefined].map(shortCount)).toEqual([
    '0',
    '9.87',
    '870',
    '9,870',
    '12.4 k',
    '1.24 M',
    '–',
  ])
  expect([0, 0.42, 38, 999.9, 1_240, 120_000, 7_200_000].map(shortTime)).toEqual([
    '0 ms',
    '0.42 ms',
    '38 ms',
    '1 s',
    '1.24 s',
    '2 min',
    '2 h',
  ])
  expect([counted(1, 'key'), counted(17_231, 'key')]).toEqual(['1 key', '17,231 keys'])
})

test('colours: the option wins, then FORCE_COLOR, then NO_COLOR, then the terminal', () => {
  expect(isColored({}, true, 'auto')).toBe(true)
  expect(isColored({}, false, 'auto')).toBe(false)
  expect(isColored({ NO_COLOR: '1' }, true, 'auto')).toBe(false)
  expect(isColored({ NO_COLOR: '' }, true, 'auto')).toBe(true)
  expect(isColored({ NO_COLOR: '1', FORCE_COLOR: '1' }, false, 'auto')).toBe(true)
  expect(isColored({ FORCE_COLOR: '0' }, true, 'auto')).toBe(false)
  expect(isColored({ TERM: 'dumb' }, true, undefined)).toBe(false)
  expect(isColored({ NO_COLOR: '1' }, false, 'always')).toBe(true)
  expect(isColored({ FORCE_COLOR: '1' }, true, 'never')).toBe(false)
})
