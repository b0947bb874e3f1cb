/** Keys for tests of TLS: an authority, a server that it vouches for, a client that it vouches for. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Paths of PEM files. */
export interface Certificates {
  readonly ca: string
  /** Key and certificate in one file: what Java servers read. For `localhost` and 127.0.0.1. */
  readonly server: string
  readonly serverKey: string
  readonly serverCertificate: string
  readonly clientKey: string
  readonly clientCertificate: string
}

const ecKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
const days = ['-days', '30']

/**
 * Makes them below a directory, in about 0.2 s; the server may also be at the given addresses.
 * @throws Error with what openssl said
 */
export function makeCertificates(directory: string, addresses: readonly string[] = []): Certificates {
  mkdirSync(directory, { recursive: true })
  const path = (name: string) => join(directory, name)
  const openssl = (...args: readonly string[]) => {
    const done = spawnSync('openssl', args, { cwd: directory, encoding: 'utf8' })
    if (done.status !== 0) throw new Error(`openssl ${args[0]}: ${done.stderr}${done.error ?? ''}`)
  }
  const names = ['DNS:localhost', ...['127.0.0.1', ...addresses].map((address) => `IP:${address}`)]
  writeFileSync(path('names.cnf'), `subjectAltName=${names.join(',')}\n`)
  openssl('req', '-x509', ...ecKey, ...days, '-subj', '/CN=tests', '-keyout', 'ca.key', '-out', 'ca.pem')
  for (const name of ['server', 'client']) {
    openssl('req', ...ecKey, '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.csr`)
    const signed = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'names.cnf']
    openssl('x509', '-req', '-in', `${name}.csr`, ...signed, ...days, '-out', `${name}.crt`)
  }
  writeFileSync(
    path('server.pem'),
    readFileSync(path('server.key')) + readFileSync(path('server.crt'), 'utf8'),
  )
  return {
    ca: path('ca.pem'),
    server: path('server.pem'),
    serverKey: path('server.key'),
    serverCertificate: path('server.crt'),
    clientKey: path('client.key'),
    clientCertificate: path('client.crt'),
  }
}
