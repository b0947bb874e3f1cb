import { expect, test } from 'vitest'
import { GoodbyeReason, type Hello } from '../wire/control-codec.ts'
import { type Expected, judgeHello } from './hello-check.ts'

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
  worker: 2,
  token: 'secret',
  fingerprint: 'f',
  incarnationOf: (worker) => (worker === 1 ? 3 : undefined),
}

function codeOf(change: Partial<Hello>): string | undefined {
  return judgeHello({ ...hello, ...change }, expected)?.error.code
}

test('lets in who says everything right, of this incarnation or a newer one', () => {
  expect(codeOf({})).toBe(undefined)
  expect(codeOf({ incarnation: 4 })).toBe(undefined)
})

test('refuses everybody else, each for a reason', () => {
  expect(codeOf({ protocol: 2 })).toBe('VERSION_MISMATCH')
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
    const refusal = judgeHello({ ...hello, ...change }, expected)
    expect(JSON.stringify([refusal?.error.message, refusal?.error.details])).not.toContain('secret')
  }
  expect(judgeHello({ ...hello, incarnation: 1 }, expected)?.reason).toBe(GoodbyeReason.OLD_INCARNATION)
})
