/** What is answered about the cluster and its nodes, for the network. */
import { z } from 'zod'
import type { ClusterStatus, NodeStatus } from '../contract.ts'
import type { EventPage, LeadershipStatus, ResourceHistory, SlotStatus, WorkerStatus } from '../nimbus-api.ts'
import { seatBeat, slotPhase } from './beat-schemas.ts'
import { count, details, figure, maybe } from './schemas.ts'

const texts = z.array(z.string())
const used = z.object({ total: figure, used: figure })

export const clusterStatus: z.ZodType<ClusterStatus> = z.object({
  leader: maybe(z.string()),
  standbys: texts,
  coordinator: z.enum(['connected', 'unavailable']),
  isCoordinatorInMemory: maybe(z.boolean()),
  slots: used,
  topologies: count,
  version: z.string(),
})

export const leadershipStatus: z.ZodType<LeadershipStatus> = z.object({
  nimbus: z.string(),
  address: z.string(),
})

export const nodeStatus: z.ZodType<NodeStatus> = z.object({
  node: z.string(),
  state: z.enum(['up', 'silent', 'draining', 'drained', 'blacklisted']),
  slots: used,
  memory: z.object({ totalBytes: figure, usedBytes: figure }),
  cpu: used,
  atRisk: texts,
})

export const slotStatus: z.ZodType<SlotStatus> = z.object({
  node: z.string(),
  port: count,
  phase: slotPhase,
  topology: maybe(z.string()),
  worker: maybe(count),
})

export const workerStatus: z.ZodType<WorkerStatus> = z.object({
  topology: z.string(),
  worker: count,
  node: z.string(),
  port: count,
  phase: slotPhase,
  incarnation: count,
  pid: maybe(count),
  restartCount: count,
  why: z.string(),
  executors: z.string(),
  uptimeMs: maybe(figure),
  beat: maybe(seatBeat),
  atRisk: texts,
})

export const resourceHistory: z.ZodType<ResourceHistory> = z.object({
  subject: z.string(),
  series: z.record(z.string(), z.array(z.object({ at: figure, value: figure }))),
  atRisk: texts,
})

export const eventPage: z.ZodType<EventPage> = z.object({
  events: z.array(
    z.object({
      id: z.string(),
      at: figure,
      kind: z.string(),
      topology: maybe(z.string()),
      node: maybe(z.string()),
      message: z.string(),
      details,
    }),
  ),
  next: z.string(),
})
