// What `Host.http` promises, over Node's HTTP and over the plain network of a virtual host alike.
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { deferred } from '../../src/base/deferred.ts'
import { hasCode } from '../../src/base/errors.ts'
import type { Host, HttpLimits, HttpReply, HttpRequest } from '../../src/host/host.ts'
import type { HostUnderTest } from './host.contract.ts'

const limits: HttpLimits = { timeoutMs: 5_000, bodyBytesMax: 1_000_000 }
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
const bytes = (words: string) => new TextEncoder().encode(words)
const get = (path: string): HttpRequest => ({ method: 'GET', path, headers: {}, body: new Uint8Array() })
const reply = (body: string, status = 200): HttpReply => ({ status, headers: {}, body: bytes(body) })

export function httpContract(name: string, make: () => Promise<HostUnderTest>): void {
  describe(`http of ${name}`, () => {
    let made: HostUnderTest
    let host: Host
    beforeEach(async () => {
      made = await make()
      host = made.host
    })
    afterEach(() => made.dispose())
    const inside = (title: string, body: () => Promise<void>) => test(title, () => made.within(body))

    const serving = async (answer: (request: HttpRequest) => Promise<HttpReply>, bodyBytesMax = 100_000) =>
      await host.http.serve(await made.freshAddress(), answer, bodyBytesMax)

    inside('method, path, headers and body arrive; status, headers and body come back', async () => {
      const seen: HttpRequest[] = []
      const server = await serving(async (request) => {
        seen.push(request)
        return { status: 418, headers: { 'x-pot': 'tea' }, body: Uint8Array.of(0, 255, 10) }
      })
      const request: HttpRequest = {
        method: 'PUT',
        path: '/a/b?c=d%20e',
        headers: { 'x-from': 'me' },
        body: Uint8Array.of(1, 0, 254),
      }
      const got = await host.http.request(server.address, request, limits)
      server.stop()
      expect(seen[0]).toMatchObject({ method: 'PUT', path: '/a/b?c=d%20e' })
      expect(seen[0]?.headers['x-from']).toBe('me')
      expect([...(seen[0]?.body ?? [])]).toEqual([1, 0, 254])
      expect(got.status).toBe(418)
      expect(got.headers['x-pot']).toBe('tea')
      expect([...got.body]).toEqual([0, 255, 10])
    })

    inside('requests at the same time do not wait for each other', async () => {
      const gate = deferred()
      const server = await serving(async ({ path }) => {
        if (path === '/slow') await gate.promise
        return reply(path)
      })
      const slow = host.http.request(server.address, get('/slow'), limits)
      const quick = await Promise.all(
        [1, 2, 3].map((n) => host.http.request(server.address, get(`/${n}`), limits)),
      )
      gate.resolve()
      expect(quick.map(({ body }) => text(body))).toEqual(['/1', '/2', '/3'])
      expect(text((await slow).body)).toBe('/slow')
      server.stop()
    })

    inside('a body that is too long is refused with 413, and its answerer never asked', async () => {
      let asked = 0
      const server = await serving(async () => {
        asked += 1
        return reply('')
      }, 1_000)
      const post = (size: number): HttpRequest => ({
        ...get('/'),
        method: 'POST',
        body: new Uint8Array(size),
      })
      const fits = await host.http.request(server.address, post(1_000), limits)
      const over = await host.http.request(server.address, post(1_001), limits)
      server.stop()
      expect([fits.status, over.status, asked]).toEqual([200, 413, 1])
    })

    inside('a reply that is too long is refused', async () => {
      const server = await serving(async () => reply('x'.repeat(2_000)))
      const asked = host.http.request(server.address, get('/'), { ...limits, bodyBytesMax: 1_999 })
      await expect(asked).rejects.toSatisfy((error) => hasCode(error, 'REQUEST_TOO_LARGE'))
      const fits = await host.http.request(server.address, get('/'), { ...limits, bodyBytesMax: 2_000 })
      expect(fits.body).toHaveLength(2_000)
      server.stop()
    })

    inside('nobody there: CONNECT_FAILED, and nothing was sent', async () => {
      const asked = host.http.request(await made.freshAddress(), get('/'), limits)
      await expect(asked).rejects.toMatchObject({ code: 'CONNECT_FAILED', details: { outcome: 'none' } })
    })

    inside('no reply in time: OPERATION_TIMED_OUT, and the outcome is not known', async () => {
      const gate = deferred()
      const server = await serving(async () => {
        await gate.promise
        return reply('late')
      })
      const asked = host.http.request(server.address, get('/'), { ...limits, timeoutMs: 50 })
      await expect(asked).rejects.toMatchObject({
        code: 'OPERATION_TIMED_OUT',
        details: { outcome: 'unknown' },
      })
      gate.resolve()
      server.stop()
    })

    inside('an aborted request ends with the reason of its signal', async () => {
      const gate = deferred()
      const server = await serving(async () => {
        await gate.promise
        return reply('late')
      })
      const stop = new AbortController()
      const asked = host.http.request(server.address, get('/'), { ...limits, signal: stop.signal })
      host.timers.after(20, () => stop.abort(new Error('enough')))
      await expect(asked).rejects.toThrow('enough')
      const again = host.http.request(server.address, get('/'), { ...limits, signal: stop.signal })
      await expect(again).rejects.toThrow('enough')
      gate.resolve()
      server.stop()
    })

    inside('an answerer that fails is a 500 for its caller, and the next request is served', async () => {
      const server = await serving(async ({ path }) => {
        if (path === '/bad') throw new Error('broken')
        return reply('fine')
      })
      expect((await host.http.request(server.address, get('/bad'), limits)).status).toBe(500)
      expect(text((await host.http.request(server.address, get('/'), limits)).body)).toBe('fine')
      server.stop()
    })

    inside('an address serves once, and again when it was stopped', async () => {
      const address = await made.freshAddress()
      const first = await host.http.serve(address, async () => reply('first'), 1_000)
      await expect(host.http.serve(address, async () => reply('other'), 1_000)).rejects.toSatisfy((error) =>
        hasCode(error, 'PORT_IN_USE'),
      )
      first.stop()
      const second = await host.http.serve(address, async () => reply('second'), 1_000)
      expect(text((await host.http.request(address, get('/'), limits)).body)).toBe('second')
      second.stop()
    })

    inside('port 0 is any free one, and the server says which', async () => {
      const name = (await made.freshAddress()).split(':')[0] ?? ''
      const left = await host.http.serve(`${name}:0`, async () => reply('left'), 1_000)
      const right = await host.http.serve(`${name}:0`, async () => reply('right'), 1_000)
      expect(text((await host.http.request(left.address, get('/'), limits)).body)).toBe('left')
      expect(text((await host.http.request(right.address, get('/'), limits)).body)).toBe('right')
      left.stop()
      right.stop()
    })

    inside('a large body arrives whole', async () => {
      const server = await serving(async ({ body }) => ({ status: 200, headers: {}, body }), 1_000_000)
      const body = Uint8Array.from({ length: 700_001 }, (_, index) => (index * 31) % 251)
      const got = await host.http.request(server.address, { ...get('/'), method: 'POST', body }, limits)
      server.stop()
      expect(Buffer.compare(got.body, body)).toBe(0)
    })
  })
}
