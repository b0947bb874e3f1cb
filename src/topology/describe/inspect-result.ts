/**
 * What came of building a topology in a throw-away process: its outline, or why there is none. Pure: the
 * process itself is run by host/node-inspect.ts, and what runs in it is worker/inspect-main.ts.
 */
import type { TopologyOutline } from './outline.ts'
import { RELATIVE_PATHS_MAX, type RelativePath } from './relative-paths.ts'

export interface InspectError {
  /** A code of base/error-codes.ts. */
  readonly code: string
  readonly family: string
  readonly message: string
  /** `file:line:column` in the user's code, if it is known. */
  readonly where: string | undefined
}

export type InspectResult =
  | {
      readonly isOk: true
      readonly outline: TopologyOutline
      readonly relativePaths: readonly RelativePath[]
      readonly output: string
    }
  /** `output`: the end of what the module printed. */
  | { readonly isOk: false; readonly error: InspectError; readonly output: string }

/** How such a process ended, as its parent saw it. */
export interface InspectEnd {
  /** What it answered, if it did before it ended. */
  readonly answer: unknown
  readonly end: 'answered' | 'timed-out' | 'out-of-memory' | 'ended'
  /** In words: the limit it ran into, or its exit code. */
  readonly how: string
  readonly output: string
}

/** User code ran in that process: what it sent is looked at before it is believed. */
export function inspectResultOf({ answer, end, how, output }: InspectEnd): InspectResult {
  if (end === 'timed-out')
    return failed('BUILD_TIMED_OUT', `the topology was not built within ${how}`, output)
  if (end === 'out-of-memory') {
    return failed('BUILD_OUT_OF_MEMORY', `building the topology took more than ${how} of memory`, output)
  }
  if (end === 'ended') {
    return failed('BUILD_ENDED', `the process ended while the topology was built: ${how}`, output)
  }
  if (isRecord(answer) && isOutline(answer['outline']))
    return {
      isOk: true,
      outline: answer['outline'],
      relativePaths: pathsIn(answer['relativePaths']),
      output,
    }
  const error = isRecord(answer) ? errorOf(answer['error']) : undefined
  if (error !== undefined) return { isOk: false, error, output }
  return failed('BUILD_ENDED', 'the process that built the topology answered something else', output)
}

function failed(code: string, message: string, output: string): InspectResult {
  return { isOk: false, error: { code, family: 'user-code', message, where: undefined }, output }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function errorOf(found: unknown): InspectError | undefined {
  if (!isRecord(found)) return undefined
  const { code, family, message, where } = found
  if (typeof code !== 'string' || typeof family !== 'string' || typeof message !== 'string') return undefined
  return { code, family, message, where: typeof where === 'string' ? where : undefined }
}

function pathsIn(found: unknown): readonly RelativePath[] {
  const all: readonly unknown[] = Array.isArray(found) ? found.slice(0, RELATIVE_PATHS_MAX) : []
  return all.filter(isRecord).flatMap(({ component, path }) => {
    return typeof component === 'string' && typeof path === 'string' ? [{ component, path }] : []
  })
}

const TASKS_MAX = 1_000_000

/** Of all that others reckon with, the kind; the document is shown only. */
function isOutline(found: unknown): found is TopologyOutline {
  if (!isRecord(found) || !isRecord(found['document']) || !Array.isArray(found['components'])) return false
  if (typeof found['name'] !== 'string' || !isCount(found['workers'])) return false
  const amounts = ['messageTimeoutMs', 'drainTimeoutMs', 'priority'].map((name) => found[name])
  if (!amounts.every((amount) => typeof amount === 'number')) return false
  return found['components'].every(isComponent)
}

function isComponent(found: unknown): boolean {
  if (!isRecord(found) || typeof found['id'] !== 'string' || !Array.isArray(found['inputs'])) return false
  if (found['kind'] !== 'spout' && found['kind'] !== 'bolt' && found['kind'] !== 'system') return false
  if (!isCount(found['executors']) || !isCount(found['tasks'])) return false
  return typeof found['cpuPercent'] === 'number' && typeof found['memoryBytes'] === 'number'
}

function isCount(found: unknown): boolean {
  return typeof found === 'number' && Number.isInteger(found) && found >= 0 && found <= TASKS_MAX
}
