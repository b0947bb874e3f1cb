/** All calls of a supervisor, as one table. */
import { z } from 'zod'
import type { SupervisorApi } from '../supervisor-api.ts'
import { describe, type RouteTable } from './route.ts'
import { countText, plainName } from './schemas.ts'

const supervisor = describe<SupervisorApi>()
const WORKERS_MAX = 1_000_000
const PORTS_MAX = 65_535
const LINES_MAX = 10_000

export const supervisorRoutes: RouteTable<SupervisorApi> = {
  readLog: supervisor('readLog')({
    method: 'GET',
    path: '/logs/{topologyId}/{worker}',
    summary: 'Lines of the log of a worker that runs or ran on this node.',
    action: 'look',
    params: z.strictObject({ topologyId: plainName, worker: countText(WORKERS_MAX) }),
    query: z.strictObject({
      port: countText(PORTS_MAX),
      after: plainName.optional(),
      lines: countText(LINES_MAX),
    }),
    reply: z.object({ lines: z.array(z.string()), next: z.string() }),
    errors: ['TOPOLOGY_NOT_FOUND'],
    call: (api, caller, { params, query }) =>
      api.readLog(caller, {
        topologyId: params.topologyId,
        worker: params.worker,
        port: query.port,
        after: query.after,
        linesMax: query.lines,
      }),
    parts: ({ topologyId, worker, port, after, linesMax }) => ({
      params: { topologyId, worker: String(worker) },
      query: { port, after, lines: linesMax },
    }),
  }),
}
