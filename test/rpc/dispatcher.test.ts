// The API without a network: every call there and back, who may do what, what is refused, and how.
import { describe, expect, test } from 'vitest'
import { ConflictError, FormatError, UnavailableError, UsageError } from '../../src/base/errors.ts'
import type { NimbusApi } from '../../src/rpc/nimbus-api.ts'
import { statusesOf } from '../../src/rpc/openapi.ts'
import { errorOf } from '../../src/rpc/problem.ts'
import { replyOf, requestOf } from '../../src/rpc/route-call.ts'
import { nimbusRoutes } from '../../src/rpc/routes/nimbus-routes.ts'
import type { Route } from '../../src/rpc/routes/route.ts'
import { Tokens } from '../../src/rpc/tokens.ts'
import { host, isAllowed, jsonOf, makeApi, makeTokens, requestFor, tokenOf } from './api-world.ts'
import { digestA, sampleCalls } from './sample-calls.ts'

type Loose = Route<NimbusApi, readonly unknown[], unknown>
const calls = Object.keys(nimbusRoutes) as (keyof NimbusApi)[]
const loose = (name: keyof NimbusApi): Loose => nimbusRoutes[name] as unknown as Loose

describe('every call there and back', () => {
  test.each(calls)('%s', async (name) => {
    const { nimbus, dispatcher, bugs } = makeApi()
    nimbus.stored.set(digestA, Uint8Array.of(1, 2, 3))
    const args = sampleCalls[name]
    const reply = await dispatcher.dispatch(requestOf(loose(name), args, undefined))
    expect([reply.status, bugs]).toEqual([loose(name).status, []])
    const value = replyOf(loose(name), reply, 'here')
    const { nimbus: plain } = makeApi()
    plain.stored.set(digestA, Uint8Array.of(1, 2, 3))
    const direct = plain[name] as unknown as (...all: readonly unknown[]) => Promise<unknown>
    // Undefined members are left out on the way, so they are not compared.
    expect(value).toEqual(await direct({ name: 'local', roles: ['admin'] }, ...args))
    expect(nimbus.asked).toEqual(plain.asked)
  })
})

