/**
 * The hook behind `debug: true`: a log line for every emit, execute, ack and fail of a component. Slow, and
 * asked for.
 */
import type { Logger } from '../topology/context.ts'
import type { TaskHook } from '../topology/hook.ts'
import type { AnyValues } from '../topology/tuple.ts'

/** Longest text of values in a line. */
const TEXT_MAX = 200

export function debugHook(log: Logger): TaskHook {
  return {
    emit: ({ stream, values }) => log.info(`emit to ${stream}`, { values: textOf(values) }),
    execute: (tuple) => {
      log.info(`execute of ${tuple.sourceComponent}:${tuple.sourceStream}`, { values: textOf(tuple.values) })
    },
    ack: () => log.info('ack'),
    fail: (_tuple, failure) => log.info('fail', { reason: failure.reason, message: failure.message ?? '' }),
    spoutAck: () => log.info('tree acked'),
    spoutFail: (_id, failure) =>
      log.info('tree failed', { reason: failure.reason, message: failure.message ?? '' }),
  }
}

/**
 * What JSON cannot say (a circle, a toJSON that throws) is said to be so: watching must not make an emit
 * fail.
 */
function textOf(values: AnyValues): string {
  let text: string
  try {
    text = JSON.stringify(values, plain)
  } catch (error) {
    text = `not to be shown: ${error instanceof Error ? error.message : String(error)}`
  }
  return text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}…` : text
}

function plain(_name: string, value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}n`
  if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes`
  if (value instanceof Map || value instanceof Set) return [...value]
  return value
}
