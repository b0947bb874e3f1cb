/**
 * Faults of a whole cluster: workers in their slots, nodes, daemons, the coordinator.
 *
 *   worker n   the n-th that has a seat now, by node and slot
 *   node n     the n-th supervisor's machine: n1, n2 …
 */
import { assertDefined } from '../../base/assert.ts'
import type { Timers } from '../../host/host.ts'
import type { VirtualWorld } from '../../host/virtual/virtual-world.ts'
import type { Office } from '../../worker/seat/office.ts'
import type { Worker } from '../../worker/worker.ts'
import type { CallFaults } from '../faults/call-faults.ts'
import {
  type FaultNeeds,
  type FaultStage,
  type FaultyDisk,
  faultyDisk,
  needNumber,
  needWorld,
} from '../faults/fault-stage.ts'
import type { ClusterWorld } from './cluster-world.ts'
import { DaemonFaults } from './daemon-faults.ts'
import type { SimCluster } from './sim-cluster.ts'
import type { SimProcess } from './sim-launcher.ts'

export interface ClusterStageSpec {
  readonly cluster: SimCluster<ClusterWorld>
  /** undefined: real time, where disks and clocks are the machine's own. */
  readonly virtual: VirtualWorld | undefined
  /** Slots of all nodes together. */
  readonly workerCount: number
}

export class ClusterStage implements FaultStage {
  readonly timers: Timers
  readonly daemons: DaemonFaults
  readonly spouts = new SpoutCounts()
  private readonly spec: ClusterStageSpec
  private readonly calls: CallFaults
  /** Cut links, by the workers that were named: they may be elsewhere when it heals. */
  private readonly cuts = new Map<string, readonly [string, string]>()
  private ackShare = 0

  constructor(spec: ClusterStageSpec, calls: CallFaults) {
    this.spec = spec
    this.calls = calls
    this.timers = spec.cluster.world.timers
    this.daemons = new DaemonFaults(spec.cluster)
  }

  refuseImpossible(fault: FaultNeeds): void {
    const { cluster, virtual, workerCount } = this.spec
    for (const worker of fault.workers) needNumber('worker', worker, workerCount)
    for (const node of fault.nodes) needNumber('node', node, cluster.nodeNames.length)
    if (fault.isVirtual) needWorld(virtual, fault.fault)
  }

  note(text: string): void {
    this.spec.cluster.world.noteFault('(faults)', text)
  }

  counts(): { readonly acked: number; readonly emitted: number } {
    for (const process of this.seated()) this.spouts.look(process)
    return this.spouts.sums()
  }

  /** A worker was put together, in whatever process. */
  onMade(_worker: Worker, office: Office): void {
    if (this.ackShare > 0) office.loseAcks({ share: this.ackShare })
  }

  kill(worker: number): void {
    const process = this.workerAt(worker)
    if (process !== undefined) this.spec.cluster.processes.kill(process)
  }

  hang(worker: number, forMs: number): void {
    const { world } = this.spec.cluster
    const process = this.workerAt(worker)
    if (process === undefined) return
    world.pause(process.name)
    this.timers.after(forMs, () => world.resume(process.name))
  }

  cut(a: number, b: number): void {
    const nodes = this.nodesOf(a, b)
    if (nodes === undefined) return
    this.cuts.set(`${a} ${b}`, nodes)
    this.spec.cluster.world.net.cut(...nodes)
  }

  heal(a: number, b: number): void {
    const nodes = this.cuts.get(`${a} ${b}`)
    if (nodes === undefined) return
    this.cuts.delete(`${a} ${b}`)
    const [left, right] = nodes
    const isCutStill = [...this.cuts.values()].some((each) => each.includes(left) && each.includes(right))
    if (!isCutStill) this.spec.cluster.world.net.heal(left, right)
  }

  reset(a: number, b: number): void {
    const nodes = this.nodesOf(a, b)
    if (nodes !== undefined) this.spec.cluster.world.net.reset(...nodes)
  }

  corrupt(a: number, b: number): void {
    const nodes = this.nodesOf(a, b)
    if (nodes !== undefined) this.spec.cluster.world.net.corruptNext(...nodes)
  }

  delayLinks(delayMs: number): void {
    this.spec.cluster.world.net.setAll({ delayMs })
  }

  loseAcks(share: number): void {
    this.ackShare = share
    const loss = share === 0 ? undefined : { share }
    for (const { made } of this.seated()) made?.office.loseAcks(loss)
  }

  eachDisk(call: (disk: FaultyDisk) => void): void {
    const world = needWorld(this.spec.virtual, 'faults of disks')
    for (const node of this.spec.cluster.nodeNames) call(faultyDisk(world.disk(node)))
  }

  skewClock(node: number, skewMs: number): void {
    const name = assertDefined(this.spec.cluster.nodeNames[node - 1], 'nodes are numbered from 1')
    needWorld(this.spec.virtual, 'a wrong clock').setClockSkew(name, skewMs)
  }

  failCalls(component: string, call: string | undefined, count: number): void {
    this.calls.add(component, call, count)
  }

  private seated(): readonly SimProcess[] {
    const { living } = this.spec.cluster.processes
    const place = ({ node, assign }: SimProcess) => [node.length, node, assign?.port ?? 0] as const
    return living
      .filter(({ assign }) => assign !== undefined)
      .toSorted((one, other) => compare(place(one), place(other)))
  }

  /** undefined: there are not so many now. */
  private workerAt(worker: number): SimProcess | undefined {
    return this.seated()[needNumber('worker', worker, this.spec.workerCount) - 1]
  }

  /** undefined: on one machine, or not there. */
  private nodesOf(a: number, b: number): readonly [string, string] | undefined {
    const left = this.workerAt(a)?.node
    const right = this.workerAt(b)?.node
    return left === undefined || right === undefined || left === right ? undefined : [left, right]
  }
}

/** Verdicts and emits of spouts by process and task: those of the dead stay. */
class SpoutCounts {
  private readonly counts = new Map<string, { readonly acked: number; readonly emitted: number }>()

  look({ pid, made }: SimProcess): void {
    for (const { self } of made?.worker.spoutTasks ?? []) {
      let emitted = 0
      for (const { emittedCount } of self.stats.streams.values()) emitted += emittedCount
      this.counts.set(`${pid} ${self.task}`, { acked: self.stats.ackedCount, emitted })
    }
  }

  sums(): { readonly acked: number; readonly emitted: number } {
    const sums = { acked: 0, emitted: 0 }
    for (const { acked, emitted } of this.counts.values()) {
      sums.acked += acked
      sums.emitted += emitted
    }
    return sums
  }
}

type Place = readonly [number, string, number]

function compare(one: Place, other: Place): number {
  if (one[0] !== other[0]) return one[0] - other[0]
  if (one[1] !== other[1]) return one[1] < other[1] ? -1 : 1
  return one[2] - other[2]
}
