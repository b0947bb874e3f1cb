/**
 * `testDriver`: a topology in the hand. Push items, move time, read results. One worker, no faults, time
 * stands still but where it is asked to move.
 *
 * What a call starts is finished before it resolves: sinks' batches, retries, asynchronous calls. Where that
 * needs time (a retry rests, a transaction ends), the clock moves by as much. What a bolt holds back on
 * purpose, until a tick for example, is not waited for.
 */
import { ConflictError, UsageError } from '../base/errors.ts'
import { silentLogger } from '../base/log.ts'
import { parseDuration } from '../config/duration.ts'
import type { Duration } from '../config/topology-config.ts'
import { RichTask } from '../flow/executor/bolt/rich-task.ts'
import { SinkTask } from '../flow/executor/sink/sink-task.ts'
import { SourceTask } from '../flow/executor/spout/source-task.ts'
import type { StoredPositions } from '../state/position-store.ts'
import type { KeyedEntry } from '../state/state-entry.ts'
import { buildTopologyTwice } from '../topology/build.ts'
import type { SourceHandle, StreamHandle } from '../topology/handle.ts'
import type { Key } from '../topology/schema/encodable.ts'
import type { Topology } from '../topology/topology.ts'
import type { TopologyDef } from '../topology/topology-def.ts'
import type { DeadLetter } from '../topology/tuple.ts'
import { refuseDropped } from '../worker/seat/carried-state.ts'
import type { Worker } from '../worker/worker.ts'
import { type RunOptions, timedOut } from './complete-topology.ts'
import { LocalRun } from './local-run.ts'
import type { MockFeed } from './stand-in/mock-source.ts'
import { itemsOf, type ReadFrom, type Readings, stateOf, writtenOf } from './stand-in/readings.ts'
import { Recordings } from './stand-in/recordings.ts'
import { emptyFeeds, standIn } from './stand-in/stand-ins.ts'
import { VirtualStage } from './virtual-stage.ts'

/** A topology in the hand. Each call resolves when nothing more can happen without it. */
export interface TestDriver<H> extends Readings<H>, AsyncDisposable {
  readonly handles: H
  /** Virtual time, milliseconds since 1970. */
  readonly now: number
  /** Gives items to a source, in order. Resolves when they have been processed. */
  push<V>(pick: (handles: H) => SourceHandle<V>, ...items: NoInfer<V>[]): Promise<void>
  /** Lets time pass: timers, ticks, time-outs. */
  advance(by: Duration): Promise<void>
  /** Ends the sources. Resolves when everything they gave has its verdict. */
  finish(): Promise<void>
  /** Keeps keyed state and the positions of the sources as they are now. */
  checkpoint(): Promise<void>
  /**
   * Loses everything since the last checkpoint, and comes back, as after a crash: keyed state is as it was
   * then, and what was pushed since is replayed.
   */
  crash(): Promise<void>
  /**
   * Goes on as another version, with the keyed state carried over by names and migrated. This driver ends.
   * @throws ConflictError STATE_DROPPED; UsageError STATE_MIGRATION_MISSING; UserCodeError
   *   STATE_MIGRATION_FAILED
   */
  upgrade<H2, A2>(next: TopologyDef<H2, A2>, options?: RunOptions<A2>): Promise<TestDriver<H2>>
}

/** Starts a topology with empty sources and stopped time. */
export async function testDriver<H, A = undefined>(
  topology: TopologyDef<H, A>,
  options: RunOptions<A> = {},
): Promise<TestDriver<H>> {
  const stage = new VirtualStage({ seed: DRIVER_SEED, startAtMs: options.startAt ?? 0, isChopped: false })
  const driver = new Driver(stage, built(topology, options), NOTHING_CARRIED)
  await driver.start()
  return driver
}

/** Nothing is left to chance, so any seed will do. */
const DRIVER_SEED = 1
/** Longest virtual time that one call may take to come to rest. */
const REST_MAX_MS = 600_000

/** What goes from one life of a topology to the next. */
interface Carried {
  readonly state: ReadonlyMap<string, readonly KeyedEntry[]>
  readonly positions: StoredPositions
}

interface Predecessor extends Carried {
  readonly feeds: ReadonlyMap<string, MockFeed>
  readonly incarnation: number
}

const NOTHING_CARRIED: Predecessor = {
  state: new Map(),
  positions: new Map(),
  feeds: new Map(),
  incarnation: 0,
}

interface Built<H> {
  readonly topology: Topology
  readonly handles: H
  readonly sinks: 'record' | 'real'
}

function built<H, A>(topology: TopologyDef<H, A>, options: RunOptions<A>): Built<H> {
  const { topology: graph, handles } = buildTopologyTwice(topology, options)
  return { topology: graph, handles, sinks: options.sinks ?? 'record' }
}

class Driver<H> implements TestDriver<H> {
  readonly handles: H
  private readonly stage: VirtualStage
  private readonly feeds: ReadonlyMap<string, MockFeed>
  private readonly topology: Topology
  private readonly recordings = new Recordings()
  private readonly before: Predecessor
  private kept: Carried
  private run: LocalRun | undefined = undefined
  private isEnded = false

  constructor(stage: VirtualStage, { topology, handles, sinks }: Built<H>, before: Predecessor) {
    this.stage = stage
    this.handles = handles
    this.before = before
    this.kept = before
    const feeds = emptyFeeds(topology)
    for (const [id, feed] of before.feeds) if (feeds.has(id)) feeds.set(id, feed)
    this.feeds = feeds
    const standIns = standIn(topology, feeds, { sinks, isLingering: false, recordings: this.recordings })
    this.topology = standIns.topology
  }

