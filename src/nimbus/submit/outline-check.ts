/**
 * An outline as it came from outside: bytes of a blob → [here] → a TopologyOutline whose every figure is
 * bounded, or REQUEST_INVALID with the first field that does not fit.
 *
 * Whether the bundle really has this outline is not seen here: the throw-away child says that.
 *
 * Invariants
 *   O1  what passed here can be expanded and scheduled without running out of memory
 *   O2  components are in name order without repeats, inputs name components: task numbers depend on it
 */
import { z } from 'zod'
import { UsageError } from '../../base/errors.ts'
import type { Json } from '../../topology/describe/document.ts'
import type { TopologyOutline } from '../../topology/describe/outline.ts'

export const OUTLINE_BYTES_MAX = 4 * 1024 * 1024
const COMPONENTS_MAX = 1_000
/** Tasks of one topology: what an assignment and a link table are made for. */
export const TASKS_MAX = 100_000
const WORKERS_MAX = 10_000
const TEXT_MAX = 256
/** Ten days: longer is a slip of the unit. */
const TIMEOUT_MS_MAX = 10 * 86_400_000
const BYTES_MAX = 2 ** 46

const count = z.int().min(1)
const id = z.string().min(1).max(TEXT_MAX)
const json: z.ZodType<Json> = z.lazy(() =>
  z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(json), z.record(z.string(), json)]),
)
const milliseconds = z.number().min(0).max(TIMEOUT_MS_MAX)

const componentOutline = z.object({
  id,
  kind: z.enum(['spout', 'bolt', 'system']),
  executors: count.max(TASKS_MAX),
  tasks: count.max(TASKS_MAX),
  hasOwnTasks: z.boolean(),
  cpuPercent: z.number().min(0).max(1_000_000),
  memoryBytes: z.number().min(0).max(BYTES_MAX),
  inputs: z.array(id).max(COMPONENTS_MAX),
})

const componentDocument = z.object({
  kind: z.enum(['spout', 'bolt']),
  form: z.string().max(TEXT_MAX),
  replay: z.enum(['plain', 'replayable']).nullable(),
  sink: z.enum(['plain', 'idempotent', 'transactional']).nullable(),
  key: z.array(z.string()).nullable(),
  state: z.record(z.string(), z.string()),
  settings: json,
  streams: z.record(
    z.string(),
    z.object({ fields: z.record(z.string(), z.string()), direct: z.boolean(), readers: z.array(z.string()) }),
  ),
  inputs: z.array(
    z.object({
      component: z.string(),
      stream: z.string(),
      grouping: z.string(),
      fields: z.array(z.string()),
      ranges: json,
    }),
  ),
})

const outlineSchema = z.object({
  name: z.string().max(1_000),
  guarantee: z.enum(['at-most-once', 'at-least-once', 'exactly-once']),
  workers: count.max(WORKERS_MAX),
  messageTimeoutMs: milliseconds,
  drainTimeoutMs: milliseconds,
  scheduler: z.string().max(TEXT_MAX).optional(),
  priority: z.number(),
  workerHeapBytes: z.number().min(0).max(BYTES_MAX).optional(),
  workerTimeoutMs: milliseconds.optional(),
  nodeOptions: z.array(z.string().max(TEXT_MAX)).max(100),
  environment: z.record(z.string().max(TEXT_MAX), z.string().max(32_768)),
  components: z.array(componentOutline).min(1).max(COMPONENTS_MAX),
  document: z.object({
    name: z.string().nullable(),
    config: json,
    components: z.record(z.string(), componentDocument),
  }),
})

/** @throws UsageError REQUEST_INVALID, REQUEST_TOO_LARGE */
export function parseOutline(bytes: Uint8Array): TopologyOutline {
  if (bytes.length > OUTLINE_BYTES_MAX) {
    const text = `the outline has ${bytes.length} bytes, at most ${OUTLINE_BYTES_MAX} are taken`
    throw new UsageError('REQUEST_TOO_LARGE', text, { sizeBytes: bytes.length })
  }
  const result = outlineSchema.safeParse(asJson(bytes))
  if (!result.success) {
    const [issue] = result.error.issues
    throw invalid(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'does not fit'}`)
  }
  const { scheduler, workerHeapBytes, workerTimeoutMs, ...rest } = result.data
  const outline: TopologyOutline = {
    ...rest,
    scheduler,
    workerHeapBytes,
    workerTimeoutMs,
  }
  checkComponents(outline)
  return outline
}

/** The same text for equal outlines, whatever the order of their members. */
export function outlineText(outline: TopologyOutline): string {
  return canonical(outline)
}

function checkComponents({ components, document }: TopologyOutline): void {
  const ids = new Set<string>()
  let tasks = 0
  let before = ''
  for (const component of components) {
    if (component.id <= before) throw invalid(`components are not in name order at '${component.id}'`)
    if (component.executors > component.tasks)
      throw invalid(`'${component.id}' has more executors than tasks`)
    before = component.id
    ids.add(component.id)
    tasks += component.tasks
  }
  if (tasks > TASKS_MAX) throw invalid(`${tasks} tasks, a topology has at most ${TASKS_MAX}`)
  for (const component of components) {
    const stranger = component.inputs.find((input) => !ids.has(input))
    if (stranger !== undefined) throw invalid(`'${component.id}' reads '${stranger}', which is not there`)
    if (component.kind !== 'system' && !Object.hasOwn(document.components, component.id))
      throw invalid(`the document does not have '${component.id}'`)
  }
}

function asJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw invalid('no JSON')
  }
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const entries = Object.entries(value).filter(([, member]) => member !== undefined)
  entries.sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join(',')}}`
}

function invalid(why: string): UsageError {
  return new UsageError('REQUEST_INVALID', `the outline of the topology does not fit: ${why.slice(0, 300)}`, {
    field: 'outline',
  })
}
