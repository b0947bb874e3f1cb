import { expect, test } from 'vitest'
import { topologyArgs } from './topology-args.ts'

const parsed = (line: string) => topologyArgs(line.split(' '))

test('options become properties, in camel case', () => {
  expect(parsed('--input x.txt --max-lines=10 --dry-run')).toEqual({
    input: 'x.txt',
    maxLines: 10,
    dryRun: true,
  })
})

test('an option given twice is a list', () => {
  expect(parsed('--tag a --tag b --tag c')).toEqual({ tag: ['a', 'b', 'c'] })
})

test('no- turns off, unless a value follows', () => {
  expect(parsed('--no-color --no-one me')).toEqual({ color: false, noOne: 'me' })
})

test('what looks like a number is one only if nothing is lost', () => {
  expect(parsed('--a 3 --b -0.5 --c 007 --d 12345678901234567890 --e 1e3 --f true --g=')).toEqual({
    a: 3,
    b: -0.5,
    c: '007',
    d: '12345678901234567890',
    e: 1000,
    f: true,
    g: '',
  })
})

test('a word that belongs to nothing is refused', () => {
  expect(() => parsed('input x')).toThrow("'input' after -- belongs to no option")
})

test('names of built-in properties are only names', () => {
  expect(Object.keys(parsed('--constructor x'))).toEqual(['constructor'])
})
