// Method: hosts of a virtual world, faults between them, and what arrives at which virtual time.
import { describe, expect, test } from 'vitest'
import { hasCode } from '../../base/errors.ts'
import type { Connection } from '../host.ts'
import type { LaneFaults } from './lane.ts'
import { VirtualWorld } from './virtual-world.ts'

interface Heard {
  readonly at: number
  readonly what: string
}

/** Two hosts, a listener at `b`, a connection from `a`; everything that is heard, with its time. */
async function connected(
  spec: { readonly seed?: number; readonly isChopped?: boolean; readonly lanes?: LaneFaults } = {},
) {
  const world = new VirtualWorld({ seed: spec.seed ?? 1, isChopped: spec.isChopped ?? false })
  if (spec.lanes !== undefined) world.net.setAll(spec.lanes)
  const heard: Heard[] = []
  const note = (what: string) => heard.push({ at: world.nowMs, what })
  const received: number[] = []
  const [a, b] = [world.host('a'), world.host('b')]
  let acceptor: Connection | undefined
  await settled(
    world,
    b.net.listen('b:1', (connection) => {
      acceptor = connection
      note(`accepted ${connection.peer}`)
      connection.onBytes = (bytes) => {
        received.push(...bytes)
        note(`b got ${bytes.length}`)
      }
      connection.onClose = (why) => note(`b closed ${reason(why)}`)
    }),
  )
  const dialler = a.net.connect('b:1', () => note('open'))
  dialler.onBytes = (bytes) => note(`a got ${bytes.length}`)
  dialler.onClose = (why) => note(`a closed ${reason(why)}`)
  const whats = () => heard.map(({ what }) => what)
  return { world, heard, whats, received, dialler, acceptor: () => acceptor, a, b }
}

function reason(why: unknown): string {
  if (why === undefined) return 'in order'
  return hasCode(why, 'LINK_LOST')
    ? 'LINK_LOST'
    : hasCode(why, 'CONNECT_FAILED')
      ? 'CONNECT_FAILED'
      : String(why)
}

async function settled<T>(world: VirtualWorld, promise: Promise<T>): Promise<T> {
  await world.run()
  return promise
}

describe('faults between two hosts', () => {
  test('a delay holds for each direction, and order stays', async () => {
    const { world, heard, dialler, acceptor } = await connected({ lanes: { delayMs: 5 } })
    world.net.set('b', 'a', { delayMs: 20 })
    await world.run()
    dialler.write(new Uint8Array(1))
    world.net.set('a', 'b', { delayMs: 1 })
    dialler.write(new Uint8Array(2))
    await world.run()
    acceptor()?.write(new Uint8Array(3))
    await world.run()
    expect(heard).toEqual([
      { at: 5, what: 'accepted a' },
      { at: 25, what: 'open' },
      { at: 30, what: 'b got 1' },
      { at: 30, what: 'b got 2' },
      { at: 50, what: 'a got 3' },
    ])
  })

  test('a cut keeps everything until it is healed; nobody is told', async () => {
    const { world, whats, dialler } = await connected()
    await world.run()
    world.net.cut('a', 'b')
    dialler.write(new Uint8Array(7))
    dialler.close()
    await world.run({ untilMs: 60_000 })
    expect(whats()).toEqual(['accepted a', 'open', 'a closed in order'])
    world.net.heal('b', 'a')
    await world.run()
    expect(whats().slice(3)).toEqual(['b got 7', 'b closed in order'])
    expect(world.net.connectionCount).toBe(0)
  })

  test('a cut in one direction lets the other through', async () => {
    const { world, whats, dialler, acceptor } = await connected()
    await world.run()
    world.net.set('a', 'b', { isCut: true })
    dialler.write(new Uint8Array(1))
    acceptor()?.write(new Uint8Array(2))
    await world.run()
    expect(whats().slice(2)).toEqual(['a got 2'])
  })

  test('a reset ends both sides with an error, and loses what was under way', async () => {
    const { world, whats, dialler } = await connected({ lanes: { delayMs: 10 } })
    await world.run()
    dialler.write(new Uint8Array(1))
    world.net.reset('b:1', 'a')
    dialler.write(new Uint8Array(2))
    await world.run()
    expect(whats().slice(2).sort()).toEqual(['a closed LINK_LOST', 'b closed LINK_LOST'])
    expect(world.net.connectionCount).toBe(0)
  })

  test('a reset reaches through a cut, and others are left alone', async () => {
    const { world, whats, b } = await connected()
    const other = world.host('c').net.connect('b:1', () => undefined)
    let otherClosed = false
    other.onClose = () => {
      otherClosed = true
    }
    await world.run()
    world.net.cut('a', 'b')
    world.net.reset('a', b.name)
    await world.run()
    expect(
      whats()
        .filter((what) => what.includes('closed'))
        .sort(),
    ).toEqual(['a closed LINK_LOST', 'b closed LINK_LOST'])
    expect(otherClosed).toBe(false)
  })

  test('corruption changes one byte of a delivery, once or by share', async () => {
    const { world, received, dialler } = await connected()
    await world.run()
    const sent = new Uint8Array(100)
    const wrongCount = () => received.splice(0).filter((byte) => byte !== 0).length
    world.net.corruptNext('a', 'b')
    for (let i = 0; i < 3; i += 1) dialler.write(sent)
    await world.run()
    expect(wrongCount()).toBe(1)
    world.net.set('a', 'b', { corruptShare: 1 })
    for (let i = 0; i < 3; i += 1) dialler.write(sent)
    await world.run()
    expect(wrongCount()).toBe(3)
    expect(sent.every((byte) => byte === 0)).toBe(true)
    world.net.healAll()
    dialler.write(sent)
    await world.run()
    expect(wrongCount()).toBe(0)
  })

  test('a slow lane passes so many bytes in a millisecond', async () => {
    const { world, heard, dialler } = await connected()
    await world.run()
    world.net.set('a', 'b', { bytesPerMs: 10, delayMs: 3 })
    for (const size of [100, 50, 10]) dialler.write(new Uint8Array(size))
    await world.run()
    expect(heard.slice(2)).toEqual([
      { at: 13, what: 'b got 100' },
      { at: 18, what: 'b got 50' },
      { at: 19, what: 'b got 10' },
    ])
  })

  test('a writer is held back when nothing is taken, and told when there is room', async () => {
    const { world, dialler } = await connected()
    let drains = 0
    dialler.onDrain = () => {
      drains += 1
    }
    await world.run()
    world.net.cut('a', 'b')
    const part = new Uint8Array(100_000)
    expect([1, 2, 3, 4].map(() => dialler.write(part))).toEqual([true, true, false, false])
    await world.run()
    expect(drains).toBe(0)
    world.net.heal('a', 'b')
    await world.run()
    expect(drains).toBe(1)
    expect(dialler.write(part)).toBe(true)
  })
})

