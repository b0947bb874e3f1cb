/**
 * Bearer tokens: who shows one is somebody. Kept as digests, so that the file does not let anybody in.
 *
 *   # name : roles, with commas : SHA-256 of the token in hexadecimal
 *   alice:admin:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
 *   node-1:daemon:60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752
 *
 * Invariants
 *   T1  a token is compared with every line, byte for byte to the end: time tells nothing
 *   T2  no message holds a token or its digest
 */
import { UsageError } from '../base/errors.ts'
import type { Host } from '../host/host.ts'
import type { Caller } from './nimbus-api.ts'

interface Entry {
  readonly caller: Caller
  readonly digest: Uint8Array
}

/** Longer ones are nobody's. */
const TOKEN_CHARACTERS_MAX = 1_024
const LINE = /^([^\s:]{1,100}):([a-z0-9-]+(?:,[a-z0-9-]+)*):([0-9a-f]{64})$/i

export class Tokens {
  private readonly entries: readonly Entry[]
  private readonly digestOf: (token: string) => Uint8Array

  private constructor(entries: readonly Entry[], digestOf: (token: string) => Uint8Array) {
    this.entries = entries
    this.digestOf = digestOf
  }

  /**
   * @param file its name, for messages
   * @throws UsageError CONFIG_INVALID_VALUE with the line's number, never its text
   */
  static parse(text: string, file: string, host: Pick<Host, 'digest'>): Tokens {
    const entries: Entry[] = []
    for (const [index, line] of text.split('\n').entries()) {
      const bare = line.trim()
      if (bare === '' || bare.startsWith('#')) continue
      const [, name = '', roles = '', hex = ''] = LINE.exec(bare) ?? []
      if (hex === '') {
        const message = `${file}:${index + 1} is not name:roles:digest, with a SHA-256 in hexadecimal`
        throw new UsageError('CONFIG_INVALID_VALUE', message, { where: `${file}:${index + 1}:1` })
      }
      entries.push({ caller: { name, roles: roles.split(',') }, digest: bytesOf(hex) })
    }
    return new Tokens(entries, (token) => host.digest('sha256', new TextEncoder().encode(token)))
  }

  /** undefined: nobody's. */
  callerOf(token: string): Caller | undefined {
    const shown = this.digestOf(token.slice(0, TOKEN_CHARACTERS_MAX))
    let found: Caller | undefined
    for (const { caller, digest } of this.entries) {
      let difference = token.length > TOKEN_CHARACTERS_MAX ? 1 : 0
      for (let at = 0; at < digest.length; at += 1) difference |= (digest[at] ?? 0) ^ (shown[at] ?? 0)
      if (difference === 0) found = caller
    }
    return found
  }
}

/**
 * Who calls where no tokens are configured: whoever is on this machine, for all listeners are on loopback
 * then.
 */
export const localCaller: Caller = { name: 'local', roles: ['admin'] }

/** @throws UsageError NOT_AUTHENTICATED */
export function authenticate(tokens: Tokens | undefined, authorization: string | undefined): Caller {
  if (tokens === undefined) return localCaller
  const [, token] = /^Bearer ([\x21-\x7e]+)$/i.exec(authorization ?? '') ?? []
  const caller = token === undefined ? undefined : tokens.callerOf(token)
  if (caller !== undefined) return caller
  const what = token === undefined ? 'the call carried no token' : "the token is nobody's"
  throw new UsageError('NOT_AUTHENTICATED', what)
}

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from({ length: hex.length / 2 }, (_, at) =>
    Number.parseInt(hex.slice(at * 2, at * 2 + 2), 16),
  )
}
