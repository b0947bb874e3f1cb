/** Troubles that drawn seeds meet too seldom: what strikes is written down, the cluster is still drawn. */
import { isStreamError } from '../../../src/base/errors.ts'
import type { ClusterFault, FaultBench } from './faults.ts'
import type { ClusterSimOptions } from './simulation.ts'

export interface ClusterScenario {
  readonly options: ClusterSimOptions
  /** What its seeds must have seen together. */
  readonly sees: readonly string[]
}

type Stroke = readonly [atMs: number, name: string, strike: (bench: FaultBench) => void]

function scenario(strokes: readonly Stroke[], sees: readonly string[], nimbuses = 2): ClusterScenario {
  const faults = (bench: FaultBench): readonly ClusterFault[] =>
    strokes.map(([atMs, name, strike]) => ({
      name,
      atMs,
      strike: () => {
        bench.see(name)
        strike(bench)
      },
    }))
  return { options: { minutes: 0.8, faults, change: (model) => ({ ...model, nimbuses }) }, sees }
}

export const clusterScenarios: Readonly<Record<string, ClusterScenario>> = {
  'every leader dies, one after the other, while topologies are rebalanced': scenario(
    [3_000, 9_000, 15_000, 21_000].flatMap((atMs): readonly Stroke[] => [
      [atMs, 'rebalance', rebalance],
      [atMs + 400, 'crash-leader', crashLeader],
    ]),
    ['leader changed', 'phase rebalancing', 'run drain'],
    3,
  ),
  'nobody leads for half a minute, and workers die meanwhile': scenario(
    [
      [4_000, 'lose-quorum', ({ cluster }) => cluster.ensemble.loseQuorum()],
      [9_000, 'kill-workers', killWorkers],
      [20_000, 'kill-workers', killWorkers],
      [34_000, 'regain-quorum', ({ cluster }) => cluster.ensemble.regainQuorum()],
    ],
    ['exit SIGKILL', 'regain-quorum'],
  ),
  'the whole place loses its power': scenario(
    [
      [8_000, 'crash-all', crashAll],
      [14_000, 'start-all', startAll],
    ],
    ['crash-all', 'start-all', 'leader changed'],
  ),
  'a node that fails again and again gets nothing for a while': scenario(
    // Time enough between for its topologies to drain and be spread over it again.
    [4_000, 22_000, 40_000].flatMap((atMs): readonly Stroke[] => [
      [atMs, 'crash-node', ({ cluster }) => cluster.crashNode('n1')],
      [atMs + 8_000, 'start-node', ({ cluster }) => cluster.startSupervisor('n1')],
    ]),
    ['blacklisted'],
  ),
  // A node that came back wrote positions that had waited since before others had its workers. It has them
  // again at once because the other node is lost by then.
  'a node is cut off until others have its workers, and comes back': scenario(
    [
      [5_000, 'isolate-node', ({ cluster }) => cluster.isolate('n2')],
      [20_000, 'crash-node', ({ cluster }) => cluster.crashNode('n1')],
      [27_000, 'heal-node', ({ cluster }) => cluster.heal('n2')],
      [38_000, 'start-node', ({ cluster }) => cluster.startSupervisor('n1')],
    ],
    ['isolate-node', 'heal-node'],
  ),
  // Its supervisor grants leases on and on; that its workers have been replaced they hear from their peers.
  'a node is cut off from all who know, while its peers still hear it': scenario(
    [
      [5_000, 'hide-node', ({ cluster }) => cluster.hide('n2')],
      [27_000, 'heal-node', ({ cluster }) => cluster.heal('n2')],
    ],
    ['hide-node', 'exit 74', 'heal-node'],
  ),
  'supervisors are away until leases end, and come back': scenario(
    [
      [5_000, 'crash-supervisor', ({ cluster }) => cluster.crashSupervisor('n1')],
      [5_100, 'crash-supervisor', ({ cluster }) => cluster.crashSupervisor('n2')],
      [22_000, 'start-supervisor', ({ cluster }) => cluster.startSupervisor('n1')],
      [22_500, 'start-supervisor', ({ cluster }) => cluster.startSupervisor('n2')],
    ],
    ['exit 72'],
  ),
}

function crashLeader({ cluster }: FaultBench): void {
  const leader = cluster.leaderName
  if (leader === undefined) return
  cluster.crashNimbus(leader)
  cluster.world.timers.after(3_000, () => cluster.startNimbus(leader))
}

function rebalance({ cluster, model, random }: FaultBench): void {
  const request = { workers: 1 + random.below(model.workersMax), tasks: {}, scheduler: undefined }
  for (const { name } of model.topologies) {
    const executors = { sum: 1 + random.below(4) }
    cluster.client.call('rebalance', [name, { ...request, executors, drainMs: 3_000 }]).catch(ignoreRefusal)
  }
}

function killWorkers({ cluster }: FaultBench): void {
  for (const each of cluster.processes.living) if (each.assign !== undefined) cluster.processes.kill(each)
}

function crashAll({ cluster }: FaultBench): void {
  for (const name of cluster.nimbusNames) cluster.crashNimbus(name)
  for (const node of cluster.nodeNames) cluster.crashNode(node)
}

function startAll({ cluster }: FaultBench): void {
  for (const name of cluster.nimbusNames) cluster.startNimbus(name)
  for (const node of cluster.nodeNames) cluster.startSupervisor(node)
}

function ignoreRefusal(error: unknown): void {
  if (!isStreamError(error)) throw error
}
