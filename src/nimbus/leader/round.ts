/**
 * One leadership at work: rounds, one at a time, as long as it is held.
 *
 *   sign, or time ─▶ kick ─▶ look (fresh) ─▶ decideRound (pure) ─▶ write, batch by batch ─▶ kick again
 *
 * Route: leader.ts makes one for each leadership; the API kicks it.
 *
 * Invariants
 *   L1  one round at a time; a kick during a round means one more after it
 *   L2  after every await the leadership is asked for: one that is over ends the round without effect
 *   L3  a write that fails costs its own topology the turn, and nobody is placed in slots that it keeps: only
 *       another leader, and a coordinator that is away, end a round
 *   L4  without the coordinator there is no round: what is not seen is not judged
 */
import { isStreamError, type StreamError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { Board, BoardWrite, Leadership } from '../../cluster/board.ts'
import type { AssignmentRecord, TopologyRecord } from '../../cluster/records.ts'
import type { Host, Stoppable } from '../../host/host.ts'
import type { OutlineShelf } from '../blobs/outline-shelf.ts'
import type { NimbusMemory } from '../monitor/memory.ts'
import type { NimbusSettings } from '../settings.ts'
import type { NodeWatch } from '../watch/node-watch.ts'
import { messageOf } from './attempt.ts'
import { ApartBook, circumstances } from './books/apart-book.ts'
import { FailingBook } from './books/failing-book.ts'
import { nextBatches, SlotBook } from './books/slot-book.ts'
import { StuckBook } from './books/stuck-book.ts'
import { decideCleanUp } from './clean-up.ts'
import { decideRound, type RoundDecision } from './decide-round.ts'
import type { RoundFacts } from './facts.ts'
import { decideNodes } from './node-decisions.ts'
import { PhaseClock } from './phase-clock.ts'
import type { Place } from './place-all.ts'
import type { Batch } from './round-case.ts'
import { isQuiet, runsNowhere, saidSince } from './running.ts'
import { ShapeCache } from './shape.ts'

/** Signs come in bunches: so long is waited for the others. A choice, far below what anybody notices. */
const KICK_MS = 5
/** Rounds in a row with a conflict before the next one waits for its time. */
const CONFLICTS_MAX = 5
/** Between two looks at a topology that says it is quiet and has yet to say it again. A choice. */
const AGAIN_MS = 150
/** Time between two looks for what is left over. */
const CLEAN_UP_MS = 5_000

/** After a rebalance that was given up, a topology is not spread by itself for so long: it stood still. */
const REST_MS = 600_000
/** Between two rounds that search for those whom the scheduler throws for: as long as one takes. */
const SEARCH_REST_MS = 250
/** Nodes of positions that one round deletes: a topology may have them by the ten thousand. */
const POSITIONS_MAX = 1_000

export interface ReignSpec {
  readonly host: Host
  readonly log: Logger
  readonly board: Board
  readonly leadership: Leadership
  readonly outlines: OutlineShelf
  readonly memory: NimbusMemory
  readonly nodes: NodeWatch
  readonly settings: NimbusSettings
  readonly place: Place
  readonly newToken: () => string
}

export class Reign {
  readonly leadership: Leadership
  private readonly spec: ReignSpec
  private readonly sinceMs: number
  private readonly shapes = new ShapeCache()
  private readonly stuck = new StuckBook()
  /** Topology → monotonic time at which its rebalance was given up. */
  private readonly gaveUp = new Map<string, number>()
  private readonly phases: PhaseClock
  /** Topology → monotonic time since which its assignment says that it shall drain. */
  private readonly drains = new Map<string, number>()
  /** Topology → monotonic time since which all its workers say they are quiet. */
  private readonly quietSince = new Map<string, number>()
  private readonly ticks: Stoppable
  private readonly waiting: (() => void)[] = []
  private leftOver: ReadonlySet<string> = new Set()
  private cleanUpMs = Number.NEGATIVE_INFINITY
  private soon: Stoppable | undefined = undefined
  private again: Stoppable | undefined = undefined
  private isRunning = false
  private isKicked = false
  private isStopped = false
  private conflicts = 0
  /** Of the round before: what is told once. */
  private leftOut: ReadonlyMap<string, string> = new Map()
  private readonly apart = new ApartBook()
  private search: RoundDecision['search']
  /** Monotonic. */
  private searchRestsUntilMs = Number.NEGATIVE_INFINITY
  private drainTrouble = ''
  private readonly failing = new FailingBook()
  /** What this round may still delete of positions. */
  private positionsLeft = 0

  constructor(spec: ReignSpec) {
    this.spec = spec
    this.leadership = spec.leadership
    this.sinceMs = spec.host.clock.monotonicMs()
    this.phases = new PhaseClock(spec.host.clock)
    this.ticks = spec.host.timers.every(spec.settings.monitorMs, () => this.tick())
    this.kick()
  }

  stop(): void {
    this.isStopped = true
    this.ticks.stop()
    this.soon?.stop()
    this.again?.stop()
    this.release()
  }

  /** Something may have to be decided. */
  kick(): void {
    if (this.isStopped) return
    this.isKicked = true
    if (this.isRunning || this.soon !== undefined) return
    this.soon = this.spec.host.timers.after(KICK_MS, () => {
      this.soon = undefined
      this.run()
    })
  }

  /** Resolves when a round that began after this call has ended, or the leadership has. */
  round(): Promise<void> {
    if (this.isStopped) return Promise.resolve()
    const ended = new Promise<void>((resolve) => this.waiting.push(resolve))
    this.kick()
    return ended
  }

  /** To the deadline of a topology's phase, by a clock that does not jump. */
  phaseLeftMs(record: TopologyRecord): number | undefined {
    return this.phases.leftMs(record)
  }

  private tick(): void {
    const { memory, host } = this.spec
    memory.look(host.clock.now(), host.clock.monotonicMs())
    this.conflicts = 0
    this.kick()
  }

  private run(): void {
    this.isKicked = false
    this.isRunning = true
    const waited = this.waiting.splice(0)
    this.oneRound()
      .catch((error: unknown) => {
        // A bug ends the process; all else means that the next round tries again.
        if (!isStreamError(error)) throw error
        this.spec.log.debug('round ended early', { code: error.code, message: error.message })
      })
      .finally(() => {
        this.isRunning = false
        for (const resolve of waited) resolve()
        if (this.isKicked) this.kick()
      })
  }

  private async oneRound(): Promise<void> {
    const { board, outlines, memory } = this.spec
    if (!this.isHeld()) return
    this.positionsLeft = POSITIONS_MAX
    await board.sync()
    const found = await outlines.load([...board.view.topologies.values()].map(({ record }) => record))
    if (!this.isHeld()) return
    const facts = this.look(found)
    const decision = decideRound(facts, this.spec.place)
    this.shapes.endRound()
    this.remember(facts, decision)
    if (!(await this.writeAll(decision.batches))) return
    if (!this.isHeld()) return
    await this.writeNodes(facts, decision)
    memory.forget(board.view, facts.now)
    this.phases.forget((id) => facts.view.topologies.has(id))
    for (const id of this.gaveUp.keys()) if (!facts.view.topologies.has(id)) this.gaveUp.delete(id)
    await this.cleanUp(facts)
    this.apart.forget((id) => facts.view.topologies.has(id))
    this.failing.forget((id) => facts.view.topologies.has(id) || this.leftOver.has(id))
  }

  private look(outlines: RoundFacts['outlines']): RoundFacts {
    const { host, board, memory, settings, nodes, leadership, newToken } = this.spec
    const nowMs = host.clock.monotonicMs()
    const { view } = board
    for (const id of memory.stopWanted.keys()) {
      // Stopped already, by whoever: a later activate must not be undone by it.
      const phase = view.topologies.get(id)?.record.phase
      if (phase === 'inactive' || phase === 'killed') memory.stopWanted.delete(id)
    }
    const base: RoundFacts = {
      epoch: leadership.epoch,
      now: host.clock.now(),
      nowMs,
      leadingSinceMs: this.sinceMs,
      view,
      outlines,
      heard: memory.book.nodes,
      deadNodes: nodes.deadNodes(view, memory.book.nodes, this.sinceMs),
      quietTopologies: new Set(),
      lostWorkers: new Map(),
      stopWanted: memory.stopWanted,
      phaseLeftMs: (record) => this.phaseLeftMs(record),
      resting: new Set([...this.gaveUp].filter(([, atMs]) => nowMs - atMs < REST_MS).map(([id]) => id)),
      unwritable: this.failing.unwritable(nowMs),
      setApart: new Map(),
      search: this.search,
      isSearchResting: nowMs < this.searchRestsUntilMs,
      spentMs: () => host.clock.monotonicMs() - nowMs,
      quarantined: memory.quarantined,
      settings,
      shapeOf: (blob, outline, changes) => this.shapes.of(blob.digest, outline, changes),
      newToken,
    }
    const facts = { ...base, quietTopologies: this.quiet(base), lostWorkers: this.stuck.look(base) }
    return { ...facts, setApart: this.apart.setApart(nowMs, circumstances(facts)) }
  }

  /**
   * Quiet for good: all workers said so, and said it again after the last of them had. What one had sent to
   * another between their two first words would have shown by then.
   */
  private quiet(facts: RoundFacts): ReadonlySet<string> {
    const quiet = new Set<string>()
    for (const [id, { record }] of facts.view.assignments) {
      const drainsSince = this.drainsSince(facts, record)
      // What was said before was said of the drain before this one, if there was one.
      const isFresh = saidSince(facts, record, drainsSince, 'by its age')
      // What is killed has nobody to wait for where nothing runs; what moves may have state to take along.
      const isKilled = facts.view.topologies.get(id)?.record.phase === 'killed'
      if (!isQuiet(facts, record) && !(isKilled && runsNowhere(facts, record))) {
        this.quietSince.delete(id)
        continue
      }
      if (isFresh) {
        const since = this.quietSince.get(id) ?? facts.nowMs
        this.quietSince.set(id, since)
        const isAlone = record.workers.length <= 1
        if (isAlone || saidSince(facts, record, since, 'certainly')) quiet.add(id)
      }
      if (!quiet.has(id)) this.lookAgain()
    }
    for (const id of this.quietSince.keys()) if (!facts.view.assignments.has(id)) this.quietSince.delete(id)
    for (const id of this.drains.keys()) if (!facts.view.assignments.has(id)) this.drains.delete(id)
    return quiet
  }

  /** What is said again is no news, and kicks nothing. */
  private lookAgain(afterMs = AGAIN_MS): void {
    this.again ??= this.spec.host.timers.after(afterMs, () => {
      this.again = undefined
      this.kick()
    })
  }

  /** When its assignment was first seen to say so, monotonic. */
  private drainsSince({ nowMs }: RoundFacts, { topologyId, run }: AssignmentRecord): number {
    const since = this.drains.get(topologyId) ?? nowMs
    if (run === 'drain') this.drains.set(topologyId, since)
    else this.drains.delete(topologyId)
    return since
  }

  private remember(facts: RoundFacts, decision: RoundDecision): void {
    const { quarantine, culprits, notes } = decision
    const { memory, log } = this.spec
    for (const [topology, why] of quarantine) {
      if (memory.quarantined.get(topology) === why) continue
      memory.quarantined.set(topology, why)
      log.error('topology quarantined', { topology, why })
    }
    const circumstancesOf = circumstances(facts)
    for (const [id, why] of culprits) this.apart.offended(id, why, facts.nowMs, circumstancesOf(id))
    this.rememberSearch(facts, decision)
    // Others are placed without them at once.
    if (culprits.size > 0) this.isKicked = true
    memory.notes = notes
  }

  private rememberSearch({ isSearchResting }: RoundFacts, { search, leftOut }: RoundDecision): void {
    const { log, host } = this.spec
    if (search === undefined) {
      for (const [topology, why] of leftOut) {
        if (this.leftOut.get(topology) !== why)
          log.error('the scheduler failed, not placed', { topology, why })
      }
      this.leftOut = leftOut
    } else if (this.search === undefined) {
      log.error('the scheduler failed, for whom is being found out', { why: search.why })
    }
    this.search = search
    if (search === undefined) return
    if (!isSearchResting) this.searchRestsUntilMs = host.clock.monotonicMs() + SEARCH_REST_MS
    this.lookAgain(SEARCH_REST_MS)
  }

  /** False: the round is over. */
  private async writeAll(batches: readonly Batch[]): Promise<boolean> {
    const { view } = this.spec.board
    const book = new SlotBook([...view.assignments.values()].map(({ record }) => record))
    let waiting = [...batches]
    for (let next = nextBatches(waiting, book); next.length > 0; next = nextBatches(waiting, book)) {
      const together = new Set(next)
      waiting = waiting.filter((batch) => !together.has(batch))
      if (!this.isHeld()) return false
      const outcome = await this.write(next)
      if (outcome === 'stop') return false
      if (outcome === 'written') for (const batch of next) book.written(batch)
    }
    for (const { topologyId } of waiting) {
      this.spec.log.debug('waits for slots that others still hold', { topology: topologyId })
    }
    return this.isHeld()
  }

  /** All of them or none. */
  private async write(batches: readonly Batch[]): Promise<'written' | 'skipped' | 'stop'> {
    const { leadership, board } = this.spec
    try {
      const writes: BoardWrite[] = []
      for (const batch of batches) {
        if (batch.positionsOf !== undefined && !(await this.clearPositions(batch.positionsOf)))
          return 'skipped'
        writes.push(...batch.writes)
        if (batch.freesKey === undefined) continue
        const submit = await board.submitOf(batch.freesKey)
        if (submit?.topologyId === batch.topologyId) writes.push({ kind: 'delete-submit', key: submit.key })
      }
      if (!leadership.isHeld) return 'stop'
      if (writes.length > 0) await leadership.write(writes)
    } catch (error) {
      return this.onWriteFailed(batches, error)
    }
    for (const batch of batches) this.onWritten(batch)
    this.isKicked = true
    return 'written'
  }

  private onWritten(batch: Batch): void {
    const { memory, log } = this.spec
    this.failing.written(batch.topologyId)
    for (const event of batch.events) {
      if (event.kind === 'rebalance-given-up')
        this.gaveUp.set(batch.topologyId, this.spec.host.clock.monotonicMs())
      memory.events.add(event)
      log.info(event.message, { kind: event.kind, topology: event.topology ?? '' })
    }
    for (const write of batch.writes) {
      if (write.kind === 'put-topology' && write.record.phase === 'inactive')
        memory.stopWanted.delete(batch.topologyId)
    }
  }

  /** False: some are left, for the next round. What names them goes last. */
  private async clearPositions(topologyId: string): Promise<boolean> {
    const countMax = this.positionsLeft
    const count = countMax > 0 ? await this.spec.leadership.deletePositions(topologyId, countMax) : 0
    this.positionsLeft -= count
    if (count < countMax) return true
    this.isKicked = true
    return false
  }

  private onWriteFailed(batches: readonly Batch[], error: unknown): 'skipped' | 'stop' {
    const { memory, log } = this.spec
    if (!isStreamError(error) || error.family === 'unavailable') throw error
    const { code, message } = error
    if (code === 'EPOCH_OLD') return 'stop'
    const path = String(error.details['path'] ?? '')
    for (const { topologyId } of code === 'RECORD_TOO_LARGE' ? batches : []) {
      // Several may be too large together: that is nobody's fault.
      if (batches.length > 1 && !path.endsWith(`/${topologyId}`)) continue
      // Nobody can make it smaller but who submitted it: left alone, in memory, and said.
      memory.quarantined.set(topologyId, message)
      log.error('topology quarantined', { topology: topologyId, why: message })
      return 'skipped'
    }
    if (code === 'RECORD_TOO_LARGE') {
      const untilMs = this.spec.host.clock.monotonicMs() + REST_MS
      this.failing.tooLarge(
        batches.map(({ topologyId }) => topologyId),
        untilMs,
      )
      this.isKicked = true
    }
    if (error.family === 'conflict') {
      this.conflicts += 1
      if (this.conflicts < CONFLICTS_MAX) this.isKicked = true
    }
    for (const { topologyId } of batches) this.tellFailing(topologyId, error)
    return 'skipped'
  }

  private tellFailing(topologyId: string, error: StreamError): void {
    if (!this.failing.failed(topologyId, error, this.spec.host.clock.monotonicMs())) return
    const fields = { topology: topologyId, code: error.code, message: error.message }
    this.spec.log.warn('what was decided could not be written, the next round tries again', fields)
  }

  private async writeNodes(facts: RoundFacts, { request }: RoundDecision): Promise<void> {
    const { nodes, memory, leadership, log } = this.spec
    const onTrouble = (error: unknown): void => {
      const why = messageOf(error)
      if (why !== this.drainTrouble) log.error('the scheduler failed, no node at risk is drained', { why })
      this.drainTrouble = why
    }
    const judged = { failures: nodes.failures, risks: memory.risks.nodesAtRisk, request, onTrouble }
    const decided = decideNodes(facts, judged)
    for (const { write, event } of decided) {
      if (!this.isHeld()) return
      try {
        await leadership.write([write])
      } catch (error) {
        if (!isStreamError(error) || error.family === 'unavailable' || error.code === 'EPOCH_OLD') throw error
        this.conflicts += 1
        if (error.family === 'conflict' && this.conflicts < CONFLICTS_MAX) this.isKicked = true
        const fields = { node: event.node ?? '', code: error.code, message: error.message }
        log.warn('a decision about a node could not be written', fields)
        continue
      }
      memory.events.add(event)
      log.warn(event.message, { node: event.node ?? '' })
    }
  }

  private async cleanUp({ now, nowMs }: RoundFacts): Promise<void> {
    if (nowMs - this.cleanUpMs < CLEAN_UP_MS) return
    this.cleanUpMs = nowMs
    const { board, log } = this.spec
    const positionIds = await this.spec.leadership.topologiesWithPositions()
    const { due, seen } = decideCleanUp({ view: board.view, positionIds, now, before: this.leftOver })
    this.leftOver = seen
    for (const { key, ...each } of due) {
      if (!this.isHeld()) return
      const outcome = await this.write([{ topologyId: key, events: [], ...each }])
      if (outcome === 'stop') return
      if (outcome === 'written') log.info('left over, deleted', { key })
      // More of it is left than a round may delete: the next one goes on.
      else this.cleanUpMs = Number.NEGATIVE_INFINITY
    }
  }

  private isHeld(): boolean {
    if (this.isStopped) return false
    if (this.spec.leadership.isHeld) return true
    this.stop()
    return false
  }

  private release(): void {
    for (const resolve of this.waiting.splice(0)) resolve()
  }
}
