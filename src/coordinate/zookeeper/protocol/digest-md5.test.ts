import { expect, test } from 'vitest'
import { hasCode } from '../../../base/errors.ts'
import { VirtualWorld } from '../../../host/virtual/virtual-world.ts'
import { answerChallenge, checkServer } from './digest-md5.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const text = (data: Uint8Array) => new TextDecoder().decode(data)
const host = new VirtualWorld({ seed: 1 }).host('client')
const md5 = (data: Uint8Array) => host.digest('md5', data)
const login = { service: 'imap', user: 'chris', password: 'secret', clientNonce: 'OA6MHXh6VqTrRk', md5 }
const challenge = bytes(
  'realm="elwood.innosoft.com",nonce="OA6MG9tEQGm2hh",qop="auth",algorithm=md5-sess,charset=utf-8',
)

test('the example of the standard comes out as the standard says', () => {
  const answer = answerChallenge(challenge, login)
  expect(text(answer.token)).toContain('response=d388dad90d4bbd760a152321f2143af7')
  expect(text(answer.token)).toContain('digest-uri="imap/elwood.innosoft.com"')
  expect(answer.serverProof).toBe('ea40f60335c427b5527b84dbabcdfffd')
})

test('a server that cannot prove that it knows the password is refused', () => {
  const { serverProof } = answerChallenge(challenge, login)
  checkServer(bytes(`rspauth=${serverProof}`), serverProof)
  for (const said of ['', 'rspauth=', `rspauth=${serverProof.replace('e', 'f')}`, serverProof]) {
    expect(() => checkServer(bytes(said), serverProof)).toThrowError(/could not prove/)
  }
})

test('quotes and backslashes in names are masked, and masked ones read', () => {
  const odd = bytes('realm="a\\"b\\\\c",nonce="n"')
  const answer = answerChallenge(odd, { ...login, user: 'x"y' })
  expect(text(answer.token)).toContain('username="x\\"y",realm="a\\"b\\\\c"')
})

test('names beyond Latin-1 are hashed as UTF-8, others as Latin-1', () => {
  const latin = text(answerChallenge(challenge, { ...login, password: 'é' }).token)
  const wide = text(answerChallenge(challenge, { ...login, password: 'é€' }).token)
  const plain = text(answerChallenge(challenge, { ...login, password: 'e' }).token)
  expect(new Set([latin, wide, plain]).size).toBe(3)
})

test('a challenge without a nonce is no challenge', () => {
  for (const said of ['', 'realm="x"', 'nonce', '\u0000\u0001', 'x'.repeat(10_000)]) {
    let error: unknown
    try {
      answerChallenge(bytes(said), login)
    } catch (thrown) {
      error = thrown
    }
    expect(hasCode(error, 'FRAME_MALFORMED')).toBe(true)
  }
})
