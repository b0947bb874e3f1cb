/**
 * The client's side of SASL DIGEST-MD5 (RFC 2831, quality `auth`), as ZooKeeper's servers speak it.
 *
 *   client                        server
 *     (empty) ─────────────────────▶
 *            ◀───────────────────── realm, nonce
 *     username … response ─────────▶            knows the password
 *            ◀───────────────────── rspauth     so does the server: checked
 *
 *   A1 = MD5(user:realm:password) : nonce : cnonce     A2 = AUTHENTICATE:uri, of the server `:uri`
 *   response = hex MD5( hex MD5(A1) : nonce : nc : cnonce : auth : hex MD5(A2) )
 */
import { UsageError } from '../../../base/errors.ts'
import { malformed } from './jute-reader.ts'

export interface DigestLogin {
  /** Kind of the server, first part of its URI. */
  readonly service: string
  readonly user: string
  readonly password: string
  /** Never used twice. */
  readonly clientNonce: string
  readonly md5: (bytes: Uint8Array) => Uint8Array
}

export interface DigestAnswer {
  /** What is sent to the server. */
  readonly token: Uint8Array
  /** What the server must say then. */
  readonly serverProof: string
}

/** This client logs in once per connection, so its count is always the first. */
const NONCE_COUNT = '00000001'
const PART = /([\w-]+)=(?:"((?:[^"\\]|\\.)*)"|([^",]*))/g
const LATIN_END = 0x100

const utf8 = new TextEncoder()

/** @throws FormatError FRAME_MALFORMED the challenge has no nonce */
export function answerChallenge(challenge: Uint8Array, login: DigestLogin): DigestAnswer {
  const said = partsOf(challenge)
  const nonce = said.get('nonce')
  if (nonce === undefined) throw malformed('a login without a nonce')
  const realm = said.get('realm') ?? ''
  const { service, user, password, clientNonce, md5 } = login
  const uri = `${service}/${realm}`
  const hex = (bytes: Uint8Array) => hexText(md5(bytes))
  const secret = md5(joined([plainBytes(user), colon, plainBytes(realm), colon, plainBytes(password)]))
  const a1 = hex(joined([secret, utf8.encode(`:${nonce}:${clientNonce}`)]))
  const proofOf = (a2: string) =>
    hex(utf8.encode(`${a1}:${nonce}:${NONCE_COUNT}:${clientNonce}:auth:${hex(utf8.encode(a2))}`))
  const parts = [
    'charset=utf-8',
    `username="${quoted(user)}"`,
    `realm="${quoted(realm)}"`,
    `nonce="${quoted(nonce)}"`,
    `nc=${NONCE_COUNT}`,
    `cnonce="${clientNonce}"`,
    `digest-uri="${quoted(uri)}"`,
    `response=${proofOf(`AUTHENTICATE:${uri}`)}`,
    'qop=auth',
  ]
  return { token: utf8.encode(parts.join(',')), serverProof: proofOf(`:${uri}`) }
}

/** @throws UsageError COORDINATOR_REFUSED the server does not know the password either: it is another one */
export function checkServer(finale: Uint8Array, serverProof: string): void {
  if (partsOf(finale).get('rspauth') === serverProof) return
  throw new UsageError(
    'COORDINATOR_REFUSED',
    'the ZooKeeper server could not prove that it knows the password',
  )
}

function partsOf(token: Uint8Array): Map<string, string> {
  const parts = new Map<string, string>()
  for (const [, name = '', inQuotes, plain = ''] of new TextDecoder().decode(token).matchAll(PART)) {
    parts.set(name, inQuotes === undefined ? plain : inQuotes.replaceAll(/\\(.)/gs, '$1'))
  }
  return parts
}

function quoted(text: string): string {
  return text.replaceAll(/["\\]/g, '\\$&')
}

const colon = utf8.encode(':')

/** The standard hashes in Latin-1 what fits into it. */
function plainBytes(text: string): Uint8Array {
  const units = Array.from(text, (character) => character.codePointAt(0) ?? 0)
  return units.every((unit) => unit < LATIN_END) ? Uint8Array.from(units) : utf8.encode(text)
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

function hexText(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
