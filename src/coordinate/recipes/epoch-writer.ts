/**
 * Writes of a leader: each a `multi` that first checks the epoch's node, so that the store itself refuses
 * what a deposed leader still wants to write.
 */
import { ConflictError, isStreamError, type StreamError, UsageError } from '../../base/errors.ts'
import type { Coordinator, Operation, OperationResult } from '../coordinator.ts'
import type { Epoch } from './epoch.ts'

export interface EpochWriterSpec {
  readonly coordinator: Coordinator
  readonly epochPath: string
  readonly epoch: Epoch
  /** Told once, when the first write was refused because the epoch is old. */
  readonly onOld?: () => void
}

export class EpochWriter {
  private readonly spec: EpochWriterSpec
  private isOld = false

  constructor(spec: EpochWriterSpec) {
    this.spec = spec
  }

  get epoch(): number {
    return this.spec.epoch.epoch
  }

  /**
   * All or nothing. Errors are those of `multi`; `details.index` counts the operations given.
   * @throws ConflictError EPOCH_OLD somebody else leads: stop leading
   */
  async write(operations: readonly Operation[]): Promise<readonly OperationResult[]> {
    const { coordinator, epochPath, epoch } = this.spec
    try {
      const check: Operation = { kind: 'check', path: epochPath, version: epoch.epochVersion }
      return (await coordinator.multi([check, ...operations])).slice(1)
    } catch (error) {
      throw this.translate(error)
    }
  }

  private translate(error: unknown): unknown {
    if (!isStreamError(error)) return error
    const index = error.details['index']
    if (typeof index !== 'number' || error.family === 'unavailable') return error
    if (index > 0) return withIndex(error, index - 1)
    if (error.code !== 'RECORD_CHANGED' && error.code !== 'RECORD_MISSING') return error
    if (!this.isOld) this.spec.onOld?.()
    this.isOld = true
    const { epoch } = this.spec.epoch
    return new ConflictError(
      'EPOCH_OLD',
      `epoch ${epoch} is over, somebody else leads`,
      { epoch },
      { cause: error },
    )
  }
}

function withIndex(error: StreamError, index: number): StreamError {
  const Family = error.family === 'conflict' ? ConflictError : UsageError
  return new Family(error.code, error.message, { ...error.details, index }, { cause: error })
}
