/** Who a task is, where it emits, and what is counted of it. The same for spouts and bolts. */

import { UsageError } from '../../base/errors.ts'
import { nearest } from '../../base/nearest.ts'
import type { ComponentSettings } from '../../config/settings.ts'
import type { TopologyContext } from '../../topology/context.ts'
import type { TaskHook } from '../../topology/hook.ts'
import type { AnyValues } from '../../topology/tuple.ts'
import type { StreamOutput } from '../route/stream-output.ts'
import type { StreamRef } from '../route/stream-ref.ts'
import type { EngineServices } from './services.ts'
import type { TaskStats } from './task-stats.ts'

export interface TaskIdentity {
  readonly componentId: string
  readonly task: number
  readonly taskIndex: number
  readonly settings: ComponentSettings
  readonly context: TopologyContext
  readonly stats: TaskStats
  readonly outputs: TaskOutputs
  /** undefined: none, so that a tuple costs nothing for hooks. A trace adds its own while it looks. */
  hooks: readonly TaskHook[] | undefined
  /** The end of the task: aborts `context.signal`. */
  readonly end: AbortController
}

/** The streams of a task by id, and the check that everything emitted passes. */
export class TaskOutputs {
  readonly byId: ReadonlyMap<string, StreamOutput>
  /** Exchanged when the readers of the task move. */
  tryEncode: EngineServices['tryEncode']
  private readonly componentId: string
  private readonly first: StreamOutput | undefined
  private readonly hooks: readonly TaskHook[] | undefined
  private readonly admitValues: ((ref: StreamRef, values: AnyValues) => AnyValues) | undefined

  constructor(
    componentId: string,
    byId: ReadonlyMap<string, StreamOutput>,
    services: EngineServices,
    hooks: readonly TaskHook[] | undefined,
  ) {
    this.componentId = componentId
    this.byId = byId
    this.first = byId.get('default')
    this.admitValues = services.admit
    this.tryEncode = services.tryEncode
    this.hooks = hooks
  }

  /**
   * HOT. The output of an emit: a stream id, or anything else for `default`.
   * @throws UsageError EMIT_NOT_DECLARED
   */
  outputOf(streamOrValues: unknown): StreamOutput {
    const output = typeof streamOrValues === 'string' ? this.byId.get(streamOrValues) : this.first
    if (output === undefined)
      throw this.notDeclared(typeof streamOrValues === 'string' ? streamOrValues : 'default')
    return output
  }

  /**
   * HOT. Looks at values before they are emitted.
   * @throws UsageError EMIT_NOT_DECLARED, VALUE_INVALID and the errors of encoding
   */
  admit(output: StreamOutput, values: unknown, isDirect: boolean): AnyValues {
    const { ref } = output
    if (typeof values !== 'object' || values === null) throw this.notValues(ref, values)
    if (!ref.hasFields(values)) throw this.missing(ref, values)
    if (ref.isDirect !== isDirect) throw this.wrongWay(ref)
    const admitted = this.admitValues === undefined ? values : this.admitValues(ref, values)
    if (this.hooks !== undefined) {
      for (const hook of this.hooks) hook.emit?.({ stream: ref.streamId, values: admitted })
    }
    return admitted
  }

  private notDeclared(streamId: string): UsageError {
    const known = [...this.byId.keys()]
    const guess = nearest(streamId, known)
    const hint = guess === undefined ? '' : `, did you mean "${guess}"?`
    return new UsageError(
      'EMIT_NOT_DECLARED',
      `${this.componentId} emitted to stream "${streamId}", it declares ${known.join(', ') || 'none'}${hint}`,
      { component: this.componentId, stream: streamId },
    )
  }

  private notValues(ref: StreamRef, values: unknown): UsageError {
    const kind = values === null ? 'null' : typeof values
    return new UsageError(
      'EMIT_NOT_DECLARED',
      `${this.componentId} emitted ${kind} to stream "${ref.streamId}", ` +
        `an object with the fields ${ref.schema.names.join(', ')} is wanted`,
      { component: this.componentId, stream: ref.streamId },
    )
  }

  private missing(ref: StreamRef, values: object): UsageError {
    const found = Object.keys(values)
    const lacking = ref.schema.names.filter(
      (name) => !(name in values) || Reflect.get(values, name) === undefined,
    )
    return new UsageError(
      'EMIT_NOT_DECLARED',
      `${this.componentId} emitted to stream "${ref.streamId}" without ${lacking.join(', ')}; ` +
        `the values have ${found.join(', ') || 'no fields'}`,
      { component: this.componentId, stream: ref.streamId, missing: lacking.join(', ') },
    )
  }

  private wrongWay(ref: StreamRef): UsageError {
    const text = ref.isDirect
      ? `stream "${ref.streamId}" is direct: use emitDirect`
      : `stream "${ref.streamId}" is not direct: use emit`
    return new UsageError('DIRECT_STREAM_MISMATCH', `${this.componentId}: ${text}`, {
      component: this.componentId,
      stream: ref.streamId,
    })
  }
}
