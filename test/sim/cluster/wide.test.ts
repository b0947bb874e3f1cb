// Goal: a cluster of a thousand nodes is only larger. Method: two real Nimbuses, a real board for each, the
// memory ensemble, and a thousand supervisors that follow the board and send heartbeats but run no workers.
// Looked at: sizes of records, watches, sessions, and how much is written; all counts, no times.
import { expect, test } from 'vitest'
import { parseRanges } from '../../../src/cluster/executor-ranges.ts'
import { bolt } from '../../../src/topology/bolt.ts'
import { buildTopology } from '../../../src/topology/build.ts'
import { defineTopology } from '../../../src/topology/define-topology.ts'
import { outlineOf, type TopologyOutline } from '../../../src/topology/describe/outline.ts'
import { fields } from '../../../src/topology/schema/fields.ts'
import { spoutFrom } from '../../../src/topology/spout.ts'
import { admin, NimbusWorld } from '../../nimbus/nimbus-world.ts'
import { known } from '../../nimbus/outlines.ts'

const NODES = 1_000
const TOPOLOGIES = 200
const WORKERS = 18
/** Spouts, bolts and ackers of a topology together: fifty. */
const EXECUTORS = { words: 10, split: 12, count: 10 }
const TASKS = 10_000
const PORTS = [6_700, 6_701, 6_702, 6_703]
const LIMIT_MS = 300_000
const KIB = 1_024

const Word = fields({ word: 'string' })

function wide(name: string): TopologyOutline {
  const pass = bolt({ input: Word, output: Word, execute: (tuple, out) => out.emit(tuple.values) })
  const definition = defineTopology({
    name,
    config: { workers: WORKERS, ackerExecutors: WORKERS },
    build(builder) {
      const source = spoutFrom(Word, () => [{ word: 'a' }])
      const words = builder.setSpout('words', source, EXECUTORS.words)
      const split = builder.setBolt('split', pass, EXECUTORS.split).shuffleGrouping(words)
      builder.setBolt('count', pass, EXECUTORS.count).fieldsGrouping(split, 'word')
    },
  })
  const { topology } = buildTopology(definition)
  return known(JSON.parse(JSON.stringify(outlineOf(name, topology))) as TopologyOutline)
}

async function wideWorld(): Promise<{ readonly world: NimbusWorld; readonly ids: readonly string[] }> {
  const world = new NimbusWorld()
  for (const name of ['nimbus-1', 'nimbus-2']) await world.startNimbus(name)
  await world.untilLed()
  for (let node = 1; node <= NODES; node += 1) await world.startSupervisor(`node-${node}`, { ports: PORTS })
  const ids: string[] = []
  for (let number = 1; number <= TOPOLOGIES; number += 1) {
    const request = await world.request(wide(`wide-${number}`))
    ids.push((await world.drive(world.leader.nimbus.api.submit(admin, request))).id)
  }
  return { world, ids }
}

test('a thousand nodes, two hundred topologies, ten thousand tasks', { timeout: LIMIT_MS }, async () => {
  const { world, ids } = await wideWorld()
  const isUp = () => ids.every((id) => world.isUp(id))
  await world.until(isUp, 'every worker')

  const workers = [...world.view.assignments.values()].flatMap(({ record }) => record.workers)
  const places = new Set(workers.map(({ node, port }) => `${node}:${port}`))
  expect([workers.length, places.size]).toEqual([TOPOLOGIES * WORKERS, TOPOLOGIES * WORKERS])
  const taskCount = workers.reduce((sum, { executors }) => sum + parseRanges(executors).length, 0)
  expect(taskCount).toBe(TASKS)

  const up = world.ensemble.census()
  expect(up.largestNode.sizeBytes).toBeLessThan(8 * KIB)
  expect(up.sessionCount).toBe(NODES + 2)
  // One of the assignments each; a Nimbus has one for each part of the board, and two for its election.
  expect(up.watchCount).toBeLessThanOrEqual(NODES + 2 * 10)
  // A record for each node, Nimbus, name, topology and assignment; the rest are folders.
  expect(up.nodeCount).toBeLessThanOrEqual(NODES + 3 * TOPOLOGIES + 20)

  // Heartbeats of ten seconds, and the rounds meanwhile, write nothing.
  await world.pass(10_000)
  expect(world.ensemble.census().writeCount).toBe(up.writeCount)

  // A node is lost: topologies that had workers there are written, and no others.
  const lost = workers[0]?.node ?? ''
  const hit = new Set(
    ids.filter((id) => world.view.assignments.get(id)?.record.workers.some(({ node }) => node === lost)),
  )
  const versions = new Map([...world.view.assignments].map(([id, { version }]) => [id, version]))
  world.crash(lost)
  await world.until(isUp, 'every worker, elsewhere')
  const written = ids.filter((id) => world.view.assignments.get(id)?.version !== versions.get(id))
  expect(new Set(written)).toEqual(hit)
  expect(written.length).toBeGreaterThan(0)
  // With each: its session's end, the ephemeral node and the assignment.
  expect(world.ensemble.census().writeCount - up.writeCount).toBeLessThanOrEqual(hit.size + 4)

  // The leader is lost: the other one leads, and moves nothing.
  const standing = ids.map((id) => world.workersOf(id))
  world.crash(world.leader.name)
  await world.untilLed()
  await world.pass(10_000)
  expect(ids.map((id) => world.workersOf(id))).toEqual(standing)
})
