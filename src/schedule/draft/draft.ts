/**
 * The plan of one topology while it is made: its workers, what each runs, and what is still without a worker.
 *
 * Route: stand.ts fills it with what runs → recover.ts, begin.ts, complete.ts, fold.ts change it →
 * schedule.ts reads the plan off it. Knows nothing of other topologies: what they take is taken from the
 * DraftNodes.
 *
 * Invariants
 *   D1  an executor is in one worker, or in `pool`
 *   D2  a worker has its slot's port taken from its node until it is closed
 *   D3  what a worker runs is loaded on its node
 *   D4  why a worker is other than it was stands in `reasons`, once: the first cause counts
 */
import { assert, assertDefined } from '../../base/assert.ts'
import type { ScheduleExecutor, ScheduleTopology } from '../request.ts'
import { type CompiledRules, compileRules } from './compiled-rules.ts'
import type { DraftNode } from './draft-node.ts'

export interface DraftWorker {
  readonly worker: number
  readonly node: DraftNode
  readonly port: number
  readonly generation: number
  readonly executors: Set<number>
  /** Executors of each component. */
  readonly counts: number[]
  /** Why it should go elsewhere although it lives. */
  readonly whyLeaving: string | undefined
}

/** A worker without a slot: it was lost, and goes on elsewhere or is dissolved. */
export interface HomelessWorker {
  readonly worker: number
  readonly generation: number
  readonly executors: readonly number[]
  readonly why: string
  /** Node it was on, and its slot there if that could be used again. */
  readonly node: string
  readonly port: number
}

export class Draft {
  readonly topology: ScheduleTopology
  readonly components: readonly string[]
  readonly rules: CompiledRules
  /** Workers it may have: as asked for, but none without an executor. */
  readonly workersWanted: number
  readonly workers = new Map<number, DraftWorker>()
  readonly homeless: HomelessWorker[] = []
  readonly pool = new Set<number>()
  /** Workers that lived where they should not be when the round began. */
  readonly leavers = new Set<number>()
  readonly reasons = new Map<number, string>()
  readonly notes: string[] = []
  /** Nodes it has for itself, by isolation; undefined: it is among the others. */
  isolatedNodes: number | undefined
  /** It leaves no slot in this round. */
  isHeld = false
  /** Of a worker that did not exist before. */
  readonly generationNew: number
  private readonly componentOf: Int32Array
  /** By node: executors of each component of this topology there. Only rules ask for it. */
  private readonly nodeCounts = new Map<DraftNode, number[]>()
  /** By order of nodes: workers of this topology there. Asked for every node of every worker, so no map. */
  private readonly nodeWorkers: Int32Array

  constructor(topology: ScheduleTopology, nodeCount: number) {
    this.topology = topology
    this.nodeWorkers = new Int32Array(nodeCount)
    const index = new Map<string, number>()
    this.componentOf = new Int32Array(topology.executors.length + 1)
    for (const { executor, component } of topology.executors) {
      let at = index.get(component)
      if (at === undefined) {
        at = index.size
        index.set(component, at)
      }
      this.componentOf[executor] = at
    }
    this.components = [...index.keys()]
    this.rules = compileRules(topology.rules, this.components)
    this.workersWanted = Math.min(Math.max(1, topology.workers), topology.executors.length)
    const generations = (topology.current?.workers ?? []).map(({ generation }) => generation)
    // Above all that ran: its peers take a worker with a lower incarnation for a left-over.
    this.generationNew = generations.reduce((most, each) => Math.max(most, each), 0) + 1
    for (const { executor } of topology.executors) this.pool.add(executor)
  }

  get isResourceAware(): boolean {
    return this.topology.strategy === 'resource-aware'
  }

  /** May every executor run in every worker? */
  get isFree(): boolean {
    return this.rules.isEmpty && !this.isResourceAware
  }

  executor(number: number): ScheduleExecutor {
    return assertDefined(this.topology.executors[number - 1], 'executors are numbered without gaps')
  }

  component(executor: number): number {
    return this.componentOf[executor] ?? 0
  }

  workersOn(node: DraftNode): number {
    return this.nodeWorkers[node.order] ?? 0
  }

