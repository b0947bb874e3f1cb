// Goal: every state with every combination of what can be seen; each wait ends, and no step is asked for
// twice.
import { expect, test } from 'vitest'
import { type LifeSeen, type LifeStep, stepTopology } from './topology-life.ts'

const bools = [false, true]

function* everything(): Generator<LifeSeen> {
  for (const phase of ['active', 'inactive', 'rebalancing', 'killed'] as const)
    for (const run of [undefined, 'active', 'inactive', 'drain'] as const)
      for (const leftMs of [undefined, -5, 40])
        for (let bits = 0; bits < 128; bits += 1) {
          const bit = (index: number): boolean => bools[(bits >> index) & 1] ?? false
          yield {
            phase,
            leftMs,
            run,
            isQuarantined: bit(0),
            hasOutline: bit(1),
            isQuiet: bit(2),
            hasWanted: bit(3),
            isSettled: bit(4),
            isGone: bit(5),
            isFailing: bit(6),
          }
        }
}

function stepsWhere(is: (seen: LifeSeen) => boolean): LifeStep[] {
  return [...new Set([...everything()].filter(is).map(stepTopology))].sort()
}

test('only a killed topology is unassigned or removed, and a killed one is never placed', () => {
  expect(stepsWhere(({ phase }) => phase === 'killed')).toEqual(['drain', 'leave', 'remove', 'unassign'])
  expect(stepsWhere(({ phase }) => phase === 'active')).toEqual(['assign', 'fail', 'leave'])
  expect(stepsWhere(({ phase }) => phase === 'inactive')).toEqual(['assign', 'leave'])
  expect(stepsWhere(({ phase }) => phase === 'rebalancing')).toEqual([
    'drain',
    'fail',
    'leave',
    'move',
    'resume',
    'wait',
  ])
})

test('what is damaged is left alone until somebody kills it', () => {
  expect(
    stepsWhere(({ phase, isQuarantined, isFailing }) => phase !== 'killed' && isQuarantined && !isFailing),
  ).toEqual(['leave'])
  expect(
    stepsWhere(({ phase, hasOutline, isFailing }) => phase !== 'killed' && !hasOutline && !isFailing),
  ).toEqual(['leave'])
})

test('T2: past its deadline nothing waits', () => {
  const late = (seen: LifeSeen): boolean =>
    (seen.leftMs ?? 0) <= 0 && seen.hasOutline && !seen.isQuarantined && !seen.isFailing
  expect(stepsWhere((seen) => late(seen) && seen.phase === 'rebalancing')).toEqual(['move', 'resume'])
  expect(stepsWhere((seen) => late(seen) && seen.phase === 'killed' && seen.run !== undefined)).toEqual([
    'unassign',
  ])
})

test('T1, T3: before its deadline it is told to drain once, and unassigned when it is quiet', () => {
  const early = (seen: LifeSeen): boolean => seen.phase === 'killed' && seen.leftMs === 40
  expect(stepsWhere((seen) => early(seen) && seen.run === 'active')).toEqual(['drain'])
  expect(stepsWhere((seen) => early(seen) && seen.run === 'drain' && !seen.isQuiet)).toEqual(['leave'])
  expect(stepsWhere((seen) => early(seen) && seen.run === 'drain' && seen.isQuiet)).toEqual(['unassign'])
  expect(stepsWhere((seen) => early(seen) && seen.run === undefined && !seen.isGone)).toEqual(['leave'])
  expect(stepsWhere((seen) => early(seen) && seen.run === undefined && seen.isGone)).toEqual(['remove'])
})

test('a rebalance drains, moves, settles and resumes, in this order', () => {
  const at = (seen: Partial<LifeSeen>): LifeStep =>
    stepTopology({
      phase: 'rebalancing',
      leftMs: 40,
      isQuarantined: false,
      hasOutline: true,
      run: 'active',
      isQuiet: false,
      hasWanted: true,
      isSettled: false,
      isGone: false,
      isFailing: false,
      ...seen,
    })
  expect(at({})).toBe('drain')
  expect(at({ run: 'drain' })).toBe('wait')
  expect(at({ run: 'drain', isQuiet: true })).toBe('move')
  expect(at({ run: 'drain', hasWanted: false })).toBe('wait')
  expect(at({ run: 'drain', hasWanted: false, isSettled: true })).toBe('resume')
  expect(at({ run: undefined })).toBe('move')
})
