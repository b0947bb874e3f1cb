/**
 * Whether this cluster runs what an outline asks for. Pure: every finding at once, for the preview; the
 * first is thrown.
 */
import { type ErrorCode, errorCodeEntry } from '../../base/error-codes.ts'
import {
  ConflictError,
  FormatError,
  type StreamError,
  UnavailableError,
  UsageError,
  UserCodeError,
} from '../../base/errors.ts'
import type { Json } from '../../topology/describe/document.ts'
import type { TopologyOutline } from '../../topology/describe/outline.ts'
import type { NimbusSettings } from '../settings.ts'

export interface Refusal {
  readonly code: ErrorCode
  readonly message: string
}

type Limits = Pick<NimbusSettings, 'workersMax' | 'executorsMax'>

export function judgeOutline(outline: TopologyOutline, config: Json, limits: Limits): readonly Refusal[] {
  const found: Refusal[] = []
  if (outline.guarantee === 'exactly-once') {
    const message =
      'this version has no checkpoints yet, so it cannot run a topology with guarantee exactly-once; ' +
      'set guarantee to at-least-once'
    found.push({ code: 'GUARANTEE_NOT_POSSIBLE', message })
  }
  const backend = member(config, 'stateBackend') ?? member(outline.document.config, 'stateBackend')
  if (backend !== undefined && backend !== null && backend !== 'memory') {
    const message = `stateBackend '${String(backend)}': this version keeps state in memory only`
    found.push({ code: 'CONFIG_INVALID_VALUE', message })
  }
  found.push(...judgeSize(outline, limits))
  return found
}

function judgeSize(outline: TopologyOutline, { workersMax, executorsMax }: Limits): readonly Refusal[] {
  const found: Refusal[] = []
  if (workersMax !== undefined && outline.workers > workersMax) {
    const message = `it asks for ${outline.workers} workers, nimbus.slots.perTopology allows ${workersMax}`
    found.push({ code: 'CONFIG_INVALID_VALUE', message })
  }
  const executors = outline.components.reduce((sum, each) => sum + each.executors, 0)
  if (executorsMax !== undefined && executors > executorsMax) {
    const message = `it has ${executors} executors, nimbus.executors.perTopology allows ${executorsMax}`
    found.push({ code: 'CONFIG_INVALID_VALUE', message })
  }
  return found
}

/** An error of the family that the code belongs to. */
export function refusalError({ code, message }: Refusal): StreamError {
  switch (errorCodeEntry(code).family) {
    case 'usage':
      return new UsageError(code, message)
    case 'unavailable':
      return new UnavailableError(code, message)
    case 'conflict':
      return new ConflictError(code, message)
    case 'format':
      return new FormatError(code, message)
    case 'user-code':
      return new UserCodeError(code, message)
  }
}

function member(json: Json, name: string): Json | undefined {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return undefined
  return new Map(Object.entries(json)).get(name)
}
