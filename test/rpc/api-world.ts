// A dispatcher over a fake Nimbus, and requests of it as text.

import type { HttpReply, HttpRequest } from '../../src/host/host.ts'
import { createNodeHost } from '../../src/host/node-host.ts'
import { isAllowed, permit } from '../../src/nimbus/permissions.ts'
import { Dispatcher } from '../../src/rpc/dispatcher.ts'
import type { NimbusApi } from '../../src/rpc/nimbus-api.ts'
import { nimbusRoutes } from '../../src/rpc/routes/nimbus-routes.ts'
import { Tokens } from '../../src/rpc/tokens.ts'
import { FakeNimbus } from './fake-nimbus.ts'

export { isAllowed }

export const host = createNodeHost()

export const tokenOf = (name: string) => `secret-of-${name}-0123456789`

/** Lines of a tokens file: `alice:admin`. */
export function makeTokens(...lines: readonly string[]): Tokens {
  const text = lines.map((line) => {
    const [name = ''] = line.split(':')
    const digest = host.digest('sha256', new TextEncoder().encode(tokenOf(name)))
    return `${line}:${Buffer.from(digest).toString('hex')}`
  })
  return Tokens.parse(text.join('\n'), 'tokens', host)
}

export interface ApiWorld {
  readonly nimbus: FakeNimbus
  readonly dispatcher: Dispatcher<NimbusApi>
  readonly bugs: unknown[]
}

export function makeApi(tokens?: Tokens, callMs = 5_000): ApiWorld {
  const nimbus = new FakeNimbus()
  const bugs: unknown[] = []
  const rules = { roles: {}, admins: [] }
  const dispatcher = new Dispatcher<NimbusApi>({
    api: nimbus,
    routes: nimbusRoutes,
    title: 'Typhoon Nimbus',
    version: '0.1.0',
    tokens,
    permit: (caller, action) => permit(caller, action, rules),
    notReady: () => [],
    timers: host.timers,
    callMs,
    onBug: (error) => bugs.push(error),
  })
  return { nimbus, dispatcher, bugs }
}

export function requestFor(
  method: HttpRequest['method'],
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): HttpRequest {
  const bytes = new TextEncoder().encode(body === undefined ? '' : JSON.stringify(body))
  const type: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' }
  return { method, path, headers: { ...type, ...headers }, body: bytes }
}

export const jsonOf = (reply: HttpReply): unknown => JSON.parse(new TextDecoder().decode(reply.body))
