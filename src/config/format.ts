/** The way back: a compiled value as it is written in TypeScript, and as it is written in a file. */

import type { CompiledErrorPolicy, CompiledReporter } from './compiled.ts'
import { formatBytes, formatDuration } from './duration.ts'
import type { Key } from './keys.ts'
import { unitSize } from './parse.ts'

/** As in TypeScript: `'30s'`, `'64MiB'`. Undefined stays undefined. */
export function toTyped(key: Key, value: unknown): unknown {
  const { spec } = key
  if (value === undefined) return undefined
  if (spec.type === 'duration' && typeof value === 'number') return formatDuration(value)
  if (spec.type === 'bytes' && typeof value === 'number') return formatBytes(value)
  return plain(key, value)
}

/** As in YAML: a number in the unit of the key; null where it is unset. */
export function toFile(key: Key, value: unknown): unknown {
  const { spec } = key
  if (value === undefined) return null
  if ((spec.type === 'duration' || spec.type === 'bytes') && typeof value === 'number') {
    return value / unitSize[spec.unit]
  }
  return plain(key, value)
}

/** What is the same in both. */
function plain(key: Key, value: unknown): unknown {
  const { spec } = key
  if (spec.type === 'onError' && isPolicy(value)) return policy(value)
  if (spec.type === 'list' && spec.of === 'object' && Array.isArray(value))
    return value.filter(isReporter).map(reporter)
  return value
}

/** A policy that only names its action is written as the action. */
function policy(value: CompiledErrorPolicy): unknown {
  if (value.retries === 0 && value.retryIf === undefined) return value.action
  return {
    retries: value.retries,
    backoff: { first: formatDuration(value.firstMs), factor: value.factor, max: formatDuration(value.maxMs) },
    // biome-ignore lint/suspicious/noThenProperty: the public name of the member; never awaited
    then: value.action,
    ...(value.retryIf === undefined ? {} : { retryIf: value.retryIf }),
  }
}

function reporter(value: CompiledReporter): unknown {
  return { module: value.module, every: formatDuration(value.everyMs), options: value.options }
}

function isPolicy(value: unknown): value is CompiledErrorPolicy {
  return typeof value === 'object' && value !== null && 'action' in value
}

function isReporter(value: unknown): value is CompiledReporter {
  return typeof value === 'object' && value !== null && 'everyMs' in value
}
