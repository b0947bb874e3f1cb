/**
 * Whether who leads is gone, by what a standby saw when it asked. Pure.
 *
 * Nobody listening at its address is a strong sign: a process is there or it is not. Silence is a weak one:
 * the way between the two may be cut while the leader does its work, so it must last longer. A refusal can
 * come from something between the two as well. So no challenge is repeated soon: two that cannot hear each
 * other would take the lead in turns. Who has heard a leader again for a while can, so it is forgotten then.
 */
import type { PingAnswer } from '../peers.ts'

export interface LeaderSeen {
  readonly nowMs: number
  /** Refusals in a row. */
  readonly refusedCount: number
  /** When it was heard last, or first asked. */
  readonly heardMs: number
  /** Since when every question was answered; undefined: the last one was not. */
  readonly steadyFromMs: number | undefined
  /** The last challenge; undefined: none that counts. */
  readonly challengedMs: number | undefined
  /** Challenges that count. */
  readonly challengeCount: number
}

export type LeaderVerdict = 'fine' | 'gone' | 'silent-too-long'

/** A daemon that is restarted is back sooner. */
const REFUSED_MAX = 3
/** Shorter than a session, longer than any pause of a healthy process. */
const SILENT_MS = 3_000
const STEADY_MS = 2_000
const AGAIN_MS = 60_000
const AGAIN_MS_MAX = 3_600_000

export function judgeLeader(seen: LeaderSeen): LeaderVerdict {
  const waitMs = Math.min(AGAIN_MS_MAX, AGAIN_MS * 2 ** Math.max(0, seen.challengeCount - 1))
  if (seen.challengedMs !== undefined && seen.nowMs - seen.challengedMs < waitMs) return 'fine'
  if (seen.refusedCount >= REFUSED_MAX) return 'gone'
  return seen.nowMs - seen.heardMs < SILENT_MS ? 'fine' : 'silent-too-long'
}

/** What an answer makes of what was seen. */
export function heard(seen: LeaderSeen, answer: PingAnswer, nowMs: number): LeaderSeen {
  switch (answer) {
    case 'answers': {
      const steadyFromMs = seen.steadyFromMs ?? nowMs
      const answered = { ...seen, nowMs, refusedCount: 0, heardMs: nowMs, steadyFromMs }
      if (nowMs - steadyFromMs < STEADY_MS) return answered
      return { ...answered, challengedMs: undefined, challengeCount: 0 }
    }
    case 'refused':
      return { ...seen, nowMs, refusedCount: seen.refusedCount + 1, steadyFromMs: undefined }
    case 'silent':
      return { ...seen, nowMs, refusedCount: 0, steadyFromMs: undefined }
  }
}
