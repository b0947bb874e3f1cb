/** A stream of the running topology, shared by all its tuples of a worker. */

import type { StreamSchema } from '../../topology/definition.ts'

/** What of a tuple its call's scope looks at. */
export interface ScopedTuple {
  readonly root: { readonly isClosed: boolean } | undefined
  readonly isAnswered: boolean
}

/** Who can say when the call that holds a tuple must stop: the calls of the tuple's task. */
export interface CallScope {
  signalOf(tuple: ScopedTuple): AbortSignal
}

export class StreamRef {
  readonly componentId: string
  readonly streamId: string
  /** Number of the stream in the topology, the same in every worker: what frames carry. */
  readonly number: number
  /** Who can say when a call of a task must stop, by task. Shared by all streams of a worker. */
  readonly scopes: Array<CallScope | undefined>
  readonly schema: StreamSchema
  readonly isDirect: boolean
  /**
   * Its items are texts, numbers and the like, which stand in the one field `value`: sinks take them out
   * again.
   */
  readonly carriesPlainValues: boolean
  /**
   * HOT. True if every declared field is there. Compiled, because reading fields by a variable name is slow.
   */
  readonly hasFields: (values: object) => boolean

  constructor(
    componentId: string,
    streamId: string,
    number: number,
    schema: StreamSchema,
    kind: {
      readonly isDirect: boolean
      readonly carriesPlainValues: boolean
      readonly hasFields: (values: object) => boolean
      readonly scopes?: Array<CallScope | undefined>
    },
  ) {
    this.componentId = componentId
    this.streamId = streamId
    this.number = number
    this.schema = schema
    this.isDirect = kind.isDirect
    this.carriesPlainValues = kind.carriesPlainValues
    this.hasFields = kind.hasFields
    this.scopes = kind.scopes ?? []
  }
}
