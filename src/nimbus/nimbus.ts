/**
 * Nimbus: stands for leader, leads while it is one, answers the API, keeps copies of blobs.
 *
 *   start ─▶ announced on the board, standing for leader ─▶ standby ◀─▶ leader (a Reign) ─▶ stop
 *
 * Route: nimbus main, dev-cluster and the simulator make it; rpc/ brings calls to `api`.
 *
 * Invariants
 *   B1  user code never runs here: a module is looked at by `inspect`, in a process of its own
 *   B2  nothing that a topology brings along ends it: such a topology is left alone, and said so
 *   B3  all that matters stands on the board: a Nimbus that dies at any moment is followed by one that goes
 *       on
 */

import { isStreamError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { BlobStore } from '../blob/blob-store.ts'
import type { Board, Leadership } from '../cluster/board.ts'
import type { Host, Stoppable } from '../host/host.ts'
import type { NimbusApi } from '../rpc/nimbus-api.ts'
import { schedule } from '../schedule/schedule.ts'
import { clusterCalls } from './api/cluster-calls.ts'
import { daemonCalls } from './api/daemon-calls.ts'
import type { Desk } from './api/desk.ts'
import { lookCalls } from './api/look-calls.ts'
import { submitCalls } from './api/submit-calls.ts'
import { topologyCalls } from './api/topology-calls.ts'
import { BlobClaims } from './blobs/blob-claims.ts'
import { cleanBlobs } from './blobs/blob-clean-up.ts'
import { BlobSync } from './blobs/blob-sync.ts'
import { OutlineShelf } from './blobs/outline-shelf.ts'
import { changesOf } from './leader/facts.ts'
import { Reign } from './leader/round.ts'
import { shapeOf } from './leader/shape.ts'
import { NimbusMemory } from './monitor/memory.ts'
import type { NimbusPeers } from './peers.ts'
import type { NimbusSettings } from './settings.ts'
import type { Inspect } from './submit/inspect.ts'
import { LeaderWatch } from './watch/leader-watch.ts'
import { NodeWatch } from './watch/node-watch.ts'

/** Time between two looks for blobs that nobody names. */
const CLEAN_UP_MS = 60_000

export interface NimbusSpec {
  readonly host: Host
  /** Open. It is closed by whoever opened it. */
  readonly board: Board
  readonly blobs: BlobStore
  readonly peers: NimbusPeers
  readonly inspect: Inspect
  readonly settings: NimbusSettings
  /** Name of this Nimbus, unique in the cluster. */
  readonly id: string
  /** Where its API is reached: `host:port`. */
  readonly address: string
  readonly version: string
  /** There is no ZooKeeper. Default: there is. */
  readonly isCoordinatorInMemory?: boolean | undefined
  readonly log: Logger
}

export class Nimbus {
  readonly api: NimbusApi
  private readonly spec: NimbusSpec
  private readonly desk: Desk
  private readonly outlines: OutlineShelf
  private readonly memory: NimbusMemory
  private readonly nodes: NodeWatch
  private readonly sync: BlobSync
  private readonly stops: Stoppable[] = []
  private reign: Reign | undefined = undefined
  private isStopped = false

  constructor(spec: NimbusSpec) {
    const { host, board, blobs, peers, settings, log, id } = spec
    this.spec = spec
    this.outlines = new OutlineShelf(blobs)
    this.memory = new NimbusMemory(settings.workerTimeoutMs, (record) => {
      const outline = this.outlines.outlineOf(record)
      return outline && shapeOf(outline, changesOf(record)).components
    })
    this.nodes = new NodeWatch(host, board, settings)
    this.sync = new BlobSync({
      host,
      log,
      board,
      blobs,
      peers,
      nimbus: id,
      onFetched: () => this.reign?.kick(),
    })
    this.desk = {
      host,
      log,
      board,
      blobs,
      peers,
      settings,
      outlines: this.outlines,
      claims: new BlobClaims(host.clock, settings.blobExpirationMs),
      sync: this.sync,
      inspect: spec.inspect,
      memory: this.memory,
      nimbus: id,
      address: spec.address,
      version: spec.version,
      isCoordinatorInMemory: spec.isCoordinatorInMemory === true,
      reign: () => (this.isLeader ? this.reign : undefined),
    }
    this.api = {
      ...submitCalls(this.desk),
      ...topologyCalls(this.desk),
      ...lookCalls(this.desk),
      ...clusterCalls(this.desk),
      ...daemonCalls(this.desk),
    }
  }

  get isLeader(): boolean {
    return this.reign?.leadership.isHeld === true
  }

  /** For /readyz: names of what is not as it should be. */
  get notReady(): readonly string[] {
    const { board } = this.spec
    const blobs = this.sync.missing.size > 0 ? ['blobs'] : []
    return board.state === 'connected' ? blobs : ['coordinator', ...blobs]
  }

  async start(): Promise<void> {
    const { host, log, board, peers, id, address, version } = this.spec
    const record = { nimbus: id, address, version }
    const standing = await board.announceNimbus(record, () => !this.isStopped)
    if (this.isStopped) {
      standing.stop()
      return
    }
    this.stops.push(standing)
    this.sync.start()
    this.stops.push(
      new LeaderWatch({ host, log, board, peers, nimbus: id }),
      board.campaign({
        nimbus: id,
        address,
        onLeader: (leadership) => this.lead(leadership),
        onStandby: (why) => this.standBy(why),
      }),
      board.onChange(({ part }) => {
        if (part !== 'epoch' && part !== 'nimbuses') this.reign?.kick()
      }),
      host.timers.every(CLEAN_UP_MS, () => this.cleanUp()),
    )
  }

  /** Gives up the leadership first, so that another leads at once. */
  async stop(): Promise<void> {
    if (this.isStopped) return
    this.isStopped = true
    const { reign } = this
    this.standBy('it is stopped')
    for (const each of this.stops) each.stop()
    this.sync.stop()
    this.nodes.stop()
    if (reign?.leadership.isHeld !== true) return
    try {
      await reign.leadership.resign()
    } catch (error) {
      // Its session ends with the board's.
      if (!isStreamError(error)) throw error
      this.spec.log.debug('could not resign', { code: error.code, message: error.message })
    }
  }

  private lead(leadership: Leadership): void {
    if (this.isStopped) return
    this.reign?.stop()
    const { host, board, settings, log, id } = this.spec
    const { memory, outlines, nodes } = this
    memory.events.begin(leadership.epoch)
    memory.events.add({
      at: host.clock.now(),
      kind: 'leader-changed',
      message: `${id} leads`,
      details: { nimbus: id, epoch: leadership.epoch },
    })
    log.info('leads', { epoch: leadership.epoch })
    this.reign = new Reign({
      host,
      log,
      board,
      leadership,
      outlines,
      memory,
      nodes,
      settings,
      place: schedule,
      newToken: () => tokenOf(host),
    })
  }

  private standBy(why: string): void {
    if (this.reign === undefined) return
    this.spec.log.info('leads no more', { why })
    this.reign.stop()
    this.reign = undefined
    // What the next leader decides may differ: what was believed of topologies here is forgotten.
    this.memory.quarantined.clear()
  }

  private cleanUp(): void {
    const { board, blobs, host, settings, log } = this.spec
    const { claims } = this.desk
    if (board.state !== 'connected') return
    // Rounds do that for a leader; a standby is told of heartbeats, too.
    this.memory.forget(board.view, host.clock.now())
    const expirationMs = settings.blobExpirationMs
    cleanBlobs({ blobs, board, claims, now: host.clock.now(), expirationMs }).then(
      (digests) => {
        for (const digest of digests) log.info('blob that nobody names, deleted', { digest })
      },
      (error: unknown) => {
        if (!isStreamError(error)) throw error
        log.warn('blobs could not be cleaned up', { code: error.code, message: error.message })
      },
    )
  }
}

/** 32 random bytes in hex. */
function tokenOf({ random }: Host): string {
  const bits = new Int32Array(8)
  random.fill(bits)
  return [...bits].map((each) => (each >>> 0).toString(16).padStart(8, '0')).join('')
}
