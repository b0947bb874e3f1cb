// A real cluster: three ZooKeeper servers, two Nimbuses, three supervisors and their workers as processes of
// the built package, broken in the ways that matter most while they count a text. The whole list is `npm run
// chaos`. Where it is allowed (root) each node stands on a machine of its own, so that ways can be cut.
//
// Goal: nothing that was emitted is lost, whatever dies; what need not restart does not. Times are measured
// by `npm run chaos`, not here.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SeededRandom } from '../../src/base/random.ts'
import { realFaults } from '../chaos/faults.ts'
import { effectOf } from '../chaos/figures.ts'
import { whyNoMachines } from '../chaos/place.ts'
import { RealCluster } from '../chaos/real-cluster.ts'
import { ChaosRun } from '../chaos/run.ts'
import { untilWhole } from '../chaos/trials.ts'
import { whyNoZooKeeper } from '../servers/zookeeper.ts'

const why = whyNoZooKeeper()
if (why !== undefined) process.stderr.write(`real processes are not tested: ${why}\n`)

const whyNoCuts = whyNoMachines()
if (whyNoCuts !== undefined) process.stderr.write(`nodes are not cut off: ${whyNoCuts}\n`)

/** In the order in which they strike one running cluster. */
const STRIKES = [
  'kill-worker',
  'kill-supervisor',
  'kill-leader',
  'hang-worker',
  'zk-leader',
  'lose-node',
  'kill-worker-twice',
  ...(whyNoCuts === undefined ? ['cut-node'] : []),
]

describe.skipIf(why !== undefined)('a real cluster', () => {
  let cluster: RealCluster
  let run: ChaosRun
  const random = new SeededRandom(7)

  beforeAll(async () => {
    cluster = await RealCluster.start({ hasMachines: whyNoCuts === undefined })
    run = await ChaosRun.start(cluster, 'words', 100)
  }, 120_000)
  afterAll(async () => {
    await cluster?.stop()
  })

  test.each(STRIKES)(
    '%s: all that was emitted before and after is seen',
    async (name) => {
      const fault = realFaults.find((each) => each.name === name)
      expect(fault).toBeDefined()
      if (fault === undefined) return
      const atMs = Date.now()
      const heal = await fault.strike({ cluster, run, chance: () => random.next(), seconds: undefined })
      await untilWhole(cluster, run, fault, atMs)
      await heal()
      await cluster.until('all nodes are up again', 60_000, () => cluster.areNodesUp())
      const sights = run.sights()
      const { restartedTasks } = effectOf(atMs, Date.now(), sights, run.firsts(), run.emission(sights))
      if (fault.restarts) expect(restartedTasks).toBeGreaterThan(0)
      else expect(restartedTasks, cluster.logs()).toBe(0)
    },
    180_000,
  )

  test('commands of an operator: rebalance, drain, undrain, status', async () => {
    expect(await cluster.command('rebalance', 'words', '-n', '2', '-w', '5s', '-y')).toMatchObject({
      code: 0,
    })
    const node = cluster.supervisors.find((daemon) => daemon.seatedPids().length > 0)?.spec.name ?? ''
    expect(await cluster.command('node', 'drain', node)).toMatchObject({ code: 0 })
    await cluster.until('the node is empty', 30_000, () => {
      return cluster.supervisors.find(({ spec }) => spec.name === node)?.seatedPids().length === 0
    })
    expect(await cluster.command('node', 'undrain', node)).toMatchObject({ code: 0 })
    const atMs = Date.now()
    await cluster.until('all words are seen', 60_000, () => run.isWholeUpTo(atMs))
    expect(await cluster.command('status', 'words', '--json')).toMatchObject({ code: 0 })
    expect(await cluster.command('status', 'nobody')).toMatchObject({ code: 3 })
  }, 180_000)

  test('in the end nothing is lost, and a killed topology leaves no process behind', async () => {
    const verdict = await run.finish()
    expect(verdict).toMatchObject({ lost: [], invented: 0 })
    expect(verdict.emitted).toBeGreaterThan(1_000)
    expect(await cluster.command('kill', 'words', '-y', '-w', '5s')).toMatchObject({ code: 0 })
    await cluster.until('all slots are empty', 30_000, () => cluster.workers().length === 0)
    const list = await cluster.json('list')
    expect(list).toMatchObject({ topologies: [] })
  }, 120_000)
})
