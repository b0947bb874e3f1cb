// The slot as a table: every kind of state against every combination of what can be seen, and what must hold
// of each single step. What must hold over time is in slot-walks.test.ts.
import { describe, expect, test } from 'vitest'
import { judge, limits, wish } from '../../test/fixtures/supervisor/slot-seen.ts'
import { incarnationOf, RESTARTS_MAX } from '../cluster/incarnation.ts'
import {
  EMPTY_SLOT,
  restartDelayMs,
  type SlotSeen,
  type SlotState,
  type SlotStep,
  stepSlot,
  type Wanted,
} from './slot.ts'

const quiet: SlotSeen = {
  nowMs: 1_000_000,
  wanted: wish,
  isReady: false,
  process: 'none',
  reason: undefined,
  newest: undefined,
  isConnected: false,
  isConnectionNew: false,
  isSeated: false,
  hasStarted: false,
  beatAtMs: undefined,
  isAsked: false,
  isRearranged: false,
  lastRestart: undefined,
  chance: 0,
}

const tried = { wish, restart: 2, failures: 1 }

const step = (state: SlotState, seen: Partial<SlotSeen>): SlotStep =>
  stepSlot(state, { ...quiet, ...seen }, limits)

const runningState = (more: Partial<Extract<SlotState, { kind: 'RUNNING' }>> = {}): SlotState => ({
  kind: 'RUNNING',
  ...tried,
  startedMs: 990_000,
  beatDueMs: 1_004_000,
  rearranging: undefined,
  ...more,
})

const alive = { process: 'alive', isConnected: true, hasStarted: true, beatAtMs: 999_500 } as const

const states: readonly SlotState[] = [
  EMPTY_SLOT,
  { kind: 'FETCHING', ...tried },
  { kind: 'STARTING', ...tried, deadlineMs: 1_050_000, isAssigned: false },
  { kind: 'STARTING', ...tried, deadlineMs: 1_050_000, isAssigned: true },
  { kind: 'STARTING', ...tried, deadlineMs: 900_000, isAssigned: true },
  runningState(),
  runningState({ beatDueMs: 900_000 }),
  runningState({ rearranging: { placement: '1:1-2;2:3-4', deadlineMs: 1_010_000 } }),
  { kind: 'KILLING', ...tried, why: 'hung', startedMs: 990_000, deadlineMs: 1_002_000 },
  { kind: 'KILLING', ...tried, why: 'assignment-changed', startedMs: 990_000, deadlineMs: 999_000 },
  { kind: 'KILLING', ...tried, why: 'start-failed', startedMs: undefined, deadlineMs: undefined },
  { kind: 'BACKING_OFF', ...tried, untilMs: 1_000_100, reason: 'crash' },
  { kind: 'BACKING_OFF', ...tried, untilMs: 999_000, reason: 'crash' },
]

function* everySeen(): Generator<SlotSeen> {
  const wanted: readonly Wanted[] = [
    'nothing',
    'unknown',
    wish,
    { ...wish, generation: 4 },
    { ...wish, layout: 2 },
    { ...wish, worker: 2 },
    { ...wish, topologyId: 'other-1' },
    { ...wish, placement: '1:1-3;2:4', peers: '2=b:1' },
    { ...wish, run: 'drain', dump: '1' },
  ]
  const flags = [false, true]
  for (const each of wanted) {
    for (const process of ['none', 'coming', 'alive', 'gone'] as const) {
      for (const reason of [undefined, 'crash', 'killed', 'lease', 'shutdown'] as const) {
        for (let bits = 0; bits < 64; bits += 1) {
          const at = (bit: number) => flags[(bits >> bit) & 1] ?? false
          yield {
            ...quiet,
            wanted: each,
            process,
            reason,
            isReady: at(0),
            isConnected: at(1),
            isConnectionNew: at(1) && at(2),
            isSeated: at(1) && at(3),
            hasStarted: at(4),
            beatAtMs: at(5) ? 999_000 : undefined,
            isAsked: at(0),
            isRearranged: at(2),
            lastRestart: at(3) ? 7 : undefined,
            chance: 0.5,
          }
        }
      }
    }
  }
}

describe('every state, everything that can be seen', () => {
  test('each single step keeps the invariants, and is the same when asked again', () => {
    let count = 0
    for (const state of states) {
      for (const seen of everySeen()) {
        const once = stepSlot(state, seen, limits)
        judge(state, seen, once)
        if (count % 97 === 0) expect(stepSlot(state, seen, limits)).toEqual(once)
        count += 1
      }
    }
    expect(count).toBe(states.length * 9 * 4 * 5 * 64)
  })
})

