/**
 * What a LocalCluster stands on: workers alone (live/worker-ground.ts), or Nimbus, supervisors and workers
 * (cluster/cluster-ground.ts).
 */
import type { SeededRandom } from '../base/random.ts'
import type { TopologyConfig } from '../config/topology-config.ts'
import type { Client } from '../rpc/client/client.ts'
import type { RunningTopology } from '../rpc/contract.ts'
import type { TopologyDef } from '../topology/topology-def.ts'
import type { FaultStage } from './faults/fault-stage.ts'
import type { Drawable } from './faults/random-faults.ts'

export interface Ground {
  /** @throws UsageError CONFIG_CONTRADICTION: there is nobody to ask */
  readonly client: Client
  readonly stage: FaultStage
  /** Milliseconds; never goes back. */
  readonly nowMs: number
  /** For random faults. */
  readonly random: SeededRandom
  /** What random faults may be about now. */
  drawable(): Drawable
  submit<H, A>(
    topology: TopologyDef<H, A>,
    config: TopologyConfig | undefined,
    args: A | undefined,
  ): Promise<RunningTopology & { readonly handles: H }>
  /** @throws UsageError CONFIG_CONTRADICTION in real time */
  advance(forMs: number): Promise<void>
  /** Ends topologies, draining them, and everything else. */
  close(): Promise<void>
}
