import { describe, expect, test } from 'vitest'
import { storeOf, type Views } from '../../test/fixtures/state/store-of-all.ts'

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