describe('who may', () => {
  const roles = ['reader', 'operator', 'admin', 'daemon', 'nobody']
  const tokens = makeTokens(...roles.map((role) => `${role}:${role}`))
  const rules = { roles: {}, admins: [] }

  test.each(roles)('%s calls exactly what its role allows', async (role) => {
    for (const name of calls) {
      const { nimbus, dispatcher } = makeApi(tokens)
      nimbus.stored.set(digestA, Uint8Array.of(1, 2, 3))
      const route = loose(name)
      const reply = await dispatcher.dispatch(requestOf(route, sampleCalls[name], tokenOf(role)))
      const isIn = isAllowed({ name: role, roles: [role] }, route.action, rules)
      expect([name, reply.status]).toEqual([name, isIn ? route.status : 403])
      expect(nimbus.asked.length).toBe(isIn ? 1 : 0)
    }
  })

  test('a table of it, so that a change is seen', () => {
    const table = calls.map((name) => `${name} ${loose(name).action}`)
    expect(table.filter((line) => !line.endsWith(' look'))).toEqual([
      'submit submit',
      'preview submit',
      'activate operate',
      'deactivate operate',
      'kill operate',
      'rebalance operate',
      'deadLetters operate',
      'setLogLevel operate',
      'drain operate',
      'undrain operate',
      'heartbeat beat',
      'readBlob blobs',
      'writeBlob blobs',
      'deleteBlob blobs',
    ])
  })

  test('without a token, with a wrong one, with a digest as a token: nobody, on any path', async () => {
    const { nimbus, dispatcher } = makeApi(tokens)
    const digest = Buffer.from(host.digest('sha256', Buffer.from(tokenOf('admin')))).toString('hex')
    const shown = [
      '',
      'Bearer',
      'Bearer ',
      `Bearer ${digest}`,
      `Basic ${tokenOf('admin')}`,
      `Bearer ${tokenOf('admin')}x`,
    ]
    for (const path of [
      '/api/v2/topologies',
      '/api/v2/nothing',
      '/',
      '/api/v2/openapi.json',
      '/api/v2/%2e%2e',
    ]) {
      for (const authorization of shown) {
        const reply = await dispatcher.dispatch(requestFor('GET', path, undefined, { authorization }))
        expect(reply.status).toBe(401)
        expect(reply.headers['www-authenticate']).toBe('Bearer')
      }
    }
    expect(nimbus.asked).toEqual([])
  })

  test('a tokens file with a wrong line is refused by its number, without its text', () => {
    const parse = (text: string) => () => Tokens.parse(text, 'tokens', host)
    expect(parse(`# names\n\nalice:admin:${digestA}`)).not.toThrow()
    for (const line of ['alice:admin', `alice::${digestA}`, 'alice:admin:topsecret']) {
      expect(parse(`# names\n${line}`)).toThrow(
        /^tokens:2 is not name:roles:digest, with a SHA-256 in hexadecimal$/,
      )
    }
  })

  test('health is told to everybody', async () => {
    const { dispatcher } = makeApi(tokens)
    expect((await dispatcher.dispatch(requestFor('GET', '/livez'))).status).toBe(200)
    expect((await dispatcher.dispatch(requestFor('GET', '/readyz'))).status).toBe(200)
  })

  test('a page of another site gets nothing out of a browser on this machine', async () => {
    const { nimbus, dispatcher } = makeApi()
    const ask = (headers: Readonly<Record<string, string>>) =>
      dispatcher.dispatch(requestFor('GET', '/api/v2/topologies', undefined, headers))
    expect((await ask({ host: 'evil.example:6627' })).status).toBe(400)
    expect((await ask({ host: '127.0.0.1:6627', origin: 'http://evil.example' })).status).toBe(403)
    expect((await ask({ host: '127.0.0.1:6627', origin: 'null' })).status).toBe(403)
    expect(nimbus.asked).toEqual([])
    expect((await ask({ host: 'localhost:6627', origin: 'http://localhost:6627' })).status).toBe(200)
  })
})

describe('what is refused', () => {
  const problemOf = async (method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown) => {
    const reply = await makeApi().dispatcher.dispatch(requestFor(method, path, body))
    expect(reply.headers['content-type']).toBe('application/problem+json')
    return jsonOf(reply)
  }

  test('an unknown path, with the nearest', async () => {
    expect(await problemOf('GET', '/api/v2/topologes')).toMatchObject({
      status: 404,
      code: 'REQUEST_INVALID',
      detail: 'there is no such path; did you mean /api/v2/topologies?',
    })
  })

  test('a method of another path', async () => {
    expect(await problemOf('DELETE', '/api/v2/cluster')).toMatchObject({ status: 405 })
  })

  test('an unknown field, a wrong type, a name twice', async () => {
    const kill = (body: unknown) => problemOf('POST', '/api/v2/topologies/word-count/kill', body)
    expect(await kill({ drainMs: 'soon' })).toMatchObject({
      status: 400,
      detail: expect.stringContaining('drainMs'),
    })
    expect(await kill({ drain: 5 })).toMatchObject({ status: 400 })
    expect(await kill({ drainMs: -1 })).toMatchObject({ status: 400 })
    expect(await problemOf('GET', '/api/v2/events?wait=1&wait=2')).toMatchObject({ status: 400 })
    expect(await problemOf('GET', '/api/v2/events?wait=999999')).toMatchObject({ status: 400 })
  })

  test('names of prototypes, deep nesting, bytes that are no text', async () => {
    const { dispatcher } = makeApi()
    const send = async (text: string | Uint8Array) => {
      const body = typeof text === 'string' ? new TextEncoder().encode(text) : text
      const headers = { 'content-type': 'application/json' }
      return await dispatcher.dispatch({ method: 'POST', path: '/api/v2/topologies', headers, body })
    }
    expect((await send('{"args":{"__proto__":{"isAdmin":true}}}')).status).toBe(400)
    expect((await send(`${'['.repeat(100_000)}${']'.repeat(100_000)}`)).status).toBe(400)
    expect((await send(Uint8Array.of(0x22, 0xff, 0x22))).status).toBe(400)
    expect((await send('{')).status).toBe(400)
    expect((await send(`"${'x'.repeat(1_100_000)}"`)).status).toBe(413)
    expect(Object.hasOwn(Object.prototype, 'isAdmin')).toBe(false)
  })

  test('a body of another type', async () => {
    const request = {
      ...requestFor('POST', '/api/v2/topologies', {}),
      headers: { 'content-type': 'text/plain' },
    }
    expect((await makeApi().dispatcher.dispatch(request)).status).toBe(415)
  })
})

