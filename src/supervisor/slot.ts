/**
 * The life of one slot, as data. Decides; does nothing. slot-runner.ts does the doing.
 *
 *            wanted                ready                       started
 *   EMPTY ────────────▶ FETCHING ─────────▶ STARTING ──────────────────▶ RUNNING ◀─┐ run, peers, …
 *     ▲ ▲                ▲  │  ▲                │  │ silent too long       │ │ │    │
 *     │ │   not wanted   │  │  │ at once        │  └──────────┐            │ │ └────┘
 *     │ └────────────────┼──┘  └──────┬─────────┘ gone        │  ┌─────────┘ │ gone
 *     │                  │            │                       ▼  ▼ hung,     │
 *     │          time up │      ┌─────┴──────┐              KILLING not      │
 *     │                  └──────┤ BACKING_OFF│ ◀───────────── │ │  wanted    │
 *     │      not wanted         └────────────┘   gone         │ │ so any     │
 *     ├───────────────────────────────┘  ▲                    │ │ more       │
 *     └──────────────────────────────────┼────────────────────┘ │            │
 *                        gone            └──────────────────────┴────────────┘
 *
 * Route: what was seen, time included → [here] → next state, effects as words, when to look again.
 * Does not know: processes, messages, blobs, the board.
 *
 * Invariants
 *   L1  never two workers in a slot: nothing is launched before the process of the one before is gone
 *   L2  a launch has a higher restart number than every earlier one of the same worker and generation
 *   L3  while nobody knows what is wanted, nothing that is well is stopped and nothing new is begun
 *   L4  a worker whose peers know a newer generation of it is not started again here before the board says
 *       something else: a node that is cut off from the board does not go on with what others have
 *   L5  a worker that dies again and again is started ever more rarely; one that was killed or hung is
 *       started at once
 */
import { backoffMs } from '../base/backoff.ts'
import { generationOf, RESTARTS_MAX, restartOf } from '../cluster/incarnation.ts'
import type { RunMode } from '../cluster/records.ts'
import type { ExitReason } from '../cluster/seat-messages.ts'

/** What the assignment says of this slot. Equal texts, nothing to tell. */
export interface SlotWish {
  readonly topologyId: string
  readonly worker: number
  readonly generation: number
  readonly layout: number
  /** Who runs which executors, of all workers. */
  readonly placement: string
  readonly peers: string
  readonly run: RunMode
  /** Executors of this worker whose state shall be written out; empty: none. */
  readonly dump: string
}

/** `unknown`: the board was not seen yet since this supervisor began. */
export type Wanted = SlotWish | 'nothing' | 'unknown'

export interface SlotSeen {
  /** Monotonic. */
  readonly nowMs: number
  readonly wanted: Wanted
  /** Blobs, positions, record: all that a launch for this wish, or its seat, needs is here. */
  readonly isReady: boolean
  /** `coming`: a launch is under way. `gone`: it ended, or could not be launched. */
  readonly process: 'none' | 'coming' | 'alive' | 'gone'
  /** Why it is gone. */
  readonly reason: ExitReason | undefined
  /** If it is gone since it is outdated: the incarnation that its peers know, as far as it said so. */
  readonly newest: number | undefined
  readonly isConnected: boolean
  /** Its connection is another than when it was told last, if there was to tell: that may be lost. */
  readonly isConnectionNew: boolean
  /** Its HELLO on this connection said that it has this seat already. */
  readonly isSeated: boolean
  /** It has said that it runs, on this connection or an earlier one. */
  readonly hasStarted: boolean
  /** Arrival of its newest sign of life. */
  readonly beatAtMs: number | undefined
  /** The rearranging has been asked for over this connection: all that it takes was here. */
  readonly isAsked: boolean
  /** It has said since the last step that the rearranging it was asked for is done. */
  readonly isRearranged: boolean
  /** Restart number of the last launch of the wanted worker and generation here, if there was one. */
  readonly lastRestart: number | undefined
  /** From 0 to below 1: spreads waits. */
  readonly chance: number
}

