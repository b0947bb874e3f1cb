/**
 * All that Nimbus knows and does not write down: heartbeats and what follows from them. Lost with the
 * process, and learnt anew within a period.
 *
 * Every part is bounded by what stands on the board; `forget` drops what is not there any more.
 */
import type { BoardView } from '../../cluster/board.ts'
import { parseRanges } from '../../cluster/executor-ranges.ts'
import type { TopologyRecord } from '../../cluster/records.ts'
import type { NodeHappening, NodeHeartbeat } from '../../rpc/heartbeat.ts'
import { ErrorBook } from './error-book.ts'
import { EventRing } from './event-ring.ts'
import { HeartbeatBook, type Taken } from './heartbeat-book.ts'
import { LevelBook } from './level-book.ts'
import { RateBook } from './rate-book.ts'
import { RestartBook } from './restart-book.ts'
import { RiskBook } from './risk-book.ts'

/** Component of each executor, from the first on; undefined: the outline is not here. */
export type ComponentsOf = (record: TopologyRecord) => readonly string[] | undefined

/** A little less than a second: a tick may come early. */
const LOOK_MS = 900

export class NimbusMemory {
  readonly book = new HeartbeatBook()
  readonly errors = new ErrorBook()
  readonly events = new EventRing()
  readonly restarts = new RestartBook()
  readonly levels = new LevelBook()
  readonly risks: RiskBook
  readonly rates = new Map<string, RateBook>()
  /** Topologies that want to stop themselves, until that is written. */
  readonly stopWanted = new Map<string, string>()
  /** Topologies that are left alone although their record does not say so. */
  readonly quarantined = new Map<string, string>()
  /** What the last round could not do as asked, by topology. */
  notes: ReadonlyMap<string, readonly string[]> = new Map()

  private readonly executorsOf: ComponentsOf
  /** By the record: expanding a large topology at each end of a worker would block the loop. */
  private readonly known = new WeakMap<TopologyRecord, readonly string[]>()
  private lookedMs = Number.NEGATIVE_INFINITY

  constructor(workerTimeoutMs: number, executorsOf: ComponentsOf) {
    this.executorsOf = executorsOf
    this.risks = new RiskBook(workerTimeoutMs)
  }

  /** `now` is wall time, `nowMs` monotonic. */
  take(view: BoardView, beat: NodeHeartbeat, now: number, nowMs: number): Taken {
    const owner = view.supervisors.get(beat.node)?.owner
    // Looking through all assignments costs something, and almost no heartbeat needs it.
    const sender = { owner, isAssigned: owner === undefined && isAssigned(view, beat.node) }
    const taken = this.book.take(beat, nowMs, sender)
    if (!taken.isNew) return taken
    for (const slot of beat.slots) {
      if (slot.topologyId === undefined || slot.beat === undefined) continue
      if (!view.topologies.has(slot.topologyId)) continue
      this.ratesOf(slot.topologyId).take(slot.worker, slot.incarnation, slot.beat)
    }
    this.risks.take(view, beat, now, { restarts: this.restarts, book: this.book })
    for (const each of taken.happenings) this.takeHappening(view, beat.node, each, now)
    if (beat.happeningsDropped > 0 && taken.happenings.length > 0) {
      const message = `${beat.happeningsDropped} happenings on ${beat.node} were not told: too many`
      this.events.add({ at: now, kind: 'happenings-dropped', node: beat.node, message })
    }
    return taken
  }

  ratesOf(topologyId: string): RateBook {
    let rates = this.rates.get(topologyId)
    if (rates === undefined) {
      rates = new RateBook()
      this.rates.set(topologyId, rates)
    }
    return rates
  }

  /** Figures of now, for rates. Called more often than once a second it does nothing. */
  look(now: number, nowMs: number): void {
    if (nowMs - this.lookedMs < LOOK_MS) return
    this.lookedMs = nowMs
    for (const rates of this.rates.values()) rates.look(nowMs, now)
  }

  /** Drops what the board does not name any more. */
  forget(view: BoardView, now: number): void {
    const isKnown = (id: string): boolean => view.topologies.has(id)
    for (const kept of [this.rates, this.stopWanted, this.quarantined]) {
      for (const id of kept.keys()) if (!isKnown(id)) kept.delete(id)
    }
    this.errors.keepOnly(isKnown)
    this.levels.keepOnly(isKnown, now)
    const isNode = (node: string): boolean => view.supervisors.has(node) || isAssigned(view, node)
    this.book.keepOnly(isNode)
    this.restarts.keepOnly(isKnown, isNode)
    this.risks.keepOnly(isNode)
    for (const [id, rates] of this.rates) {
      const workers = view.assignments.get(id)?.record.workers
      if (workers !== undefined) rates.keepOnly((worker) => workers.some((each) => each.worker === worker))
    }
  }

  /** What a worker runs by the board. */
  private componentsIn(view: BoardView, record: TopologyRecord, worker: number): readonly string[] {
    const assigned = view.assignments.get(record.id)?.record.workers.find((each) => each.worker === worker)
    if (assigned === undefined) return []
    const components = this.componentsBy(record)
    return parseRanges(assigned.executors).flatMap((executor) => components[executor - 1] ?? [])
  }

  private componentsBy(record: TopologyRecord): readonly string[] {
    const components = this.known.get(record) ?? this.executorsOf(record)
    if (components !== undefined) this.known.set(record, components)
    return components ?? []
  }

  private takeHappening(view: BoardView, node: string, each: NodeHappening, now: number): void {
    const record = view.topologies.get(each.topologyId)?.record
    // Of a topology that is gone: nobody can ask for it any more.
    if (record === undefined) return
    const { at, topologyId } = each
    const place = { at, topology: record.name, node }
    switch (each.kind) {
      case 'worker-started': {
        this.restarts.started(topologyId, each.worker, { incarnation: each.incarnation, at })
        const message = `worker ${each.worker} of ${record.name} runs on ${node}`
        const details = { worker: each.worker, incarnation: each.incarnation, tookMs: each.tookMs }
        this.events.add({ ...place, kind: each.kind, message, details })
        return
      }
      case 'worker-exited': {
        const { worker, reason, incarnation } = each
        const components = () => this.componentsIn(view, record, worker)
        this.restarts.add(topologyId, { node, worker, reason, at: now, components })
        const text = each.text === '' ? '' : `: ${each.text}`
        const message = `worker ${worker} of ${record.name} on ${node} ended (${reason})${text}`
        this.events.add({ ...place, kind: each.kind, message, details: { worker, incarnation, reason } })
        return
      }
      case 'fault':
        this.errors.addFault(topologyId, each.fault)
        return
      case 'stop-wanted':
        this.errors.addFault(topologyId, each.fault)
        this.stopWanted.set(topologyId, `${each.fault.code}: ${each.fault.message}`)
        return
      case 'dead-letter':
        this.errors.addLetter(topologyId, each.letter)
        return
      case 'blob-missing': {
        const message = `a blob of ${record.name} is missing on ${node}: ${each.text}`
        this.events.add({ ...place, kind: each.kind, message, details: { digest: each.digest } })
        this.errors.addFault(topologyId, {
          code: 'BLOB_MISSING',
          family: 'unavailable',
          component: '',
          task: 0,
          message: each.text,
          stack: undefined,
          at,
        })
        return
      }
    }
  }
}

function isAssigned(view: BoardView, node: string): boolean {
  for (const { record } of view.assignments.values()) {
    if (record.workers.some((worker) => worker.node === node)) return true
  }
  return false
}