describe('the way of a worker', () => {
  test('empty, fetching, starting, running', () => {
    const begun = step(EMPTY_SLOT, {})
    expect(begun).toMatchObject({
      next: { kind: 'FETCHING', restart: 0, failures: 0 },
      effects: ['fetch-blobs'],
    })
    const launched = step(begun.next, { isReady: true })
    expect(launched).toMatchObject({ next: { kind: 'STARTING', deadlineMs: 1_120_000 }, effects: ['launch'] })
    expect(step(launched.next, { process: 'coming' }).effects).toEqual([])
    const there = { process: 'alive', isConnected: true, isConnectionNew: true } as const
    expect(step(launched.next, there)).toMatchObject({ next: { isAssigned: false }, effects: [] })
    const assigned = step(launched.next, { ...there, isReady: true })
    expect(assigned).toMatchObject({ next: { kind: 'STARTING', isAssigned: true }, effects: ['assign'] })
    expect(step(assigned.next, { process: 'alive', isConnected: true }).effects).toEqual([])
    const running = step(assigned.next, { ...alive, beatAtMs: undefined })
    expect(running.next).toMatchObject({ kind: 'RUNNING', restart: 0, beatDueMs: 1_005_000 })
  })

  test('a worker of an earlier life of the supervisor goes on with its count', () => {
    expect(step(EMPTY_SLOT, { lastRestart: 7 }).next).toMatchObject({ kind: 'FETCHING', restart: 8 })
  })

  test('a connection that broke before the seat arrived is told again; one that had arrived is not', () => {
    const starting: SlotState = { kind: 'STARTING', ...tried, deadlineMs: 1_050_000, isAssigned: true }
    const again = { process: 'alive', isConnected: true, isConnectionNew: true, isReady: true } as const
    expect(step(starting, again).effects).toEqual(['assign'])
    expect(step(starting, { ...again, isSeated: true })).toMatchObject({
      effects: [],
      next: { isAssigned: true },
    })
  })

  test('too slow to start: killed, and tried again as a failed start', () => {
    const starting: SlotState = { kind: 'STARTING', ...tried, deadlineMs: 1_000_000, isAssigned: true }
    const killed = step(starting, { process: 'alive' })
    expect(killed).toMatchObject({ next: { kind: 'KILLING', why: 'start-failed' }, effects: ['kill'] })
    expect(step(killed.next, { process: 'gone', reason: 'killed' }).next).toMatchObject({
      kind: 'BACKING_OFF',
      reason: 'start-failed',
      restart: 3,
    })
  })

  test('silent too long: killed at once, and back at once', () => {
    const hung = step(runningState({ beatDueMs: 1_000_000 }), { ...alive, beatAtMs: 994_000 })
    expect(hung).toMatchObject({ next: { kind: 'KILLING', why: 'hung' }, effects: ['kill'] })
    expect(step(hung.next, { process: 'alive' }).effects).toEqual([])
    const gone = step(hung.next, { process: 'gone', reason: 'killed' })
    expect(gone).toMatchObject({ next: { kind: 'FETCHING', restart: 3 }, effects: ['fetch-blobs'] })
  })

  test('a sign of life puts the deadline off', () => {
    expect(step(runningState(), { ...alive, beatAtMs: 1_000_000 })).toMatchObject({
      next: { kind: 'RUNNING', beatDueMs: 1_005_000 },
      wakeAtMs: 1_005_000,
    })
  })

  test('a process that does not go is killed again, and never given up', () => {
    const killing: SlotState = {
      kind: 'KILLING',
      ...tried,
      why: 'hung',
      startedMs: 1,
      deadlineMs: 1_000_000,
    }
    const again = step(killing, { process: 'alive', wanted: 'nothing' })
    expect(again).toMatchObject({ next: { kind: 'KILLING', deadlineMs: 1_005_000 }, effects: ['kill'] })
  })
})

