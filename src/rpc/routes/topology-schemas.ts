/** What is answered about topologies: the shapes of contract.ts and nimbus-api.ts, for the network. */
import { z } from 'zod'
import type { TopologyConfig } from '../../config/topology-config.ts'
import type { TopologyOutline } from '../../topology/describe/outline.ts'
import type { ErrorSummary, TopologyMetrics, TopologyStatus, TopologySummary } from '../contract.ts'
import type {
  LogPiece,
  OperationStatus,
  PreviewReply,
  RebalanceRequest,
  SubmitReply,
  SubmitRequest,
} from '../nimbus-api.ts'
import {
  blobRef,
  code,
  count,
  counts,
  details,
  family,
  figure,
  json,
  maybe,
  plainName,
  positive,
} from './schemas.ts'

const texts = z.array(z.string())

const summaryShape = {
  name: z.string(),
  id: z.string(),
  state: z.enum(['starting', 'active', 'inactive', 'rebalancing', 'stopping', 'failed']),
  version: count,
  workers: count,
  tasks: count,
  submittedAt: figure,
  isFinished: z.boolean().optional(),
}

export const topologySummary: z.ZodType<TopologySummary> = z.object(summaryShape)

const componentStatus = z.object({
  component: z.string(),
  kind: z.enum(['spout', 'bolt']),
  executors: count,
  tasks: count,
  inPerSecond: figure,
  outPerSecond: figure,
  busy: figure,
  blocked: figure,
  idle: figure,
  inboxFill: figure,
  executeP50: figure,
  executeP99: figure,
  ackedCount: figure,
  failedCount: figure,
  restartCount: figure,
  lagCount: maybe(figure),
})

export const topologyStatus: z.ZodType<TopologyStatus> = z.object({
  ...summaryShape,
  guarantee: z.enum(['at-most-once', 'at-least-once', 'exactly-once']),
  config: z.custom<TopologyConfig>((value) => typeof value === 'object' && value !== null),
  components: z.array(componentStatus),
  unplaced: z.array(z.object({ component: z.string(), count, why: z.string() })),
  bottleneck: maybe(z.object({ component: z.string(), since: figure, evidence: z.string() })),
})

/** The last bucket has no bound, which JSON says as null. */
const bound = z.number().or(z.null().transform(() => Number.POSITIVE_INFINITY))
const histogram = z.object({ buckets: z.array(z.tuple([bound, figure])), count: figure, sum: figure })

export const topologyMetrics: z.ZodType<TopologyMetrics> = z.object({
  at: figure,
  components: z.array(componentStatus),
  completeP50: figure,
  completeP99: figure,
  ackedPerSecond: figure,
  failedPerSecond: figure,
  samples: z.array(
    z.object({
      name: z.string(),
      value: z.union([figure, histogram]),
      labels: z.record(z.string(), z.string()),
    }),
  ),
})

/** Whoever made it has checked it, and Nimbus once more at submit. */
export const topologyOutline: z.ZodType<TopologyOutline> = z.custom<TopologyOutline>(
  (value) => typeof value === 'object' && value !== null && 'components' in value,
)

export const errorSummary: z.ZodType<ErrorSummary> = z.object({
  code,
  family,
  component: z.string(),
  message: z.string(),
  count,
  firstAt: figure,
  lastAt: figure,
  stack: maybe(z.string()),
  details,
})

export const operationStatus: z.ZodType<OperationStatus> = z.object({
  id: z.string(),
  kind: z.enum(['submit', 'kill', 'rebalance', 'activate', 'deactivate', 'drain-node']),
  subject: z.string(),
  step: z.string(),
  done: figure,
  total: maybe(figure),
  state: z.enum(['running', 'done', 'failed']),
  error: maybe(z.object({ code: z.string(), message: z.string() })),
})

export const submitRequest: z.ZodType<SubmitRequest> = z.strictObject({
  name: plainName,
  bundle: blobRef,
  outline: blobRef,
  args: json,
  config: json,
  isInactive: z.boolean(),
  idempotencyKey: maybe(plainName),
})

export const submitReply: z.ZodType<SubmitReply> = z.object({
  id: z.string(),
  name: z.string(),
  isRepeated: z.boolean(),
  warnings: texts,
})

export const previewReply: z.ZodType<PreviewReply> = z.object({
  findings: z.array(
    z.object({ severity: z.enum(['error', 'warning']), code: z.string(), message: z.string() }),
  ),
  changes: z.array(
    z.object({
      kind: z.string(),
      subject: z.string(),
      before: maybe(z.string()),
      after: maybe(z.string()),
    }),
  ),
  slots: z.object({ needed: figure, free: figure }),
})

const DRAIN_MS_MAX = 24 * 3_600_000

export const drainMs = z.int().min(0).max(DRAIN_MS_MAX)

export const rebalanceRequest: z.ZodType<RebalanceRequest> = z.strictObject({
  workers: maybe(positive),
  executors: counts,
  tasks: counts,
  scheduler: maybe(plainName),
  drainMs: maybe(drainMs),
  idempotencyKey: maybe(plainName),
  topologyId: maybe(plainName),
})

export const logPiece: z.ZodType<LogPiece> = z.object({
  node: z.string(),
  port: count,
  worker: count,
  lines: texts,
  next: z.string(),
  trouble: z.string().optional(),
})
