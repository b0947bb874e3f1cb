/**
 * Figures of nodes and workers as they come in heartbeats, kept as short history, and what is at risk by
 * them: judge/ says so, this brings heartbeats to it.
 *
 * Bounds: those of RiskHistory; subjects that the board does not name any more are forgotten.
 */
import type { BoardView } from '../../cluster/board.ts'
import type { LinkBeat } from '../../cluster/seat-messages.ts'
import type { NodeHeartbeat, SlotBeat } from '../../rpc/heartbeat.ts'
import type { ResourceHistory } from '../../rpc/nimbus-api.ts'
import { judgeNodeRisk, judgeWorkerRisk } from '../judge/judge-risk.ts'
import { RiskHistory, SAMPLE_EVERY_MS } from '../judge/risk-history.ts'
import type { HeartbeatBook } from './heartbeat-book.ts'
import type { RestartBook } from './restart-book.ts'

/** What else is known of workers. */
interface Known {
  readonly restarts: RestartBook
  readonly book: HeartbeatBook
}

/** From when on a worker's links are expected to have had an echo: some times what dials and echoes take. */
const SETTLED_MS = 15_000

export class RiskBook {
  private readonly kept = new RiskHistory()
  private readonly risks = new Map<string, readonly string[]>()
  private readonly judgedAt = new Map<string, number>()
  private readonly subjectsOfNode = new Map<string, readonly string[]>()
  private readonly workerTimeoutMs: number

  constructor(workerTimeoutMs: number) {
    this.workerTimeoutMs = workerTimeoutMs
  }

  take(view: BoardView, beat: NodeHeartbeat, at: number, known: Known): void {
    // Nothing is recorded more often, so nothing has to be worked out more often either.
    if (at - (this.judgedAt.get(beat.node) ?? Number.NEGATIVE_INFINITY) < SAMPLE_EVERY_MS) return
    this.judgedAt.set(beat.node, at)
    const subjects = [nodeSubject(beat.node)]
    const settled = beat.slots.map((slot) => ({ slot, links: settledLinks(view, slot, at, known) }))
    this.takeNode(beat, at, { restarts: known.restarts, links: settled.flatMap(({ links }) => links) })
    for (const { slot, links } of settled) {
      const record = view.topologies.get(slot.topologyId ?? '')?.record
      if (record === undefined || slot.beat === undefined) continue
      const subject = workerSubject(beat.node, record.id, slot.worker)
      subjects.push(subject)
      this.takeWorker(subject, `worker ${record.name}-${slot.worker}`, { slot, links, at })
    }
    this.subjectsOfNode.set(beat.node, subjects)
  }

  ofNode(node: string): readonly string[] {
    return this.risks.get(nodeSubject(node)) ?? []
  }

  ofWorker(node: string, topologyId: string, worker: number): readonly string[] {
    return this.risks.get(workerSubject(node, topologyId, worker)) ?? []
  }

  /** Of the node and of the workers on it. */
  history(node: string): readonly ResourceHistory[] {
    const subjects = this.subjectsOfNode.get(node) ?? [nodeSubject(node)]
    return subjects.map((subject) => this.kept.history(subject, this.risks.get(subject) ?? []))
  }

  /** Node → evidence. */
  get nodesAtRisk(): ReadonlyMap<string, readonly string[]> {
    return new Map([...this.subjectsOfNode.keys()].map((node) => [node, this.ofNode(node)]))
  }

  keepOnly(isKnown: (node: string) => boolean): void {
    let isChanged = false
    for (const node of this.judgedAt.keys()) {
      if (isKnown(node)) continue
      this.judgedAt.delete(node)
      this.subjectsOfNode.delete(node)
      isChanged = true
    }
    const named = new Set([...this.subjectsOfNode.values()].flat())
    for (const subject of this.risks.keys()) {
      if (named.has(subject)) continue
      this.risks.delete(subject)
      isChanged = true
    }
    if (isChanged) this.kept.keepOnly(named)
  }

