// Timers of keys, what state counts as memory, and state that moves: over a small store of all kinds.
import { describe, expect, test } from 'vitest'
import { base, storeOf, type Views } from '../../test/fixtures/state/store-of-all.ts'
import { KeyedStore } from './keyed-store.ts'
import { MemoryAccount } from './memory-account.ts'

describe('timers', () => {
  test('come due soonest first, equal times in the order they were set', () => {
    const { call, store } = storeOf()
    const times = [50, 10, 30, 10, 20]
    for (const [i, time] of times.entries()) call(`k${i}`, (s) => s.alarm.set(time))
    expect(store.nextTimerMs).toBe(10)
    const due = store.dueTimers(30)
    expect(due.map(({ key, timeMs }) => `${key}@${timeMs}`)).toEqual(['k1@10', 'k3@10', 'k4@20', 'k2@30'])
    expect(store.nextTimerMs).toBe(50)
  })

  test('fire once, unset in their own call, and can be set again there', () => {
    const { call, store } = storeOf()
    call('k', (s) => s.alarm.set(10))
    const [due] = store.dueTimers(10)
    const fired = due && store.openFired(due)
    const views = fired?.views as unknown as Views
    expect(fired?.key).toBe('k')
    expect(views.alarm.time).toBeUndefined()
    views.alarm.set(20)
    fired?.commit()
    expect(store.dueTimers(19)).toEqual([])
    expect(store.dueTimers(20)).toHaveLength(1)
  })

  test('are due again when their call threw, and gone when it was given up', () => {
    const { call, store } = storeOf()
    call('k', (s) => s.alarm.set(10))
    const [due] = store.dueTimers(10)
    if (due) store.openFired(due)?.rollBack()
    const [again] = store.dueTimers(10)
    expect(again?.timeMs).toBe(10)
    if (again) store.openFired(again)?.commit()
    expect(store.dueTimers(10)).toEqual([])
    expect(store.keyCount).toBe(0)
  })

  test('do not fire when they were moved or cleared after they came due', () => {
    const { call, store } = storeOf()
    call('a', (s) => s.alarm.set(10))
    call('b', (s) => s.alarm.set(11))
    const [a, b] = store.dueTimers(20)
    call('a', (s) => s.alarm.set(99))
    call('b', (s) => s.alarm.clear())
    expect(a && store.openFired(a)).toBeUndefined()
    expect(b && store.openFired(b)).toBeUndefined()
    expect(store.nextTimerMs).toBe(99)
  })

  test('go by the watermark or by the clock, not by both', () => {
    const { call, store } = storeOf()
    call('k', (s) => {
      s.alarm.set(10)
      s.close.set(10)
    })
    expect(store.advanceWatermark(9)).toEqual([])
    expect(store.advanceWatermark(10).map(({ name }) => name)).toEqual(['close'])
    expect(store.dueTimers(10).map(({ name }) => name)).toEqual(['alarm'])
  })

  test('of event time are refused without event time', () => {
    const spec = { ...base, kind: 'timer', time: 'event-time' } as const
    const store = new KeyedStore({ close: spec }, { nowMs: () => 0, hasEventTime: false })
    const views = store.open('k').views as unknown as Views
    expect(() => views.close.set(1)).toThrow(expect.objectContaining({ code: 'TIMER_IN_WRONG_TIME' }))
  })

  test('stay in order under random setting, moving and clearing', () => {
    const { call, store } = storeOf()
    const model = new Map<string, number>()
    let seed = 3
    for (let i = 0; i < 2_000; i++) {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
      const key = `k${seed % 97}`
      const time = Math.floor(seed / 97) % 1_000
      if (time % 5 === 0) {
        call(key, (s) => s.alarm.clear())
        model.delete(key)
      } else {
        call(key, (s) => s.alarm.set(time))
        model.set(key, time)
      }
    }
    const due = store.dueTimers(1_000, 10_000)
    expect(due.map(({ timeMs }) => timeMs)).toEqual([...model.values()].sort((a, b) => a - b))
    expect(new Map(due.map(({ key, timeMs }) => [key, timeMs]))).toEqual(model)
  })
})

