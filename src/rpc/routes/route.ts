/**
 * A call of an interface, described for the network: once, for whoever serves it, calls it and documents it.
 *
 *   caller: arguments ──parts──▶ path, query, body ──▶ carrier ──▶ schemas ──call──▶ the interface
 *           reply ◀──schema── body of the reply ◀──────────────────────────────────────┘
 *
 * Does not know: who carries it, who answers it, who may call it (only what kind of action it is).
 *
 * Invariants
 *   R1  what comes from outside reaches an interface only through the schemas of its route
 *   R2  a table has one route for each call of its interface; the compiler checks it
 */
import { z } from 'zod'
import type { ErrorCode } from '../../base/error-codes.ts'
import type { HttpRequest } from '../../host/host.ts'
import { BODY_BYTES_MAX } from '../limits.ts'
import type { Caller } from '../nimbus-api.ts'

/** Kinds of actions, as roles allow them. */
export type Action = 'look' | 'operate' | 'submit' | 'blobs' | 'beat'

/** What stands in a request, as the caller gives it. */
export interface RequestParts {
  readonly params?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, string | number | undefined>>
  /** A value for JSON, or bytes, as the route takes. */
  readonly body?: unknown
}

/** The same as it arrived: texts, and a body that was read but not looked at. */
export interface RawParts {
  readonly params: unknown
  readonly query: unknown
  readonly body: unknown
}

export interface Route<Api = never, Args extends readonly unknown[] = never, Reply = unknown> {
  readonly name: string
  readonly method: HttpRequest['method']
  /** Below the base: `/topologies/{name}`. */
  readonly path: string
  readonly summary: string
  readonly action: Action
  /** Of a reply that went well. 204: it has no body. */
  readonly status: 200 | 202 | 204
  readonly paramsSchema: z.ZodType
  readonly querySchema: z.ZodType
  readonly takes: 'nothing' | 'json' | 'bytes'
  readonly bodySchema: z.ZodType
  readonly gives: 'nothing' | 'json' | 'bytes'
  readonly replySchema: z.ZodType
  readonly bodyBytesMax: number
  /** Codes of its own, besides those that every call may have. */
  readonly errors: readonly ErrorCode[]
  /** A second time does no harm, and has the same result. */
  readonly isRepeatable: boolean
  /** Also a standby can tell it: clients turn to one while nobody leads. */
  readonly isAnsweredByAll: boolean
  /** @throws z.ZodError the request does not fit */
  readonly run: (api: Api, caller: Caller, raw: RawParts) => Promise<unknown>
  readonly parts: (...args: Args) => RequestParts
  /** @throws z.ZodError the reply does not fit */
  readonly readReply: (body: unknown) => Reply
}

/** Arguments of a call, without its caller. */
export type ArgsOf<Call> = Call extends (caller: Caller, ...args: infer Args) => Promise<unknown>
  ? Args
  : never
export type ReplyOf<Call> = Call extends (...args: never) => Promise<infer Reply> ? Reply : never

/** One route for each call. */
export type RouteTable<Api> = { readonly [K in keyof Api]: Route<Api, ArgsOf<Api[K]>, ReplyOf<Api[K]>> }

/** Any route of an interface, whatever it takes and gives. */
export type AnyRoute<Api> = Route<Api, never, unknown>

interface RouteSpec<Api, Call, P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType> {
  readonly method: HttpRequest['method']
  readonly path: string
  readonly summary: string
  readonly action: Action
  readonly status?: 202
  readonly params?: P
  readonly query?: Q
  /** `rawBytes`: as it is. */
  readonly body?: B
  /** Absent: nothing. */
  readonly reply?: z.ZodType<ReplyOf<Call>> | 'bytes'
  readonly bodyBytesMax?: number
  readonly errors?: readonly ErrorCode[]
  /** Default: GET, PUT and DELETE are. */
  readonly isRepeatable?: boolean
  /** Default: only the leader does. */
  readonly isAnsweredByAll?: true
  readonly call: (
    api: Api,
    caller: Caller,
    parts: { readonly params: z.output<P>; readonly query: z.output<Q>; readonly body: z.output<B> },
  ) => Promise<ReplyOf<Call>>
  readonly parts: (...args: ArgsOf<Call>) => RequestParts
}

const nothing = z.strictObject({})
/** A body that is no JSON. */
export const rawBytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array)
const noReply = z.custom<undefined>()

/** Describes calls of an interface: `describe<NimbusApi>()('kill')({ … })`. */
export function describe<Api>() {
  return <K extends keyof Api & string>(name: K) =>
    <
      P extends z.ZodType = typeof nothing,
      Q extends z.ZodType = typeof nothing,
      B extends z.ZodType = typeof noReply,
    >(
      spec: RouteSpec<Api, Api[K], P, Q, B>,
    ): Route<Api, ArgsOf<Api[K]>, ReplyOf<Api[K]>> =>
      routeOf(name, spec)
}

function routeOf<Api, Call, P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType>(
  name: string,
  spec: RouteSpec<Api, Call, P, Q, B>,
): Route<Api, ArgsOf<Call>, ReplyOf<Call>> {
  const { method, reply } = spec
  const schemas = z.object({
    params: spec.params ?? nothing,
    query: spec.query ?? nothing,
    body: spec.body ?? noReply,
  })
  const replySchema = reply === undefined ? noReply : reply === 'bytes' ? rawBytes : reply
  const takesBytes = Object.is(spec.body, rawBytes)
  return {
    name,
    method,
    path: spec.path,
    summary: spec.summary,
    action: spec.action,
    status: reply === undefined ? 204 : (spec.status ?? 200),
    paramsSchema: schemas.shape.params,
    querySchema: schemas.shape.query,
    takes: spec.body === undefined ? 'nothing' : takesBytes ? 'bytes' : 'json',
    bodySchema: schemas.shape.body,
    gives: reply === undefined ? 'nothing' : reply === 'bytes' ? 'bytes' : 'json',
    replySchema,
    bodyBytesMax: spec.bodyBytesMax ?? BODY_BYTES_MAX,
    errors: spec.errors ?? [],
    isRepeatable: spec.isRepeatable ?? (method === 'GET' || method === 'PUT' || method === 'DELETE'),
    isAnsweredByAll: spec.isAnsweredByAll ?? false,
    run: (api, caller, raw) => spec.call(api, caller, parseParts<P, Q, B>(schemas, raw)),
    parts: spec.parts,
    readReply: (body) => parseReply<ReplyOf<Call>>(replySchema, body),
  }
}

/** The one place where what schemas were checked by gets the types that they were declared with. */
function parseParts<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType>(
  schemas: z.ZodType,
  raw: RawParts,
): { readonly params: z.output<P>; readonly query: z.output<Q>; readonly body: z.output<B> } {
  return schemas.parse(raw) as ReturnType<typeof parseParts<P, Q, B>>
}

function parseReply<Reply>(schema: z.ZodType, body: unknown): Reply {
  return schema.parse(body) as Reply
}
