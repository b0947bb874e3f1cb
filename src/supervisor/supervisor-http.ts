/**
 * What a supervisor answers over the network: pieces of its workers' logs, and whether it is well. The routes
 * are described in rpc; who calls must show a token that the node knows, once there are tokens.
 */
import { UsageError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { Host, Stoppable } from '../host/host.ts'
import { Dispatcher } from '../rpc/dispatcher.ts'
import type { Caller } from '../rpc/nimbus-api.ts'
import { servePlain } from '../rpc/plain-server.ts'
import { supervisorRoutes } from '../rpc/routes/supervisor-routes.ts'
import type { SupervisorApi } from '../rpc/supervisor-api.ts'
import type { Tokens } from '../rpc/tokens.ts'
import type { LogFiles } from './node/log-files.ts'

export interface SupervisorHttpSpec {
  readonly host: Host
  readonly log: Logger
  readonly address: string
  readonly version: string
  /** undefined: loopback only, whoever is on this machine may ask. */
  readonly tokens: Tokens | undefined
  readonly logs: LogFiles
  /** Names of what is not as it should be. */
  readonly notReady: () => readonly string[]
}

/** Other daemons ask for clients, whom they have let in themselves. */
const ROLES_ALLOWED: ReadonlySet<string> = new Set(['daemon', 'admin'])

/** @throws UnavailableError PORT_IN_USE */
export function serveSupervisor(spec: SupervisorHttpSpec): Promise<Stoppable & { readonly address: string }> {
  const { host, log, address, version, tokens, logs, notReady } = spec
  const api: SupervisorApi = {
    readLog: (_caller, { topologyId, port, after, linesMax }) =>
      logs.readLog(topologyId, port, after, linesMax),
  }
  const dispatcher = new Dispatcher<SupervisorApi>({
    api,
    routes: supervisorRoutes,
    title: 'Typhoon supervisor',
    version,
    tokens,
    permit,
    notReady,
    timers: host.timers,
    onBug: (error) => log.error('a request could not be answered', { why: String(error) }),
  })
  return servePlain(host, address, dispatcher)
}

function permit(caller: Caller): void {
  if (caller.roles.some((role) => ROLES_ALLOWED.has(role))) return
  throw new UsageError('NOT_ALLOWED', `${caller.name} is no daemon: logs are read through nimbus`)
}

/** A listener on every address is reached by the node's name. */
export function reachedAt(address: string, host: string): string {
  const at = address.lastIndexOf(':')
  const bound = address.slice(0, at)
  return bound === '0.0.0.0' || bound === '::' || bound === '[::]' ? `${host}${address.slice(at)}` : address
}
