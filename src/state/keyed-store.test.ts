import { describe, expect, test } from 'vitest'
import { KeyedStore } from './keyed-store.ts'
import type { ListView } from './list-view.ts'
import type { MapView } from './map-view.ts'
import { MemoryAccount } from './memory-account.ts'
import type { StateSpec } from './state-spec.ts'
import type { TimerView } from './timer-view.ts'
import type { ValueView } from './value-view.ts'

const base: StateSpec = {
  kind: 'value',
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

interface Views {
  readonly count: ValueView
  readonly byDay: MapView
  readonly last: ListView
  readonly alarm: TimerView
  readonly close: TimerView
}

function storeOf(change: Partial<Record<keyof Views, Partial<StateSpec>>> = {}, account?: MemoryAccount) {
  const clock = { nowMs: 1_000 }
  const specs: Record<keyof Views, StateSpec> = {
    count: { ...base, ...change.count },
    byDay: { ...base, kind: 'map', ...change.byDay },
    last: { ...base, kind: 'list', ...change.last },
    alarm: { ...base, kind: 'timer', time: 'processing-time', ...change.alarm },
    close: { ...base, kind: 'timer', time: 'event-time', ...change.close },
  }
  const store = new KeyedStore(specs, { nowMs: () => clock.nowMs, ...(account && { account }) })
  const call = <T>(key: unknown, run: (views: Views) => T): T => {
    const open = store.open(key)
    try {
      const result = run(open.views as unknown as Views)
      open.commit()
      return result
    } catch (error) {
      if (isOpenStill(error)) open.rollBack()
      throw error
    }
  }
  return { store, clock, call }
}

/** Commit itself ends the call when it throws. */
function isOpenStill(error: unknown): boolean {
  return !(error instanceof Error && 'code' in error && error.code === 'STATE_MEMORY_FULL')
}

describe('keys', () => {
  test('are compared by value and never meet across kinds', () => {
    const { call, store } = storeOf()
    const keys = ['1', 1, 1n, true, 'true', ['1'], [1], ['a', 'b'], ['a,b'], '\u0000[s1:1', '', [], ['', '']]
    for (const [i, key] of keys.entries()) call(key, ({ count }) => count.set(i + 1))
    expect(store.keyCount).toBe(keys.length)
    for (const [i, key] of keys.entries()) expect(call(key, ({ count }) => count.get())).toBe(i + 1)
    call(['a', 'b'], ({ count }) => count.set('again'))
    expect(call(['a', 'b'], ({ count }) => count.get())).toBe('again')
    expect(store.keyCount).toBe(keys.length)
  })

  test('what is no key is refused', () => {
    const { store } = storeOf()
    for (const key of [undefined, null, {}, [['nested']], Symbol('s')]) {
      expect(() => store.open(key)).toThrow(expect.objectContaining({ code: 'STATE_NOT_ENCODABLE' }))
    }
  })
})

describe('a call', () => {
  test('sees its own writes, others see them only after commit', () => {
    const { store } = storeOf()
    const first = store.open('k')
    const views = first.views as unknown as Views
    views.count.set(1)
    views.byDay.set('mon', 1)
    views.last.add('x')
    views.alarm.set(5)
    expect([views.count.get(), views.byDay.get('mon'), views.last.get(), views.alarm.time]).toEqual([
      1,
      1,
      ['x'],
      5,
    ])
    expect([...store.entries()]).toEqual([])
    first.commit()
    expect(store.keyCount).toBe(1)
    expect(store.timerCount).toBe(1)
  })

  test('that threw has written nothing', () => {
    const { call, store } = storeOf()
    call('k', (s) => {
      s.count.set(1)
      s.byDay.set('a', 1)
      s.last.set([1, 2])
      s.alarm.set(50)
    })
    const before = [...store.entries()]
    const failing = () =>
      call('k', (s) => {
        s.count.clear()
        s.byDay.clear()
        s.byDay.set('b', 2)
        s.last.add(3)
        s.alarm.clear()
        throw new Error('no')
      })
    expect(failing).toThrow('no')
    expect([...store.entries()]).toEqual(before)
    expect(store.nextTimerMs).toBe(50)
  })

  test('cannot be used after its end', () => {
    const { store } = storeOf()
    const open = store.open('k')
    const views = open.views as unknown as Views
    open.commit()
    const closed = expect.objectContaining({ code: 'STATE_OUTSIDE_CALL' })
    for (const use of [
      () => views.count.get(),
      () => views.count.set(1),
      () => views.byDay.get('a'),
      () => views.byDay.set('a', 1),
      () => [...views.byDay.entries()],
      () => views.byDay.size,
      () => views.last.get(),
      () => views.last.add(1),
      () => views.alarm.time,
      () => views.alarm.set(1),
    ]) {
      expect(use).toThrow(closed)
    }
    expect(() => open.commit()).toThrow('ends once')
  })

  test('of several keys may overlap, each with views of its own', () => {
    const { store, call } = storeOf()
    const a = store.open('a')
    const b = store.open('b')
    expect(a.views).not.toBe(b.views)
    ;(a.views as unknown as Views).count.set('of a')
    ;(b.views as unknown as Views).count.set('of b')
    b.commit()
    a.commit()
    expect(call('a', (s) => s.count.get())).toBe('of a')
    expect(call('b', (s) => s.count.get())).toBe('of b')
  })

  test('reuses its views when calls do not overlap', () => {
    const { store } = storeOf()
    const first = store.open('a')
    first.commit()
    expect(store.open('b')).toBe(first)
  })
})

describe('value, map and list', () => {
  test('a value has its initial, made afresh, and undefined clears', () => {
    const { call, store } = storeOf({ count: { initial: () => [] } })
    const first = call('k', (s) => s.count.get())
    expect(first).toEqual([])
    expect(call('k', (s) => s.count.get())).not.toBe(first)
    call('k', (s) => s.count.set(7))
    call('k', (s) => s.count.set(undefined))
    expect(call('k', (s) => s.count.get())).toEqual([])
    expect(store.keyCount).toBe(0)
  })

  test('a map lays writes over what is stored', () => {
    const { call } = storeOf()
    call('k', ({ byDay }) => {
      byDay.set('a', 1)
      byDay.set('b', 2)
    })
    call('k', ({ byDay }) => {
      byDay.delete('a')
      byDay.set('c', 3)
      byDay.set('b', 20)
      expect(byDay.has('a')).toBe(false)
      expect(byDay.size).toBe(2)
      expect(new Map(byDay.entries())).toEqual(
        new Map([
          ['b', 20],
          ['c', 3],
        ]),
      )
      byDay.set('a', 5)
      expect(byDay.size).toBe(3)
      byDay.clear()
      expect(byDay.size).toBe(0)
      byDay.set('z', 1)
      expect([...byDay.entries()]).toEqual([['z', 1]])
    })
    call('k', ({ byDay }) => expect([...byDay.entries()]).toEqual([['z', 1]]))
  })

  test('a random sequence of map writes gives what a Map gives', () => {
    const { call } = storeOf()
    const model = new Map<string, number>()
    let seed = 7
    const next = (below: number) => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
      return Math.floor((seed / 2_147_483_648) * below)
    }
    for (let round = 0; round < 500; round++) {
      const trial = new Map(model)
      const throws = next(4) === 0
      try {
        call('k', ({ byDay }) => {
          for (let i = 0; i < 5; i++) {
            const key = `k${next(6)}`
            const what = next(20)
            if (what === 0) {
              byDay.clear()
              trial.clear()
            } else if (what < 8) {
              byDay.delete(key)
              trial.delete(key)
            } else {
              byDay.set(key, round)
              trial.set(key, round)
            }
            expect(byDay.size).toBe(trial.size)
            expect(new Map(byDay.entries())).toEqual(trial)
          }
          if (throws) throw new Error('rolled back')
        })
        model.clear()
        for (const [key, value] of trial) model.set(key, value)
      } catch (error) {
        expect(error).toHaveProperty('message', 'rolled back')
      }
    }
    call('k', ({ byDay }) => expect(new Map(byDay.entries())).toEqual(model))
  })

  test('a full map or list refuses, or drops the oldest', () => {
    const { call } = storeOf({ byDay: { countMax: 2 }, last: { countMax: 2 } })
    const full = expect.objectContaining({ code: 'STATE_KEY_FULL' })
    call('k', (s) => {
      s.byDay.set('a', 1)
      s.byDay.set('b', 1)
      s.byDay.set('b', 2)
      expect(() => s.byDay.set('c', 1)).toThrow(full)
      s.last.set([1, 2])
      expect(() => s.last.add(3)).toThrow(full)
      expect(() => s.last.set([1, 2, 3])).toThrow(full)
    })
    const dropping = storeOf({ last: { countMax: 3, onFull: 'drop-oldest' } })
    dropping.call('k', ({ last }) => {
      for (const value of [1, 2, 3, 4]) last.add(value)
    })
    dropping.call('k', ({ last }) => {
      last.add(5)
      last.add(6)
      expect(last.get()).toEqual([4, 5, 6])
      expect(last.length).toBe(3)
    })
    dropping.call('k', ({ last }) => expect(last.get()).toEqual([4, 5, 6]))
    dropping.call('k', ({ last }) => last.set([1, 2, 3, 4, 5]))
    dropping.call('k', ({ last }) => expect(last.get()).toEqual([3, 4, 5]))
  })

  test('a list that was handed out never changes', () => {
    const { call } = storeOf()
    call('k', ({ last }) => last.set([1]))
    const seen = call('k', ({ last }) => last.get())
    call('k', ({ last }) => last.add(2))
    expect(seen).toEqual([1])
    call('k', ({ last }) => expect(last.get()).toEqual([1, 2]))
  })
})

