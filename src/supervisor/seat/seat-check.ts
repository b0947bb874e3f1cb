/**
 * Messages of workers, checked field by field: user code runs where they come from, and what is wrong in one
 * must not reach the leader in a heartbeat.
 */
import { z } from 'zod'
import { SEAT_PROTOCOL, type ToSupervisor } from '../../cluster/seat-messages.ts'
import { seatBeat } from '../../rpc/routes/beat-schemas.ts'
import { count, figure, json, line, maybe, nameOrEmpty } from '../../rpc/routes/schemas.ts'

type Hello = Extract<ToSupervisor, { readonly kind: 'hello' }>

const reason = z.enum([
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
/** A u32 on the wire. */
const incarnation = z.int().min(0).max(0xffff_ffff)
const seat = z.object({
  topologyId: nameOrEmpty,
  worker: count,
  port: count,
  incarnation: count,
  layout: count,
  layoutDigest: nameOrEmpty,
})
const fault = z.object({
  code: nameOrEmpty,
  family: nameOrEmpty,
  component: nameOrEmpty,
  task: z.int(),
  message: line,
  stack: maybe(line),
  at: figure,
})
const file = z.object({ executor: count, path: line, sizeBytes: count })

/** In every version. */
const anyHello = z.object({
  kind: z.literal('hello'),
  protocol: count,
  secret: nameOrEmpty,
  pid: count,
  bornAt: nameOrEmpty,
})

const schema = z.discriminatedUnion('kind', [
  anyHello.extend({ seat: maybe(seat) }),
  z.object({ kind: z.literal('started') }),
  z.object({ kind: z.literal('start-failed'), fault }),
  z.object({ kind: z.literal('heartbeat'), beat: seatBeat }),
  z.object({
    kind: z.literal('positions'),
    positions: z.record(z.string(), z.record(z.string(), z.string())),
  }),
  z.object({ kind: z.literal('rearranged'), placementDigest: nameOrEmpty }),
  z.object({ kind: z.literal('state-dumped'), files: z.array(file) }),
  z.object({ kind: z.literal('fault'), fault }),
  z.object({ kind: z.literal('stop-wanted'), fault }),
  z.object({ kind: z.literal('dead-letter'), letter: json }),
  z.object({ kind: z.literal('exiting'), reason, text: line, newest: incarnation.optional() }),
])

/** undefined: it does not fit, and `why` is told the first field that does not. */
export function checkSeatMessage(found: unknown, why: (text: string) => void): ToSupervisor | undefined {
  const result = schema.safeParse(found)
  if (result.success) return result.data
  const [issue] = result.error.issues
  why(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'does not fit'}`)
  return undefined
}

/** Of another version only what all have in common: its seat is not looked at. */
export function checkHello(found: unknown, why: (text: string) => void): Hello | undefined {
  const any = anyHello.safeParse(found)
  if (any.success && any.data.protocol !== SEAT_PROTOCOL) return { ...any.data, seat: undefined }
  const message = checkSeatMessage(found, why)
  return message?.kind === 'hello' ? message : undefined
}

/** The secret of a HELLO, before anything else of it is looked at. */
export function secretOf(found: unknown): string | undefined {
  if (typeof found !== 'object' || found === null || !('kind' in found) || found.kind !== 'hello') {
    return undefined
  }
  return 'secret' in found && typeof found.secret === 'string' ? found.secret : undefined
}