describe('memory', () => {
  test('is booked on commit and given back in full', () => {
    const account = new MemoryAccount(1_000_000)
    const { call, store } = storeOf({ last: { countMax: 3, onFull: 'drop-oldest' } }, account)
    call(['a', 1], (s) => {
      s.count.set({ text: 'x'.repeat(1_000), parts: [1, 2, 3] })
      s.byDay.set('mon', 'y'.repeat(500))
      for (let i = 0; i < 9; i++) s.last.add(`element ${i}`)
      s.alarm.set(5)
    })
    expect(account.usedBytes).toBeGreaterThan(1_500)
    call(['a', 1], (s) => {
      s.byDay.set('mon', 'short')
      s.last.add('one more')
    })
    call(['a', 1], (s) => {
      s.count.clear()
      s.byDay.clear()
      s.last.clear()
      s.alarm.clear()
    })
    expect(store.keyCount).toBe(0)
    expect(account.usedBytes).toBe(0)
  })

  test('that is full refuses more, keeps what is there and lets it shrink', () => {
    const account = new MemoryAccount(2_000)
    const { call } = storeOf({}, account)
    call('k', (s) => s.count.set('x'.repeat(1_000)))
    const tooMuch = () => call('k', (s) => s.last.add('y'.repeat(2_000)))
    expect(tooMuch).toThrow(expect.objectContaining({ code: 'STATE_MEMORY_FULL' }))
    expect(call('k', (s) => [String(s.count.get()).length, s.last.length])).toEqual([1_000, 0])
    call('k', (s) => s.count.set('short'))
    call('k', (s) => s.last.add('z'.repeat(500)))
  })
})

describe('moving state', () => {
  test('entries loaded elsewhere are the same state, timers included', () => {
    const { call, store } = storeOf({ count: { ttlMs: 1_000 } })
    call(['a', 1n], (s) => {
      s.count.set({ n: 1 })
      s.byDay.set(['x', 2], new Date(0))
      s.last.set([1, 'two'])
      s.alarm.set(7)
      s.close.set(8)
    })
    call('b', (s) => s.count.set(2))
    const other = storeOf({ count: { ttlMs: 1_000 } })
    for (const entry of store.entries()) other.store.load(entry)
    expect([...other.store.entries()]).toEqual([...store.entries()])
    expect(other.store.dueTimers(7)).toHaveLength(1)
    expect(other.store.advanceWatermark(8)).toHaveLength(1)
  })

  test('take removes what goes, with its timers and its memory', () => {
    const account = new MemoryAccount(1_000_000)
    const { call, store } = storeOf({}, account)
    for (const key of ['a', 'b', 'c']) {
      call(key, (s) => {
        s.count.set(key)
        s.alarm.set(5)
      })
    }
    const taken = store.take((key) => key !== 'b')
    expect(taken.map(({ key }) => key)).toEqual(['a', 'c'])
    expect(store.keyCount).toBe(1)
    expect(store.timerCount).toBe(1)
    store.clear()
    expect(account.usedBytes).toBe(0)
  })

  test('older versions are migrated at the first reading', () => {
    const { call, store } = storeOf()
    call('k', (s) => {
      s.count.set('5')
      s.byDay.set('a', '1')
      s.last.add('2')
    })
    const calls: unknown[] = []
    const today = {
      version: 2,
      migrate: (old: unknown, from: number) => {
        calls.push([old, from])
        return Number(old)
      },
    }
    const next = storeOf({ count: today, byDay: today, last: today })
    for (const entry of store.entries()) next.store.load(entry)
    expect(calls).toEqual([])
    for (let i = 0; i < 2; i++) {
      next.call('k', (s) => expect([s.count.get(), s.byDay.get('a'), s.last.get()]).toEqual([5, 1, [2]]))
    }
    expect(calls).toEqual([
      ['5', 1],
      ['1', 1],
      ['2', 1],
    ])
  })

  test('what does not fit is refused by code, and the key stays as it was', () => {
    const { store } = storeOf()
    const refused = (parts: Parameters<typeof store.load>[0]['parts'], code: string, on = store) =>
      expect(() => on.load({ key: 'k', parts })).toThrow(expect.objectContaining({ code }))
    refused([{ kind: 'value', name: 'gone', version: 1, value: 1, usedMs: 0 }], 'STATE_DROPPED')
    refused([{ kind: 'value', name: 'count', version: 2, value: 1, usedMs: 0 }], 'STATE_VERSION_NEWER')
    refused([{ kind: 'timer', name: 'count', timeMs: 1 }], 'STATE_MIGRATION_MISSING')
    const newer = storeOf({ count: { version: 3 } }).store
    refused(
      [{ kind: 'value', name: 'count', version: 2, value: 1, usedMs: 0 }],
      'STATE_MIGRATION_MISSING',
      newer,
    )
    const strict = { '~standard': { validate: () => ({ issues: [{ message: 'not so' }] }) } }
    const checking = storeOf({ count: { schema: strict } }).store
    refused(
      [{ kind: 'value', name: 'count', version: 1, value: 1, usedMs: 0 }],
      'STATE_MIGRATION_FAILED',
      checking,
    )
    expect(store.keyCount).toBe(0)
  })
})
