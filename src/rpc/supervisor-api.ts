/**
 * What a supervisor can be asked, by Nimbus: routes/supervisor-routes.ts describes it for the network.
 */
import type { Caller } from './nimbus-api.ts'

export interface LogQuestion {
  readonly topologyId: string
  readonly worker: number
  readonly port: number
  /** undefined: the last lines. */
  readonly after: string | undefined
  readonly linesMax: number
}

/** A piece of a worker's log. */
export interface LogAnswer {
  readonly lines: readonly string[]
  /** Where to go on. */
  readonly next: string
}

export interface SupervisorApi {
  /** @throws UsageError TOPOLOGY_NOT_FOUND no worker of it has run there */
  readLog(caller: Caller, question: LogQuestion): Promise<LogAnswer>
}