describe('another assignment', () => {
  test('not wanted any more: asked to stop, killed after its grace, forgotten', () => {
    const asked = step(runningState(), { ...alive, wanted: 'nothing' })
    expect(asked).toMatchObject({
      next: { kind: 'KILLING', deadlineMs: 1_003_000 },
      effects: ['ask-to-stop'],
    })
    const late = { process: 'alive', wanted: 'nothing', nowMs: 1_003_000 } as const
    expect(step(asked.next, late).effects).toEqual(['kill'])
    expect(step(asked.next, { process: 'gone', reason: 'shutdown', wanted: 'nothing' })).toMatchObject({
      next: { kind: 'EMPTY' },
      effects: ['forget'],
    })
  })

  test('a new generation of the same worker is a new life: from restart 0', () => {
    const newer = { ...wish, generation: 4 }
    const asked = step(runningState(), { ...alive, wanted: newer })
    expect(asked.effects).toEqual(['ask-to-stop'])
    const gone = step(asked.next, { process: 'gone', reason: 'shutdown', wanted: newer })
    expect(gone).toMatchObject({ next: { kind: 'FETCHING', wish: newer, restart: 0, failures: 0 } })
  })

  test('wanted again while it is being stopped: it is let go, and started anew', () => {
    const asked = step(runningState(), { ...alive, wanted: 'nothing' })
    expect(step(asked.next, alive).effects).toEqual([])
    const gone = step(asked.next, { process: 'gone', reason: 'shutdown' })
    expect(gone.next).toMatchObject({ restart: 3, wish })
  })

  test('other executors with the same layout: rearranged, and sources go on only afterwards', () => {
    const draining = runningState({ wish: { ...wish, run: 'drain' } })
    const wanted = { ...wish, placement: '1:1-2;2:3-4', peers: '2=b:6700' }
    const asked = step(draining, { ...alive, wanted })
    expect(asked.effects).toEqual(['rearrange', 'peers'])
    expect(step(asked.next, { ...alive, wanted }).effects).toEqual([])
    const finished = step(asked.next, { ...alive, wanted, isRearranged: true })
    expect(finished).toMatchObject({
      effects: ['run-mode'],
      next: { wish: wanted, rearranging: undefined },
    })
  })

  test('a rearranging that was not answered before the connection broke is asked for again', () => {
    const wanted = { ...wish, placement: '1:1-2;2:3-4' }
    const asked = step(runningState(), { ...alive, wanted })
    const away = step(asked.next, { ...alive, wanted, isConnected: false })
    expect(away.effects).toEqual([])
    const again = step(away.next, { ...alive, wanted, isConnectionNew: true, isSeated: true })
    expect(again.effects).toEqual(['rearrange', 'run-mode', 'peers'])
  })

  test('a rearranging that the worker does not know of yet gives way to what is wanted now', () => {
    const first = { ...wish, placement: '1:1-2;2:3-4' }
    const asked = step(runningState(), { ...alive, wanted: first })
    const second = { ...wish, placement: '1:1;2:2-4' }
    expect(step(asked.next, { ...alive, wanted: second, isAsked: true }).effects).toEqual([])
    const again = step(asked.next, { ...alive, wanted: second })
    expect(again).toMatchObject({
      effects: ['rearrange'],
      next: { rearranging: { placement: second.placement } },
    })
    // It may have been asked for the first over an earlier connection: it is asked to go back.
    const back = step(asked.next, { ...alive, wanted: wish })
    expect(back).toMatchObject({
      effects: ['rearrange'],
      next: { rearranging: { placement: wish.placement } },
    })
  })

  test('a worker that never ends rearranging is hung', () => {
    const state = runningState({ rearranging: { placement: 'x', deadlineMs: 1_000_000 } })
    expect(step(state, alive)).toMatchObject({ next: { why: 'hung' }, effects: ['kill'] })
  })

  test('run modes, peers and dumps are told once, and again over a new connection', () => {
    const wanted = { ...wish, run: 'drain', dump: '1-2', peers: '2=b:6700' } as const
    const told = step(runningState(), { ...alive, wanted })
    expect(told.effects).toEqual(['run-mode', 'peers', 'dump'])
    expect(step(told.next, { ...alive, wanted }).effects).toEqual([])
    const again = { ...alive, wanted, isConnectionNew: true }
    expect(step(told.next, again).effects).toEqual(['run-mode', 'peers', 'dump'])
  })
})

describe('the board is not known yet', () => {
  test('what runs is left alone; what died waits for the board', () => {
    expect(step(runningState(), { ...alive, wanted: 'unknown' }).effects).toEqual([])
    const again = { ...alive, isConnectionNew: true }
    expect(step(runningState(), { ...again, wanted: 'unknown' }).effects).toEqual([])
    expect(step(runningState(), again).effects).toEqual(['run-mode', 'peers'])
    const dead = step(runningState(), { process: 'gone', reason: 'killed', wanted: 'unknown' })
    expect(dead.next).toMatchObject({ kind: 'BACKING_OFF', restart: 3 })
    expect(step(dead.next, { wanted: 'unknown', nowMs: 2_000_000 }).next.kind).toBe('BACKING_OFF')
    expect(step(dead.next, {}).next).toMatchObject({ kind: 'FETCHING', restart: 3 })
    expect(step(EMPTY_SLOT, { wanted: 'unknown' }).next.kind).toBe('EMPTY')
  })
})

