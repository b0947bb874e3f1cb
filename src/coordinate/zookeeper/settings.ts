/** What a coordinator on ZooKeeper is made from, in the caller's form and compiled. */
import type { Logger } from '../../base/log.ts'
import type { Host } from '../../host/host.ts'
import type { Acl } from '../coordinator.ts'
import { rootOf } from './node-path.ts'
import { parseServers } from './session/server-round.ts'

export interface ZooKeeperSpec {
  /** Its `net` reaches the servers: by TLS if it is a net with TLS. */
  readonly host: Host
  /** `host:port,host:port,…`; without a port 2181. */
  readonly servers: string
  /** All paths are below it. What is missing of it is made with the first connection. */
  readonly chroot?: string
  /** What is asked for; servers keep it between 2 and 20 of their ticks. */
  readonly sessionTimeoutMs: number
  /** Of one server, its hello included; never longer than the session's length divided by the servers. */
  readonly connectTimeoutMs: number
  /** Of every call. */
  readonly callTimeoutMs: number
  /** Wait after all servers failed once, before spreading by chance; doubled each time up to the next. */
  readonly retryFirstMs: number
  readonly retryMaxMs: number
  readonly auth?: { readonly scheme: 'digest'; readonly user: string; readonly password: string }
  /** Login by DIGEST-MD5 on every connection, before anything else. */
  readonly sasl?: { readonly user: string; readonly password: string }
  /** Of nodes made without a list of their own. Default: open to all. */
  readonly createAcl?: readonly Acl[]
  readonly log: Logger
}

/** Compiled once. */
export interface ZooKeeperSettings extends Omit<ZooKeeperSpec, 'servers' | 'chroot' | 'createAcl'> {
  readonly servers: readonly string[]
  /** Empty, or an absolute path without a slash at its end. */
  readonly root: string
  readonly createAcl: readonly Acl[]
}

export const openAcl: readonly Acl[] = [
  { scheme: 'world', id: 'anyone', permissions: ['read', 'write', 'create', 'delete', 'admin'] },
]

/** @throws UsageError CONFIG_INVALID_VALUE */
export function compileSettings(spec: ZooKeeperSpec): ZooKeeperSettings {
  return {
    ...spec,
    servers: parseServers(spec.servers),
    root: rootOf(spec.chroot),
    createAcl: spec.createAcl ?? openAcl,
  }
}
