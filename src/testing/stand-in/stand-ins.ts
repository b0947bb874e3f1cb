/** A topology as a test runs it: sources replaced by feeds, sinks by records. Pure. */
import { UsageError } from '../../base/errors.ts'
import { nearest } from '../../base/nearest.ts'
import type { Component, Topology } from '../../topology/topology.ts'
import { MockFeed, type MockRows, type MockSource, mockedDefinition } from './mock-source.ts'
import { Recordings } from './recordings.ts'

export interface StandIns {
  readonly topology: Topology
  /** By component id. */
  readonly feeds: ReadonlyMap<string, MockFeed>
  readonly recordings: Recordings
}

export interface StandInOptions {
  readonly sinks: 'record' | 'real'
  /** Batches of recorded sinks wait for more items, as those of real ones do. */
  readonly isLingering: boolean
  /** Records to go on with. */
  readonly recordings?: Recordings
}

/**
 * Feeds made of given rows, ended: nothing comes after them.
 * @throws UsageError UNKNOWN_COMPONENT, SOURCE_NOT_MOCKED with every source that was left out
 */
export function feedsOf(topology: Topology, sources: readonly MockSource[]): Map<string, MockFeed> {
  const feeds = new Map<string, MockFeed>()
  for (const source of sources) {
    const { component, rows, options } = source as MockRows
    if (topology.components.get(component)?.definition.kind !== 'spout') throw notASource(component, topology)
    const feed = new MockFeed(options)
    feed.push(rows)
    feed.end()
    feeds.set(component, feed)
  }
  const missing = sourcesOf(topology).filter((id) => !feeds.has(id))
  if (missing.length === 0) return feeds
  const names = missing.join(', ')
  throw new UsageError(
    'SOURCE_NOT_MOCKED',
    `a test must not open real sources; not replaced: ${names}; give mockSource(h => …, rows) for each`,
    { components: names },
  )
}

/** A feed for each source, empty and open. */
export function emptyFeeds(topology: Topology): Map<string, MockFeed> {
  return new Map(sourcesOf(topology).map((id) => [id, new MockFeed()]))
}

export function standIn(
  topology: Topology,
  feeds: ReadonlyMap<string, MockFeed>,
  options: StandInOptions,
): StandIns {
  const recordings = options.recordings ?? new Recordings()
  const components = new Map<string, Component>()
  for (const [id, component] of topology.components) {
    const { definition } = component
    const feed = feeds.get(id)
    if (definition.kind === 'spout' && feed !== undefined) {
      components.set(id, { ...component, definition: mockedDefinition(definition, feed) })
    } else if (definition.kind === 'bolt' && definition.form === 'sink' && options.sinks === 'record') {
      const recorded = recordings.sinkOf(id).recorded(definition, options.isLingering)
      components.set(id, { ...component, definition: recorded })
    } else components.set(id, component)
  }
  const taskHooks = [...topology.taskHooks, () => recordings.makeHook()]
  return { topology: { ...topology, components, taskHooks }, feeds, recordings }
}

export function sourcesOf(topology: Topology): readonly string[] {
  const components = [...topology.components.values()]
  return components.filter(({ definition }) => definition.kind === 'spout').map(({ id }) => id)
}

function notASource(component: string, topology: Topology): UsageError {
  const close = nearest(component, sourcesOf(topology))
  const hint = close === undefined ? '' : `, did you mean "${close}"?`
  const what = topology.components.has(component) ? 'is a bolt' : 'is not in the topology'
  return new UsageError('UNKNOWN_COMPONENT', `mockSource: "${component}" ${what}${hint}`, { component })
}