interface Tried {
  readonly wish: SlotWish
  /** Number of this launch within the generation. */
  readonly restart: number
  /** Ends in a row that came within a minute. */
  readonly failures: number
}

export type SlotState =
  | { readonly kind: 'EMPTY' }
  | (Tried & { readonly kind: 'FETCHING' })
  | (Tried & {
      readonly kind: 'STARTING'
      readonly deadlineMs: number
      /** Over the connection that it has now. */
      readonly isAssigned: boolean
    })
  | (Tried & {
      readonly kind: 'RUNNING'
      /** `wish` is what the worker was told. */
      readonly startedMs: number
      readonly beatDueMs: number
      /** What it was asked to rearrange to, and until when. */
      readonly rearranging: { readonly placement: string; readonly deadlineMs: number } | undefined
    })
  | (Tried & {
      readonly kind: 'KILLING'
      readonly why: KillWhy
      readonly startedMs: number | undefined
      /** When to kill, or to kill again. undefined: it was not told yet, for it is only coming. */
      readonly deadlineMs: number | undefined
    })
  | (Tried & { readonly kind: 'BACKING_OFF'; readonly untilMs: number; readonly reason: ExitReason })

export type KillWhy = 'hung' | 'start-failed' | 'assignment-changed'

export type SlotEffect =
  | 'fetch-blobs'
  | 'launch'
  | 'assign'
  | 'run-mode'
  | 'peers'
  | 'rearrange'
  | 'dump'
  | 'ask-to-stop'
  | 'kill'
  | 'forget'

export interface SlotLimits {
  readonly startTimeoutMs: number
  readonly beatTimeoutMs: number
  readonly stopGraceMs: number
  readonly restartFirstMs: number
  readonly restartMaxMs: number
}

export interface SlotStep {
  readonly next: SlotState
  readonly effects: readonly SlotEffect[]
  /** Look again then, if nothing happens before. undefined: no need. */
  readonly wakeAtMs: number | undefined
}

/** The wait after the first that waits at all, before doubling. */
const BACKOFF_MS = 250
/** Up so long: what went wrong before is forgotten. */
const STEADY_MS = 60_000
/** A killed process that is still there is killed again: signals are not lost, but pids may be slow to go. */
const KILL_AGAIN_MS = 5_000
/** Ends that came from outside are no sign of a bad worker; so many are free before waits begin. */
const OUTSIDE_FREE = 3

export const EMPTY_SLOT: SlotState = { kind: 'EMPTY' }

/** One decision. The same arguments always give the same answer. */
export function stepSlot(state: SlotState, seen: SlotSeen, limits: SlotLimits): SlotStep {
  switch (state.kind) {
    case 'EMPTY':
      return typeof seen.wanted === 'string' ? stay(state) : begin(seen.wanted, seen)
    case 'FETCHING':
      return fetching(state, seen, limits)
    case 'STARTING':
      return starting(state, seen, limits)
    case 'RUNNING':
      return running(state, seen, limits)
    case 'KILLING':
      return killing(state, seen, limits)
    case 'BACKING_OFF':
      return backingOff(state, seen)
  }
}

/** True if it is the same life of the same worker: it can go on as it is. */
export function isSameSeat(one: SlotWish, other: SlotWish): boolean {
  return (
    one.topologyId === other.topologyId &&
    one.worker === other.worker &&
    one.generation === other.generation &&
    one.layout === other.layout
  )
}

function begin(wish: SlotWish, seen: SlotSeen): SlotStep {
  const { lastRestart } = seen
  if (lastRestart === undefined) return fetch({ wish, restart: 0, failures: 0 })
  if (lastRestart >= RESTARTS_MAX) return held({ wish, restart: lastRestart, failures: 0 }, 'crash')
  return fetch({ wish, restart: lastRestart + 1, failures: 0 })
}

type In<K extends SlotState['kind']> = Extract<SlotState, { readonly kind: K }>

