/**
 * Which route a path and a method mean. Pure; paths are looked up segment by segment, never by expressions.
 * A table has no word where another of its paths has a parameter, so what fits is one path.
 */
import { nearest } from '../base/nearest.ts'
import { decoded } from './request-body.ts'
import type { AnyRoute } from './routes/route.ts'

/** Before every path of a table. */
export const API_BASE = '/api/v2'

export type Found<Api> =
  | { readonly route: AnyRoute<Api>; readonly params: Readonly<Record<string, string>> }
  /** The path is known, the method is not its own. */
  | { readonly route: undefined; readonly allowed: readonly string[] }

interface Known<Api> {
  readonly route: AnyRoute<Api>
  readonly segments: readonly string[]
}

/** Longer ones mean nothing here. */
const PATH_CHARACTERS_MAX = 4_096

export class RouteFinder<Api> {
  private readonly known: readonly Known<Api>[]

  constructor(routes: readonly AnyRoute<Api>[]) {
    this.known = routes.map((route) => ({ route, segments: segmentsOf(API_BASE + route.path) }))
  }

  /** undefined: there is no such path. @throws UsageError REQUEST_INVALID it is not encoded as a URL is */
  find(method: string, path: string): Found<Api> | undefined {
    if (path.length > PATH_CHARACTERS_MAX) return undefined
    const segments = segmentsOf(path)
    const fitting = this.known.filter((known) => fits(known.segments, segments))
    if (fitting.length === 0) return undefined
    const same = fitting.find(({ route }) => route.method === method)
    if (same !== undefined) return { route: same.route, params: paramsOf(same.segments, segments) }
    const allowed = [...new Set(fitting.map(({ route }) => route.method))].sort()
    return { route: undefined, allowed }
  }

  /** The path most like this one. */
  nearest(path: string): string | undefined {
    const paths = this.known.map(({ route }) => API_BASE + route.path)
    return nearest(path.slice(0, 200), paths)
  }
}

function segmentsOf(path: string): readonly string[] {
  return path.split('/').slice(1)
}

function isParameter(segment: string): boolean {
  return segment.startsWith('{')
}

function fits(known: readonly string[], segments: readonly string[]): boolean {
  if (known.length !== segments.length) return false
  return known.every((word, index) => isParameter(word) || word === segments[index])
}

function paramsOf(known: readonly string[], segments: readonly string[]): Readonly<Record<string, string>> {
  const params: Record<string, string> = Object.create(null)
  for (const [index, word] of known.entries()) {
    if (isParameter(word)) params[word.slice(1, -1)] = decoded(segments[index] ?? '')
  }
  return params
}
