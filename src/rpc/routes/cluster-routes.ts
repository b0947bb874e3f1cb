/** Routes of calls about the cluster, its nodes, its board, and of what supervisors report. */
import { z } from 'zod'
import { HEARTBEAT_BYTES_MAX, WAIT_MS_MAX } from '../limits.ts'
import type { NimbusApi } from '../nimbus-api.ts'
import { heartbeatReply, nodeHeartbeat } from './beat-schemas.ts'
import {
  clusterStatus,
  eventPage,
  leadershipStatus,
  nodeStatus,
  resourceHistory,
  slotStatus,
} from './cluster-schemas.ts'
import { describe } from './route.ts'
import { countText, json, plainName } from './schemas.ts'
import { operationStatus } from './topology-schemas.ts'

const nimbus = describe<NimbusApi>()
const params = z.strictObject({ node: plainName })
const ofNode = (node: string) => ({ params: { node } })
const errors = ['NODE_UNKNOWN'] as const

/** Below our root, so that nobody looks at what is another's. */
const boardPath = z
  .string()
  .max(1_000)
  .regex(/^\/([^\p{Cc}/]+(\/[^\p{Cc}/]+)*)?$/u, "an absolute path: '/topologies'")
  .refine((path) => !path.split('/').some((part) => part === '.' || part === '..'), "no '.' and no '..'")
const boardQuery = z.strictObject({ path: boardPath })

export const clusterRoutes = {
  leadership: nimbus('leadership')({
    method: 'GET',
    path: '/leadership',
    summary: 'Whether this Nimbus leads, and what it calls itself: whoever does not refuses.',
    action: 'look',
    reply: leadershipStatus,
    call: (api, caller) => api.leadership(caller),
    parts: () => ({}),
  }),
  cluster: nimbus('cluster')({
    method: 'GET',
    path: '/cluster',
    summary: 'The cluster as a whole.',
    action: 'look',
    reply: clusterStatus,
    isAnsweredByAll: true,
    call: (api, caller) => api.cluster(caller),
    parts: () => ({}),
  }),
  nodes: nimbus('nodes')({
    method: 'GET',
    path: '/nodes',
    summary: 'Its nodes.',
    action: 'look',
    reply: z.array(nodeStatus),
    call: (api, caller) => api.nodes(caller),
    parts: () => ({}),
  }),
  slots: nimbus('slots')({
    method: 'GET',
    path: '/slots',
    summary: 'Its slots, and what runs in them.',
    action: 'look',
    reply: z.array(slotStatus),
    call: (api, caller) => api.slots(caller),
    parts: () => ({}),
  }),
  history: nimbus('history')({
    method: 'GET',
    path: '/nodes/{node}/history',
    summary: 'Figures of a node and its workers over the last minutes.',
    action: 'look',
    params,
    reply: z.array(resourceHistory),
    errors,
    call: (api, caller, { params: { node } }) => api.history(caller, node),
    parts: ofNode,
  }),
  drain: nimbus('drain')({
    method: 'POST',
    path: '/nodes/{node}/drain',
    summary: 'Moves everything off a node and keeps it empty.',
    action: 'operate',
    status: 202,
    params,
    reply: operationStatus,
    errors,
    isRepeatable: true,
    call: (api, caller, { params: { node } }) => api.drain(caller, node),
    parts: ofNode,
  }),
  undrain: nimbus('undrain')({
    method: 'POST',
    path: '/nodes/{node}/undrain',
    summary: 'Lets a node take workers again; takes it off the blacklist, too.',
    action: 'operate',
    params,
    errors,
    isRepeatable: true,
    call: async (api, caller, { params: { node } }) => await api.undrain(caller, node),
    parts: ofNode,
  }),
  events: nimbus('events')({
    method: 'GET',
    path: '/events',
    summary: 'What has happened after an event. Waits for something new, if nothing has.',
    action: 'look',
    query: z.strictObject({ after: plainName.optional(), wait: countText(WAIT_MS_MAX).optional() }),
    reply: eventPage,
    call: (api, caller, { query }) => api.events(caller, query.after, query.wait ?? 0),
    parts: (after, waitMs) => ({ query: { after, wait: waitMs } }),
  }),
  boardList: nimbus('boardList')({
    method: 'GET',
    path: '/board/children',
    summary: 'Names below a path of the board.',
    action: 'look',
    query: boardQuery,
    reply: z.array(z.string()),
    errors: ['RECORD_MISSING'],
    isAnsweredByAll: true,
    call: (api, caller, { query }) => api.boardList(caller, query.path),
    parts: (path) => ({ query: { path } }),
  }),
  boardRead: nimbus('boardRead')({
    method: 'GET',
    path: '/board/record',
    summary: 'A record of the board; secrets are masked.',
    action: 'look',
    query: boardQuery,
    reply: json,
    errors: ['RECORD_MISSING', 'RECORD_MALFORMED'],
    isAnsweredByAll: true,
    call: (api, caller, { query }) => api.boardRead(caller, query.path),
    parts: (path) => ({ query: { path } }),
  }),
  heartbeat: nimbus('heartbeat')({
    method: 'POST',
    path: '/heartbeats',
    summary: 'What a supervisor reports of its node, once a second.',
    action: 'beat',
    body: nodeHeartbeat,
    reply: heartbeatReply,
    bodyBytesMax: HEARTBEAT_BYTES_MAX,
    isRepeatable: true,
    call: (api, caller, { body }) => api.heartbeat(caller, body),
    parts: (body) => ({ body }),
  }),
} as const
