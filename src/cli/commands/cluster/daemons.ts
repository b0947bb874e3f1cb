/**
 * `typhoon nimbus | supervisor | dev-cluster`: daemons, in the foreground until they are asked to end.
 *
 *   start fails, or another daemon has its name ─▶ exit code of the error
 *   SIGTERM, SIGINT ─▶ stopped in good order, 0; again ─▶ at once
 */
import { deferred } from '../../../base/deferred.ts'
import type { Logger } from '../../../base/log.ts'
import type { ResolvedConfig } from '../../../config/load.ts'
import { createNodeHost } from '../../../host/node-host.ts'
import { type MakeBoard, memoryBoards, zooKeeperBoards } from '../../daemons/coordination.ts'
import { readDaemonConfig } from '../../daemons/daemon-config.ts'
import { daemonLog } from '../../daemons/daemon-log.ts'
import { startDevCluster } from '../../daemons/dev-cluster-daemon.ts'
import { type Daemon, type DaemonSpec, startNimbus } from '../../daemons/nimbus-daemon.ts'
import { protectionOf } from '../../daemons/protection.ts'
import { startSupervisor } from '../../daemons/supervisor-daemon.ts'
import { ExitCode } from '../../exit-code.ts'
import type { Invocation } from '../../invocation.ts'
import { onInterrupt } from '../../run/interrupts.ts'
import type { Shell } from '../../shell.ts'

const DIRECTORY = 'typhoon-local'
const SUPERVISORS = 1
const SLOTS = 4

export async function nimbus(shell: Shell, invocation: Invocation): Promise<number> {
  const resolved = await readDaemonConfig(shell, invocation)
  const spec = prepare(shell, resolved, 'nimbus', (config) => zooKeeperBoards(shell, config))
  return await untilAsked(shell, spec.log, () => startNimbus(spec))
}

export async function supervisor(shell: Shell, invocation: Invocation): Promise<number> {
  const resolved = await readDaemonConfig(shell, invocation)
  const spec = prepare(shell, resolved, 'supervisor', (config) => zooKeeperBoards(shell, config))
  const { environment } = shell.terminal
  return await untilAsked(shell, spec.log, () => startSupervisor({ ...spec, environment }))
}

export async function devCluster(shell: Shell, invocation: Invocation): Promise<number> {
  const resolved = await readDaemonConfig(shell, invocation)
  const hasZooKeeper = (resolved.explain('storm.zookeeper.servers')?.said.length ?? 0) > 1
  const spec = prepare(shell, resolved, 'dev-cluster', (config, host) =>
    hasZooKeeper ? zooKeeperBoards(shell, config) : memoryBoards(host, config),
  )
  const { environment } = shell.terminal
  const slotCount = invocation.count('workers') ?? SLOTS
  const supervisorCount = invocation.count('supervisors') ?? SUPERVISORS
  return await untilAsked(shell, spec.log, async () => {
    const cluster = await startDevCluster({
      ...spec,
      isBoardInMemory: !hasZooKeeper,
      environment,
      slotCount,
      supervisorCount,
    })
    const place = `${cluster.address}, ${hasZooKeeper ? 'on ZooKeeper' : 'without ZooKeeper'}`
    shell.say(`a cluster is up at ${place}; typhoon submit FILE starts a topology, Ctrl-C ends all`)
    return cluster
  })
}

function prepare(
  shell: Shell,
  { cluster: config }: ResolvedConfig,
  daemon: string,
  boards: (config: ResolvedConfig['cluster'], host: DaemonSpec['host']) => MakeBoard,
): DaemonSpec {
  const plain = createNodeHost()
  const protection = protectionOf(shell, plain, config)
  const { tls } = protection
  const host = tls === undefined ? plain : createNodeHost({ http: { clientTls: tls, serverTls: tls } })
  return {
    host,
    config,
    protection,
    makeBoard: boards(config, host),
    directory: shell.files.resolve(shell.terminal.directory, config['storm.local.dir'] ?? DIRECTORY),
    version: shell.machine.packageVersion(),
    log: daemonLog(shell, host.clock, config, daemon),
  }
}

async function untilAsked(shell: Shell, log: Logger, start: () => Promise<Daemon>): Promise<number> {
  const asked = deferred<void>()
  onInterrupt({
    first: () => asked.resolve(),
    again: (exitCode) => shell.endNow(exitCode),
  })
  const starting = start()
  // Asked to end while it starts (ZooKeeper is away): what it has opened ends with the process.
  const daemon = await Promise.race([starting, asked.promise])
  if (daemon === undefined) {
    starting.catch(() => undefined)
    return ExitCode.OK
  }
  try {
    await Promise.race([asked.promise, daemon.taken])
    log.info('asked to end')
  } finally {
    await daemon.stop()
  }
  return ExitCode.OK
}
