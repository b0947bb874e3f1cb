/**
 * Clusters by name, as one user keeps them: `$XDG_CONFIG_HOME/typhoon/config.yaml`.
 *
 *   default: prod
 *   contexts:
 *     prod:
 *       nimbus: [nimbus-1:6627, nimbus-2:6627]
 *       production: true
 *       tokenFile: ~/.config/typhoon/prod.token
 *       tls: { ca: ~/.config/typhoon/ca.pem }
 *
 * Pure: reading and writing the file is the caller's.
 */
import { parse, stringify } from 'yaml'
import { z } from 'zod'
import { UsageError } from '../../base/errors.ts'
import { nearest } from '../../base/nearest.ts'
import type { ContextConfig } from '../../config/cluster-config.ts'

export interface Contexts {
  readonly default: string | undefined
  readonly contexts: Readonly<Record<string, ContextConfig>>
}

/** A context as it is used. */
export interface Target {
  /** undefined: an address was given. */
  readonly context: string | undefined
  readonly seeds: readonly string[]
  readonly isProduction: boolean
  readonly tokenFile: string | undefined
  readonly tls: { readonly ca?: string; readonly cert?: string; readonly key?: string } | undefined
}

export const NIMBUS_PORT = 6627
const noContexts: Contexts = { default: undefined, contexts: {} }

const path = z.string().min(1)
const contextSchema = z.strictObject({
  nimbus: z.union([path, z.array(path).min(1)]),
  production: z.boolean().optional(),
  tokenFile: path.optional(),
  tls: z.strictObject({ ca: path.optional(), cert: path.optional(), key: path.optional() }).optional(),
})
const fileSchema = z.strictObject({
  default: z.string().optional(),
  contexts: z.record(z.string(), contextSchema).optional(),
})

/** Path of the file for these variables. */
export function contextsPath(environment: Readonly<Record<string, string | undefined>>): string {
  const home = environment['XDG_CONFIG_HOME'] || `${environment['HOME'] ?? ''}/.config`
  return `${home}/typhoon/config.yaml`
}

/** @throws UsageError CONFIG_FILE_UNREADABLE, CONFIG_INVALID_VALUE */
export function parseContexts(text: string | undefined, file: string): Contexts {
  if (text === undefined) return noContexts
  const read = fileSchema.safeParse(parsed(text, file) ?? {})
  if (!read.success) {
    const [issue] = read.error.issues
    const message = `${file}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'does not fit'}`
    throw new UsageError('CONFIG_INVALID_VALUE', message, { where: `${file}:1:1` })
  }
  // Written out again by whoever changes it; what is undefined there is absent here.
  const contexts: Readonly<Record<string, ContextConfig>> = JSON.parse(
    JSON.stringify(read.data.contexts ?? {}),
  )
  return { default: read.data.default, contexts }
}

export function contextsText({ default: chosen, contexts }: Contexts): string {
  return stringify(chosen === undefined ? { contexts } : { default: chosen, contexts })
}

/** @throws UsageError CONTEXT_UNKNOWN */
export function targetOf(name: string, contexts: Readonly<Record<string, ContextConfig>>): Target {
  const context = Object.hasOwn(contexts, name) ? contexts[name] : undefined
  if (context === undefined) {
    const names = Object.keys(contexts)
    const close = nearest(name, names)
    const hint = close === undefined ? '' : `; did you mean '${close}'?`
    const there = names.length === 0 ? 'there are none' : `there are ${names.join(', ')}`
    throw new UsageError('CONTEXT_UNKNOWN', `there is no context '${name}', ${there}${hint}`, {
      context: name,
    })
  }
  const { nimbus, production, tokenFile, tls } = context
  return {
    context: name,
    seeds: (typeof nimbus === 'string' ? nimbus.split(',') : nimbus).map(withPort),
    isProduction: production === true,
    tokenFile,
    tls,
  }
}

/** Addresses instead of a context. */
export function targetAt(addresses: readonly string[]): Target {
  const seeds = addresses.flatMap((address) => address.split(',')).map(withPort)
  return { context: undefined, seeds, isProduction: false, tokenFile: undefined, tls: undefined }
}

function withPort(address: string): string {
  const bare = address.trim().replace(/^https?:\/\//, '')
  return /:\d+$/.test(bare) ? bare : `${bare}:${NIMBUS_PORT}`
}

function parsed(text: string, file: string): unknown {
  try {
    return parse(text)
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n', 1).join() : String(error)
    throw new UsageError('CONFIG_FILE_UNREADABLE', `${file} is no YAML: ${reason}`, { where: `${file}:1:1` })
  }
}