describe('restarts', () => {
  const delays = (reason: 'crash' | 'killed' | 'hung', chance = 0.999_999) =>
    Array.from({ length: 12 }, (_, index) => Math.round(restartDelayMs(index + 1, reason, limits, chance)))

  test('the first at once, then doubling from 250 ms up to the longest', () => {
    expect(delays('crash')).toEqual([
      0, 250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000, 30_000,
    ])
  })

  test('what came from outside is free three times, then bounded, too', () => {
    expect(delays('killed').slice(0, 6)).toEqual([0, 0, 0, 250, 500, 1_000])
    expect(delays('hung').slice(0, 4)).toEqual([0, 0, 0, 250])
  })

  test('a worker that was up for a minute starts from the first again', () => {
    const gone = { process: 'gone', reason: 'crash' } as const
    const steady = runningState({ failures: 9, startedMs: 940_000 })
    expect(step(steady, gone).next).toMatchObject({ kind: 'FETCHING', failures: 1 })
    const short = runningState({ failures: 9, startedMs: 940_001 })
    expect(step(short, gone).next).toMatchObject({ kind: 'BACKING_OFF', failures: 10 })
  })

  test('a start that fails again and again waits, even where waits are at most 0', () => {
    const none = { restartFirstMs: 0, restartMaxMs: 0 }
    const delays = [1, 2, 3, 10].map((failures) => restartDelayMs(failures, 'start-failed', none, 0))
    expect(delays).toEqual([0, 250, 250, 250])
    expect(restartDelayMs(10, 'crash', none, 0)).toBe(0)
  })

  test('when the numbers of a generation are used up it waits for another generation', () => {
    const last = runningState({ restart: RESTARTS_MAX })
    const over = step(last, { process: 'gone', reason: 'killed' })
    // Within its bound, for heartbeats name it.
    const waits = { kind: 'BACKING_OFF', restart: RESTARTS_MAX, untilMs: Number.POSITIVE_INFINITY }
    expect(over).toMatchObject({ next: waits })
    expect(step(last, { process: 'gone', reason: 'crash' })).toMatchObject({ next: waits })
    expect(step(EMPTY_SLOT, { lastRestart: RESTARTS_MAX })).toMatchObject({ next: waits })
    expect(over.wakeAtMs).toBeUndefined()
    // It is told to the leader with a number that there is: who moves it reads it there.
    expect(over.next).toMatchObject({ restart: RESTARTS_MAX })
    const known = step(EMPTY_SLOT, { lastRestart: RESTARTS_MAX })
    expect(known.next).toMatchObject({ kind: 'BACKING_OFF', restart: RESTARTS_MAX })
    expect(step(over.next, { wanted: { ...wish, generation: 4 } }).next).toMatchObject({ restart: 0 })
  })
})

describe('a worker that its peers know a newer one of', () => {
  const gone = { process: 'gone', reason: 'outdated' } as const
  const known = (generation: number, restart: number) => ({ newest: incarnationOf(generation, restart) })

  test('is not started here again before the board says something else', () => {
    const ended = step(runningState(), { ...gone, ...known(4, 0) })
    expect(ended).toMatchObject({ next: { kind: 'BACKING_OFF' }, effects: [], wakeAtMs: undefined })
    expect(step(ended.next, { nowMs: 9_000_000 })).toMatchObject({ effects: [], wakeAtMs: undefined })
    expect(step(ended.next, { wanted: 'unknown' }).next).toEqual(ended.next)
    expect(step(ended.next, { wanted: 'nothing' }).effects).toEqual(['forget'])
    const back = step(ended.next, { wanted: { ...wish, generation: 5 } })
    expect(back).toMatchObject({ next: { kind: 'FETCHING', restart: 0 }, effects: ['fetch-blobs'] })
  })

  test('goes on from the restarts that they know, if those were only forgotten here', () => {
    const ended = step(runningState({ failures: 0 }), { ...gone, ...known(3, 9) })
    expect(ended.next).toMatchObject({ kind: 'FETCHING', restart: 10 })
    expect(step(runningState({ restart: 20 }), { ...gone, ...known(3, 9) }).next).toMatchObject({
      restart: 21,
    })
  })

  test('is tried again ever more rarely, if it could not say whom they know', () => {
    const ended = step(runningState({ failures: 3 }), gone)
    expect(ended.next).toMatchObject({ kind: 'BACKING_OFF', restart: 3, failures: 4 })
    expect(ended.wakeAtMs).toBeGreaterThan(quiet.nowMs)
  })
})
