/**
 * A Nimbus in this process: board, blobs, API over fastify.
 *
 *   config ─▶ listeners allowed? ─▶ board open ─▶ API served ─▶ announced, stands for leader ─▶ stop
 */
import { deferred } from '../../base/deferred.ts'
import type { Logger } from '../../base/log.ts'
import { FileBlobStore } from '../../blob/file-blob-store.ts'
import type { Board } from '../../cluster/board.ts'
import type { ClusterConfig } from '../../config/cluster-config.ts'
import type { Host } from '../../host/host.ts'
import { inspectBundle } from '../../host/node-inspect.ts'
import { Nimbus } from '../../nimbus/nimbus.ts'
import { permit } from '../../nimbus/permissions.ts'
import { defaultNimbusSettings, type NimbusSettings } from '../../nimbus/settings.ts'
import type { Inspect } from '../../nimbus/submit/inspect.ts'
import { Dispatcher } from '../../rpc/dispatcher.ts'
import { serveFastify } from '../../rpc/fastify-server.ts'
import { createPeers } from '../../rpc/nimbus-peers.ts'
import { nimbusRoutes } from '../../rpc/routes/nimbus-routes.ts'
import { inspectResultOf } from '../../topology/describe/inspect-result.ts'
import { allParts, type MakeBoard } from './coordination.ts'
import { keepBlobs, lockForNimbus } from './forgotten-files.ts'
import { isLoopback, type Protection } from './protection.ts'

export interface DaemonSpec {
  readonly host: Host
  readonly config: ClusterConfig
  readonly protection: Protection
  readonly makeBoard: MakeBoard
  /** Default: they are in a ZooKeeper. */
  readonly isBoardInMemory?: boolean
  /** Absolute: blobs, state, logs. */
  readonly directory: string
  readonly version: string
  readonly log: Logger
}

export interface Daemon {
  /** At which others reach it. */
  readonly address: string
  /** Rejects when it must not go on, since another daemon has its name. It is to be stopped then. */
  readonly taken: Promise<never>
  stop(): Promise<void>
}

/** @returns `taken` of a Daemon */
export function whenTaken(board: Pick<Board, 'onTaken'>): Promise<never> {
  const { promise, reject } = deferred<never>()
  board.onTaken(reject)
  // Whoever stops a daemon at once does not listen.
  promise.catch(() => undefined)
  return promise
}

const BOARD_MS = 30_000
const BUILD_MS = 60_000
const BUILD_HEAP_MB = 512
const SECOND = 1_000
const MIB = 1024 * 1024

/**
 * @throws UnavailableError COORDINATOR_UNAVAILABLE, PORT_IN_USE, DISK_FULL; FormatError RECORD_MALFORMED;
 *   ConflictError DIRECTORY_IN_USE a cluster in memory has the directory
 */
export async function startNimbus(spec: DaemonSpec): Promise<Daemon> {
  // A cluster in memory has locked it before.
  if (spec.isBoardInMemory === true) return await startUnlocked(spec)
  const lock = await lockForNimbus(spec)
  try {
    await keepBlobs(spec)
    const nimbus = await startUnlocked(spec)
    const stop = async () => {
      await nimbus.stop()
      await lock.release()
    }
    return { ...nimbus, stop }
  } catch (error) {
    await lock.release()
    throw error
  }
}

