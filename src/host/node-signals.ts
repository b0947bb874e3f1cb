/** Signals that ask this process to end: for the command line and the mains of processes. */
import type { Stoppable } from './host.ts'

export type EndSignal = 'SIGTERM' | 'SIGINT' | 'SIGHUP'

/** Calls when the signal comes, instead of ending the process, until it is stopped. */
export function onSignal(signal: EndSignal, callback: () => void): Stoppable {
  process.on(signal, callback)
  return { stop: () => process.off(signal, callback) }
}

/**
 * Calls `first` at the first SIGTERM or SIGINT, for an orderly end, and `again` at every further one:
 * somebody is impatient.
 */
export function onEndRequested(first: () => void, again: () => void): Stoppable {
  let isAsked = false
  const onAsked = () => {
    if (isAsked) again()
    else {
      isAsked = true
      first()
    }
  }
  const watches = [onSignal('SIGTERM', onAsked), onSignal('SIGINT', onAsked)]
  return {
    stop: () => {
      for (const watch of watches) watch.stop()
    },
  }
}
