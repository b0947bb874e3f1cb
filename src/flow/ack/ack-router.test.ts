/** A worker whose acker is elsewhere: what the acker hears adds up, in whatever turn it leaves. */
import { expect, test } from 'vitest'
import { SeededRandom } from '../../base/random.ts'
import type { EngineTuple } from '../executor/tuple.ts'
import { AckKind, type AckMessage, type Link } from '../transfer/link.ts'
import { AckRouter } from './ack-router.ts'
import { EdgeIds } from './edge-ids.ts'
import type { RootOwner, TreeRoot } from './tree-root.ts'

const ACKER = 9
const SPOUT = 2

class Wire implements Link {
  readonly busyShare = undefined
  readonly sent: Array<readonly [number, number, number]> = []

  send(): undefined {
    return undefined
  }

  sendEdges(
    kind: number,
    _task: number,
    _low: number,
    _high: number,
    edges: { low: number; high: number },
  ): void {
    this.sent.push([kind, edges.low, edges.high])
  }

  sendMessage({ kind, low, high }: AckMessage): void {
    this.sent.push([kind, low, high])
  }

  loadOf(): number {
    return 0
  }

  flush(): void {
    // Nothing is batched here.
  }
}

function worker() {
  const wire = new Wire()
  const verdicts: string[] = []
  const owner: RootOwner = {
    onTreeDone: () => verdicts.push('done'),
    onTreeFailed: (_root, reason) => verdicts.push(reason),
    onTreeReset: () => verdicts.push('reset'),
  }
  const router = new AckRouter({ here: [], all: [ACKER] }, new EdgeIds(new SeededRandom(1)), {
    linkOf: () => wire,
  })
  return { wire, verdicts, router, root: router.newRoot(owner) }
}

/** The router looks at the edges of a tuple, no more. */
function tuple(root: TreeRoot, edge: number, child: number): EngineTuple {
  const edges = { edgeLow: edge, edgeHigh: edge, childLow: child, childHigh: child }
  return { root, more: undefined, ...edges } as unknown as EngineTuple
}

function message(kind: number, root: TreeRoot): AckMessage {
  const { idLow, idHigh } = root
  return {
    kind,
    task: SPOUT,
    idLow,
    idHigh,
    low: 0,
    high: 0,
    spoutTask: SPOUT,
    reason: 'explicit',
    component: undefined,
    message: undefined,
  }
}

test('a bolt called within the emit: what it mixed in is part of the registration, and is sent once', () => {
  const { wire, router, root } = worker()
  // Its own tuple has no id, as it was answered within the call; a child of it stands in an inbox.
  router.ack(tuple(root, 0, 77))
  router.register(root, 0, 0, SPOUT)
  router.flush()
  expect(wire.sent).toEqual([[AckKind.INIT, 77, 77]])
  router.ack(tuple(root, 77, 0))
  router.flush()
  expect(wire.sent.at(-1)).toEqual([AckKind.ACK, 77, 77])
})

test('acks of a turn leave as one entry a root, and those that cancel out not at all', () => {
  const { wire, router, root } = worker()
  router.register(root, 1, 1, SPOUT)
  router.ack(tuple(root, 1, 2))
  router.ack(tuple(root, 2, 4))
  router.flush()
  expect(wire.sent).toEqual([
    [AckKind.INIT, 1, 1],
    [AckKind.ACK, 5, 5],
  ])
  router.ack(tuple(root, 8, 0))
  router.ack(tuple(root, 8, 0))
  router.flush()
  expect(wire.sent.length).toBe(2)
})

test('a fail within the emit is settled here: one verdict, and the acker never hears of the tree', () => {
  const { wire, verdicts, router, root } = worker()
  router.fail(tuple(root, 0, 0), 'explicit', 'bolt', 'no')
  router.register(root, 3, 3, SPOUT)
  router.fail(tuple(root, 0, 0), 'error', 'bolt', 'again')
  router.onMessage(message(AckKind.DONE, root))
  expect(verdicts).toEqual(['explicit'])
  expect(wire.sent).toEqual([])
})

test('a fail after the emit makes the acker forget the tree, after the acks before it', () => {
  const { wire, verdicts, router, root } = worker()
  router.register(root, 3, 3, SPOUT)
  router.ack(tuple(root, 1, 0))
  router.fail(tuple(root, 2, 0), 'error', 'bolt', 'no')
  expect(verdicts).toEqual(['error'])
  expect(wire.sent.map(([kind]) => kind)).toEqual([AckKind.INIT, AckKind.ACK, AckKind.FORGET])
})

test("the acker's verdict is told once", () => {
  const { verdicts, router, root } = worker()
  router.register(root, 3, 3, SPOUT)
  router.onMessage(message(AckKind.DONE, root))
  router.onMessage(message(AckKind.FAILED, root))
  router.onMessage(message(AckKind.DONE, root))
  expect(verdicts).toEqual(['done'])
  expect(router.openCount).toBe(0)
})
