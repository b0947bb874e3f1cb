import { expect, test } from 'vitest'
import { GoodbyeReason, type Hello } from '../wire/control-codec.ts'
import { type Expected, helloTopology, judgeHello } from './hello-check.ts'

const hello: Hello = {
  protocol: 1,
  topologyId: 'words',
  incarnation: 3,
  fromWorker: '1',
  toWorker: '2',
  token: 'secret',
  schemaFingerprint: 'f',
}
const expected: Expected = {
  topologyId: 'words',
  layout: 0,
  worker: 2,
  token: 'secret',
  fingerprint: 'f',
  incarnationOf: (worker) => (worker === 1 ? 3 : undefined),
}

function codeOf(change: Partial<Hello>): string | undefined {
  return judgeHello({ ...hello, ...change }, 0, expected)?.error.code
}

test('lets in who says everything right, of this incarnation or a newer one', () => {
  expect(codeOf({})).toBe(undefined)
  expect(codeOf({ incarnation: 4 })).toBe(undefined)
})

test('refuses everybody else, each for a reason', () => {
  expect(codeOf({ protocol: 3 })).toBe('VERSION_MISMATCH')
  for (const token of ['', 'secre', 'secret!', 'Secret', 'secretsecret']) {
    expect(codeOf({ token })).toBe('NOT_AUTHENTICATED')
  }
  expect(codeOf({ topologyId: 'other' })).toBe('NOT_ALLOWED')
  expect(codeOf({ toWorker: '3' })).toBe('NOT_ALLOWED')
  for (const fromWorker of ['3', '', 'x', 'NaN', '-1']) expect(codeOf({ fromWorker })).toBe('NOT_ALLOWED')
  expect(codeOf({ incarnation: 2 })).toBe('FRAME_OLD_INCARNATION')
  expect(codeOf({ schemaFingerprint: 'g' })).toBe('SCHEMA_MISMATCH')
})

test('says nothing of the rest to who has no token, and no secrets to anybody', () => {
  expect(codeOf({ token: 'x', topologyId: 'other', incarnation: 1 })).toBe('NOT_AUTHENTICATED')
  for (const change of [
    { token: 'x' },
    { topologyId: 'other' },
    { incarnation: 1 },
    { schemaFingerprint: 'g' },
  ]) {
    const refusal = judgeHello({ ...hello, ...change }, 0, expected)
    expect(JSON.stringify([refusal?.error.message, refusal?.error.details])).not.toContain('secret')
  }
  expect(judgeHello({ ...hello, incarnation: 1 }, 0, expected)?.reason).toBe(GoodbyeReason.OLD_INCARNATION)
})

test('tells who has been replaced, and by whom; nobody else', () => {
  const addresseeOf = (change: Partial<Hello>, more: Partial<Expected> = {}) =>
    judgeHello({ ...hello, ...change }, 0, { ...expected, ...more })?.addressee
  expect(addresseeOf({ incarnation: 2 })).toBe(3)
  for (const change of [{ protocol: 3 }, { token: '' }, { fromWorker: '3' }, { schemaFingerprint: 'g' }]) {
    expect(addresseeOf(change)).toBe(hello.incarnation)
  }
})

test('of another layout nobody is let in, and who is of an older one is told that it is over', () => {
  const of = (layout: number, change: Partial<Hello> = {}) =>
    judgeHello({ ...hello, topologyId: helloTopology('words', layout), ...change }, 0, {
      ...expected,
      layout: 2,
    })
  expect(of(2)).toBe(undefined)
  // Also one whose number nobody has any more.
  for (const fromWorker of ['1', '7']) {
    expect(of(1, { fromWorker })).toMatchObject({ reason: GoodbyeReason.OLD_INCARNATION })
    expect(of(1, { fromWorker })?.addressee).toBeGreaterThan(2 ** 31)
  }
  expect(of(3)).toMatchObject({ reason: GoodbyeReason.REFUSED, addressee: 3 })
  expect(of(1, { token: 'x' })?.error.code).toBe('NOT_AUTHENTICATED')
  for (const topologyId of ['words', 'words/', 'words/x', 'words/-1', 'words/0', 'word/1', 'words/1/1']) {
    expect(of(2, { topologyId })).toMatchObject({ reason: GoodbyeReason.REFUSED, addressee: 3 })
  }
})
