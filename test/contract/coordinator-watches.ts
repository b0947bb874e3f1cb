// Contract of coordinators: watches, and the order of events and answers.
import { expect } from 'vitest'
import type { WatchEvent } from '../../src/coordinate/coordinator.ts'
import { bytes, codeOf, eventTexts, type Inside, none, pair, until } from './coordinator-world.ts'

export function nodeWatches(inside: Inside): void {
  inside('a watch of a node sees its making, data, children and deletion, again and again', async (world) => {
    const [one, two] = await pair(world)
    const events: WatchEvent[] = []
    await one.watch('/a', 'node', (event) => events.push(event))
    for (let round = 0; round < 2; round += 1) {
      await two.create('/a', none)
      await two.set('/a', bytes('x'))
      await two.create('/a/b', none)
      await two.set('/a/b', bytes('not ours'))
      await two.create('/a/b/c', none)
      await two.delete('/a/b/c')
      await two.delete('/a/b')
      await two.delete('/a')
    }
    const round = ['created /a', 'changed /a', 'children /a', 'children /a', 'deleted /a']
    await until(world, () => events.length >= 10)
    await one.sync('/')
    expect(eventTexts(events)).toEqual([...round, ...round])
  })

  inside('a watch that was stopped tells nothing more; stopping twice does nothing', async (world) => {
    const one = await world.connect()
    const events: WatchEvent[] = []
    const others: WatchEvent[] = []
    await one.create('/a', none)
    const watch = await one.watch('/a', 'node', (event) => events.push(event))
    await one.watch('/a', 'node', (event) => others.push(event))
    await one.set('/a', none)
    watch.stop()
    watch.stop()
    await one.set('/a', none)
    await one.sync('/a')
    expect([events.length, others.length]).toEqual([1, 2])
  })

  inside('a listener may stop its own watch while it is told', async (world) => {
    const one = await world.connect()
    await one.create('/a', none)
    const events: WatchEvent[] = []
    const watch = await one.watch('/a', 'node', (event) => {
      events.push(event)
      watch.stop()
    })
    await one.set('/a', none)
    await one.set('/a', none)
    expect(events.length).toBe(1)
  })

  inside('a watch sees each part of a multi', async (world) => {
    const one = await world.connect()
    await one.create('/a', none)
    const events: WatchEvent[] = []
    await one.watch('/a', 'node', (event) => events.push(event))
    await one.multi([
      { kind: 'set', path: '/a', data: none },
      { kind: 'create', path: '/a/b', data: none },
      { kind: 'check', path: '/a', version: 1 },
    ])
    expect(eventTexts(events)).toEqual(['changed /a', 'children /a'])
  })
}

export function treeWatches(inside: Inside): void {
  inside('a watch of a tree sees every node below, told by its own path', async (world) => {
    const [one, two] = await pair(world)
    const events: WatchEvent[] = []
    await one.watch('/t', 'tree', (event) => events.push(event))
    await two.create('/t', none)
    await two.create('/t/a', none)
    await two.create('/t/a/b', none)
    await two.set('/t/a/b', bytes('x'))
    await two.create('/tother', none)
    await two.delete('/t/a/b')
    await two.set('/t', none)
    await until(world, () => events.length >= 6)
    await one.sync('/')
    // Making and deletion of a child say all that `children` of its parent would.
    expect(eventTexts(events)).toEqual([
      'created /t',
      'created /t/a',
      'created /t/a/b',
      'changed /t/a/b',
      'deleted /t/a/b',
      'changed /t',
    ])
  })

  inside('a watch of the root tree sees everything', async (world) => {
    const one = await world.connect()
    const events: WatchEvent[] = []
    await one.watch('/', 'tree', (event) => events.push(event))
    await one.create('/a', none)
    await one.create('/a/b', none)
    expect(eventTexts(events)).toEqual(['created /a', 'created /a/b'])
  })

  inside('watches of a tree and of a node below it are told apart', async (world) => {
    const one = await world.connect()
    await one.create('/t', none)
    await one.create('/t/a', none)
    const tree: WatchEvent[] = []
    const node: WatchEvent[] = []
    const treeWatch = await one.watch('/t', 'tree', (event) => tree.push(event))
    await one.watch('/t/a', 'node', (event) => node.push(event))
    await one.create('/t/a/b', none)
    await one.set('/t/a', none)
    expect(eventTexts(tree)).toEqual(['created /t/a/b', 'changed /t/a'])
    expect(eventTexts(node)).toEqual(['children /t/a', 'changed /t/a'])
    treeWatch.stop()
    await one.set('/t/a', none)
    await one.sync('/t')
    expect([tree.length, node.length]).toEqual([2, 3])
  })
}

