/**
 * The session with ZooKeeper as pure decisions: from what was seen, time included, to what shall be done.
 *
 *            dial           opened          conversation done
 *   idle ─────────▶ dialling ─────▶ opening ────────────▶ serving
 *    ▲                 │ dial or hello    │ refused: over    │ lost, silent
 *    ╰─────────────────┴──────────────────┴──────────────────╯         any ──▶ over
 *
 *                      0           1/3              2/3             1    of the session's length
 *   last confirmed ────┼────────────┼────────────────┼──────────────┼
 *                                 ping      silent: another server  expired, whatever servers may think
 *
 * Two clocks run. *Heard*: when bytes came last; a server that is silent for 2/3 of the session is left while
 * there is time to reach another. *Confirmed*: when the request was **sent** whose answer came last; the
 * server has heard of us then or later, so it cannot have ended the session before the session's length after
 * that. Counting from the arrival of the answer would be wrong after the loop stood still: an answer that had
 * been lying in the socket for a minute would look fresh.
 *
 * Invariants
 *   S1  `expired` is read before a server can have ended the session, unless the server's clock runs faster
 *   S2  `expired` and `closed` are final
 */
import type { SessionState } from '../../coordinator.ts'

export type Phase = 'idle' | 'dialling' | 'opening' | 'serving' | 'over'

/** What was seen. All times are monotonic milliseconds. */
export interface SessionSeen {
  phase: Phase
  /** Since when. */
  phaseMs: number
  /** How it ended, once the phase is `over`. */
  ending: 'expired' | 'closed'
  readonly startMs: number
  hasBeenConnected: boolean
  /** 0n: there is none yet. */
  sessionId: bigint
  /** As agreed, or as wanted before that. */
  sessionTimeoutMs: number
  confirmedMs: number
  heardMs: number
  /** When bytes went out last. */
  sentMs: number
  /** Of the ping that has no answer yet, else -1. */
  pingSentMs: number
  /** When the next dial is due while idle. */
  dialMs: number
}

export interface SessionLimits {
  readonly connectTimeoutMs: number
  readonly serverCount: number
}

const PING_SHARE = 1 / 3
const SILENCE_SHARE = 2 / 3

export function newSession(nowMs: number, sessionTimeoutMs: number): SessionSeen {
  return {
    phase: 'idle',
    phaseMs: nowMs,
    ending: 'closed',
    startMs: nowMs,
    hasBeenConnected: false,
    sessionId: 0n,
    sessionTimeoutMs,
    confirmedMs: nowMs,
    heardMs: nowMs,
    sentMs: nowMs,
    pingSentMs: -1,
    dialMs: nowMs,
  }
}

/** The state at this moment. Who finds `expired` must make it final. */
export function judgeState(seen: SessionSeen, nowMs: number): SessionState {
  if (seen.phase === 'over') return seen.ending
  if (hasLapsed(seen, nowMs)) return 'expired'
  if (seen.phase === 'serving') return 'connected'
  const isNew = !seen.hasBeenConnected && nowMs - seen.startMs < seen.sessionTimeoutMs
  return isNew ? 'connecting' : 'suspended'
}

/** Nobody has confirmed the session for its whole length. */
export function hasLapsed(seen: SessionSeen, nowMs: number): boolean {
  return seen.sessionId !== 0n && nowMs - seen.confirmedMs >= seen.sessionTimeoutMs
}

export type Step =
  | { readonly kind: 'dial' }
  | { readonly kind: 'ping' }
  /** Leave this server. */
  | { readonly kind: 'drop'; readonly why: string }
  | { readonly kind: 'expire' }
  /** Nothing before then. */
  | { readonly kind: 'wait'; readonly untilMs: number }

/** What is due now; asked again after each step until it says `wait`. */
export function nextStep(seen: SessionSeen, limits: SessionLimits, nowMs: number): Step {
  if (seen.phase === 'over') return { kind: 'wait', untilMs: Number.POSITIVE_INFINITY }
  if (hasLapsed(seen, nowMs)) return { kind: 'expire' }
  const duesMs = [stateChangeMs(seen, nowMs)]
  switch (seen.phase) {
    case 'idle':
      if (nowMs >= seen.dialMs) return { kind: 'dial' }
      duesMs.push(seen.dialMs)
      break
    case 'dialling': {
      const untilMs = seen.phaseMs + dialLimitMs(seen, limits)
      if (nowMs >= untilMs) return { kind: 'drop', why: 'it did not answer in time' }
      duesMs.push(untilMs)
      break
    }
    case 'opening':
    case 'serving': {
      const silentAtMs = seen.heardMs + seen.sessionTimeoutMs * SILENCE_SHARE
      if (nowMs >= silentAtMs) return { kind: 'drop', why: 'it is silent' }
      duesMs.push(silentAtMs)
      const pingAtMs = pingDueMs(seen)
      if (nowMs >= pingAtMs) return { kind: 'ping' }
      duesMs.push(pingAtMs)
      break
    }
  }
  return { kind: 'wait', untilMs: Math.min(...duesMs) }
}

/** When the state changes if nothing else happens. */
function stateChangeMs(seen: SessionSeen, nowMs: number): number {
  if (seen.sessionId !== 0n) return seen.confirmedMs + seen.sessionTimeoutMs
  const atMs = seen.startMs + seen.sessionTimeoutMs
  return nowMs < atMs ? atMs : Number.POSITIVE_INFINITY
}

/** One at a time: a second ping says nothing that the first does not. */
function pingDueMs(seen: SessionSeen): number {
  if (seen.phase !== 'serving' || seen.pingSentMs >= 0) return Number.POSITIVE_INFINITY
  return seen.sentMs + seen.sessionTimeoutMs * PING_SHARE
}

/** Below it a server that is only far away would look dead. */
const DIAL_MS_MIN = 200

/** All servers get a try within what is left of the session: each a share of what the others left over. */
function dialLimitMs(seen: SessionSeen, limits: SessionLimits): number {
  const endMs = seen.sessionId === 0n ? seen.phaseMs : seen.confirmedMs
  const leftMs = endMs + seen.sessionTimeoutMs - seen.phaseMs
  return Math.min(limits.connectTimeoutMs, Math.max(DIAL_MS_MIN, leftMs / limits.serverCount))
}
