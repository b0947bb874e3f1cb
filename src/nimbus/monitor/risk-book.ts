/**
 * Figures of nodes and workers as they come in heartbeats, kept as short history, and what is at risk by
 * them: judge/ says so, this brings heartbeats to it.
 *
 * Bounds: those of RiskHistory; subjects that the board does not name any more are forgotten.
 */
import type { BoardView } from '../../cluster/board.ts'
import type { NodeHeartbeat, SlotBeat } from '../../rpc/heartbeat.ts'
import type { ResourceHistory } from '../../rpc/nimbus-api.ts'
import { judgeNodeRisk, judgeWorkerRisk } from '../judge/judge-risk.ts'
import { RiskHistory, SAMPLE_EVERY_MS } from '../judge/risk-history.ts'
import type { RestartBook } from './restart-book.ts'

export class RiskBook {
  private readonly kept = new RiskHistory()
  private readonly risks = new Map<string, readonly string[]>()
  private readonly judgedAt = new Map<string, number>()
  private readonly subjectsOfNode = new Map<string, readonly string[]>()
  private readonly workerTimeoutMs: number

  constructor(workerTimeoutMs: number) {
    this.workerTimeoutMs = workerTimeoutMs
  }

  take(view: BoardView, beat: NodeHeartbeat, at: number, restarts: RestartBook): void {
    // Nothing is recorded more often, so nothing has to be worked out more often either.
    if (at - (this.judgedAt.get(beat.node) ?? Number.NEGATIVE_INFINITY) < SAMPLE_EVERY_MS) return
    this.judgedAt.set(beat.node, at)
    const subjects = [nodeSubject(beat.node)]
    this.takeNode(beat, at, restarts)
    for (const slot of beat.slots) {
      const record = view.topologies.get(slot.topologyId ?? '')?.record
      if (record === undefined || slot.beat === undefined) continue
      const subject = workerSubject(beat.node, record.id, slot.worker)
      subjects.push(subject)
      this.takeWorker(subject, `worker ${record.name}-${slot.worker}`, slot, at)
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

  private takeNode({ node, machine, slots }: NodeHeartbeat, at: number, restarts: RestartBook): void {
    const subject = nodeSubject(node)
    const links = slots.flatMap(({ beat }) => beat?.links ?? [])
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
    const limits = { memoryBytes: machine.memoryTotalBytes, diskBytes: machine.diskTotalBytes }
    const failed = machine.failedChecks.map((check) => `health check ${check} fails`)
    this.risks.set(subject, [...failed, ...judgeNodeRisk(node, this.kept.series(subject), limits)])
  }

  private takeWorker(subject: string, name: string, slot: SlotBeat, at: number): void {
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
        rtt: worst(beat.links.map(({ rttMs }) => rttMs)),
        echoMissed: missedShare(beat.links),
        restarts: slot.restartCount,
      },
      { life: slot.incarnation, lasting: ['restarts'] },
    )
    const limits = { heapLimitBytes: beat.heapLimitBytes, workerTimeoutMs: this.workerTimeoutMs }
    this.risks.set(subject, judgeWorkerRisk(name, this.kept.series(subject), limits))
  }
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
