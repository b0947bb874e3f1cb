/**
 * Heartbeats of the node to the leader: every second, and at once when something has happened, one at a time.
 *
 *   happening ─▶ kept until a heartbeat with it was answered ─▶ gone
 *   change ─────▶ next heartbeat at once, some milliseconds are waited for more of them
 *
 * Does not know: who the leader is, how it is reached.
 *
 * Invariants
 *   U1  a happening is sent again until it was answered; beyond 200 the oldest are dropped and counted
 *   U2  one heartbeat is on its way at a time, each with a higher number
 */
import { isStreamError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { Host, Stoppable } from '../../host/host.ts'
import type { HeartbeatReply, NodeHappening, NodeHeartbeat } from '../../rpc/heartbeat.ts'

export interface HeartbeatPostSpec {
  readonly host: Host
  readonly log: Logger
  readonly periodMs: number
  readonly send: (beat: NodeHeartbeat) => Promise<HeartbeatReply>
  /** Everything but what this post adds. */
  readonly picture: () => Omit<NodeHeartbeat, 'sequence' | 'happenings' | 'happeningsDropped'>
  readonly onReply: (reply: HeartbeatReply) => void
}

export const HAPPENINGS_MAX = 200
/** A choice: a worker's end and its next start come together in one heartbeat more often than not. */
const GATHER_MS = 10

export class HeartbeatPost {
  private readonly spec: HeartbeatPostSpec
  private happenings: NodeHappening[] = []
  private droppedCount = 0
  private sequence = 0
  private isSending = false
  private isUrgent = false
  private gathering: Stoppable | undefined
  private gatheringDueMs = 0
  private period: Stoppable | undefined
  private isAway = false

  constructor(spec: HeartbeatPostSpec) {
    this.spec = spec
  }

  start(): void {
    this.period = this.spec.host.timers.every(this.spec.periodMs, () => this.send())
    this.soon()
  }

  add(happening: NodeHappening): void {
    this.happenings.push(happening)
    if (this.happenings.length > HAPPENINGS_MAX) {
      this.happenings.shift()
      this.droppedCount += 1
    }
    this.soon()
  }

  /** Something about the slots has changed that the leader should know before the next period. */
  soon(gatherMs = GATHER_MS): void {
    if (this.period === undefined) return
    if (this.isSending) {
      this.isUrgent = true
      return
    }
    const dueMs = this.spec.host.clock.monotonicMs() + gatherMs
    if (this.gathering !== undefined) {
      if (this.gatheringDueMs <= dueMs) return
      this.gathering.stop()
    }
    this.gatheringDueMs = dueMs
    this.gathering = this.spec.host.timers.after(gatherMs, () => {
      this.gathering = undefined
      this.send()
    })
  }

  stop(): void {
    this.period?.stop()
    this.gathering?.stop()
    this.period = undefined
  }

  private send(): void {
    if (this.isSending || this.period === undefined) return
    this.isSending = true
    this.sendOne().catch((error: unknown) => {
      this.spec.log.error('a heartbeat could not be made', { why: String(error) })
    })
  }

  private async sendOne(): Promise<void> {
    const sent = [...this.happenings]
    const dropped = this.droppedCount
    this.sequence += 1
    const { sequence } = this
    try {
      const picture = this.spec.picture()
      const beat = { ...picture, sequence, happenings: sent, happeningsDropped: dropped }
      const reply = await this.spec.send(beat)
      const left = new Set(sent)
      this.happenings = this.happenings.filter((happening) => !left.has(happening))
      this.droppedCount -= dropped
      if (this.isAway) this.spec.log.info('nimbus answers again', { epoch: reply.epoch })
      this.isAway = false
      this.spec.onReply(reply)
    } catch (error) {
      if (!isStreamError(error)) throw error
      // The next one says it again: nothing is to be done but to say so once.
      if (!this.isAway) this.spec.log.warn('nimbus does not take the heartbeat', { why: error.message })
      this.isAway = true
    } finally {
      this.isSending = false
      const wasUrgent = this.isUrgent
      this.isUrgent = false
      if (wasUrgent && !this.isAway) this.soon()
    }
  }
}
