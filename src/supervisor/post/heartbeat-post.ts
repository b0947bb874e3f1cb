/**
 * Heartbeats of the node to the leader: every second, and at once when something has happened, one at a time.
 *
 *   happening ─▶ kept until a heartbeat with it was answered ─▶ gone
 *   change ─────▶ next heartbeat at once, some milliseconds are waited for more of them
 *   word that was said before ─▶ the same, but that such heartbeats are WORDS_APART_MS apart in the long run
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
import type { WordKind } from '../slot-words.ts'

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
/** What drained workers say again comes together in one heartbeat. A choice. */
const WORDS_MS = 50
/** Between two heartbeats for the sake of words that were said before, in the long run. A choice. */
export const WORDS_APART_MS = 250
/** So many of them may come without that distance: what a drain takes in which little is in flight. */
export const WORDS_BURST = 6

export class HeartbeatPost {
  private readonly spec: HeartbeatPostSpec
  private happenings: NodeHappening[] = []
  private droppedCount = 0
  private sequence = 0
  private isSending = false
  private isUrgent = false
  private isAgain = false
  /** Up to when heartbeats for the sake of such words are used up, at their distance. */
  private wordsUsedMs = Number.NEGATIVE_INFINITY
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
  soon(): void {
    if (this.isSending) this.isUrgent = true
    else this.gather(GATHER_MS, 'news')
  }

  /** A worker has said something, or repeats what the leader wants to hear again. */
  word(kind: WordKind): void {
    if (kind === 'new') this.soon()
    else if (kind === 'again') this.again()
  }

  private again(): void {
    if (this.isSending) {
      this.isAgain = true
      return
    }
    const aheadMs = this.wordsUsedMs - this.spec.host.clock.monotonicMs()
    this.gather(Math.max(WORDS_MS, aheadMs - (WORDS_BURST - 1) * WORDS_APART_MS), 'again')
  }

  private gather(gatherMs: number, what: 'news' | 'again'): void {
    if (this.period === undefined) return
    const dueMs = this.spec.host.clock.monotonicMs() + gatherMs
    if (this.gathering !== undefined) {
      if (this.gatheringDueMs <= dueMs) return
      this.gathering.stop()
    }
    this.gatheringDueMs = dueMs
    this.gathering = this.spec.host.timers.after(gatherMs, () => {
      this.gathering = undefined
      const nowMs = this.spec.host.clock.monotonicMs()
      if (what === 'again') this.wordsUsedMs = Math.max(this.wordsUsedMs, nowMs) + WORDS_APART_MS
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
      const { isUrgent, isAgain } = this
      this.isUrgent = false
      this.isAgain = false
      if (isUrgent && !this.isAway) this.soon()
      else if (isAgain && !this.isAway) this.again()
    }
  }
}