describe('ttl', () => {
  test('forgets values, entries and elements after their last write', () => {
    const ttl = { ttlMs: 100 }
    const { call, clock, store } = storeOf({ count: ttl, byDay: ttl, last: ttl })
    call('k', (s) => {
      s.count.set(1)
      s.byDay.set('old', 1)
      s.last.add('old')
    })
    clock.nowMs += 60
    call('k', (s) => {
      s.byDay.set('new', 2)
      s.last.add('new')
    })
    clock.nowMs += 40
    call('k', (s) => {
      expect(s.count.get()).toBeUndefined()
      expect([...s.byDay.entries()]).toEqual([['new', 2]])
      expect(s.byDay.size).toBe(1)
      expect(s.last.get()).toEqual(['new'])
      expect(s.last.length).toBe(1)
    })
    expect(store.sweep(10)).toBe(3)
    clock.nowMs += 100
    expect(store.sweep(10)).toBe(2)
    expect(store.sweep(10)).toBe(0)
    expect(store.keyCount).toBe(0)
  })

  test('counts reading as use where asked to', () => {
    const ttl = { ttlMs: 100, ttlFrom: 'read' } as const
    const { call, clock } = storeOf({ count: ttl, byDay: ttl, last: ttl })
    call('k', (s) => {
      s.count.set(1)
      s.byDay.set('a', 1)
      s.last.add('a')
    })
    for (let i = 0; i < 5; i++) {
      clock.nowMs += 60
      call('k', (s) => expect([s.count.get(), s.byDay.get('a'), s.last.get()]).toEqual([1, 1, ['a']]))
    }
  })

  test('a sweep leaves alone what a call holds', () => {
    const { call, clock, store } = storeOf({ count: { ttlMs: 100 } })
    call('k', (s) => s.count.set(1))
    clock.nowMs += 200
    const open = store.open('k')
    expect(store.sweep(10)).toBe(0)
    ;(open.views as unknown as Views).count.set(2)
    open.commit()
    expect(call('k', (s) => s.count.get())).toBe(2)
  })
})

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
