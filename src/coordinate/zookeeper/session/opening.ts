/**
 * What is said on a new connection before anybody's call: who we are, then that the root must be there.
 * Watches follow, then calls; both are the session's.
 *
 *   hello ─▶ [auth] ─▶ [SASL] ─▶ [root, the first time] ─▶ watches ─▶ calls
 *
 * Each step waits for its answer, so wrong credentials are known before anything else is sent.
 */
import { hexOf } from '../../../base/int64.ts'
import type { Host } from '../../../host/host.ts'
import { partsDown } from '../node-path.ts'
import { answerChallenge, checkServer } from '../protocol/digest-md5.ts'
import type { JuteReader } from '../protocol/jute-reader.ts'
import type { JuteWriter } from '../protocol/jute-writer.ts'
import { Op, writeAuth, writeCreate, writeRead, writeSasl, Xid } from '../protocol/requests.ts'
import { ServerError, serverError } from '../protocol/server-errors.ts'
import type { ZooKeeperSettings } from '../settings.ts'
import type { AnswerReader } from './call.ts'

/** A request that goes before all that wait. */
export interface OpeningRequest<T> {
  /** A fixed number of the protocol; left out: the next. */
  readonly xid?: number
  readonly what: string
  readonly write: (writer: JuteWriter, xid: number) => Uint8Array<ArrayBuffer>
  readonly read: AnswerReader<T>
}

export type Ask = <T>(request: OpeningRequest<T>) => Promise<T>

/** @throws UsageError COORDINATOR_REFUSED; whatever ends the connection */
export async function introduce(ask: Ask, settings: ZooKeeperSettings): Promise<void> {
  const { auth, sasl, host } = settings
  if (auth !== undefined) {
    const secret = new TextEncoder().encode(`${auth.user}:${auth.password}`)
    await ask({
      xid: Xid.auth,
      what: 'login',
      write: (writer) => writeAuth(writer, auth.scheme, secret),
      read: expectOk('login'),
    })
  }
  if (sasl !== undefined) await logIn(ask, sasl, host)
}

async function logIn(ask: Ask, sasl: { readonly user: string; readonly password: string }, host: Host) {
  const say = (token: Uint8Array) =>
    ask({
      what: 'login',
      write: (writer, xid) => writeSasl(writer, xid, token),
      read: (reader, code) => {
        if (code !== ServerError.ok) throw serverError(code, 'login', '/')
        return reader.buffer()
      },
    })
  const challenge = await say(new Uint8Array(0))
  const clientNonce = nonceOf(host)
  const md5 = (bytes: Uint8Array) => host.digest('md5', bytes)
  const answer = answerChallenge(challenge, { ...sasl, service: 'zookeeper', clientNonce, md5 })
  checkServer(await say(answer.token), answer.serverProof)
}

function nonceOf(host: Host): string {
  const words = new Int32Array(4)
  host.random.fill(words)
  const [a = 0, b = 0, c = 0, d = 0] = words
  return hexOf(a, b) + hexOf(c, d)
}

/**
 * Makes what is missing of the root. Looks first: who may use it need not have the right to make it.
 * @throws UsageError COORDINATOR_REFUSED it is missing, and may not be made
 */
export async function makeRoot(ask: Ask, { root, createAcl }: ZooKeeperSettings): Promise<void> {
  if (root === '' || (await isThere(ask, root))) return
  for (const path of partsDown(root)) {
    if (path !== root && (await isThere(ask, path))) continue
    await ask({
      what: `create ${path}`,
      write: (writer, xid) =>
        writeCreate(writer, xid, { path, data: new Uint8Array(0), options: {}, acl: createAcl }),
      read: (_, code) => {
        if (code !== ServerError.ok && code !== ServerError.nodeExists)
          throw serverError(code, `create ${path}`, path)
      },
    })
  }
}

function isThere(ask: Ask, path: string): Promise<boolean> {
  return ask({
    what: `exists ${path}`,
    write: (writer, xid) => writeRead(writer, xid, { operation: Op.exists, path, watches: false }),
    read: (_, code) => {
      // A list that forbids to look is a list of a node that is there.
      if (code === ServerError.ok || code === ServerError.noAuth) return true
      if (code === ServerError.noNode) return false
      throw serverError(code, `exists ${path}`, path)
    },
  })
}

function expectOk(what: string): (reader: JuteReader, code: number) => void {
  return (_, code) => {
    if (code !== ServerError.ok) throw serverError(code, what, '/')
  }
}