function fetching(state: In<'FETCHING'>, seen: SlotSeen, limits: SlotLimits): SlotStep {
  const change = changed(state, seen)
  if (change === 'unknown') return stay(state)
  if (change !== undefined) return moveOn(change, seen)
  const wish = wishOf(seen, state)
  if (!seen.isReady) return stay({ ...state, wish })
  const deadlineMs = seen.nowMs + limits.startTimeoutMs
  const next: SlotState = { ...state, wish, kind: 'STARTING', deadlineMs, isAssigned: false }
  return { next, effects: ['launch'], wakeAtMs: deadlineMs }
}

function starting(state: In<'STARTING'>, seen: SlotSeen, limits: SlotLimits): SlotStep {
  if (isGone(seen)) return afterEnd(state, seen, limits, undefined)
  const change = changed(state, seen)
  if (change !== undefined && change !== 'unknown')
    return kill(state, seen, limits, 'assignment-changed', undefined)
  if (seen.nowMs >= state.deadlineMs) return kill(state, seen, limits, 'start-failed', undefined)
  if (seen.isConnected && seen.hasStarted) {
    const beatDueMs = seen.nowMs + limits.beatTimeoutMs
    const next: SlotState = {
      kind: 'RUNNING',
      // What it was assigned, which may be old by now: the next step tells it what has changed.
      wish: state.wish,
      restart: state.restart,
      failures: state.failures,
      startedMs: seen.nowMs,
      beatDueMs,
      rearranging: undefined,
    }
    return { next, effects: [], wakeAtMs: beatDueMs }
  }
  const isAssigned = seen.isSeated || (state.isAssigned && !seen.isConnectionNew)
  if (!seen.isConnected || isAssigned || change === 'unknown') return until({ ...state, isAssigned })
  // Launched for an earlier order, or by an earlier supervisor: what it needs now is not here yet.
  if (!seen.isReady) return until({ ...state, isAssigned })
  return {
    // A dump is asked for apart from the assignment, once it runs.
    next: { ...state, wish: { ...wishOf(seen, state), dump: '' }, isAssigned: true },
    effects: ['assign'],
    wakeAtMs: state.deadlineMs,
  }
}

function running(state: In<'RUNNING'>, seen: SlotSeen, limits: SlotLimits): SlotStep {
  if (isGone(seen)) return afterEnd(state, seen, limits, state.startedMs)
  const change = changed(state, seen)
  if (change !== undefined && change !== 'unknown') {
    return kill(state, seen, limits, 'assignment-changed', state.startedMs)
  }
  const beatDueMs = Math.max(state.beatDueMs, (seen.beatAtMs ?? 0) + limits.beatTimeoutMs)
  const isStuck = state.rearranging !== undefined && seen.nowMs >= state.rearranging.deadlineMs
  if (seen.nowMs >= beatDueMs || isStuck) return kill(state, seen, limits, 'hung', state.startedMs)
  return tell({ ...state, beatDueMs }, seen, limits)
}

/**
 * Tells the worker what has changed. Nothing gets lost: what was not told is told over the next connection.
 */
function tell(state: In<'RUNNING'>, seen: SlotSeen, limits: SlotLimits): SlotStep {
  const told = state.wish
  const wish = wishOf(seen, state)
  let { rearranging } = state
  let placement = told.placement
  if (rearranging !== undefined && seen.isRearranged) {
    placement = rearranging.placement
    rearranging = undefined
  }
  // L3: what it shall do is not known; told once it is.
  if (!seen.isConnected || seen.wanted === 'unknown') {
    return until({ ...state, wish: { ...told, placement }, rearranging })
  }
  const effects: SlotEffect[] = []
  const isAgain = seen.isConnectionNew
  const isWrong = placement !== wish.placement && rearranging === undefined
  // What it takes may never come. Asked for even if nothing is to change: over an earlier connection it may
  // have been asked for something else.
  const isMoot = rearranging !== undefined && !seen.isAsked && rearranging.placement !== wish.placement
  if (isWrong || isMoot || (isAgain && rearranging !== undefined)) {
    rearranging = { placement: wish.placement, deadlineMs: seen.nowMs + limits.startTimeoutMs }
    effects.push('rearrange')
  }
  // Sources begin again when every executor is where it belongs; they are stopped at once.
  const run = rearranging === undefined || wish.run === 'drain' ? wish.run : told.run
  if (run !== told.run || isAgain) effects.push('run-mode')
  if (wish.peers !== told.peers || isAgain) effects.push('peers')
  const dump = rearranging === undefined ? wish.dump : told.dump
  if (dump !== told.dump || (isAgain && dump !== '')) effects.push('dump')
  const now: SlotWish = { ...wish, placement, run, dump }
  return {
    next: { ...state, wish: now, rearranging },
    effects,
    wakeAtMs: wakeOf(state.beatDueMs, rearranging),
  }
}