export function onceWatches(inside: Inside): void {
  inside('a watch for once is told one change', async (world) => {
    const one = await world.connect()
    await one.create('/a', none)
    const events: WatchEvent[] = []
    await one.watchOnce('/a', 'data', (event) => events.push(event))
    await one.create('/a/b', none)
    await one.set('/a', none)
    await one.set('/a', none)
    await one.sync('/a')
    expect(eventTexts(events)).toEqual(['changed /a'])
  })

  inside('a watch for once waits for a node that is not there yet', async (world) => {
    const one = await world.connect()
    const events: WatchEvent[] = []
    await one.watchOnce('/a', 'data', (event) => events.push(event))
    await one.create('/a', none)
    await one.set('/a', none)
    expect(eventTexts(events)).toEqual(['created /a'])
  })

  inside('a watch for once of children is told of names, and of the end of the node', async (world) => {
    const one = await world.connect()
    await one.create('/a', none)
    const events: WatchEvent[] = []
    await one.watchOnce('/a', 'children', (event) => events.push(event))
    await one.set('/a', none)
    await one.create('/a/b', none)
    await one.delete('/a/b')
    expect(eventTexts(events)).toEqual(['children /a'])
    await one.watchOnce('/a', 'children', (event) => events.push(event))
    await one.delete('/a')
    expect(eventTexts(events).at(-1)).toBe('deleted /a')
  })

  inside('a watch for once of the children of a missing node is refused', async (world) => {
    const one = await world.connect()
    expect(await codeOf(one.watchOnce('/no', 'children', () => undefined))).toBe('RECORD_MISSING')
  })

  inside('a node deleted by another ends a watch for once', async (world) => {
    const [one, two] = await pair(world)
    await two.create('/a', none)
    await one.sync('/a')
    const events: WatchEvent[] = []
    await one.watchOnce('/a', 'data', (event) => events.push(event))
    await two.delete('/a')
    await until(world, () => events.length > 0)
    expect(eventTexts(events)).toEqual(['deleted /a'])
  })
}

export function orderOfEvents(inside: Inside): void {
  inside('the event of an own write comes before its answer', async (world) => {
    const one = await world.connect()
    const events: WatchEvent[] = []
    await one.watch('/a', 'node', (event) => events.push(event))
    await one.create('/a', none)
    expect(eventTexts(events)).toEqual(['created /a'])
    await one.set('/a', none)
    expect(events.length).toBe(2)
    await one.delete('/a')
    expect(events.length).toBe(3)
  })

  inside('who reads something new has been told of it before', async (world) => {
    const [one, two] = await pair(world)
    await one.create('/a', none)
    let told = 0
    await one.watch('/a', 'node', (event) => {
      if (event.kind === 'changed') told += 1
    })
    let isWriting = true
    const writing = (async () => {
      for (let i = 0; i < 30; i += 1) await two.set('/a', bytes(String(i)))
      isWriting = false
    })()
    for (let reads = 0; isWriting && reads < 100_000; reads += 1) {
      const { stat } = await one.get('/a')
      expect(told).toBeGreaterThanOrEqual(stat.version)
    }
    await writing
    await one.sync('/a')
    expect(told).toBe(30)
  })

  inside('a client never reads backwards', async (world) => {
    const [one, two] = await pair(world)
    await one.create('/a', none)
    await two.sync('/a')
    const writing = (async () => {
      for (let i = 0; i < 20; i += 1) await one.set('/a', none)
    })()
    let last = 0
    for (let reads = 0; last < 20 && reads < 100_000; reads += 1) {
      const { stat } = await two.get('/a')
      expect(stat.version).toBeGreaterThanOrEqual(last)
      last = stat.version
    }
    await writing
  })
}
