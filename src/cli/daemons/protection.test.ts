// No daemon that others can reach starts without certificates and tokens; loopback needs neither.
import { expect, test } from 'vitest'
import type { ClusterConfig } from '../../config/cluster-config.ts'
import type { Shell } from '../shell.ts'
import { isLoopback, protectionOf } from './protection.ts'

const token = 'a'.repeat(64)
const held: Readonly<Record<string, string>> = {
  '/etc/cert.pem': 'CERT',
  '/etc/key.pem': 'KEY',
  '/etc/ca.pem': 'CA',
  '/etc/tokens': `node-1:daemon:${token}`,
  '/etc/own': 'own-secret\n',
}
const shell = {
  files: { resolve: (...parts: readonly string[]) => parts.at(-1) ?? '' },
  machine: { readText: (path: string) => held[path] },
  terminal: { directory: '/' },
} as unknown as Shell
const host = { digest: () => new Uint8Array(32) }
const of = (config: ClusterConfig) => () => protectionOf(shell, host, config)

const tls: ClusterConfig = {
  'security.tls.cert.file': '/etc/cert.pem',
  'security.tls.key.file': '/etc/key.pem',
  'security.tls.ca.file': '/etc/ca.pem',
}
const tokens: ClusterConfig = {
  'security.tokens.file': '/etc/tokens',
  'security.token.file': '/etc/own',
}

test('what counts as loopback', () => {
  for (const each of ['127.0.0.1', '127.8.8.8', 'localhost', '::1', '[::1]'])
    expect(isLoopback(each)).toBe(true)
  for (const each of ['0.0.0.0', '::', '10.0.0.1', 'node-1', '127.evil.example', '1127.0.0.1'])
    expect(isLoopback(each)).toBe(false)
})

test('on loopback nothing is needed', () => {
  expect(of({})()).toEqual({ tls: undefined, tokens: undefined, ownToken: undefined })
})

test.each(['0.0.0.0', '10.1.2.3', 'node-1'])('%s needs TLS and tokens, both', (address) => {
  const bind: ClusterConfig = { 'bind.address': address }
  for (const half of [{}, tls, tokens]) {
    expect(of({ ...bind, ...half })).toThrow(expect.objectContaining({ code: 'TLS_REQUIRED' }))
  }
  const made = of({ ...bind, ...tls, ...tokens })()
  expect(made.tls).toMatchObject({ cert: 'CERT', key: 'KEY', ca: 'CA' })
  expect(made.ownToken).toBe('own-secret')
})

test('half of something is a contradiction, a file that is not there is named', () => {
  const { 'security.tls.ca.file': _ca, ...half } = tls
  expect(of(half)).toThrow(/security\.tls\.ca\.file/)
  expect(of({ 'security.tokens.file': '/etc/tokens' })).toThrow(/security\.token\.file/)
  expect(of({ ...tokens, 'security.tokens.file': '/etc/none' })).toThrow(/there is no file \/etc\/none/)
})
