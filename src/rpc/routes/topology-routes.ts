/** Routes of calls about topologies. */
import { z } from 'zod'
import type { NimbusApi } from '../nimbus-api.ts'
import { workerStatus } from './cluster-schemas.ts'
import { describe } from './route.ts'
import { countText, json, maybe, plainName } from './schemas.ts'
import {
  drainMs,
  errorSummary,
  logPiece,
  operationStatus,
  previewReply,
  rebalanceRequest,
  submitReply,
  submitRequest,
  topologyMetrics,
  topologyOutline,
  topologyStatus,
  topologySummary,
} from './topology-schemas.ts'

const nimbus = describe<NimbusApi>()
const one = '/topologies/{name}'
const params = z.strictObject({ name: plainName })
const named = (name: string) => ({ params: { name } })
/** Which one of that name is meant. */
const query = z.strictObject({ topologyId: maybe(plainName) })

const submitErrors = [
  'TOPOLOGY_NAME_TAKEN',
  'BLOB_MISSING',
  'BUNDLE_INVALID',
  'BUNDLE_TOO_LARGE',
  'PARALLELISM_INVALID',
] as const
const ofTopology = ['TOPOLOGY_NOT_FOUND'] as const
const changing = [...ofTopology, 'TOPOLOGY_WRONG_STATE', 'TOPOLOGY_QUARANTINED'] as const

const LINES_MAX = 10_000
const LOG_FOR_MS_MAX = 24 * 3_600_000

/** Where to go on, by `node:port`: JSON in the query. */
const after = z
  .string()
  .max(32 * 1024)
  .transform((text, context): unknown => {
    try {
      return JSON.parse(text)
    } catch {
      // Not JSON: told as any other misfit.
      context.addIssue('no JSON')
      return z.NEVER
    }
  })
  .pipe(z.record(z.string(), z.string()))

