/**
 * Faults of machines, daemons and the coordinator of a cluster. Somebody looks after them: what was killed
 * starts again, a daemon after a second, a machine after a minute.
 */
import { assertDefined } from '../../base/assert.ts'
import type { ClusterFaults } from '../faults/fault-stage.ts'
import type { ClusterWorld } from './cluster-world.ts'
import type { SimCluster } from './sim-cluster.ts'

const DAEMON_BACK_MS = 1_000
const MACHINE_BACK_MS = 60_000

export class DaemonFaults implements ClusterFaults {
  private readonly cluster: SimCluster<ClusterWorld>
  private readonly down = new Set<string>()
  private lossCount = 0

  constructor(cluster: SimCluster<ClusterWorld>) {
    this.cluster = cluster
  }

  killNode(node: number): void {
    const { cluster } = this
    const name = this.nameOf(node)
    if (this.down.has(name)) return
    this.down.add(name)
    cluster.crashNode(name)
    cluster.world.timers.after(MACHINE_BACK_MS, () => {
      this.down.delete(name)
      cluster.startSupervisor(name)
    })
  }

  killSupervisor(node: number): void {
    const { cluster } = this
    const name = this.nameOf(node)
    if (this.down.has(name)) return
    cluster.crashSupervisor(name)
    cluster.world.timers.after(DAEMON_BACK_MS, () => {
      if (!this.down.has(name)) cluster.startSupervisor(name)
    })
  }

  killNimbus(): void {
    const { cluster } = this
    const name = cluster.leaderName ?? cluster.nimbusNames.find((each) => cluster.nimbuses.has(each))
    if (name === undefined) return
    cluster.crashNimbus(name)
    cluster.world.timers.after(DAEMON_BACK_MS, () => cluster.startNimbus(name))
  }

  loseCoordinator(): void {
    this.lossCount += 1
    if (this.lossCount === 1) this.cluster.ensemble.loseQuorum()
  }

  regainCoordinator(): void {
    this.lossCount -= 1
    if (this.lossCount === 0) this.cluster.ensemble.regainQuorum()
  }

  private nameOf(node: number): string {
    return assertDefined(this.cluster.nodeNames[node - 1], 'nodes are numbered from 1')
  }
}