describe('errors of Nimbus', () => {
  const cases: readonly (readonly [unknown, number])[] = [
    [new ConflictError('TOPOLOGY_NAME_TAKEN', 'taken', { name: 'x' }), 409],
    [new UsageError('NODE_UNKNOWN', 'no node'), 404],
    [new FormatError('BUNDLE_INVALID', 'another digest'), 422],
    [new UnavailableError('COORDINATOR_UNAVAILABLE', 'away', { outcome: 'unknown' }), 503],
    [new UnavailableError('NIMBUS_NOT_LEADER', 'standby', { leader: 'n:1' }), 421],
    [new UnavailableError('NIMBUS_NOT_LEADER', 'standby'), 503],
    [new UnavailableError('OPERATION_TIMED_OUT', 'late'), 504],
  ]

  test.each(cases)('%s comes out as the same error', async (error, status) => {
    const { nimbus, dispatcher } = makeApi()
    nimbus.failures.push(error)
    const reply = await dispatcher.dispatch(requestFor('GET', '/api/v2/nodes'))
    expect(reply.status).toBe(status)
    const { code, family, message, details } = error as UsageError
    expect(errorOf(reply, 'there')).toMatchObject({ code, family, message, details })
  })

  test('a bug is told to whoever serves, and not to the caller', async () => {
    const { nimbus, dispatcher, bugs } = makeApi()
    nimbus.failures.push(new TypeError('secret of ours'))
    const reply = await dispatcher.dispatch(requestFor('GET', '/api/v2/nodes'))
    expect([reply.status, bugs.length]).toEqual([500, 1])
    expect(new TextDecoder().decode(reply.body)).not.toContain('secret')
  })

  test('a call that never ends is answered', async () => {
    const { nimbus, dispatcher } = makeApi(undefined, 20)
    nimbus.nodes = () => new Promise(() => undefined)
    const reply = await dispatcher.dispatch(requestFor('GET', '/api/v2/nodes'))
    expect(jsonOf(reply)).toMatchObject({ status: 504, code: 'OPERATION_TIMED_OUT' })
  })
})

describe('the description', () => {
  test('has every route, its parameters, bodies and statuses', async () => {
    const reply = await makeApi().dispatcher.dispatch(requestFor('GET', '/api/v2/openapi.json'))
    const page = jsonOf(reply) as {
      readonly openapi: string
      readonly paths: Record<string, Record<string, Record<string, unknown>>>
    }
    expect(page.openapi).toBe('3.1.0')
    const operations = Object.values(page.paths).flatMap((path) => Object.values(path))
    expect(operations.map(({ operationId }) => operationId).sort()).toEqual([...calls].sort())
    for (const [path, methods] of Object.entries(page.paths)) {
      const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
      for (const operation of Object.values(methods)) {
        const parameters = operation['parameters'] as readonly {
          readonly name: string
          readonly in: string
        }[]
        expect(parameters.filter((each) => each.in === 'path').map(({ name }) => name)).toEqual(names)
        const route = loose(operation['operationId'] as keyof NimbusApi)
        expect(Object.keys(operation['responses'] as object).map(Number)).toEqual(statusesOf(route))
        expect('requestBody' in operation).toBe(route.takes !== 'nothing')
      }
    }
    expect(JSON.stringify(page)).toContain('"$ref":"#/components/schemas/Problem"')
  })
})
