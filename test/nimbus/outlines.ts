/** Topologies to submit: outlines of real builds. */

import { layoutDigest } from '../../src/cluster/layout.ts'
import type { TopologyConfig } from '../../src/config/topology-config.ts'
import { bolt } from '../../src/topology/bolt.ts'
import { buildTopology } from '../../src/topology/build.ts'
import { defineTopology } from '../../src/topology/define-topology.ts'
import {
  expandOutline,
  outlineOf,
  reshape,
  type TopologyOutline,
} from '../../src/topology/describe/outline.ts'
import { keyedBolt } from '../../src/topology/keyed-bolt.ts'
import { fields } from '../../src/topology/schema/fields.ts'
import { spoutFrom } from '../../src/topology/spout.ts'
import { valueState } from '../../src/topology/state-declaration.ts'
import { componentsOf } from './scripted-supervisor.ts'

const Word = fields({ word: 'string' })

export function words(name = 'words', config: TopologyConfig = { workers: 3 }): TopologyOutline {
  const definition = defineTopology({
    name,
    config,
    build(builder) {
      const spout = builder.setSpout(
        'words',
        spoutFrom(Word, () => [{ word: 'a' }]),
        2,
      )
      const split = bolt({ input: Word, output: Word, execute: (tuple, out) => out.emit(tuple.values) })
      const first = builder.setBolt('split', split, 3).shuffleGrouping(spout)
      builder.setBolt('count', counting, 4).fieldsGrouping(first, 'word')
    },
  })
  return known(
    JSON.parse(JSON.stringify(outlineOf(name, buildTopology(definition).topology))) as TopologyOutline,
  )
}

const counting = keyedBolt({
  input: Word,
  key: 'word',
  state: { count: valueState<number>() },
  execute: (_tuple, _out, state) => state.count.set((state.count.get() ?? 0) + 1),
})

/** Scripted workers say how many executors of each component they have: they must know the layout. */
export function known(
  outline: TopologyOutline,
  changes: Parameters<typeof reshape>[1] = {},
): TopologyOutline {
  const expanded = expandOutline(reshape(outline, changes))
  componentsOf.set(
    layoutDigest(expanded),
    expanded.executors.map(({ componentId }) => componentId),
  )
  return outline
}
