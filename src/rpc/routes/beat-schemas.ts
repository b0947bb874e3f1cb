/** What supervisors report, for the network: the shapes of heartbeat.ts and of a worker's sign of life. */
import { z } from 'zod'
import type { SeatBeat } from '../../cluster/seat-messages.ts'
import type { HeartbeatReply, NodeHeartbeat } from '../heartbeat.ts'
import { count, digest, figure, json, line, maybe, nameOrEmpty, plainName } from './schemas.ts'

/** Supervisors keep to it: what is more is counted, not sent. */
const HAPPENINGS_MAX = 1_000
const SLOTS_MAX = 10_000

const componentBeat = z.object({
  component: nameOrEmpty,
  kind: z.enum(['spout', 'bolt']),
  executors: count,
  tasks: count,
  emittedCount: figure,
  executedCount: figure,
  ackedCount: figure,
  failedCount: figure,
  deadLetterCount: figure,
  busyMs: figure,
  blockedMs: figure,
  inboxFill: figure,
  executeP50: figure,
  executeP99: figure,
  completeP50: figure,
  completeP99: figure,
  lagCount: maybe(figure),
})

const linkBeat = z.object({
  worker: count,
  isSending: z.boolean(),
  isReceiving: z.boolean(),
  rttMs: maybe(figure),
  queuedBytes: figure,
  reconnectCount: figure,
})

const runMode = z.enum(['active', 'inactive', 'drain'])

export const seatBeat: z.ZodType<SeatBeat> = z.object({
  turns: figure,
  isQuiet: z.boolean(),
  isFinished: z.boolean(),
  run: runMode,
  rssBytes: figure,
  heapUsedBytes: figure,
  heapLimitBytes: figure,
  cpuMs: figure,
  loopDelayMs: figure,
  loopUtilisation: figure,
  components: z.array(componentBeat),
  links: z.array(linkBeat),
})

const phases = ['empty', 'fetching', 'starting', 'running', 'killing', 'backing-off'] as const
export const slotPhase = z.enum(phases)

const slotBeat = z.object({
  port: count,
  phase: slotPhase,
  topologyId: maybe(nameOrEmpty),
  worker: count,
  generation: count,
  incarnation: count,
  layout: count,
  placement: maybe(nameOrEmpty),
  run: maybe(runMode),
  pid: maybe(count),
  restartCount: count,
  why: line,
  beat: maybe(seatBeat),
  beatAgeMs: figure,
  dumped: maybe(z.array(z.object({ digest, sizeBytes: count, executor: count })).max(SLOTS_MAX)),
})

const seatFault = z.object({
  code: nameOrEmpty,
  family: nameOrEmpty,
  component: nameOrEmpty,
  task: z.int(),
  message: line,
  stack: maybe(line),
  at: figure,
})

const exitReason = z.enum([
  'crash',
  'out-of-memory',
  'killed',
  'hung',
  'lease',
  'outdated',
  'assignment-changed',
  'restart-wanted',
  'start-failed',
  'shutdown',
])

const ofWorker = { at: figure, topologyId: nameOrEmpty, worker: count }

const happening = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('worker-started'), ...ofWorker, incarnation: count, tookMs: figure }),
  z.object({
    kind: z.literal('worker-exited'),
    ...ofWorker,
    incarnation: count,
    reason: exitReason,
    text: line,
  }),
  z.object({ kind: z.literal('fault'), ...ofWorker, fault: seatFault }),
  z.object({ kind: z.literal('stop-wanted'), at: figure, topologyId: nameOrEmpty, fault: seatFault }),
  z.object({ kind: z.literal('dead-letter'), at: figure, topologyId: nameOrEmpty, letter: json }),
  z.object({
    kind: z.literal('blob-missing'),
    at: figure,
    topologyId: nameOrEmpty,
    digest,
    text: line,
  }),
])

export const nodeHeartbeat: z.ZodType<NodeHeartbeat> = z.object({
  node: plainName,
  owner: plainName,
  sequence: count,
  machine: z.object({
    cpuCount: figure,
    cpuUsed: figure,
    memoryTotalBytes: figure,
    memoryUsedBytes: figure,
    diskFreeBytes: figure,
    diskTotalBytes: figure,
    loopDelayMs: figure,
    supervisorRssBytes: figure,
    failedChecks: z.array(nameOrEmpty).max(1_000),
  }),
  slots: z.array(slotBeat).max(SLOTS_MAX),
  happenings: z.array(happening).max(HAPPENINGS_MAX),
  happeningsDropped: count,
})

export const heartbeatReply: z.ZodType<HeartbeatReply> = z.object({
  epoch: count,
  logLevels: z.array(
    z.object({ topologyId: z.string(), logger: z.string(), level: z.string(), forMs: figure }),
  ),
})