  async start(): Promise<void> {
    await this.begin(this.before.incarnation)
    await this.rest()
  }

  get now(): number {
    return Math.floor(this.stage.world.nowMs)
  }

  get deadLetters(): readonly DeadLetter[] {
    return this.known().deadLetters.letters
  }

  get acked(): number {
    return this.recordings.ackedCount
  }

  get failed(): number {
    return this.recordings.failedCount
  }

  read<V>(stream: ((handles: H) => StreamHandle<V>) | string): V[] {
    return itemsOf(this.from(), stream) as V[]
  }

  written(sink: string): unknown[] {
    return writtenOf(this.from(), sink)
  }

  state(component: string, name: string, key: Key): unknown {
    return stateOf(this.known().workers, component, name, key)
  }

  async push<V>(pick: (handles: H) => SourceHandle<V>, ...items: NoInfer<V>[]): Promise<void> {
    this.known()
    const { componentId } = pick(this.handles)
    const feed = this.feeds.get(componentId)
    if (feed === undefined) {
      throw new UsageError('UNKNOWN_COMPONENT', `push: "${componentId}" is no source of this topology`, {
        component: componentId,
      })
    }
    feed.push(items)
    await this.rest()
  }

  async advance(by: Duration): Promise<void> {
    const run = this.known()
    const { world } = this.stage
    await world.run({ untilMs: world.nowMs + parseDuration(by) })
    throwIfStopped(run)
  }

  async finish(): Promise<void> {
    const run = this.known()
    for (const feed of this.feeds.values()) feed.end()
    let isOver = false
    const over = (): void => {
      isOver = true
    }
    run.finished().then(over, over)
    const { world } = this.stage
    const how = await world.run({ untilMs: world.nowMs + REST_MAX_MS, while: () => !isOver })
    if (how !== 'stopped') throw timedOut(run, REST_MAX_MS)
    throwIfStopped(run)
  }

  async checkpoint(): Promise<void> {
    await this.rest()
    this.kept = this.take()
  }

  async crash(): Promise<void> {
    const run = this.known()
    run.kill()
    await this.begin(run.incarnation)
    await this.rest()
  }

  async upgrade<H2, A2>(next: TopologyDef<H2, A2>, options: RunOptions<A2> = {}): Promise<TestDriver<H2>> {
    const run = this.known()
    await this.rest()
    const version = built(next, options)
    const carried = this.take()
    refuseDropped(carried.state, version.topology)
    await this.stage.drive(run.stop())
    this.isEnded = true
    const driver = new Driver(this.stage, version, {
      ...carried,
      feeds: this.feeds,
      incarnation: run.incarnation,
    })
    await driver.start()
    return driver
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.isEnded || this.run === undefined) return
    this.isEnded = true
    await this.stage.drive(this.run.stop())
  }

  private async begin(incarnationsBefore: number): Promise<void> {
    const { state, positions } = this.kept
    this.run = await this.stage.drive(
      LocalRun.start({
        ...this.stage.specOf((worker) => worker),
        name: this.topology.name ?? 'topology',
        topology: this.topology,
        workerCount: 1,
        log: silentLogger,
        isDev: true,
        state,
        from: positions,
        incarnationsBefore,
        onWorkerMade: (worker) => this.recordings.watch(worker),
      }),
    )
  }

  private take(): Carried {
    const run = this.known()
    return { state: run.takeState(), positions: run.takePositions() }
  }

  /** Runs what can happen. The clock moves only for what the engine itself has begun. */
  private async rest(): Promise<void> {
    const run = this.known()
    const { world } = this.stage
    const endMs = world.nowMs + REST_MAX_MS
    await this.stage.finishInstant()
    while (run.stoppedBy === undefined && !isResting(run)) {
      if (world.nowMs >= endMs) throw timedOut(run, REST_MAX_MS)
      await world.run({ untilMs: world.nowMs + 1 })
    }
    throwIfStopped(run)
  }

  private from(): ReadFrom<H> {
    const { handles, topology, recordings } = this
    return { handles, topology, recordings, run: this.known() }
  }

  private known(): LocalRun {
    if (this.run !== undefined && !this.isEnded) return this.run
    throw new ConflictError('TOPOLOGY_WRONG_STATE', 'this driver has ended')
  }
}

function isResting(run: LocalRun): boolean {
  const { workers } = run
  return workers.length === run.workerCount && workers.every(isWorkerResting)
}

/** Nothing goes on that was not held back by a bolt of the user. */
function isWorkerResting(worker: Worker): boolean {
  if (!worker.loop.isIdle) return false
  let isHeld = false
  for (const bolt of worker.bolts) {
    if (bolt.inbox.count > 0) return false
    for (const task of bolt.allTasks) {
      if (task.openCallCount > 0) return false
      if (task instanceof SinkTask && task.inFlightCount > 0) return false
      if (task instanceof RichTask && isHolding(task)) isHeld = true
    }
  }
  for (const task of worker.spoutTasks) {
    if (task.verdictCount > 0 || (task instanceof SourceTask && task.restingCount > 0)) return false
    if (task.pendingCount > 0 && !isHeld) return false
  }
  return true
}

/** It has taken tuples that it has not answered. */
function isHolding({ self: { stats } }: RichTask): boolean {
  return stats.executedCount > stats.ackedCount + stats.failedCount
}

function throwIfStopped(run: LocalRun): void {
  if (run.stoppedBy !== undefined) throw run.stoppedBy
}
