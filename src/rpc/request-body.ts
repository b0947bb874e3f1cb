/**
 * What arrived, made into values before any schema looks at them: texts, JSON, queries. All of it may be
 * hostile.
 */
import { UsageError } from '../base/errors.ts'
import { DEPTH_MAX } from './limits.ts'
import type { Action } from './routes/route.ts'

/** Nobody needs more in a query. */
const QUERY_NAMES_MAX = 32
/** Dead letters are the user's, so they may be deep; nothing calls itself for them. */
const BEAT_DEPTH_MAX = 1_000
const POISON: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])

export function refuse(message: string): UsageError {
  return new UsageError('REQUEST_INVALID', message)
}

/** @throws UsageError REQUEST_INVALID it is no JSON, too deep, or has names that are there to do harm */
export function parseBody(bytes: Uint8Array, action: Action): unknown {
  const value = parseJson(bytes)
  const isBeat = action === 'beat'
  const trouble = troubleIn(value, isBeat ? BEAT_DEPTH_MAX : DEPTH_MAX, !isBeat)
  if (trouble !== undefined) throw refuse(`the body ${trouble}`)
  return value
}

function parseJson(bytes: Uint8Array): unknown {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw refuse('the body is not UTF-8')
  }
  try {
    return JSON.parse(text)
  } catch {
    // The parser's own words quote the body, which may hold what nobody else should read.
    throw refuse('the body is no JSON')
  }
}

/** Level by level, without calling itself: depth is what is looked for. */
function troubleIn(value: unknown, depthMax: number, refusesPoison: boolean): string | undefined {
  let level: readonly unknown[] = [value]
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > depthMax) return `has more than ${depthMax} levels`
    const next: unknown[] = []
    for (const each of level) {
      if (typeof each !== 'object' || each === null) continue
      if (refusesPoison && !Array.isArray(each)) {
        const poison = Object.keys(each).find((name) => POISON.has(name))
        if (poison !== undefined) return `has the name '${poison}'`
      }
      for (const inner of Object.values(each)) if (typeof inner === 'object') next.push(inner)
    }
    level = next
  }
  return undefined
}

/** @throws UsageError REQUEST_INVALID */
export function parseQuery(text: string): Readonly<Record<string, string>> {
  const query: Record<string, string> = Object.create(null)
  if (text === '') return query
  const pairs = text.split('&')
  if (pairs.length > QUERY_NAMES_MAX) throw refuse(`the query has more than ${QUERY_NAMES_MAX} names`)
  for (const pair of pairs) {
    const equals = pair.indexOf('=')
    const name = decoded(equals === -1 ? pair : pair.slice(0, equals))
    if (name in query) throw refuse('a name stands in the query twice')
    query[name] = equals === -1 ? '' : decoded(pair.slice(equals + 1))
  }
  return query
}

/** @throws UsageError REQUEST_INVALID */
export function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', '%20'))
  } catch {
    throw refuse('the path or query is not encoded as a URL is')
  }
}
