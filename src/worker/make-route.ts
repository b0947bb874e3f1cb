/** Makes the route of a grouping for one sending task. */

import type { TopologySettings } from '../config/settings.ts'
import { ConsistentHashRoute, FieldsRoute, PartialKeyRoute } from '../flow/route/by-key.ts'
import { AllRoute, CustomRoute, DirectRoute, GlobalRoute } from '../flow/route/fixed.ts'
import { ForwardRoute } from '../flow/route/forward.ts'
import { RangeRoute, RangeSample } from '../flow/route/range.ts'
import type { Route } from '../flow/route/route.ts'
import { RandomRoute, ShuffleRoute } from '../flow/route/shuffle.ts'
import type { Target } from '../flow/route/target.ts'
import type { Random } from '../host/host.ts'
import type { TopologyContext } from '../topology/context.ts'
import type { Component, Grouping, Input } from '../topology/topology.ts'

export interface RouteParts {
  readonly reader: Component
  readonly input: Input
  readonly targets: readonly Target[]
  readonly settings: TopologySettings
  readonly random: Random
  readonly context: TopologyContext
  /** Set where each sender has a reader of its own: the index of this sender's. */
  readonly pairedIndex: number | undefined
  /** Share of its time that this worker's loop is at work. undefined: not known yet. */
  readonly busyShare: () => number | undefined
  /** Samples of range groupings, shared by all senders of the worker. */
  readonly samples: Map<Input, RangeSample>
}

export function makeRoute(parts: RouteParts): Route {
  const { reader, input, targets } = parts
  const { grouping } = input
  if (parts.pairedIndex !== undefined) return new ForwardRoute(reader.id, targets, parts.pairedIndex)
  switch (grouping.kind) {
    case 'fields':
      return new FieldsRoute(reader.id, targets, grouping.fields)
    case 'partialKey':
      return new PartialKeyRoute(reader.id, targets, grouping.fields)
    case 'consistentHash':
      return new ConsistentHashRoute(reader.id, targets, grouping.fields)
    case 'range':
      return new RangeRoute(reader.id, targets, grouping.field, sampleOf(parts, grouping))
    case 'all':
      return new AllRoute(reader.id, targets)
    case 'global':
      return new GlobalRoute(reader.id, targets)
    case 'direct':
      return new DirectRoute(reader.id, targets)
    case 'random':
      return new RandomRoute(reader.id, targets, parts.random)
    case 'custom':
      return new CustomRoute(
        reader.id,
        targets,
        grouping.make(
          targets.map((target) => target.task),
          parts.context,
        ),
      )
    case 'shuffle':
      return shuffle(parts, false)
    // `none` leaves the choice to the engine, and tasks of this worker are the cheapest.
    case 'none':
    case 'localOrShuffle':
      return shuffle(parts, true)
  }
}

function shuffle({ reader, targets, settings, random, busyShare }: RouteParts, isLocalFirst: boolean): Route {
  const { localityawareHigherBound: higher, localityawareLowerBound: lower } = settings
  const local = { higher, lower, busyShare }
  return new ShuffleRoute(reader.id, targets, {
    isLoadAware: !settings.disableLoadawareMessaging,
    local: isLocalFirst ? local : undefined,
    random,
  })
}

function sampleOf(parts: RouteParts, grouping: Extract<Grouping, { kind: 'range' }>): RangeSample {
  const known = parts.samples.get(parts.input)
  if (known !== undefined) return known
  const { boundaries, sampleCount } = grouping
  const made = new RangeSample(
    parts.targets.length,
    boundaries === undefined ? { sampleCount: sampleCount ?? 1 } : { boundaries },
  )
  parts.samples.set(parts.input, made)
  return made
}
