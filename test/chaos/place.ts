/**
 * Where a real cluster stands: all on loopback, or each node on a machine of its own: a network namespace,
 * with certificates and tokens as a cluster beyond loopback must have them, and a small disk for each daemon.
 */
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Certificates, makeCertificates } from '../servers/certificates.ts'
import { type Machine, Machines, whyNoNamespaces } from '../servers/namespaces.ts'
import { SmallDisk, whyNoSmallDisks } from '../servers/small-disk.ts'

const TOKEN = 'known-to-everybody-in-this-test'
const DISK_MB = 16

/** Why nodes cannot have machines of their own here; undefined: they can. */
export function whyNoMachines(): string | undefined {
  return whyNoNamespaces() ?? whyNoSmallDisks()
}

export class Place {
  /** Where servers and Nimbuses listen. */
  readonly host: string
  readonly machines: Machines | undefined
  private readonly directory: string
  private readonly certificates: Certificates | undefined
  private readonly disks = new Map<string, SmallDisk>()

  constructor(directory: string, nodes: number, hasMachines: boolean) {
    this.directory = directory
    this.machines = hasMachines ? new Machines(nodes) : undefined
    this.host = this.machines?.address ?? '127.0.0.1'
    if (this.machines === undefined) return
    const addresses = [this.host, ...this.machines.all.map(({ address }) => address)]
    this.certificates = makeCertificates(join(directory, 'tls'), addresses)
    const digest = createHash('sha256').update(TOKEN).digest('hex')
    writeFileSync(this.path('tokens'), `all:admin,daemon:${digest}\n`)
    writeFileSync(this.path('own.token'), TOKEN)
  }

  /** What every daemon is told. */
  get settings(): Readonly<Record<string, unknown>> {
    const { certificates } = this
    if (certificates === undefined) return {}
    return {
      'security.tls.cert.file': certificates.serverCertificate,
      'security.tls.key.file': certificates.serverKey,
      'security.tls.ca.file': certificates.ca,
      'security.tokens.file': this.path('tokens'),
      'security.token.file': this.path('own.token'),
    }
  }

  /** What a client is told, to be found under a name. */
  get contextWords(): readonly string[] {
    const { certificates } = this
    if (certificates === undefined) return []
    const { ca, clientCertificate, clientKey } = certificates
    const keys = ['--tls-ca', ca, '--tls-cert', clientCertificate, '--tls-key', clientKey]
    return [...keys, '--token-file', this.path('own.token')]
  }

  machine(index: number): Machine | undefined {
    return this.machines?.all[index]
  }

  /** A disk for a daemon's directory. */
  addDisk(daemon: string, directory: string): void {
    if (this.machines !== undefined) this.disks.set(daemon, new SmallDisk(directory, DISK_MB))
  }

  disk(daemon: string): SmallDisk {
    const disk = this.disks.get(daemon)
    if (disk === undefined) throw new Error(`${daemon} has no disk of its own`)
    return disk
  }

  remove(): void {
    this.machines?.remove()
    for (const disk of this.disks.values()) disk.remove()
  }

  private path(name: string): string {
    return join(this.directory, name)
  }
}
