/**
 * Records as bytes: JSON with a format number, checked field by field when read. What does not fit is
 * RECORD_MALFORMED with the node's path, and nobody writes over it: it may be another cluster's, or a newer
 * version's.
 */
import { z } from 'zod'
import { FormatError, UsageError } from '../base/errors.ts'
import type { Json } from '../topology/describe/document.ts'
import { GENERATIONS_MAX, incarnationOf, RESTARTS_MAX } from './incarnation.ts'
import {
  type AssignmentRecord,
  type NimbusRecord,
  type NodeRecord,
  type PositionRecord,
  RECORD_BYTES_MAX,
  RECORD_FORMAT,
  type SubmitRecord,
  type SupervisorRecord,
  type TopologyRecord,
} from './records.ts'

const count = z.int().min(0)
const generation = z.int().min(1).max(GENERATIONS_MAX)
const digest = z.string().regex(/^[0-9a-f]{64}$/)
const blob = z.object({ digest, sizeBytes: count })
const json: z.ZodType<Json> = z.lazy(() =>
  z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(json), z.record(z.string(), json)]),
)
const parallelism = z.record(
  z.string(),
  z.object({ executors: z.int().min(1).optional(), tasks: z.int().min(1).optional() }),
)
const phase = z.enum(['active', 'inactive', 'rebalancing', 'killed'])

const nimbus = z.object({ nimbus: z.string(), address: z.string(), version: z.string() })
const supervisor = z.object({
  node: z.string().min(1),
  host: z.string(),
  address: z.string(),
  ports: z.array(z.int().min(1).max(65_535)),
  cpuPercent: z.number().min(0),
  memoryBytes: count,
  version: z.string(),
  owner: z.string(),
})
const node = z.object({
  node: z.string(),
  isDraining: z.boolean(),
  blacklistedUntil: z.number().optional(),
  why: z.string(),
})
const topology = z.object({
  id: z.string().min(1),
  name: z.string().min(1),
  version: z.int().min(1),
  phase,
  phaseAfter: z.enum(['active', 'inactive']).optional(),
  phaseDeadline: z.number().optional(),
  phaseWrites: count.optional(),
  phaseMs: z.number().optional(),
  submittedAt: z.number(),
  idempotencyKey: z.string().optional(),
  bundle: blob,
  outline: blob,
  args: json,
  config: json,
  parallelism,
  workers: z.int().min(1).optional(),
  scheduler: z.string().optional(),
  wanted: z
    .object({
      parallelism,
      workers: z.int().min(1).optional(),
      scheduler: z.string().optional(),
    })
    .optional(),
  quarantine: z.string().optional(),
  failure: z.string().optional(),
  givenUp: z.array(z.object({ version: count, why: z.string() })).optional(),
  rebalances: z.array(z.object({ key: z.string(), version: count })).optional(),
})
const assignment = z.object({
  topologyId: z.string().min(1),
  epoch: count,
  layout: z.int().min(1),
  layoutDigest: z.string(),
  run: z.enum(['active', 'inactive', 'drain']),
  token: z.string(),
  workers: z.array(
    z.object({
      worker: z.int().min(1),
      node: z.string(),
      port: z.int(),
      address: z.string(),
      generation,
      executors: z.string(),
    }),
  ),
  dump: z.string(),
  state: z.array(z.object({ component: z.string(), digest, sizeBytes: count })),
  generationMax: generation.optional(),
  unplaced: z.array(z.object({ executors: z.string(), why: z.string() })),
})
const incarnation = count.max(incarnationOf(GENERATIONS_MAX, RESTARTS_MAX))
const position = z.object({ stored: z.string(), incarnation })
const submit = z.object({ key: z.string(), topologyId: z.string() })

/** Encodes and checks one kind of record. */
export interface RecordCodec<R> {
  /** @throws UsageError RECORD_TOO_LARGE */
  encode(path: string, record: R): Uint8Array
  /** @throws FormatError RECORD_MALFORMED with the path and the first field that does not fit */
  parse(path: string, data: Uint8Array): R
}

/** Members that are undefined may be absent: JSON has no word for them. */
type Loose<R> = { readonly [K in keyof R]: R[K] }

function codec<R>(kind: string, schema: z.ZodType<unknown>): RecordCodec<R> {
  return {
    encode(path, record) {
      const bytes = new TextEncoder().encode(JSON.stringify({ format: RECORD_FORMAT, kind, ...record }))
      if (bytes.length <= RECORD_BYTES_MAX) return bytes
      const text = `the ${kind} record ${path} takes ${bytes.length} bytes, at most ${RECORD_BYTES_MAX} fit`
      throw new UsageError('RECORD_TOO_LARGE', text, { path, sizeBytes: bytes.length })
    },
    parse(path, data) {
      const found = parsed(path, kind, data)
      const result = schema.safeParse(found)
      if (result.success) return withAbsent<R>(result.data)
      const [issue] = result.error.issues
      throw malformed(path, `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'does not fit'}`)
    },
  }
}

export const recordCodecs = {
  nimbus: codec<NimbusRecord>('nimbus', nimbus),
  supervisor: codec<SupervisorRecord>('supervisor', supervisor),
  node: codec<NodeRecord>('node', node),
  topology: codec<TopologyRecord>('topology', topology),
  assignment: codec<AssignmentRecord>('assignment', assignment),
  position: codec<PositionRecord>('position', position),
  submit: codec<SubmitRecord>('submit', submit),
}

function parsed(path: string, kind: string, data: Uint8Array): object {
  let found: unknown
  try {
    found = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(data))
  } catch {
    throw malformed(path, 'no JSON')
  }
  if (typeof found !== 'object' || found === null || !('format' in found) || !('kind' in found))
    throw malformed(path, 'no record of ours')
  if (found.format !== RECORD_FORMAT)
    throw malformed(path, `format ${String(found.format)}, known is ${RECORD_FORMAT}`)
  if (found.kind !== kind)
    throw malformed(path, `a ${String(found.kind)} record where a ${kind} record belongs`)
  return found
}

function malformed(path: string, what: string): FormatError {
  return new FormatError('RECORD_MALFORMED', `the node ${path} holds no record of ours: ${what}`, { path })
}

/** The schemas above say the same as the types; a test holds them together (record-codec.test.ts). */
function withAbsent<R>(record: unknown): Loose<R> {
  return record as Loose<R>
}