function killing(state: In<'KILLING'>, seen: SlotSeen, limits: SlotLimits): SlotStep {
  // L1: never on while the old process lives.
  if (seen.process === 'coming') return stay(state)
  if (isGone(seen)) {
    const change = changed(state, seen)
    if (change !== undefined && change !== 'unknown') return moveOn(change, seen)
    return afterEnd(state, { ...seen, reason: state.why }, limits, state.startedMs)
  }
  if (state.deadlineMs !== undefined && seen.nowMs < state.deadlineMs) return until(state)
  const deadlineMs = seen.nowMs + KILL_AGAIN_MS
  return { next: { ...state, deadlineMs }, effects: ['kill'], wakeAtMs: deadlineMs }
}

function backingOff(state: In<'BACKING_OFF'>, seen: SlotSeen): SlotStep {
  const change = changed(state, seen)
  if (change === 'unknown') return stay(state)
  if (change !== undefined) return moveOn(change, seen)
  if (seen.nowMs < state.untilMs) return until(state)
  const { restart, failures } = state
  return fetch({ wish: wishOf(seen, state), restart, failures })
}

function kill(
  state: In<'STARTING' | 'RUNNING'>,
  seen: SlotSeen,
  limits: SlotLimits,
  why: KillWhy,
  startedMs: number | undefined,
): SlotStep {
  const { wish, restart, failures } = state
  const tried = { kind: 'KILLING', wish, restart, failures, why, startedMs } as const
  if (seen.process !== 'alive') {
    return { next: { ...tried, deadlineMs: undefined }, effects: [], wakeAtMs: undefined }
  }
  // Who hangs does not hear; who has not begun has nothing to bring to an end.
  const canHear = why === 'assignment-changed' && startedMs !== undefined && seen.isConnected
  const deadlineMs = seen.nowMs + (canHear ? limits.stopGraceMs : KILL_AGAIN_MS)
  return {
    next: { ...tried, deadlineMs },
    effects: [canHear ? 'ask-to-stop' : 'kill'],
    wakeAtMs: deadlineMs,
  }
}

/** The process is gone: to the next try of the same, or to what is wanted now. */
function afterEnd(tried: Tried, seen: SlotSeen, limits: SlotLimits, startedMs: number | undefined): SlotStep {
  const change = changed(tried, seen)
  if (change !== undefined && change !== 'unknown') return moveOn(change, seen)
  const reason = seen.reason ?? 'crash'
  const wasSteady = startedMs !== undefined && seen.nowMs - startedMs >= STEADY_MS
  const failures = wasSteady ? 1 : tried.failures + 1
  const wish = wishOf(seen, tried)
  const known = reason === 'outdated' ? seen.newest : undefined
  const isElsewhere = known !== undefined && generationOf(known) > wish.generation
  if (isElsewhere) return held({ wish, restart: tried.restart, failures }, reason)
  // Peers may know of restarts that were forgotten here, with a disk that was lost.
  const restart = Math.max(tried.restart, known === undefined ? 0 : restartOf(known))
  if (restart >= RESTARTS_MAX) return held({ wish, restart, failures }, reason)
  const next: Tried = { wish, restart: restart + 1, failures }
  const delayMs = restartDelayMs(failures, reason, limits, seen.chance)
  // L3: what shall be begun is not known, so it waits for the board.
  const isHeld = delayMs > 0 || change === 'unknown'
  if (!isHeld) return fetch(next)
  return until({ ...next, kind: 'BACKING_OFF', untilMs: seen.nowMs + delayMs, reason })
}

