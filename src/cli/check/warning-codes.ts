/** Warnings of `typhoon check` that no error code stands for: what each means, and what to do. */

export interface WarningEntry {
  readonly meaning: string
  readonly action: string
}

const warnings: Readonly<Record<string, WarningEntry>> = {
  cycle: {
    meaning: 'Components feed each other in a circle, so tuples may go round for ever.',
    action: 'Make sure that a tuple leaves the circle after some rounds.',
  },
  'unread-stream': {
    meaning: 'A component declares a stream that nobody reads.',
    action: 'Add a grouping on it, or take it out of output.',
  },
  'one-call-at-a-time': {
    meaning: 'An async bolt with concurrency 1 makes its calls one after the other.',
    action: 'Set concurrency, if the order of calls does not matter.',
  },
  'wall-clock': {
    meaning: 'A component reads the clock of the machine, which tests in virtual time cannot move.',
    action: 'Use context.now(), which prepare and open are given: in tests it is virtual.',
  },
  'own-chance': {
    meaning: 'A component draws random numbers of its own, so two runs with one seed differ.',
    action: 'Use context.random(), which prepare and open are given: in tests it comes from the seed.',
  },
  'own-timer': {
    meaning: 'A component sets timers of its own, of which the engine knows nothing.',
    action: 'Use timer(…) of a keyed bolt, or onTick with tickInterval.',
  },
}

/** Undefined: no such warning. */
export function warningEntry(code: string): WarningEntry | undefined {
  return Object.hasOwn(warnings, code) ? warnings[code] : undefined
}
