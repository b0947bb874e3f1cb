/** The supervisor of this node in this process; its workers are processes of their own, which outlive it. */
import { SeatVariable } from '../../cluster/seat-environment.ts'
import { livesOn } from '../../host/lock/directory-lock.ts'
import { nodeProcesses } from '../../host/node-processes.ts'
import { createNimbusCalls } from '../../rpc/nimbus-calls.ts'
import { NimbusClient } from '../../rpc/nimbus-client.ts'
import { MachineLauncher } from '../../supervisor/machine-launcher.ts'
import { createMachineProbe } from '../../supervisor/machine-probe.ts'
import { HealthChecks } from '../../supervisor/node/health-checks.ts'
import { Supervisor } from '../../supervisor/supervisor.ts'
import { supervisorSettings } from '../../supervisor/supervisor-settings.ts'
import { type Daemon, type DaemonSpec, whenTaken } from './nimbus-daemon.ts'
import { isLoopback, type Protection } from './protection.ts'

export interface SupervisorDaemonSpec extends DaemonSpec {
  /** Name of the node. Default: as configured, or what the machine calls itself. */
  readonly node?: string
  /** Where logs are served. Default: as configured. */
  readonly httpAddress?: string
  /** Variables of this process: a few of them go on to workers. */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Stopping stops the workers as well. Default: they go on, and the next supervisor takes them back. */
  readonly stopsWorkers?: boolean
}

/** All that workers see of this process's environment. */
const PASSED_ON = ['PATH', 'HOME', 'TZ', 'LANG', 'LC_ALL', 'TMPDIR']
/** Built or not, the worker's main is in the same form as this file. */
const EXTENSION = import.meta.url.endsWith('.ts') ? '.ts' : '.js'
const WORKER_MAIN = new URL(`../../worker/main${EXTENSION}`, import.meta.url).pathname

/**
 * @throws ConflictError RECORD_EXISTS the node's name is taken, DIRECTORY_IN_USE; UnavailableError
 *   PORT_IN_USE, DISK_FULL
 */
export async function startSupervisor(spec: SupervisorDaemonSpec): Promise<Daemon> {
  const { host, config, protection, makeBoard, version, log } = spec
  const node = spec.node ?? config['supervisor.node.name'] ?? config['storm.local.hostname'] ?? host.name
  const bind = config['bind.address'] ?? '127.0.0.1'
  const reached = config['storm.local.hostname'] ?? (isLoopback(bind) ? bind : host.name)
  const configured = supervisorSettings(
    { ...config, 'storm.local.dir': spec.directory },
    { node, version, host: reached },
  )
  const httpAddress = spec.httpAddress ?? configured.httpAddress
  const settings = { ...configured, httpAddress }
  const environment = workerEnvironment(spec.environment, protection)
  await host.files.makeDirectory(spec.directory)
  const client = new NimbusClient({ host, seeds: seedsOf(config), token: protection.ownToken })
  const board = makeBoard({ host, log, name: `supervisor ${node}`, parts: ['assignments', 'topologies'] })
  const taken = whenTaken(board)
  let isTaken = false
  taken.catch(() => {
    isTaken = true
  })
  const supervisor = new Supervisor({
    host,
    log,
    settings,
    board,
    nimbus: createNimbusCalls(client),
    launcher: new MachineLauncher({
      processes: nodeProcesses,
      timers: host.timers,
      log,
      modulePath: WORKER_MAIN,
      environment,
    }),
    lives: livesOn(nodeProcesses),
    probe: createMachineProbe(nodeProcesses, host.clock, spec.directory),
    health: new HealthChecks({
      host,
      processes: nodeProcesses,
      log,
      directory: host.files.resolve(spec.directory, settings.healthDirectory),
      outputDirectory: host.files.resolve(spec.directory, 'health'),
      environment: passedOn(spec.environment),
      timeoutMs: settings.healthTimeoutMs,
    }),
    tokens: protection.tokens,
  })
  await supervisor.start()
  log.info('supervisor is up', { node, slots: settings.ports.length, version })
  return {
    address: node,
    taken,
    stop: async () => {
      // Whoever has the name launches the same numbers: none of ours may go on beside them.
      await supervisor.stop({ leaveWorkers: spec.stopsWorkers !== true && !isTaken })
      log.info('supervisor has stopped', { node })
    },
  }
}

/** `nimbus.seeds`, with the port of the API where they have none. */
export function seedsOf(config: DaemonSpec['config']): readonly string[] {
  const port = config['nimbus.port'] ?? 6627
  return (config['nimbus.seeds'] ?? ['localhost']).map((seed) =>
    /:\d+$/.test(seed) ? seed : `${seed}:${port}`,
  )
}

function workerEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  { tls }: Protection,
): Readonly<Record<string, string>> {
  const own = passedOn(environment)
  return tls === undefined ? own : { ...own, [SeatVariable.TLS]: JSON.stringify(tls.files) }
}

function passedOn(
  environment: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    PASSED_ON.flatMap((name) => {
      const value = environment[name]
      return value === undefined ? [] : [[name, value]]
    }),
  )
}
