/** The collector of a `spout`: emits take effect at once; a message id makes a tree of the emit. */
import type { MessageOptions } from '../../../topology/collector.ts'
import type { AnyValues } from '../../../topology/tuple.ts'
import type { StreamOutput } from '../../route/stream-output.ts'
import type { Target } from '../../route/target.ts'
import type { TaskOutputs } from '../task-identity.ts'

/** Where the emits of a collector go: the spout's task. */
export interface SpoutEmits {
  emitTuple(
    output: StreamOutput,
    values: AnyValues,
    messageId: unknown,
    direct: readonly Target[] | undefined,
  ): void
  readonly pendingCount: number
}

export class SpoutCollector {
  private readonly outputs: TaskOutputs
  private readonly emits: SpoutEmits

  constructor(outputs: TaskOutputs, emits: SpoutEmits) {
    this.outputs = outputs
    this.emits = emits
  }

  get pendingCount(): number {
    return this.emits.pendingCount
  }

  /** HOT. */
  emit(streamOrValues: unknown, valuesOrOptions?: unknown, maybeOptions?: MessageOptions): void {
    const { outputs } = this
    const output = outputs.outputOf(streamOrValues)
    if (typeof streamOrValues === 'string') {
      this.emits.emitTuple(
        output,
        outputs.admit(output, valuesOrOptions, false),
        maybeOptions?.messageId,
        undefined,
      )
      return
    }
    const options = valuesOrOptions as MessageOptions | undefined
    this.emits.emitTuple(output, outputs.admit(output, streamOrValues, false), options?.messageId, undefined)
  }

  emitDirect(task: number, streamId: string, values: unknown, options?: MessageOptions): void {
    const output = this.outputs.outputOf(streamId)
    const admitted = this.outputs.admit(output, values, true)
    this.emits.emitTuple(output, admitted, options?.messageId, output.directTargets(task))
  }
}