  /** Workers that stay where they are, by number. */
  staying(): DraftWorker[] {
    return [...this.workers.values()]
      .filter(({ whyLeaving }) => whyLeaving === undefined)
      .sort((a, b) => a.worker - b.worker)
  }

  leaving(): DraftWorker[] {
    return [...this.workers.values()]
      .filter(({ whyLeaving }) => whyLeaving !== undefined)
      .sort((a, b) => a.worker - b.worker)
  }

  /** Lowest number that no worker has. */
  freeNumber(): number {
    let number = 1
    while (this.workers.has(number) || this.homeless.some(({ worker }) => worker === number)) number += 1
    return number
  }

  /** A worker without executors. Its port must be free. */
  open(
    worker: number,
    node: DraftNode,
    port: number,
    facts: { readonly generation: number; readonly whyLeaving?: string | undefined },
  ): DraftWorker {
    assert(!this.workers.has(worker), 'a number is one worker')
    assert(node.tryTake(port), 'a slot is taken once')
    const opened = {
      worker,
      node,
      port,
      generation: facts.generation,
      executors: new Set<number>(),
      counts: this.noCounts(),
      whyLeaving: facts.whyLeaving,
    }
    this.workers.set(worker, opened)
    this.nodeWorkers[node.order] = this.workersOn(node) + 1
    return opened
  }

  /** Its executors go back to the pool. */
  close(worker: DraftWorker): void {
    for (const executor of [...worker.executors]) this.remove(worker, executor)
    this.workers.delete(worker.worker)
    worker.node.release(worker.port)
    this.nodeWorkers[worker.node.order] = this.workersOn(worker.node) - 1
  }

  /** From the pool into a worker. `isRunning`: it runs there already. */
  place(worker: DraftWorker, executor: number, isRunning = false): void {
    assert(this.pool.delete(executor), 'only what is in the pool is placed')
    const component = this.component(executor)
    worker.executors.add(executor)
    worker.counts[component] = (worker.counts[component] ?? 0) + 1
    if (!this.rules.isEmpty) this.countOn(worker.node, component, 1)
    worker.node.load(this.executor(executor), isRunning)
  }

  /** Out of a worker into the pool. */
  remove(worker: DraftWorker, executor: number): void {
    assert(worker.executors.delete(executor), 'only what is placed is removed')
    const component = this.component(executor)
    worker.counts[component] = (worker.counts[component] ?? 0) - 1
    if (!this.rules.isEmpty) this.countOn(worker.node, component, -1)
    worker.node.unload(this.executor(executor))
    this.pool.add(executor)
  }

  say(worker: number, why: string): void {
    if (!this.reasons.has(worker)) this.reasons.set(worker, why)
  }

  /**
   * May this executor run in that worker, next to what is there? `from`: the node on which it is counted now.
   */
  fits(worker: DraftWorker, executor: number, from?: DraftNode): boolean {
    const component = this.component(executor)
    for (const foe of this.rules.apartWorkers[component] ?? []) if (worker.counts[foe] !== 0) return false
    if (worker.node === from) return true
    if (!this.rules.isEmpty && !this.keepsRules(worker.node, component, 1)) return false
    if (!this.isResourceAware) return true
    const { cpuPercent, memoryBytes } = this.executor(executor)
    return worker.node.hasRoom(cpuPercent, memoryBytes)
  }

  /** May `count` more executors of a component be on that node? */
  keepsRules(node: DraftNode, component: number, count: number): boolean {
    const counts = this.nodeCounts.get(node)
    const there = counts?.[component] ?? 0
    if (there + count > (this.rules.nodeMax[component] ?? Number.POSITIVE_INFINITY)) return false
    if (counts === undefined) return true
    for (const foe of this.rules.apartNodes[component] ?? []) if (counts[foe] !== 0) return false
    return true
  }

  private countOn(node: DraftNode, component: number, more: number): void {
    const counts = this.nodeCounts.get(node) ?? this.noCounts()
    counts[component] = (counts[component] ?? 0) + more
    this.nodeCounts.set(node, counts)
  }

  private noCounts(): number[] {
    return new Array<number>(this.components.length).fill(0)
  }
}
