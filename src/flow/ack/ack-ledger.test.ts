/** The ledger under every order of its messages, over all tuple trees of up to four tuples. */
import { describe, expect, test } from 'vitest'
import type { FailReason } from '../../topology/tuple.ts'
import { AckLedger } from './ack-ledger.ts'
import { type RootOwner, TreeRoot } from './tree-root.ts'

const ROOT = { low: 7, high: 9 }

class Spout implements RootOwner {
  readonly verdicts: string[] = []
  resetCount = 0

  onTreeDone(): void {
    this.verdicts.push('done')
  }

  onTreeFailed(_root: TreeRoot, reason: FailReason): void {
    this.verdicts.push(reason)
  }

  onTreeReset(): void {
    this.resetCount += 1
  }
}

type Message = (ledger: AckLedger, spout: Spout) => void

interface Edge {
  readonly low: number
  readonly high: number
}

const edges: readonly Edge[] = [
  { low: 1, high: 0 },
  { low: 3, high: -8 },
  { low: -2_147_483_648, high: 5 },
  { low: 0, high: 1 },
]

/** All trees of `count` tuples: the parent of each, −1 for what the spout emits. */
function trees(count: number): number[][] {
  let found: number[][] = [[-1]]
  for (let n = 1; n < count; n += 1) {
    found = found.flatMap((tree) => Array.from({ length: n + 1 }, (_, parent) => [...tree, parent - 1]))
  }
  return found
}

function xor(list: readonly Edge[]): Edge {
  return list.reduce((sum, edge) => ({ low: sum.low ^ edge.low, high: sum.high ^ edge.high }), {
    low: 0,
    high: 0,
  })
}

function childrenOf(tree: readonly number[], parent: number): Edge[] {
  return edges.filter((_, n) => n < tree.length && tree[n] === parent)
}

function init(tree: readonly number[]): Message {
  const sum = xor(childrenOf(tree, -1))
  return (ledger, spout) => ledger.registerRemote(ROOT.low, ROOT.high, sum.low, sum.high, spout)
}

function ack(tree: readonly number[], n: number): Message {
  const sum = xor([edges[n] ?? { low: 0, high: 0 }, ...childrenOf(tree, n)])
  return (ledger) => ledger.mix(ledger.find(ROOT.low, ROOT.high), sum.low, sum.high)
}

const fail: Message = (ledger) => ledger.fail(ledger.find(ROOT.low, ROOT.high), 'explicit', 'bolt', 'no')
const reset: Message = (ledger) => ledger.reset(ledger.find(ROOT.low, ROOT.high))
const rotate: Message = (ledger) => {
  ledger.rotate()
}

function messagesOf(tree: readonly number[]): Message[] {
  return [init(tree), ...tree.map((_, n) => ack(tree, n))]
}

function orders<T>(list: readonly T[]): T[][] {
  if (list.length < 2) return [[...list]]
  return list.flatMap((first, i) => orders(list.filter((_, n) => n !== i)).map((rest) => [first, ...rest]))
}

function play(order: readonly Message[]): { readonly spout: Spout; readonly ledger: AckLedger } {
  const ledger = new AckLedger(1)
  const spout = new Spout()
  for (const message of order) message(ledger, spout)
  return { spout, ledger }
}

describe('a tree is done exactly when all of it was acked', () => {
  test.each([1, 2, 3, 4])('in every order of its messages, for all trees of %i tuples', (count) => {
    for (const tree of trees(count)) {
      for (const order of orders(messagesOf(tree))) {
        const { spout, ledger } = play(order)
        expect(spout.verdicts).toEqual(['done'])
        expect(ledger.indexedCount).toBe(0)
        for (let n = 1; n < order.length; n += 1) expect(play(order.slice(0, n)).spout.verdicts).toEqual([])
      }
    }
  })

  test('never with a message dropped, in any order', () => {
    for (const count of [1, 2, 3, 4]) {
      for (const tree of trees(count)) {
        const all = messagesOf(tree)
        for (let gone = 0; gone < all.length; gone += 1) {
          for (const order of orders(all.filter((_, n) => n !== gone))) {
            expect(play(order).spout.verdicts).toEqual([])
          }
        }
      }
    }
  })

  test('never early with up to three acks that come twice, in any order', () => {
    for (const tree of trees(3)) {
      const all = messagesOf(tree)
      const acks = all.slice(1)
      for (let chosen = 1; chosen < 8; chosen += 1) {
        const twice = acks.filter((_, n) => (chosen & (1 << n)) !== 0)
        for (const order of orders([...all, ...twice])) {
          const { spout } = play(order)
          expect(spout.verdicts.length).toBeLessThan(2)
          if (spout.verdicts.length === 0) continue
          // Done: then every ack had come by that time.
          const at = order.findIndex((_, n) => play(order.slice(0, n + 1)).spout.verdicts.length > 0)
          expect(new Set(order.slice(0, at + 1)).size).toBe(all.length)
        }
      }
    }
  }, 60_000)
})

describe('a tree that failed', () => {
  test('has one verdict, whatever comes before and after it', () => {
    for (const tree of trees(3)) {
      for (const order of orders([...messagesOf(tree), fail])) {
        const { spout } = play(order)
        expect(spout.verdicts.length).toBe(1)
        // Failed, unless everything was acked before.
        expect(spout.verdicts[0]).toBe(order.at(-1) === fail ? 'done' : 'explicit')
      }
    }
  })

  test('tells its spout when it registers, if the fail overtook the registration', () => {
    const tree = [-1]
    const { spout, ledger } = play([fail, fail, init(tree)])
    expect(spout.verdicts).toEqual(['explicit'])
    expect(ledger).toMatchObject({ openedCount: 1, failedCount: 1, ackedCount: 0, indexedCount: 0 })
  })
})

describe('time', () => {
  test('an entry lives for two to three rotations, with its acks', () => {
    const tree = [-1]
    expect(play([init(tree), rotate, rotate, ack(tree, 0)]).spout.verdicts).toEqual(['done'])
    const late = play([init(tree), rotate, rotate, rotate, ack(tree, 0)])
    expect(late.spout.verdicts).toEqual([])
    expect(late.ledger.indexedCount).toBe(1)
  })

  test('a reset gives an entry its full life again and tells the spout', () => {
    const tree = [-1]
    const { spout } = play([init(tree), rotate, rotate, reset, rotate, rotate, ack(tree, 0)])
    expect(spout).toMatchObject({ verdicts: ['done'], resetCount: 1 })
  })

  test('what is never registered falls out', () => {
    const { ledger } = play([ack([-1], 0), fail, rotate, rotate])
    expect(ledger.indexedCount).toBe(1)
    expect(ledger.rotate()).toBe(1)
    expect(ledger.indexedCount).toBe(0)
  })
})

test('a root that is forgotten gets no verdict', () => {
  const ledger = new AckLedger(1)
  const spout = new Spout()
  const root = new TreeRoot(1, 2, 1, true, spout)
  ledger.register(root, 5, 5)
  ledger.index(root)
  ledger.forget(root)
  ledger.mix(root, 5, 5)
  ledger.fail(root, 'timeout', undefined, undefined)
  expect(spout.verdicts).toEqual([])
  expect(ledger.indexedCount).toBe(0)
})
