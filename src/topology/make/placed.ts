/**
 * What setSpout and setBolt return, at run time: one class for each, whatever the types show of it.
 *
 * Route: groupings said here become inputs of the Graph. A source is a handle, or an id: `'split'`,
 * `'split:rejected'`.
 */
import { DEFAULT_STREAM } from '../definition.ts'
import type { CustomGrouping } from '../handle.ts'
import type { KeyPart } from '../schema/encodable.ts'
import {
  DEAD_LETTER_STREAM,
  type FieldsGroupingKind,
  type Grouping,
  type PlainGroupingKind,
} from '../topology.ts'
import { isObject, kindOf, refused } from './expect.ts'
import type { Graph } from './graph.ts'
import { callerOf } from './place.ts'

/**
 * A stream of a placed component, as the types show it: direct ones under another name, so that they don't
 * mix.
 */
type PlacedStream =
  | { readonly componentId: string; readonly streamId: string }
  | { readonly componentId: string; readonly directStreamId: string }

class Placed {
  readonly componentId: string
  readonly streamId = DEFAULT_STREAM
  protected readonly graph: Graph

  constructor(graph: Graph, id: string) {
    this.componentId = id
    this.graph = graph
    // Handles are printed and compared in tests; the graph behind them is nobody's business there.
    Object.defineProperty(this, 'graph', { enumerable: false })
  }

  stream(id: string): PlacedStream {
    const componentId = this.componentId
    const declared = this.graph.definitionOf(componentId)?.outputs.get(id)
    return declared?.direct === true ? { componentId, directStreamId: id } : { componentId, streamId: id }
  }
}

export class PlacedSpout extends Placed {
  readonly isSource = true
}

/** A placed bolt, keyed or not. */
export class PlacedBolt extends Placed {
  get deadLetters(): PlacedStream {
    return { componentId: this.componentId, streamId: DEAD_LETTER_STREAM }
  }

  shuffleGrouping(source: unknown): this {
    return this.plain('shuffle', source, callerOf(this.shuffleGrouping))
  }

  fieldsGrouping(source: unknown, ...fields: readonly string[]): this {
    return this.byFields('fields', source, fields, callerOf(this.fieldsGrouping))
  }

  partialKeyGrouping(source: unknown, ...fields: readonly string[]): this {
    return this.byFields('partialKey', source, fields, callerOf(this.partialKeyGrouping))
  }

  consistentHashGrouping(source: unknown, ...fields: readonly string[]): this {
    return this.byFields('consistentHash', source, fields, callerOf(this.consistentHashGrouping))
  }

  rangeGrouping(source: unknown, field: string, ranges: GivenRanges): this {
    return this.reads(
      source,
      { kind: 'range', field, ...checkedRanges(ranges) },
      callerOf(this.rangeGrouping),
    )
  }

  allGrouping(source: unknown): this {
    return this.plain('all', source, callerOf(this.allGrouping))
  }

  globalGrouping(source: unknown): this {
    return this.plain('global', source, callerOf(this.globalGrouping))
  }

  noneGrouping(source: unknown): this {
    return this.plain('none', source, callerOf(this.noneGrouping))
  }

  randomGrouping(source: unknown): this {
    return this.plain('random', source, callerOf(this.randomGrouping))
  }

  localOrShuffleGrouping(source: unknown): this {
    return this.plain('localOrShuffle', source, callerOf(this.localOrShuffleGrouping))
  }

  directGrouping(source: unknown): this {
    return this.plain('direct', source, callerOf(this.directGrouping))
  }

  customGrouping(source: unknown, make: CustomGrouping<Readonly<Record<string, unknown>>>): this {
    if (typeof make !== 'function')
      throw refused(`customGrouping needs a function, but was given ${kindOf(make)}`)
    return this.reads(source, { kind: 'custom', make }, callerOf(this.customGrouping))
  }

  private plain(kind: PlainGroupingKind, source: unknown, where: string | undefined): this {
    return this.reads(source, { kind }, where)
  }

  private byFields(
    kind: FieldsGroupingKind,
    source: unknown,
    fields: readonly string[],
    where: string | undefined,
  ): this {
    if (fields.length === 0) throw refused(`a ${kind} grouping of '${this.componentId}' names no field`)
    return this.reads(source, { kind, fields }, where)
  }

  private reads(source: unknown, grouping: Grouping, where: string | undefined): this {
    const { componentId, streamId } = sourceOf(this.componentId, source)
    this.graph.connect(this.componentId, { componentId, streamId, grouping, where })
    return this
  }
}

interface GivenRanges {
  readonly boundaries?: readonly KeyPart[]
  readonly sampleCount?: number
}

function checkedRanges(ranges: GivenRanges): GivenRanges {
  const { boundaries, sampleCount } = isObject(ranges) ? ranges : {}
  if (Array.isArray(boundaries) && sampleCount === undefined) return { boundaries: [...boundaries] }
  if (boundaries === undefined && Number.isSafeInteger(sampleCount) && Number(sampleCount) >= 1) {
    return { sampleCount: Number(sampleCount) }
  }
  throw refused('rangeGrouping needs boundaries, a list, or sampleCount, a whole number from 1')
}

/** Component and stream that a handle or an id means. */
function sourceOf(
  reader: string,
  source: unknown,
): { readonly componentId: string; readonly streamId: string } {
  if (typeof source === 'string') {
    const colon = source.indexOf(':')
    if (colon === -1) return { componentId: source, streamId: DEFAULT_STREAM }
    return { componentId: source.slice(0, colon), streamId: source.slice(colon + 1) }
  }
  const handle = isObject(source) ? source : {}
  const streamId = handle['directStreamId'] ?? handle['streamId']
  const componentId = handle['componentId']
  if (typeof componentId === 'string' && typeof streamId === 'string') return { componentId, streamId }
  throw refused(
    `a grouping of '${reader}' needs a handle or an id as its source, but was given ${kindOf(source)}`,
  )
}
