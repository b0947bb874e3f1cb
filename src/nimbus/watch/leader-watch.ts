/**
 * A standby's look at who leads: a leader that is gone is unseated in a second or three, instead of when its
 * session ends. It asks twice a second, one question at a time, and judges by judge/judge-leader.ts as often,
 * also while a question is open: silence is not believed later because the last question still waits.
 *
 * Does not know: what comes of it. Whoever stands first in line leads next, by the election.
 */
import { isStreamError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { Board } from '../../cluster/board.ts'
import type { EpochRecord } from '../../cluster/records.ts'
import type { Host, Stoppable } from '../../host/host.ts'
import { heard, judgeLeader, type LeaderSeen } from '../judge/judge-leader.ts'
import type { NimbusPeers } from '../peers.ts'

const ASK_MS = 500
/** A look that comes so much too late: this process stood still, and its silence is not the leader's. */
const STALL_MS = 1_000

export interface LeaderWatchSpec {
  readonly host: Host
  readonly log: Logger
  readonly board: Pick<Board, 'view' | 'state' | 'unseat'>
  readonly peers: Pick<NimbusPeers, 'ping'>
  /** This Nimbus: it does not watch itself. */
  readonly nimbus: string
}

export class LeaderWatch {
  private readonly spec: LeaderWatchSpec
  private readonly timer: Stoppable
  private epoch = 0
  private seen: LeaderSeen
  private isAsking = false
  private isUnseating = false
  private isStopped = false
  private lookedMs: number

  constructor(spec: LeaderWatchSpec) {
    this.spec = spec
    this.lookedMs = spec.host.clock.monotonicMs()
    this.seen = unheard(this.lookedMs)
    this.timer = spec.host.timers.every(ASK_MS, () => this.tick())
  }

  stop(): void {
    this.isStopped = true
    this.timer.stop()
  }

  private tick(): void {
    const { host, board, nimbus } = this.spec
    const nowMs = host.clock.monotonicMs()
    const stoodStill = nowMs - this.lookedMs > ASK_MS + STALL_MS
    this.lookedMs = nowMs
    if (stoodStill) this.seen = { ...this.seen, refusedCount: 0, heardMs: nowMs }
    const leader = board.view.epoch?.record
    if (leader === undefined || leader.nimbus === nimbus || board.state !== 'connected') {
      this.epoch = 0
      return
    }
    if (leader.epoch !== this.epoch) {
      this.epoch = leader.epoch
      const { challengedMs, challengeCount } = this.seen
      this.seen = { ...unheard(nowMs), challengedMs, challengeCount }
    }
    this.seen = { ...this.seen, nowMs }
    if (!this.isAsking) void this.ask(leader)
    this.judge(leader)
  }

  private async ask(leader: EpochRecord): Promise<void> {
    const { host, peers, board } = this.spec
    this.isAsking = true
    const answer = await peers.ping(leader.address)
    this.isAsking = false
    if (this.isStopped || board.view.epoch?.record.epoch !== leader.epoch) return
    if (leader.epoch !== this.epoch) return
    this.seen = heard(this.seen, answer, host.clock.monotonicMs())
    this.judge(leader)
  }

  private judge(leader: EpochRecord): void {
    const verdict = judgeLeader(this.seen)
    if (verdict === 'fine' || this.isUnseating) return
    this.isUnseating = true
    this.unseat(leader, verdict)
      .catch((error: unknown) => {
        if (!isStreamError(error)) throw error
        this.spec.log.debug('the leader could not be unseated', { code: error.code, message: error.message })
      })
      .finally(() => {
        this.isUnseating = false
      })
  }

  private async unseat(leader: EpochRecord, verdict: string): Promise<void> {
    const { board, log } = this.spec
    const challengedMs = this.seen.nowMs
    if (!(await board.unseat(leader))) return
    this.seen = { ...this.seen, challengedMs, challengeCount: this.seen.challengeCount + 1 }
    log.warn('the leader is gone and was unseated', { leader: leader.nimbus, verdict })
  }
}

function unheard(nowMs: number): LeaderSeen {
  const heard = { nowMs, refusedCount: 0, heardMs: nowMs, steadyFromMs: undefined }
  return { ...heard, challengedMs: undefined, challengeCount: 0 }
}
