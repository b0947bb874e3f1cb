import { describe, expect, test } from 'vitest'
import { reflowComments } from './reflow.ts'

function reflow(...lines: readonly string[]): string[] {
  return reflowComments(lines.join('\n'), 20).split('\n')
}

describe('a comment line that is too long', () => {
  test('gives its last words to the next line of its paragraph', () => {
    expect(reflow('// one two three four five', '// six')).toEqual(['// one two three', '// four five six'])
  })

  test('gets a line of its own where the paragraph ends', () => {
    expect(reflow('  * one two three four', '  */')).toEqual(['  * one two three', '  * four', '  */'])
    expect(reflow('// one two three four', 'const a = 1')).toEqual([
      '// one two three',
      '// four',
      'const a = 1',
    ])
  })

  test('hangs under its list mark, and the next entry stays apart', () => {
    expect(reflow(' * - one two three four', ' * - five')).toEqual([
      ' * - one two three',
      ' *   four',
      ' * - five',
    ])
    expect(reflow(' *  L1  one two three')).toEqual([' *  L1  one two', ' *      three'])
  })

  test('that is a whole comment opens up', () => {
    expect(reflow('/** one two three */')).toEqual(['/** one two three */'])
    expect(reflow('/** one two three four */')).toEqual(['/**', ' * one two three', ' * four', ' */'])
  })
})

describe('left alone are', () => {
  test('code, drawings, tables, tags, addresses and words without a gap', () => {
    for (const line of [
      'const one = two + three + four',
      '//  ┌────────┐  ┌────────┐',
      ' * | one | two | three | four |',
      ' * @param one two three four',
      '// see https://example.com/a b',
      '// onetwothreefourfivesix',
      '//     one = two + three + four',
    ]) {
      expect(reflow(line)).toEqual([line])
    }
  })
})
