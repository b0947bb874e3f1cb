import { expect, test } from 'vitest'
import { hasCode, UsageError } from '../base/errors.ts'
import { compileTopologySettings } from '../config/settings.ts'
import type { TopologyConfig } from '../config/topology-config.ts'
import { Desk, type ShownError, type WorkerOwner } from './desk.ts'

function deskWith(config: TopologyConfig) {
  const shown: ShownError[] = []
  const heldBack: number[] = []
  const stops: unknown[] = []
  const owner: WorkerOwner = {
    onError: (_worker, error) => shown.push(error),
    onErrorsHeldBack: (_worker, _component, count) => heldBack.push(count),
    onDeadLetter: () => false,
    onRestartWanted: () => undefined,
    onStopWanted: (_worker, { error }) => stops.push(error),
    onSourceFinished: () => undefined,
    onSourceResumed: () => undefined,
    onBroken: () => undefined,
  }
  const time = { nowMs: 0 }
  const clock = { now: () => time.nowMs, monotonicMs: () => time.nowMs }
  return { desk: new Desk(1, compileTopologySettings(config), clock, owner), shown, heldBack, stops, time }
}

const reported = (error: unknown, task = 1) => ({ componentId: 'c', task, error })

test('what was thrown gets a code; a typed error keeps its own', () => {
  const { desk, shown } = deskWith({})
  for (const thrown of [new TypeError('a'), 'text', undefined, Object.create(null), Symbol('s')]) {
    desk.report(reported(thrown))
    expect(hasCode(shown.pop()?.error, 'EXECUTE_THREW')).toBe(true)
  }
  desk.report(reported(new UsageError('ACK_TWICE', 'twice'), 2))
  expect(shown.at(-1)?.code).toBe('ACK_TWICE')
})

test('errors of a task are shown up to a limit, counted always, and the rest is told later', () => {
  const { desk, shown, heldBack, time } = deskWith({
    maxErrorReportPerInterval: 3,
    errorThrottleInterval: '10s',
  })
  for (let n = 0; n < 20; n += 1) desk.report(reported(new TypeError('a')))
  for (let n = 0; n < 2; n += 1) desk.report(reported(new TypeError('a'), 2))
  expect(shown.length).toBe(5)
  expect(desk.errorCounts.get('EXECUTE_THREW')).toBe(22)
  time.nowMs = 10_000
  desk.report(reported(new TypeError('a')))
  expect(shown.length).toBe(6)
  expect(heldBack).toEqual([17])
})

test('more failures than allowed within the window stop the topology, once; spread out they do not', () => {
  const { desk, stops, time } = deskWith({ maxFailures: 3, maxFailuresWindow: '10s' })
  for (let n = 0; n < 20; n += 1) {
    time.nowMs += 4_000
    desk.countFailure(reported(new TypeError('a')))
  }
  expect(stops).toEqual([])
  for (let n = 0; n < 20; n += 1) desk.countFailure(reported(new TypeError('a')))
  expect(stops.length).toBe(1)
  expect(hasCode(stops[0], 'TOO_MANY_FAILURES')).toBe(true)
})