  private takeNode(
    { node, machine }: NodeHeartbeat,
    at: number,
    { restarts, links }: { readonly restarts: RestartBook; readonly links: readonly LinkBeat[] },
  ): void {
    const subject = nodeSubject(node)
    this.kept.record(
      subject,
      at,
      {
        cpu: machine.cpuUsed,
        memory: machine.memoryUsedBytes,
        disk: machine.diskTotalBytes - machine.diskFreeBytes,
        loopDelay: machine.loopDelayMs,
        rtt: worst(links.map(({ rttMs }) => rttMs)),
        echoMissed: missedShare(links),
        restarts: restarts.countOn(node),
      },
      { lasting: ['restarts'] },
    )
    const limits = {
      memoryBytes: machine.memoryTotalBytes,
      diskBytes: machine.diskTotalBytes,
      exits: restarts.recentOn(node, at),
    }
    const failed = machine.failedChecks.map((check) => `health check ${check} fails`)
    this.risks.set(subject, [...failed, ...judgeNodeRisk(node, this.kept.series(subject), limits)])
  }

  private takeWorker(
    subject: string,
    name: string,
    {
      slot,
      links,
      at,
    }: { readonly slot: SlotBeat; readonly links: readonly LinkBeat[]; readonly at: number },
  ): void {
    const { beat } = slot
    if (beat === undefined) return
    this.kept.record(
      subject,
      at,
      {
        cpu: beat.cpuMs,
        memory: beat.rssBytes,
        heap: beat.heapUsedBytes,
        loopDelay: beat.loopDelayMs,
        loopBusy: beat.loopUtilisation,
        rtt: worst(links.map(({ rttMs }) => rttMs)),
        echoMissed: missedShare(links),
        restarts: slot.restartCount,
      },
      { life: slot.incarnation, lasting: ['restarts'] },
    )
    const limits = { heapLimitBytes: beat.heapLimitBytes, workerTimeoutMs: this.workerTimeoutMs }
    this.risks.set(subject, judgeWorkerRisk(name, this.kept.series(subject), limits))
  }
}

/**
 * Links of a worker that would have had an echo by now, were all well: they send, and both ends run and have
 * done so for a while. An echo that is missing because the peer ended, moves or has just come is nobody's
 * fault at this end.
 */
function settledLinks(
  view: BoardView,
  slot: SlotBeat,
  at: number,
  { restarts, book }: Known,
): readonly LinkBeat[] {
  const { topologyId = '', beat } = slot
  const links = beat?.links ?? []
  if (links.length === 0) return []
  const workers = view.assignments.get(topologyId)?.record.workers ?? []
  const slots = book.slotsOf(topologyId)
  const isSettled = (worker: number): boolean => {
    const assigned = workers.find((each) => each.worker === worker)
    const found = slots.find(
      (each) =>
        each.slot.worker === worker &&
        each.node === assigned?.node &&
        each.slot.generation === assigned.generation,
    )?.slot
    if (found?.phase !== 'running') return false
    const startedAt = restarts.startOf(topologyId, worker, found.incarnation)
    // Of before this Nimbus was told of starts: long enough.
    return startedAt === undefined || at - startedAt >= SETTLED_MS
  }
  if (!isSettled(slot.worker)) return []
  return links.filter(({ worker, isSending }) => isSending && isSettled(worker))
}

function nodeSubject(node: string): string {
  return `node ${node}`
}

function workerSubject(node: string, topologyId: string, worker: number): string {
  return `worker ${topologyId}/${worker} on ${node}`
}

function worst(values: readonly (number | undefined)[]): number | undefined {
  return values.reduce<number | undefined>((most, value) => {
    return value === undefined ? most : Math.max(most ?? 0, value)
  }, undefined)
}

/** Share of links without an echo. undefined: there are none. */
function missedShare(links: readonly { readonly rttMs: number | undefined }[]): number | undefined {
  if (links.length === 0) return undefined
  return links.filter(({ rttMs }) => rttMs === undefined).length / links.length
}
