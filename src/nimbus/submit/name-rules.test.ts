import { expect, test } from 'vitest'
import { TOPOLOGY_NAME_RULE } from '../../topology/topology-name.ts'
import { checkKey, checkName, topologyId } from './name-rules.ts'

test('names that could leave a path or deceive a reader are refused, each with its rule', () => {
  const bad = [
    '',
    'a/b',
    'a\\b',
    '..',
    'a..b',
    '.',
    'a\0b',
    'a\nb',
    'x\u202Ey',
    'x\u200By',
    ' a',
    'a ',
    '__acker',
    '-x',
    '--',
  ]
  for (const name of [...bad, 'x'.repeat(129), '\uD800']) {
    expect(() => checkName(name), JSON.stringify(name)).toThrow(
      expect.objectContaining({ code: 'REQUEST_INVALID', family: 'usage' }),
    )
  }
})

test('the rule is the one that a module is told', () => {
  for (const name of ['word count', 'Wörter', 'ö', '言葉', '🌀', "a'b", 'a%b']) {
    const said = `the topology's name '${name}' cannot be used: ${TOPOLOGY_NAME_RULE}`
    expect(() => checkName(name)).toThrow(expect.objectContaining({ code: 'REQUEST_INVALID', message: said }))
  }
  for (const name of ['words', 'Words2', '_words', 'a_b-c', 'a__b', 'a.b', '9', 'x'.repeat(128)])
    expect(() => checkName(name)).not.toThrow()
})

test('ids are safe for paths, whatever the name', () => {
  const random = new Int32Array([-1, 2])
  expect(topologyId('words', random)).toBe('words-ffffffff00000002')
  expect(topologyId('a.b c', random)).toBe('a-b-c-ffffffff00000002')
  expect(topologyId('言葉', random)).toBe('topology-ffffffff00000002')
  expect(topologyId('x'.repeat(128), random)).toHaveLength(57)
})

test('keys have a bound', () => {
  for (const key of ['', 'a/b', 'a\0', 'k'.repeat(129)])
    expect(() => checkKey(key)).toThrow(expect.objectContaining({ code: 'REQUEST_INVALID' }))
  expect(() => checkKey('3f2a-77')).not.toThrow()
})
