/**
 * A standby's look at who leads: a leader that is gone is unseated in a second or three, instead of when its
 * session ends. It asks twice a second, and judges by judge/judge-leader.ts.
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
  private isStopped = false

  constructor(spec: LeaderWatchSpec) {
    this.spec = spec
    this.seen = unheard(spec.host.clock.monotonicMs())
    this.timer = spec.host.timers.every(ASK_MS, () => this.tick())
  }

  stop(): void {
    this.isStopped = true
    this.timer.stop()
  }

  private tick(): void {
    const { board, nimbus, log } = this.spec
    const leader = board.view.epoch?.record
    if (leader === undefined || leader.nimbus === nimbus || board.state !== 'connected') {
      this.epoch = 0
      return
    }
    if (this.isAsking) return
    this.isAsking = true
    this.ask(leader)
      .catch((error: unknown) => {
        if (!isStreamError(error)) throw error
        log.debug('the leader could not be unseated', { code: error.code, message: error.message })
      })
      .finally(() => {
        this.isAsking = false
      })
  }

  private async ask(leader: EpochRecord): Promise<void> {
    const { host, peers, board, log } = this.spec
    if (leader.epoch !== this.epoch) {
      this.epoch = leader.epoch
      const { challengedMs, challengeCount } = this.seen
      this.seen = { ...unheard(host.clock.monotonicMs()), challengedMs, challengeCount }
    }
    const answer = await peers.ping(leader.address)
    if (this.isStopped || board.view.epoch?.record.epoch !== leader.epoch) return
    this.seen = heard(this.seen, answer, host.clock.monotonicMs())
    const verdict = judgeLeader(this.seen)
    if (verdict === 'fine') return
    if (verdict === 'silent-too-long') {
      const challengeCount = this.seen.challengeCount + 1
      this.seen = { ...this.seen, challengedMs: this.seen.nowMs, challengeCount }
    }
    const isUnseated = await board.unseat(leader)
    if (isUnseated) log.warn('the leader is gone and was unseated', { leader: leader.nimbus, verdict })
  }
}

function unheard(nowMs: number): LeaderSeen {
  return { nowMs, refusedCount: 0, heardMs: nowMs, challengedMs: undefined, challengeCount: 0 }
}
