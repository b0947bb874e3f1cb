import { expect, test } from 'vitest'
import { MemoryAccount } from './memory-account.ts'
import type { StateSpec } from './state-spec.ts'
import { TaskStates } from './task-state.ts'

const spec: StateSpec = {
  kind: 'keyValue',
  version: 1,
  migrate: undefined,
  schema: undefined,
  ttlMs: undefined,
  ttlFrom: 'write',
  initial: undefined,
  countMax: undefined,
  onFull: 'refuse',
  time: undefined,
}

function statesOf(change: Partial<StateSpec> = {}) {
  const clock = { nowMs: 0 }
  const account = new MemoryAccount(10_000)
  const states = new TaskStates({ seen: { ...spec, ...change } }, { nowMs: () => clock.nowMs, account })
  const seen = states.views['seen']
  if (seen === undefined) throw new Error('declared above')
  return { states, seen, clock, account }
}

test('puts, gets, deletes and counts by the value of the key', () => {
  const { seen, account } = statesOf()
  seen.put(['a', 1], 'x')
  seen.put(['a', 1], 'y')
  expect(seen.get(['a', 1])).toBe('y')
  expect(seen.get('b', 'otherwise')).toBe('otherwise')
  expect([...seen.entries()]).toEqual([[['a', 1], 'y']])
  expect(seen.size).toBe(1)
  seen.delete(['a', 1])
  expect(seen.size).toBe(0)
  expect(account.usedBytes).toBe(0)
})

test('forgets after the ttl, and gives the memory back', () => {
  const { seen, clock, account, states } = statesOf({ ttlMs: 10 })
  seen.put('a', 1)
  clock.nowMs = 9
  expect(seen.get('a')).toBe(1)
  clock.nowMs = 10
  expect(seen.size).toBe(0)
  expect(states.sweep()).toBe(0)
  expect(account.usedBytes).toBe(0)
})

test('is refused beyond the memory of the worker', () => {
  const { seen } = statesOf()
  expect(() => seen.put('a', 'x'.repeat(20_000))).toThrow(
    expect.objectContaining({ code: 'STATE_MEMORY_FULL' }),
  )
  expect(seen.size).toBe(0)
})

test('is the same after export and import, migrated where it is older', () => {
  const { seen, states } = statesOf()
  seen.put('a', '1')
  const next = statesOf({ version: 2, migrate: (old) => Number(old) })
  next.states.import(states.export())
  expect(next.seen.get('a')).toBe(1)
  const other = new TaskStates({}, { nowMs: () => 0, account: new MemoryAccount(1) })
  expect(() => other.import(states.export())).toThrow(expect.objectContaining({ code: 'STATE_DROPPED' }))
})