async function startUnlocked(spec: DaemonSpec): Promise<Daemon> {
  const { host, config, protection, makeBoard, version, log } = spec
  const bind = config['bind.address'] ?? '127.0.0.1'
  const port = config['nimbus.port'] ?? 6627
  const name = config['storm.local.hostname'] ?? (isLoopback(bind) ? bind : host.name)
  const address = `${name}:${port}`
  const settings = nimbusSettings(config)
  const board = makeBoard({ host, log, name: `nimbus ${address}`, parts: allParts })
  const taken = whenTaken(board)
  await board.open(BOARD_MS)
  const nimbus = new Nimbus({
    host,
    board,
    blobs: new FileBlobStore(host, host.files.resolve(spec.directory, 'nimbus', 'blobs')),
    peers: createPeers(host, protection.ownToken),
    inspect: inspectInChild,
    settings,
    id: address,
    address,
    version,
    isCoordinatorInMemory: spec.isBoardInMemory,
    log,
  })
  const dispatcher = new Dispatcher({
    api: nimbus.api,
    routes: nimbusRoutes,
    title: 'Typhoon Nimbus',
    version,
    tokens: protection.tokens,
    permit: (caller, action) => permit(caller, action, settings),
    notReady: () => nimbus.notReady,
    timers: host.timers,
    onBug: (error) => log.error('a call failed by a bug of ours', { error: textOf(error) }),
  })
  const { tls } = protection
  const serverTls = tls === undefined ? {} : { tls: { cert: tls.cert, key: tls.key } }
  const server = await serveFastify(dispatcher, { host: bind, port, ...serverTls })
  await nimbus.start()
  log.info('nimbus is up', { address: server.address, version })
  return {
    taken,
    // Not where it listens: nobody's certificate is for 0.0.0.0.
    address: `${name}${server.address.slice(server.address.lastIndexOf(':'))}`,
    stop: async () => {
      await nimbus.stop()
      server.stop()
      await board.close()
      log.info('nimbus has stopped')
    },
  }
}

/** Values of the file, in the units that Nimbus works with. */
export function nimbusSettings(config: ClusterConfig): NimbusSettings {
  const own = defaultNimbusSettings
  const ms = (seconds: number | undefined, otherwise: number) =>
    seconds === undefined ? otherwise : seconds * SECOND
  return {
    monitorMs: ms(config['nimbus.monitor.freq.secs'], own.monitorMs),
    taskTimeoutMs: ms(config['nimbus.task.timeout.secs'], own.taskTimeoutMs),
    launchMs: ms(config['nimbus.task.launch.secs'], own.launchMs),
    workerTimeoutMs: ms(config['supervisor.worker.timeout.secs'], own.workerTimeoutMs),
    leaseMs: ms(config['supervisor.worker.lease.secs'], own.leaseMs),
    blobExpirationMs: ms(config['nimbus.inbox.jar.expiration.secs'], own.blobExpirationMs),
    workersMax: config['nimbus.slots.perTopology'] ?? own.workersMax,
    executorsMax: config['nimbus.executors.perTopology'] ?? own.executorsMax,
    bundleBytesMax: (config['nimbus.bundle.max.mb'] ?? own.bundleBytesMax / MIB) * MIB,
    blacklist: {
      spanMs: ms(config['nimbus.blacklist.tolerance.time.secs'], own.blacklist.spanMs),
      failuresMax: config['nimbus.blacklist.tolerance.count'] ?? own.blacklist.failuresMax,
      resumeMs: ms(config['nimbus.blacklist.resume.time.secs'], own.blacklist.resumeMs),
    },
    scheduler: config['storm.scheduler'] ?? own.scheduler,
    drainsAtRisk: config['nimbus.drain.at.risk'] ?? own.drainsAtRisk,
    isolation: config['isolation.scheduler.machines'] ?? own.isolation,
    roles: config['security.roles'] ?? own.roles,
    admins: config['nimbus.admins'] ?? own.admins,
  }
}

/** Built or not, the main of the other process is in the same form as this file. */
const EXTENSION = import.meta.url.endsWith('.ts') ? '.ts' : '.js'
const INSPECT_MAIN = new URL(`../../worker/inspect-main${EXTENSION}`, import.meta.url).pathname

const inspectInChild: Inspect = async ({ bundlePath, args, config, name }) => {
  const limits = { timeoutMs: BUILD_MS, heapMb: BUILD_HEAP_MB }
  const question = { mainPath: INSPECT_MAIN, bundlePath, args, config, name, ...limits }
  return await inspectBundle(question, inspectResultOf)
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
