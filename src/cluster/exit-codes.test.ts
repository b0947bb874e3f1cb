import { expect, test } from 'vitest'
import { exitReasonOf, HEAP_FULL_TEXT } from './exit-codes.ts'

test.each([
  [0, undefined, '', 'shutdown'],
  [70, undefined, '', 'crash'],
  [71, undefined, '', 'start-failed'],
  [72, undefined, '', 'lease'],
  [73, undefined, '', 'restart-wanted'],
  [74, undefined, '', 'outdated'],
  [1, undefined, '', 'crash'],
  [undefined, 'SIGKILL', '', 'killed'],
  [undefined, 'SIGTERM', '', 'killed'],
  [137, undefined, '', 'killed'],
  [undefined, 'SIGSEGV', '', 'crash'],
  [undefined, 'SIGABRT', '', 'crash'],
  [undefined, 'SIGABRT', `FATAL ERROR: ${HEAP_FULL_TEXT}`, 'out-of-memory'],
  [134, undefined, `FATAL ERROR: ${HEAP_FULL_TEXT}`, 'out-of-memory'],
  // A line about memory does not make an orderly end a failure.
  [0, undefined, HEAP_FULL_TEXT, 'shutdown'],
] as const)('code %s, signal %s, output %s: %s', (code, signal, output, reason) => {
  expect(exitReasonOf({ code, signal }, output)).toBe(reason)
})