/** From the end of a worker to the next try, by how often it happened in a row. */
export function restartDelayMs(
  failures: number,
  reason: ExitReason,
  limits: Pick<SlotLimits, 'restartFirstMs' | 'restartMaxMs'>,
  chance: number,
): number {
  const isFromOutside = reason === 'killed' || reason === 'hung' || reason === 'lease'
  const free = isFromOutside ? OUTSIDE_FREE : 1
  if (failures <= free) return isFromOutside ? 0 : Math.min(limits.restartFirstMs, limits.restartMaxMs)
  const spec = { firstMs: Math.max(BACKOFF_MS, limits.restartFirstMs), maxMs: limits.restartMaxMs }
  const delayMs = backoffMs(failures - free, spec, chance)
  // What could not be begun costs nothing to try, and would be tried a thousand times a second.
  return reason === 'start-failed' ? Math.max(BACKOFF_MS, delayMs) : delayMs
}

function fetch(tried: Tried): SlotStep {
  return { next: { ...tried, kind: 'FETCHING' }, effects: ['fetch-blobs'], wakeAtMs: undefined }
}

/**
 * Until the board says something else. L4, or L2: the number of the last launch is kept, for there is none
 * after it; only a new generation gives new ones, and the leader, who sees the number in heartbeats, has to
 * give it.
 */
function held(tried: Tried, reason: ExitReason): SlotStep {
  return stay({ ...tried, kind: 'BACKING_OFF', untilMs: Number.POSITIVE_INFINITY, reason })
}

/** Nothing of the old is left here: what is wanted instead begins. */
function moveOn(wanted: SlotWish | 'nothing', seen: SlotSeen): SlotStep {
  if (wanted === 'nothing') return { next: EMPTY_SLOT, effects: ['forget'], wakeAtMs: undefined }
  return begin(wanted, seen)
}

/** What is wanted instead of this, if it is something else. */
function changed(tried: Tried, seen: SlotSeen): SlotWish | 'nothing' | 'unknown' | undefined {
  if (typeof seen.wanted === 'string') return seen.wanted
  return isSameSeat(seen.wanted, tried.wish) ? undefined : seen.wanted
}

function wishOf(seen: SlotSeen, tried: Tried): SlotWish {
  return typeof seen.wanted === 'string' ? tried.wish : seen.wanted
}

function isGone(seen: SlotSeen): boolean {
  return seen.process === 'gone' || seen.process === 'none'
}

function stay(state: SlotState): SlotStep {
  return { next: state, effects: [], wakeAtMs: undefined }
}

/** Nothing to do before the next deadline of the state. */
function until(state: In<'STARTING' | 'RUNNING' | 'KILLING' | 'BACKING_OFF'>): SlotStep {
  return { next: state, effects: [], wakeAtMs: deadlineOf(state) }
}

function deadlineOf(state: In<'STARTING' | 'RUNNING' | 'KILLING' | 'BACKING_OFF'>): number | undefined {
  switch (state.kind) {
    case 'STARTING':
    case 'KILLING':
      return state.deadlineMs
    case 'RUNNING':
      return wakeOf(state.beatDueMs, state.rearranging)
    case 'BACKING_OFF':
      return whenFinite(state.untilMs)
  }
}

function wakeOf(beatDueMs: number, rearranging: { readonly deadlineMs: number } | undefined): number {
  return Math.min(beatDueMs, rearranging?.deadlineMs ?? Number.POSITIVE_INFINITY)
}

function whenFinite(ms: number): number | undefined {
  return Number.isFinite(ms) ? ms : undefined
}
