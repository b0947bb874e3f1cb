// What `Host.http` promises, over Node's HTTP and over the plain network of a virtual host alike.
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { assertDefined } from '../../src/base/assert.ts'
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
    const bench = new Bench()
    beforeEach(async () => bench.begin(await make()))
    afterEach(() => bench.made.dispose())
    exchanges(bench)
    refusals(bench)
    addresses(bench)
  })
}

class Bench {
  private current: HostUnderTest | undefined

  begin(made: HostUnderTest): void {
    this.current = made
  }

  get made(): HostUnderTest {
    return assertDefined(this.current, 'a test has begun')
  }

  get host(): Host {
    return this.made.host
  }

  readonly inside = (title: string, body: () => Promise<void>): void => {
    test(title, () => this.made.within(body))
  }

  readonly serving = async (answer: (request: HttpRequest) => Promise<HttpReply>, bodyBytesMax = 100_000) =>
    await this.host.http.serve(await this.made.freshAddress(), answer, bodyBytesMax)
}

/** Requests that are answered. */
function exchanges(bench: Bench): void {
  const { inside, serving } = bench

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
    const got = await bench.host.http.request(server.address, request, limits)
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
    const slow = bench.host.http.request(server.address, get('/slow'), limits)
    const quick = await Promise.all(
      [1, 2, 3].map((n) => bench.host.http.request(server.address, get(`/${n}`), limits)),
    )
    gate.resolve()
    expect(quick.map(({ body }) => text(body))).toEqual(['/1', '/2', '/3'])
    expect(text((await slow).body)).toBe('/slow')
    server.stop()
  })

  inside('an answerer that fails is a 500 for its caller, and the next request is served', async () => {
    const server = await serving(async ({ path }) => {
      if (path === '/bad') throw new Error('broken')
      return reply('fine')
    })
    expect((await bench.host.http.request(server.address, get('/bad'), limits)).status).toBe(500)
    expect(text((await bench.host.http.request(server.address, get('/'), limits)).body)).toBe('fine')
    server.stop()
  })

  inside('a large body arrives whole', async () => {
    const server = await serving(async ({ body }) => ({ status: 200, headers: {}, body }), 1_000_000)
    const body = Uint8Array.from({ length: 700_001 }, (_, index) => (index * 31) % 251)
    const got = await bench.host.http.request(server.address, { ...get('/'), method: 'POST', body }, limits)
    server.stop()
    expect(Buffer.compare(got.body, body)).toBe(0)
  })
}

/** Requests that are not: too long, nobody there, too late, no longer wanted. */
function refusals(bench: Bench): void {
  const { inside, serving } = bench

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
    const fits = await bench.host.http.request(server.address, post(1_000), limits)
    const over = await bench.host.http.request(server.address, post(1_001), limits)
    server.stop()
    expect([fits.status, over.status, asked]).toEqual([200, 413, 1])
  })

  inside('a reply that is too long is refused', async () => {
    const server = await serving(async () => reply('x'.repeat(2_000)))
    const asked = bench.host.http.request(server.address, get('/'), { ...limits, bodyBytesMax: 1_999 })
    await expect(asked).rejects.toSatisfy((error) => hasCode(error, 'REQUEST_TOO_LARGE'))
    const fits = await bench.host.http.request(server.address, get('/'), { ...limits, bodyBytesMax: 2_000 })
    expect(fits.body).toHaveLength(2_000)
    server.stop()
  })

  inside('nobody there: CONNECT_FAILED, and nothing was sent', async () => {
    const asked = bench.host.http.request(await bench.made.freshAddress(), get('/'), limits)
    await expect(asked).rejects.toMatchObject({ code: 'CONNECT_FAILED', details: { outcome: 'none' } })
  })

  inside('no reply in time: OPERATION_TIMED_OUT, and the outcome is not known', async () => {
    const gate = deferred()
    const server = await serving(async () => {
      await gate.promise
      return reply('late')
    })
    const asked = bench.host.http.request(server.address, get('/'), { ...limits, timeoutMs: 50 })
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
    const asked = bench.host.http.request(server.address, get('/'), { ...limits, signal: stop.signal })
    bench.host.timers.after(20, () => stop.abort(new Error('enough')))
    await expect(asked).rejects.toThrow('enough')
    const again = bench.host.http.request(server.address, get('/'), { ...limits, signal: stop.signal })
    await expect(again).rejects.toThrow('enough')
    gate.resolve()
    server.stop()
  })
}

/** Where one serves. */
function addresses(bench: Bench): void {
  const { inside } = bench

  inside('an address serves once, and again when it was stopped', async () => {
    const address = await bench.made.freshAddress()
    const first = await bench.host.http.serve(address, async () => reply('first'), 1_000)
    await expect(bench.host.http.serve(address, async () => reply('other'), 1_000)).rejects.toSatisfy(
      (error) => hasCode(error, 'PORT_IN_USE'),
    )
    first.stop()
    const second = await bench.host.http.serve(address, async () => reply('second'), 1_000)
    expect(text((await bench.host.http.request(address, get('/'), limits)).body)).toBe('second')
    second.stop()
  })

  inside('port 0 is any free one, and the server says which', async () => {
    const name = (await bench.made.freshAddress()).split(':')[0] ?? ''
    const left = await bench.host.http.serve(`${name}:0`, async () => reply('left'), 1_000)
    const right = await bench.host.http.serve(`${name}:0`, async () => reply('right'), 1_000)
    expect(text((await bench.host.http.request(left.address, get('/'), limits)).body)).toBe('left')
    expect(text((await bench.host.http.request(right.address, get('/'), limits)).body)).toBe('right')
    left.stop()
    right.stop()
  })
}
