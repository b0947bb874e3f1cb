/** Daemons of a simulated place, put together as their mains do it. */
import { isStreamError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import { FileBlobStore } from '../../blob/file-blob-store.ts'
import type { BoardPart } from '../../cluster/board.ts'
import { ClusterBoard } from '../../cluster/cluster-board.ts'
import type { ClusterConfig } from '../../config/cluster-config.ts'
import type { TopologyConfig } from '../../config/topology-config.ts'
import type { MemoryEnsemble } from '../../coordinate/memory/memory-ensemble.ts'
import type { Host } from '../../host/host.ts'
import { Nimbus } from '../../nimbus/nimbus.ts'
import { permit } from '../../nimbus/permissions.ts'
import { defaultNimbusSettings } from '../../nimbus/settings.ts'
import type { Inspect } from '../../nimbus/submit/inspect.ts'
import { Dispatcher } from '../../rpc/dispatcher.ts'
import { createNimbusCalls } from '../../rpc/nimbus-calls.ts'
import { NimbusClient } from '../../rpc/nimbus-client.ts'
import { createPeers } from '../../rpc/nimbus-peers.ts'
import { servePlain } from '../../rpc/plain-server.ts'
import { nimbusRoutes } from '../../rpc/routes/nimbus-routes.ts'
import type { MachineProbe } from '../../supervisor/machine-probe.ts'
import { Supervisor } from '../../supervisor/supervisor.ts'
import { supervisorSettings } from '../../supervisor/supervisor-settings.ts'
import { buildTopology, parseArgs } from '../../topology/build.ts'
import { outlineOf } from '../../topology/describe/outline.ts'
import { relativePathsOf } from '../../topology/describe/relative-paths.ts'
import type { SimBundles } from './sim-bundles.ts'
import type { SimProcesses } from './sim-launcher.ts'

export const NIMBUS_PORT = 6_627

/** What daemons of a simulated cluster have in common. */
export interface SimPlace {
  readonly ensemble: MemoryEnsemble
  readonly bundles: SimBundles
  readonly processes: SimProcesses
  readonly seeds: readonly string[]
  /** Over the defaults. */
  readonly config: ClusterConfig
  slotsOf(node: string): number
  directoryOf(machine: string): string
  logOf(machine: string): Logger
  /** Something that is never right: a daemon's own mistake. */
  onBug(machine: string, error: unknown): void
}

const VERSION = '0.0.0-sim'
const ALL_PARTS: readonly BoardPart[] = [
  'epoch',
  'topologies',
  'assignments',
  'supervisors',
  'nodes',
  'nimbuses',
  'names',
]
const BOARD_TIMEOUT_MS = 30_000
const GIB = 2 ** 30

export async function startSimNimbus(place: SimPlace, host: Host, name: string): Promise<Nimbus> {
  const address = `${name}:${NIMBUS_PORT}`
  const log = place.logOf(name)
  const board = boardOf(place, host, name, ALL_PARTS)
  await board.open(BOARD_TIMEOUT_MS)
  const settings = defaultNimbusSettings
  const nimbus = new Nimbus({
    host,
    board,
    blobs: new FileBlobStore(host, host.files.resolve(place.directoryOf(name), 'blobs')),
    peers: createPeers(host, undefined),
    inspect: inspectOn(place, host),
    settings,
    id: name,
    address,
    version: VERSION,
    log,
  })
  await servePlain(
    host,
    address,
    new Dispatcher({
      api: nimbus.api,
      routes: nimbusRoutes,
      title: 'Typhoon Nimbus',
      version: VERSION,
      tokens: undefined,
      permit: (caller, action) => permit(caller, action, settings),
      notReady: () => nimbus.notReady,
      timers: host.timers,
      onBug: (error) => place.onBug(name, error),
    }),
  )
  await nimbus.start()
  return nimbus
}

export async function startSimSupervisor(place: SimPlace, host: Host, node: string): Promise<Supervisor> {
  const slots = place.slotsOf(node)
  const settings = supervisorSettings(
    {
      'storm.local.dir': place.directoryOf(node),
      'bind.address': node,
      'supervisor.slots.ports': Array.from({ length: slots }, (_, index) => 6_700 + index),
      ...place.config,
    },
    { node, version: VERSION, host: node, seatHost: node },
  )
  const client = new NimbusClient({ host, seeds: place.seeds })
  const supervisor = new Supervisor({
    host,
    log: place.logOf(node),
    settings,
    board: boardOf(place, host, node, ['assignments', 'topologies']),
    nimbus: createNimbusCalls(client),
    launcher: place.processes.launcherOf(node, host),
    lives: place.processes.livesOf(host),
    probe,
  })
  await supervisor.start()
  return supervisor
}

function boardOf(place: SimPlace, host: Host, name: string, parts: readonly BoardPart[]): ClusterBoard {
  const sessionTimeoutMs = place.config['storm.zookeeper.session.timeout'] ?? 6_000
  return new ClusterBoard({
    host,
    log: place.logOf(name),
    root: '/typhoon',
    parts,
    makeCoordinator: () => place.ensemble.connect({ host, name, sessionTimeoutMs }),
  })
}

/** What the throw-away child does, here: it builds, and says what came of it. */
function inspectOn(place: SimPlace, host: Host): Inspect {
  return async ({ bundlePath, args, config, name }) => {
    try {
      const def = await place.bundles.loaderOn(host)(bundlePath)
      const { topology } = buildTopology(def, {
        args: parseArgs(def, args ?? undefined),
        // As it was sent: whoever submits has checked it, and the build checks it again.
        config: config as TopologyConfig,
      })
      const relativePaths = relativePathsOf(topology)
      return { isOk: true, outline: outlineOf(name, topology), relativePaths, output: '' }
    } catch (error) {
      if (!isStreamError(error)) throw error
      const { code, family, message } = error
      return { isOk: false, error: { code, family, message, where: undefined }, output: '' }
    }
  }
}

const probe: MachineProbe = {
  look: async () => ({
    cpuCount: 4,
    cpuUsed: 0.5,
    memoryTotalBytes: 16 * GIB,
    memoryUsedBytes: 4 * GIB,
    diskFreeBytes: 100 * GIB,
    diskTotalBytes: 200 * GIB,
    supervisorRssBytes: 64 * 2 ** 20,
  }),
}
