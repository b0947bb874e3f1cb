/** Boards of daemons: over ZooKeeper as configured, or over an ensemble in the memory of this process. */

import { UsageError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { BoardPart } from '../../cluster/board.ts'
import { ClusterBoard } from '../../cluster/cluster-board.ts'
import type { ClusterConfig } from '../../config/cluster-config.ts'
import type { Acl, Coordinator } from '../../coordinate/coordinator.ts'
import { MemoryEnsemble } from '../../coordinate/memory/memory-ensemble.ts'
import { createZooKeeperCoordinator } from '../../coordinate/zookeeper/zookeeper-coordinator.ts'
import type { Host } from '../../host/host.ts'
import type { Shell } from '../shell.ts'

export interface BoardFor {
  readonly host: Host
  readonly log: Logger
  /** Of the daemon, for faults and logs. */
  readonly name: string
  readonly parts: readonly BoardPart[]
}

/** Makes boards of one cluster; not opened yet. */
export type MakeBoard = (spec: BoardFor) => ClusterBoard

export const allParts: readonly BoardPart[] = [
  'epoch',
  'topologies',
  'assignments',
  'supervisors',
  'nodes',
  'nimbuses',
  'names',
]

const ROOT = '/typhoon'
const SESSION_MS = 6_000
const CONNECT_MS = 5_000
const CALL_MS = 10_000
const RETRY_FIRST_MS = 200
const RETRY_MAX_MS = 5_000

/** @throws UsageError SECRET_FILE_UNREADABLE, CONFIG_CONTRADICTION */
export function zooKeeperBoards(shell: Shell, config: ClusterConfig): MakeBoard {
  const port = config['storm.zookeeper.port'] ?? 2181
  const hosts = config['storm.zookeeper.servers'] ?? ['localhost']
  const servers = hosts.map((each) => (/:\d+$/.test(each) ? each : `${each}:${port}`)).join(',')
  const credentials = credentialsOf(shell, config)
  return ({ host, log, parts }) =>
    boardOver(host, log, config, parts, () =>
      createZooKeeperCoordinator({
        host,
        log,
        servers,
        sessionTimeoutMs: config['storm.zookeeper.session.timeout'] ?? SESSION_MS,
        connectTimeoutMs: config['storm.zookeeper.connection.timeout'] ?? CONNECT_MS,
        callTimeoutMs: CALL_MS,
        retryFirstMs: config['storm.zookeeper.retry.interval'] ?? RETRY_FIRST_MS,
        retryMaxMs: config['storm.zookeeper.retry.intervalceiling.millis'] ?? RETRY_MAX_MS,
        ...credentials,
      }),
    )
}

/** An ensemble that lives and dies with this process. */
export function memoryBoards(ensembleHost: Host, config: ClusterConfig): MakeBoard {
  const ensemble = new MemoryEnsemble({ host: ensembleHost })
  const sessionTimeoutMs = config['storm.zookeeper.session.timeout'] ?? SESSION_MS
  return ({ host, log, name, parts }) =>
    boardOver(host, log, config, parts, () => ensemble.connect({ host, name, sessionTimeoutMs }))
}

function boardOver(
  host: Host,
  log: Logger,
  config: ClusterConfig,
  parts: readonly BoardPart[],
  makeCoordinator: () => Coordinator,
): ClusterBoard {
  return new ClusterBoard({ host, log, parts, makeCoordinator, root: config['storm.zookeeper.root'] ?? ROOT })
}

/** With a user, everything that is made belongs to him, and nobody else may even read it. */
function credentialsOf(shell: Shell, config: ClusterConfig) {
  const user = config['storm.zookeeper.auth.user']
  const file = config['storm.zookeeper.auth.password.file']
  if (typeof user !== 'string') return {}
  if (typeof file !== 'string') {
    const message = 'storm.zookeeper.auth.user is set without storm.zookeeper.auth.password.file'
    throw new UsageError('CONFIG_CONTRADICTION', message)
  }
  const password = shell.machine.readText(shell.files.resolve(shell.terminal.directory, file))?.trim()
  if (password === undefined) {
    throw new UsageError('SECRET_FILE_UNREADABLE', `there is no file ${file}`, { file })
  }
  const own: Acl = {
    scheme: 'auth',
    id: '',
    permissions: ['read', 'write', 'create', 'delete', 'admin'],
  }
  return { auth: { scheme: 'digest' as const, user, password }, createAcl: [own] }
}
