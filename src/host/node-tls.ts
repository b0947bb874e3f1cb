/**
 * The host's network over mutual TLS: both sides show a certificate of the cluster's authority, or there is
 * no connection. Addresses are those of node-net.ts.
 *
 * What a certificate says is not looked at beyond its signature and its time: every worker of the cluster may
 * have the same one, and who may speak for which worker is settled by the handshake of the links. A name is
 * checked only if `serverName` is given.
 *
 * Invariant: bytes of a connection are handed on only after the other side's certificate was verified.
 */
import { createServer, connect as dial, type TLSSocket } from 'node:tls'
import { UsageError } from '../base/errors.ts'
import type { Connection, Net, Stoppable } from './host.ts'
import { BUFFER_BYTES_MAX, KEEP_ALIVE_MS, NodeConnection, reasonOf } from './node-connection.ts'
import { listenAt, peerOf, refusedSocket, tryParseTarget } from './node-net.ts'

/** PEM texts. */
export interface TlsSpec {
  readonly cert: string
  readonly key: string
  /** The authorities that are believed. No others are, not even those of the system. */
  readonly ca: string
  /** The name that a listener's certificate must have. Default: any, as long as an authority signed it. */
  readonly serverName?: string
}

/** A handshake that takes longer is given up: strangers hold no sockets. */
const HANDSHAKE_MS = 5_000

/** @throws UsageError CONFIG_INVALID_VALUE if the texts are no certificate and key that belong together */
export function createTlsNet(spec: TlsSpec): Net {
  const identity = {
    cert: spec.cert,
    key: spec.key,
    ca: spec.ca,
    minVersion: 'TLSv1.3',
    rejectUnauthorized: true,
  } as const
  refuseWrongIdentity(identity)
  return {
    listen(address, onConnection): Promise<Stoppable> {
      const server = createServer({
        ...identity,
        requestCert: true,
        noDelay: true,
        handshakeTimeout: HANDSHAKE_MS,
        highWaterMark: BUFFER_BYTES_MAX,
      })
      server.on('secureConnection', (socket) => onConnection(connectionOf(socket, peerOf(socket))))
      // A stranger whose handshake failed is gone already: nobody else need know.
      server.on('tlsClientError', () => undefined)
      return listenAt(server, address)
    },

    connect(address, onOpen): Connection {
      const target = tryParseTarget(address)
      if (target === undefined) {
        const refused = new NodeConnection(address, refusedSocket())
        refused.watchDial('connect', onOpen, nothing)
        return refused
      }
      const { serverName } = spec
      const socket = dial({
        ...identity,
        ...target,
        ...(serverName === undefined ? { checkServerIdentity: anyName } : { servername: serverName }),
      })
      socket.setNoDelay(true)
      const connection = connectionOf(socket, address)
      connection.watchDial('secureConnect', onOpen, nothing)
      return connection
    },
  }
}

function connectionOf(socket: TLSSocket, peer: string): NodeConnection {
  const connection = new NodeConnection(peer, socket)
  socket.setKeepAlive(true, KEEP_ALIVE_MS)
  socket.on('data', (bytes) => connection.onBytes(bytes))
  return connection
}

function refuseWrongIdentity(identity: Parameters<typeof createServer>[0]): void {
  try {
    createServer(identity ?? {})
  } catch (error) {
    const reason = error instanceof Error ? reasonOf(error) : String(error)
    throw new UsageError('CONFIG_INVALID_VALUE', `TLS certificate and key cannot be used: ${reason}`, {
      reason,
    })
  }
}

/** The authority is private: whatever name it signed is one of ours. */
function anyName(): undefined {
  return undefined
}

function nothing(): void {
  // TLS reads into buffers of its own.
}
