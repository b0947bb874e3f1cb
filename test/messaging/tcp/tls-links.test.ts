// Goal: links over mutual TLS work as over TCP, and who cannot show a certificate of the authority gets no
// further than the handshake. Method: certificates made by openssl; offices of two workers on loopback.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Connection, Net } from '../../../src/host/host.ts'
import { createTlsNet } from '../../../src/host/node-tls.ts'
import { type Certificates, makeCertificates } from '../../servers/certificates.ts'
import { FaultProxy } from '../../servers/fault-proxy.ts'
import { expected } from '../office-world.ts'
import { freshAddresses, until, Workers } from './real-offices.ts'

const hasOpenssl = spawnSync('openssl', ['version']).status === 0
if (!hasOpenssl) console.warn('skipped: links over TLS, because there is no openssl to make certificates')

interface Identity {
  readonly net: Net
  readonly paths: Certificates
}

describe.skipIf(!hasOpenssl)('over TLS', () => {
  let workers = new Workers()
  let folder = ''
  let ours: Identity
  let theirs: Identity

  function identity(name: string): Identity {
    const paths = makeCertificates(join(folder, name))
    const [cert, key, ca] = [paths.serverCertificate, paths.serverKey, paths.ca].map((path) =>
      readFileSync(path, 'utf8'),
    )
    return { net: createTlsNet({ cert: cert ?? '', key: key ?? '', ca: ca ?? '' }), paths }
  }

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'typhoon-tls-'))
    ours = identity('ours')
    theirs = identity('theirs')
  })
  afterAll(() => rmSync(folder, { recursive: true }))
  beforeEach(() => {
    workers = new Workers()
  })
  afterEach(async () => await workers.close())

  test('everything arrives in order, through resets', async () => {
    const [one = '', two = ''] = await freshAddresses(2)
    const proxy = await FaultProxy.start(two)
    workers.atEnd(() => proxy.stop())
    const peers = [
      { worker: 1, address: one },
      { worker: 2, address: proxy.address },
    ]
    const a = await workers.start(1, { peers, net: ours.net })
    const b = await workers.start(2, { peers, listenAt: two, net: ours.net })
    for (let n = 0; n < 10_000; n += 1) {
      a.send(201, n, 'some text')
      if (n % 100 === 0) await new Promise((resolve) => setImmediate(resolve))
      if (n === 3_000 || n === 6_000) proxy.reset()
    }
    await until('everything acknowledged', () => a.office.isQuiet)
    expect(b.arrived).toEqual(expected(201, 10_000))
    expect([a.losses, b.losses, b.errors]).toEqual([[], [], []])
  })

  test('nobody gets in with another certificate, none, or no TLS at all', async () => {
    const [address = ''] = await freshAddresses(1)
    let connections = 0
    const open = await ours.net.listen(address, () => {
      connections += 1
    })
    workers.atEnd(() => open.stop())
    const other = theirs.net.connect(address, () => undefined)
    await closed(other)
    const [host, port] = address.split(':')
    const target = { host, port: Number(port) }
    const without = connectTls({ ...target, rejectUnauthorized: false })
    await ended(without)
    const plain = connect(target)
    plain.write('GET / HTTP/1.1\r\n\r\n')
    await ended(plain)
    expect(connections).toBe(0)
    let isOpen = false
    const right = ours.net.connect(address, () => {
      isOpen = true
    })
    await until('a connection of our own', () => isOpen && connections === 1)
    right.close()
  })

  test('a listener with another certificate is not spoken to', async () => {
    const [address = ''] = await freshAddresses(1)
    const open = await theirs.net.listen(address, () => undefined)
    workers.atEnd(() => open.stop())
    let isOpen = false
    const why = await closed(
      ours.net.connect(address, () => {
        isOpen = true
      }),
    )
    expect(isOpen).toBe(false)
    expect(why).toMatchObject({ code: 'CONNECT_FAILED' })
  })

  test('a wrong address, and keys that are none, are told like everywhere', async () => {
    expect(await closed(ours.net.connect('nowhere', () => undefined))).toMatchObject({
      code: 'CONNECT_FAILED',
    })
    expect(() => createTlsNet({ cert: 'x', key: 'y', ca: 'z' })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID_VALUE' }),
    )
  })
})

async function ended(socket: Socket): Promise<void> {
  let isEnded = false
  socket
    .on('error', () => undefined)
    .once('close', () => {
      isEnded = true
    })
  try {
    await until('the end of a stranger', () => isEnded)
  } finally {
    socket.destroy()
  }
}

async function closed(connection: Connection): Promise<unknown> {
  let why: unknown
  let isClosed = false
  connection.onClose = (error) => {
    why = error
    isClosed = true
  }
  await until('the end of the connection', () => isClosed)
  return why
}
