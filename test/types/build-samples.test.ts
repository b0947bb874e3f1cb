// Goal: each sample is a topology that can be built, not just text that compiles.
// Method: the module is imported as a worker would import it, and built twice without running anything.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { buildTopologyTwice } from '../../src/topology/build.ts'
import { topologyDocument } from '../../src/topology/describe/document.ts'
import { expand } from '../../src/topology/expand.ts'
import { recipeOf, type TopologyDef } from '../../src/topology/topology-def.ts'
import { checkTopology } from '../../src/topology/validate.ts'
import { doorsAreThere, read } from './compilers.ts'

const folder = fileURLToPath(new URL('samples/', import.meta.url))

/** Clusters and a project's configuration: no topologies. */
const OTHERS = ['e-local.ts', 'operate.ts', 'typhoon.config.ts']
const samples = readdirSync(folder).filter((name) => name.endsWith('.ts') && !OTHERS.includes(name))

/** Components of each sample with their inputs, in a line each. */
const graphs: Readonly<Record<string, readonly string[]>> = {
  'a-classic.ts': ['spout', 'split ← spout shuffle', 'report ← split fields(word)'],
  'a-word-count.ts': ['lines', 'split ← lines shuffle', 'count ← split fields(word)'],
  'async-enrichment.ts': ['visits', 'enrich ← visits fields(user)', 'print ← enrich shuffle'],
  'custom-grouping.ts': [
    'orders',
    'serve ← orders custom',
    'by-amount ← serve range(cents)',
    'cached ← by-amount consistentHash(tenant)',
    'sampled ← serve range(id)',
    'partial ← serve partialKey(tenant)',
    'total ← partial fields(tenant)',
    'print ← total global',
  ],
  'direct-grouping.ts': ['jobs', 'dispatch ← jobs global, work global', 'work ← dispatch:toWorker direct'],
  'replayable-source.ts': ['feed', 'archive ← feed shuffle'],
  'schemas.ts': [
    'users',
    'label ← users shuffle',
    'tag ← users shuffle',
    'score ← label fields(id), tag fields(id)',
  ],
  'storm-port.ts': [
    'genders',
    'ages',
    'join ← genders fields(id), ages fields(id)',
    'print ← join shuffle',
    'report ← join global',
  ],
  'tick-batching.ts': ['events', 'insert ← events shuffle'],
  'transactional-sink.ts': ['files', 'sales ← files shuffle', 'latest ← files shuffle'],
  'worker-resources.ts': ['ids', 'look-up ← ids fields(id)', 'print ← look-up none'],
}

/** The topology among what a module exports; worker-resources names its reporter by default. */
function topologyIn(module: Readonly<Record<string, unknown>>): TopologyDef {
  const found = Object.values(module).find((value) => recipeOf(value) !== undefined)
  return found as TopologyDef
}

test('every sample has its graph written down here', () => {
  expect(samples).toEqual(Object.keys(graphs).sort())
})

for (const name of samples) {
  const there = doorsAreThere(read(join(folder, name)))
  test.skipIf(!there)(`${name} builds`, async () => {
    const { topology } = buildTopologyTwice(topologyIn(await import(join(folder, name))))
    const { components } = topologyDocument(topology)
    const lines = Object.entries(components).map(([id, { inputs }]) => {
      const read = inputs.map(({ component, stream, grouping, fields }) => {
        const source = stream === 'default' ? component : `${component}:${stream}`
        return `${source} ${grouping}${fields.length === 0 ? '' : `(${fields.join(',')})`}`
      })
      return read.length === 0 ? id : `${id} ← ${read.join(', ')}`
    })
    expect(lines).toEqual(graphs[name])
    expect(checkTopology(topology).filter((finding) => finding.severity === 'error')).toEqual([])
    expect(expand(topology).tasks.length).toBeGreaterThan(topology.components.size)
  })
}