export const topologyRoutes = {
  submit: nimbus('submit')({
    method: 'POST',
    path: '/topologies',
    summary: 'Starts a topology whose bundle and outline were uploaded as blobs. Repeatable with its key.',
    action: 'submit',
    body: submitRequest,
    reply: submitReply,
    errors: submitErrors,
    call: (api, caller, { body }) => api.submit(caller, body),
    parts: (body) => ({ body }),
  }),
  preview: nimbus('preview')({
    method: 'POST',
    path: '/previews',
    summary: 'Says what a submit would do, and does nothing.',
    action: 'submit',
    body: submitRequest,
    reply: previewReply,
    errors: submitErrors,
    isRepeatable: true,
    call: (api, caller, { body }) => api.preview(caller, body),
    parts: (body) => ({ body }),
  }),
  topologies: nimbus('topologies')({
    method: 'GET',
    path: '/topologies',
    summary: 'Lists topologies.',
    action: 'look',
    reply: z.array(topologySummary),
    call: (api, caller) => api.topologies(caller),
    parts: () => ({}),
  }),
  topology: nimbus('topology')({
    method: 'GET',
    path: one,
    summary: 'A topology in detail.',
    action: 'look',
    params,
    reply: topologyStatus,
    errors: ofTopology,
    call: (api, caller, { params: { name } }) => api.topology(caller, name),
    parts: named,
  }),
  outline: nimbus('outline')({
    method: 'GET',
    path: `${one}/outline`,
    summary: 'Its graph and what it asks for, as submitted.',
    action: 'look',
    params,
    reply: topologyOutline,
    errors: [...ofTopology, 'TOPOLOGY_QUARANTINED', 'BLOB_MISSING'],
    call: (api, caller, { params: { name } }) => api.outline(caller, name),
    parts: named,
  }),
  activate: nimbus('activate')({
    method: 'POST',
    path: `${one}/activate`,
    summary: 'Lets its sources run.',
    action: 'operate',
    status: 202,
    params,
    query,
    reply: operationStatus,
    errors: changing,
    isRepeatable: true,
    call: (api, caller, { params: { name }, query: { topologyId } }) =>
      api.activate(caller, name, topologyId),
    parts: (name, topologyId) => ({ params: { name }, query: { topologyId } }),
  }),
  deactivate: nimbus('deactivate')({
    method: 'POST',
    path: `${one}/deactivate`,
    summary: 'Stops its sources; what is in flight is finished.',
    action: 'operate',
    status: 202,
    params,
    query,
    reply: operationStatus,
    errors: changing,
    isRepeatable: true,
    call: (api, caller, { params: { name }, query: { topologyId } }) =>
      api.deactivate(caller, name, topologyId),
    parts: (name, topologyId) => ({ params: { name }, query: { topologyId } }),
  }),
  kill: nimbus('kill')({
    method: 'POST',
    path: `${one}/kill`,
    summary: 'Stops its sources, waits for what is in flight, and removes it.',
    action: 'operate',
    status: 202,
    params,
    body: z.strictObject({ drainMs: maybe(drainMs), topologyId: maybe(plainName) }),
    reply: operationStatus,
    errors: changing,
    isRepeatable: true,
    call: (api, caller, { params: { name }, body }) => api.kill(caller, name, body.drainMs, body.topologyId),
    parts: (name, drain, topologyId) => ({ params: { name }, body: { drainMs: drain, topologyId } }),
  }),
  rebalance: nimbus('rebalance')({
    method: 'POST',
    path: `${one}/rebalance`,
    summary: 'Changes workers, executors, tasks or the scheduler; stops what moves. Repeatable with its key.',
    action: 'operate',
    status: 202,
    params,
    body: rebalanceRequest,
    reply: operationStatus,
    errors: [...changing, 'REBALANCE_CONFLICT', 'PARALLELISM_INVALID', 'STATE_NOT_RESCALABLE'],
    call: (api, caller, { params: { name }, body }) => api.rebalance(caller, name, body),
    parts: (name, body) => ({ params: { name }, body }),
  }),
  operation: nimbus('operation')({
    method: 'GET',
    path: '/operations/{id}',
    summary: 'How far work is that went on after its call was answered.',
    action: 'look',
    params: z.strictObject({ id: plainName }),
    reply: operationStatus,
    errors: ['RECORD_MISSING'],
    call: (api, caller, { params: { id } }) => api.operation(caller, id),
    parts: (id) => ({ params: { id } }),
  }),
  metrics: nimbus('metrics')({
    method: 'GET',
    path: `${one}/metrics`,
    summary: 'Its figures at this moment.',
    action: 'look',
    params,
    reply: topologyMetrics,
    errors: ofTopology,
    call: (api, caller, { params: { name } }) => api.metrics(caller, name),
    parts: named,
  }),
  errors: nimbus('errors')({
    method: 'GET',
    path: `${one}/errors`,
    summary: 'Its errors, those with one code and place together, newest first.',
    action: 'look',
    params,
    reply: z.array(errorSummary),
    errors: ofTopology,
    call: (api, caller, { params: { name } }) => api.errors(caller, name),
    parts: named,
  }),
  deadLetters: nimbus('deadLetters')({
    method: 'GET',
    path: `${one}/dead-letters`,
    summary: 'Tuples that were given up: the last ones.',
    // They are tuples of the user, not figures about them.
    action: 'operate',
    params,
    reply: z.array(json),
    errors: ofTopology,
    call: (api, caller, { params: { name } }) => api.deadLetters(caller, name),
    parts: named,
  }),
  workers: nimbus('workers')({
    method: 'GET',
    path: `${one}/workers`,
    summary: 'Its workers: where they run and how they are.',
    action: 'look',
    params,
    reply: z.array(workerStatus),
    errors: ofTopology,
    call: (api, caller, { params: { name } }) => api.workers(caller, name),
    parts: named,
  }),
  logs: nimbus('logs')({
    method: 'GET',
    path: `${one}/logs`,
    summary: 'Lines of the logs of its workers, from where the last call ended.',
    action: 'look',
    params,
    query: z.strictObject({
      after: after.optional(),
      worker: countText(1_000_000).optional(),
      lines: countText(LINES_MAX).optional(),
    }),
    reply: z.array(logPiece),
    errors: [...ofTopology, 'SUPERVISOR_SILENT'],
    call: (api, caller, { params: { name }, query }) =>
      api.logs(caller, name, {
        after: query.after ?? {},
        worker: query.worker,
        linesMax: query.lines ?? 200,
      }),
    parts: (name, { after: from, worker, linesMax }) => ({
      params: { name },
      query: { after: JSON.stringify(from), worker, lines: linesMax },
    }),
  }),
  setLogLevel: nimbus('setLogLevel')({
    method: 'PUT',
    path: `${one}/log-level`,
    summary: 'Sets the level of a logger on all its workers, for a time.',
    action: 'operate',
    params,
    body: z.strictObject({
      logger: plainName,
      level: z.enum(['debug', 'info', 'warn', 'error']),
      forMs: z.int().min(0).max(LOG_FOR_MS_MAX),
    }),
    errors: ofTopology,
    call: async (api, caller, { params: { name }, body }) =>
      await api.setLogLevel(caller, name, body.logger, body.level, body.forMs),
    parts: (name, logger, level, forMs) => ({ params: { name }, body: { logger, level, forMs } }),
  }),
} as const