describe('dials', () => {
  test('to where nobody listens, or listened once, are refused', async () => {
    const { world, a, b } = await connected()
    const reasons: string[] = []
    a.net.connect('nobody', () => undefined).onClose = (why) => reasons.push(reason(why))
    const listener = await settled(
      world,
      b.net.listen('b:2', () => undefined),
    )
    listener.stop()
    a.net.connect('b:2', () => undefined).onClose = (why) => reasons.push(reason(why))
    await world.run()
    world.crash('b')
    a.net.connect('b:1', () => undefined).onClose = (why) => reasons.push(reason(why))
    await world.run()
    expect(reasons).toEqual(['CONNECT_FAILED', 'CONNECT_FAILED', 'CONNECT_FAILED'])
  })

  test('into a cut fail after ten seconds', async () => {
    const { world, a } = await connected()
    await world.run()
    world.net.cut('a', 'b')
    const told: unknown[] = []
    a.net.connect('b:1', () => told.push('open')).onClose = (why) => told.push(world.nowMs, why)
    await world.run()
    expect(told).toMatchObject([10_000, { code: 'CONNECT_FAILED', details: { reason: 'ETIMEDOUT' } }])
  })

  test('that are given up at once leave nothing behind', async () => {
    const { world, a } = await connected()
    const told: string[] = []
    const dialler = a.net.connect('b:1', () => told.push('open'))
    dialler.onClose = (why) => told.push(reason(why))
    dialler.close()
    await world.run()
    expect(told).toEqual(['in order'])
    expect(world.net.connectionCount).toBe(1)
  })
})

describe('a host that crashes', () => {
  test('is silent itself, and its peers see a reset', async () => {
    const { world, whats, acceptor } = await connected()
    await world.run()
    world.crash('a')
    await world.run()
    expect(whats().slice(2)).toEqual(['b closed LINK_LOST'])
    expect(acceptor()?.write(new Uint8Array(1))).toBe(true)
    expect(world.net.connectionCount).toBe(0)
  })

  test('behind a cut is not missed before the cut is healed', async () => {
    const { world, whats } = await connected()
    await world.run()
    world.net.cut('a', 'b')
    world.crash('a')
    await world.run({ untilMs: 100_000 })
    expect(whats()).toHaveLength(2)
    world.net.heal('a', 'b')
    await world.run()
    expect(whats().slice(2)).toEqual(['b closed LINK_LOST'])
  })

  test('frees its addresses for its next life, and its old life reaches nobody', async () => {
    const { world, a, b, whats } = await connected()
    await world.run()
    world.crash('b')
    let isHeard = false
    const old = b.net.connect('b:1', () => {
      isHeard = true
    })
    old.onClose = () => {
      isHeard = true
    }
    old.write(new Uint8Array(1))
    old.close()
    let again = 0
    await settled(
      world,
      world.host('b').net.listen('b:1', () => {
        again += 1
      }),
    )
    a.net.connect('b:1', () => undefined)
    await world.run()
    expect(again).toBe(1)
    expect(isHeard).toBe(false)
    expect(whats().slice(2)).toEqual(['a closed LINK_LOST'])
  })
})

describe('chopped streams', () => {
  test('arrive whole and in order, in pieces that depend on the seed', async () => {
    const sizes = new Set<string>()
    for (let seed = 0; seed < 10; seed += 1) {
      const { world, whats, received, dialler } = await connected({ seed, isChopped: true })
      await world.run()
      for (let i = 0; i < 20; i += 1) dialler.write(Uint8Array.from({ length: 10 }, (_, k) => i * 10 + k))
      await world.run()
      expect(received).toEqual(Array.from({ length: 200 }, (_, index) => index))
      sizes.add(whats().join())
    }
    expect(sizes.size).toBe(10)
  })

  test('of an end that closes may lose their tail, never their middle', async () => {
    const lengths = new Set<number>()
    for (let seed = 0; seed < 30; seed += 1) {
      const { world, whats, received, dialler } = await connected({ seed, isChopped: true })
      await world.run()
      for (let i = 0; i < 5; i += 1) dialler.write(Uint8Array.from({ length: 10 }, (_, k) => i * 10 + k))
      dialler.close()
      await world.run()
      expect(received).toEqual(Array.from({ length: received.length }, (_, index) => index))
      expect(
        whats()
          .filter((what) => what.startsWith('b'))
          .at(-1),
      ).toBe('b closed in order')
      lengths.add(received.length)
    }
    expect(lengths.size).toBeGreaterThan(10)
  })
})
