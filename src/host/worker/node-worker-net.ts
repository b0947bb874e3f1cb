/**
 * The network of a worker whose node can be reached from outside: other workers by mutual TLS, its
 * supervisor, which is on this machine, by loopback.
 */
import { readFileSync } from 'node:fs'
import type { Net } from '../host.ts'
import { nodeNet } from '../node-net.ts'
import { createTlsNet } from '../node-tls.ts'

/** Paths of PEM files, as the supervisor gives them to its workers. */
export interface WorkerTlsFiles {
  readonly cert: string
  readonly key: string
  readonly ca: string
}

/** @throws UsageError CONFIG_INVALID_VALUE the files hold no certificate and key that belong together */
export function createWorkerNet(files: WorkerTlsFiles): Net {
  const read = (path: string) => readFileSync(path, 'utf8')
  const secure = createTlsNet({ cert: read(files.cert), key: read(files.key), ca: read(files.ca) })
  return {
    listen: (address, onConnection) => secure.listen(address, onConnection),
    connect: (address, onOpen) => (isHere(address) ? nodeNet : secure).connect(address, onOpen),
  }
}

/** Nobody listens on loopback for workers where there is TLS: only the supervisor does, for its own. */
function isHere(address: string): boolean {
  return address.startsWith('127.0.0.1:')
}
