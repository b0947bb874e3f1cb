/** The hook behind `debug: true`: a log line for every emit, execute, ack and fail of a component. Slow, and asked for. */
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

function textOf(values: AnyValues): string {
  const text = JSON.stringify(values, (_name, value: unknown) =>
    typeof value === 'bigint' ? `${value}n` : value,
  )
  return text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}…` : text
}
