// Goal: both sides of a channel agree on its bytes, whatever news is lost, late, or past the 32-bit wrap.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Gate } from '../flow/transfer/gate.ts'
import { CreditGate } from './credit-gate.ts'
import { ReceivingChannel } from './receiving-channel.ts'

class TestGate extends Gate {
  isOpenNow = false
  isOpen(): boolean {
    return this.isOpenNow
  }
  release(): void {
    this.isOpenNow = true
    this.open()
  }
}

function opens(gate: Gate): { count: number } {
  const seen = { count: 0 }
  gate.addWaiter({
    onGateOpened: () => {
      seen.count += 1
    },
  })
  return seen
}

describe('CreditGate', () => {
  test('closes when the credit is used up and opens when half of it is back', () => {
    const gate = new CreditGate(1, 100)
    expect(gate.spend(99)).toBe(true)
    expect(gate.spend(50)).toBe(false)
    expect([gate.isOpen(), gate.usedBytes, gate.load]).toEqual([false, 149, 1.49])
    const seen = opens(gate)
    gate.grant(98)
    expect([gate.isOpen(), seen.count]).toEqual([false, 0])
    gate.grant(99)
    expect([gate.isOpen(), seen.count, gate.usedBytes]).toEqual([true, 1, 50])
    expect(gate.spend(1)).toBe(true)
  })

  test('does not believe old news, nor grants of what was never sent', () => {
    const gate = new CreditGate(1, 100)
    gate.spend(60)
    gate.grant(40)
    gate.grant(20)
    gate.grant(61)
    expect(gate.usedBytes).toBe(20)
  })

  test('begins anew for a new receiver', () => {
    const gate = new CreditGate(1, 100)
    gate.spend(200)
    const seen = opens(gate)
    gate.restart()
    expect([gate.isOpen(), gate.usedBytes, gate.sentBytes, seen.count]).toEqual([true, 0, 0, 1])
  })

  test('agrees with its receiver past 2^32 bytes', () => {
    const gate = new CreditGate(1, 2 ** 29)
    const channel = new ReceivingChannel(1, () => undefined)
    for (let n = 0; n < 40; n += 1) {
      expect(gate.spend(2 ** 28 - 1)).toBe(true)
      channel.take(2 ** 28 - 1, undefined)
      gate.grant(channel.grantedBytes)
      expect(gate.usedBytes).toBe(0)
    }
  })
})

describe('ReceivingChannel', () => {
  test('grants nothing while the inbox is full, and all of it when it opens', () => {
    const rooms: number[] = []
    const channel = new ReceivingChannel(7, (each) => rooms.push(each.grantedBytes))
    const gate = new TestGate()
    expect(channel.take(10, undefined)).toBe(true)
    expect(channel.take(10, gate)).toBe(false)
    expect(channel.take(10, gate)).toBe(false)
    expect(channel.correct(100)).toBe(false)
    expect(channel.grantedBytes).toBe(10)
    gate.release()
    expect(rooms).toEqual([100])
    expect(channel.take(10, undefined)).toBe(true)
    expect(channel.grantedBytes).toBe(110)
  })
})

test('used credit is never negative and comes back whole, in any order of news', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('send' as const), size: fc.integer({ min: 1, max: 50 }) }),
    fc.record({
      kind: fc.constantFrom('arrive' as const, 'lose' as const, 'news' as const),
      size: fc.nat(3),
    }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const gate = new CreditGate(1, 100)
      const channel = new ReceivingChannel(1, () => undefined)
      const underWay: number[] = []
      const news: number[] = [0]
      for (const { kind, size } of steps) {
        if (kind === 'send') {
          if (!gate.isOpen()) continue
          gate.spend(size)
          underWay.push(size)
        } else if (kind === 'arrive') {
          channel.take(underWay.shift() ?? 0, undefined)
          news.push(channel.grantedBytes)
        } else if (kind === 'lose') {
          // All that is under way; the totals follow, as after a reconnect.
          underWay.length = 0
          channel.correct(gate.sentBytes)
          news.push(channel.grantedBytes)
        } else {
          gate.grant(news[news.length - 1 - Math.min(size, news.length - 1)] ?? 0)
        }
        if (gate.usedBytes < 0 || gate.usedBytes >= 150) return false
      }
      channel.correct(gate.sentBytes)
      gate.grant(channel.grantedBytes)
      return gate.usedBytes === 0 && gate.isOpen()
    }),
    { numRuns: 500 },
  )
})
