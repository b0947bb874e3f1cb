/**
 * A table of routes as an OpenAPI 3.1 document: made of the schemas that requests are checked by, so it
 * cannot say anything else than what holds.
 */
import { z } from 'zod'
import type { Json } from '../topology/describe/document.ts'
import { commonStatuses, PROBLEM_TYPE, statusOf } from './problem.ts'
import { API_BASE } from './route-finder.ts'
import type { AnyRoute } from './routes/route.ts'

type Schema = { readonly [name: string]: Json }

const problem: Schema = {
  type: 'object',
  description: 'A problem as in RFC 9457.',
  required: ['type', 'title', 'status'],
  properties: {
    type: { type: 'string', description: 'A name: urn:typhoon:error: and the code.' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    code: { type: 'string', description: 'Explained by: typhoon explain CODE.' },
    family: { enum: ['usage', 'unavailable', 'conflict', 'format', 'user-code'] },
    details: { type: 'object', additionalProperties: { type: ['string', 'number', 'boolean'] } },
  },
}

export function openApiOf<Api>(title: string, version: string, routes: readonly AnyRoute<Api>[]): Json {
  const paths: Record<string, Record<string, Json>> = {}
  for (const route of routes) {
    const path = `${API_BASE}${route.path}`
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route) }
  }
  return {
    openapi: '3.1.0',
    info: { title, version },
    paths,
    components: {
      schemas: { Problem: problem },
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
    },
    security: [{ token: [] }],
  }
}

/** Every status that the route may answer with. */
export function statusesOf<Api>(route: AnyRoute<Api>): readonly number[] {
  const all = new Set([route.status, ...commonStatuses, ...route.errors.map(statusOf)])
  return [...all].sort((left, right) => left - right)
}

function operationOf<Api>(route: AnyRoute<Api>): Json {
  const responses: Record<string, Json> = {}
  for (const status of statusesOf(route)) {
    responses[String(status)] = status === route.status ? success(route) : failure(route, status)
  }
  return {
    operationId: route.name,
    summary: route.summary,
    'x-action': route.action,
    parameters: [...parametersOf(route.paramsSchema, 'path'), ...parametersOf(route.querySchema, 'query')],
    ...(route.takes === 'nothing' ? {} : { requestBody: { required: true, content: contentOf(route) } }),
    responses,
  }
}

function parametersOf(schema: z.ZodType, where: 'path' | 'query'): readonly Json[] {
  const { properties = {}, required = [] } = schemaOf(schema)
  return Object.entries(properties).map(([name, each]) => {
    const isRequired = where === 'path' || (Array.isArray(required) && required.includes(name))
    return { name, in: where, required: isRequired, schema: each }
  })
}

function contentOf<Api>(route: AnyRoute<Api>): Json {
  if (route.takes === 'bytes') return { 'application/octet-stream': {} }
  return { 'application/json': { schema: schemaOf(route.bodySchema) } }
}

function success<Api>(route: AnyRoute<Api>): Json {
  if (route.gives === 'nothing') return { description: 'Done.' }
  const type = route.gives === 'bytes' ? 'application/octet-stream' : 'application/json'
  const content = route.gives === 'bytes' ? {} : { schema: schemaOf(route.replySchema) }
  return { description: 'Done.', content: { [type]: content } }
}

function failure<Api>(route: AnyRoute<Api>, status: number): Json {
  const codes = route.errors.filter((code) => statusOf(code) === status)
  return {
    description: codes.length === 0 ? 'See the code of the problem.' : `${codes.join(', ')}.`,
    content: { [PROBLEM_TYPE]: { schema: { $ref: '#/components/schemas/Problem' } } },
  }
}

function schemaOf(schema: z.ZodType): Schema & { readonly properties?: Schema } {
  // As it stands in a request; what only a function can check (`custom`) is anything, here.
  const text = JSON.stringify(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }))
  const { $schema: _dialect, ...rest } = JSON.parse(text)
  return rest
}
