// Requests over Node on loopback, and over the plain network of virtual hosts under several seeds.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createNodeHost } from '../../src/host/node-host.ts'
import { createNetHttp } from '../../src/host/virtual/net-http.ts'
import { VirtualWorld } from '../../src/host/virtual/virtual-world.ts'
import type { HostUnderTest } from '../contract/host.contract.ts'
import { httpContract } from '../contract/http.contract.ts'
import { makeCertificates } from '../servers/certificates.ts'

async function freshAddress(): Promise<string> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? `127.0.0.1:${address.port}` : ''
}

httpContract('node host', async (): Promise<HostUnderTest> => {
  return { host: createNodeHost(), freshAddress, within: (body) => body(), dispose: async () => undefined }
})

for (const seed of [1, 2, 3]) {
  httpContract(`virtual host, seed ${seed}`, async () => {
    const world = new VirtualWorld({ seed, startAtMs: 1_700_000_000_000 })
    let addressCount = 0
    return {
      host: world.host('a'),
      freshAddress: async () => {
        addressCount += 1
        return `a:${addressCount}`
      },
      within: async (body) => {
        let isOver = false
        const running = body().finally(() => {
          isOver = true
        })
        running.catch(() => undefined)
        const end = await world.run({ while: () => !isOver })
        if (end === 'idle' && !isOver) throw new Error('the test waits for something that never comes')
        await running
      },
      dispose: async () => undefined,
    }
  })
}

const get = { method: 'GET', path: '/', headers: {}, body: new Uint8Array() } as const

test('what is no request ends the connection, and the server goes on', async () => {
  const host = createNodeHost()
  const http = createNetHttp(host.net, host.timers)
  const address = await freshAddress()
  const reply = { status: 204, headers: {}, body: new Uint8Array() }
  const server = await http.serve(address, async () => reply, 1_000)
  const port = Number(address.split(':')[1])
  for (const junk of [
    Buffer.alloc(12, 255),
    Buffer.concat([Buffer.from([0, 0, 0, 2, 0, 0, 0, 0, 1, 2, 3, 4]), Buffer.from('{}')]),
  ]) {
    const socket = connect(port, '127.0.0.1')
    const closed = new Promise((resolve) => socket.on('close', resolve))
    socket.on('error', () => undefined)
    socket.write(junk)
    await closed
  }
  const got = await http.request(address, get, { timeoutMs: 5_000, bodyBytesMax: 10 })
  expect(got.status).toBe(204)
  server.stop()
})

test('over TLS: the server is known by its authority, and so is who calls', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'typhoon-tls-'))
  try {
    const made = makeCertificates(directory)
    const read = (path: string) => readFileSync(path, 'utf8')
    const ca = read(made.ca)
    const own = { ca, cert: read(made.clientCertificate), key: read(made.clientKey) }
    const serverTls = { ca, cert: read(made.serverCertificate), key: read(made.serverKey) }
    const known = createNodeHost({ http: { serverTls, clientTls: own } })
    const unnamed = createNodeHost({ http: { clientTls: { ca } } })
    const distrustful = createNodeHost({ http: { clientTls: {} } })
    const reply = { status: 204, headers: {}, body: new Uint8Array() }
    const server = await known.http.serve('localhost:0', async () => reply, 1_000)
    const ask = (host: typeof known) =>
      host.http.request(server.address, get, { timeoutMs: 5_000, bodyBytesMax: 10 })
    expect((await ask(known)).status).toBe(204)
    for (const host of [unnamed, distrustful, createNodeHost()]) {
      await expect(ask(host)).rejects.toMatchObject({ code: 'CONNECT_FAILED' })
    }
    server.stop()
  } finally {
    rmSync(directory, { recursive: true })
  }
})
