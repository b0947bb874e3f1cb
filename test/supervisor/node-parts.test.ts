// Parts of a node alone, in virtual time: logs that rotate, blobs within their bound, what runs here on a
// disk that loses power, positions under a board that says no.
import { describe, expect, test } from 'vitest'
import { ConflictError } from '../../src/base/errors.ts'
import { silentLogger } from '../../src/base/log.ts'
import { digestText } from '../../src/blob/blob-store.ts'
import { FileBlobStore } from '../../src/blob/file-blob-store.ts'
import type { PositionTexts } from '../../src/cluster/board.ts'
import { VirtualWorld } from '../../src/host/virtual/virtual-world.ts'
import { LocalState, type SeatRecord } from '../../src/supervisor/local-state.ts'
import { Localizer } from '../../src/supervisor/node/localizer.ts'
import { LogFiles } from '../../src/supervisor/node/log-files.ts'
import {
  PositionPost,
  type PositionSource,
  type PositionsLeftOut,
} from '../../src/supervisor/post/position-post.ts'

const bytesOf = (text: string) => new TextEncoder().encode(text)

async function drive<T>(world: VirtualWorld, work: Promise<T>): Promise<T> {
  let isOver = false
  const over = () => {
    isOver = true
  }
  work.then(over, over)
  await world.run({ while: () => !isOver })
  return await work
}

describe('logs', () => {
  const directory = '/workers/words-1/6700'
  const made = (bytesMax = 1e9) => {
    const world = new VirtualWorld({ seed: 1 })
    const { disk } = world.disk('a')
    disk.makeDirectory(directory)
    const append = (name: string, text: string) => {
      const file = disk.open(`${directory}/${name}`, 'write')
      disk.write(file, bytesOf(text), file.sizeBytes)
    }
    const rename = (from: string, to: string) => disk.rename(`${directory}/${from}`, `${directory}/${to}`)
    const logs = new LogFiles(world.host('a'), '/workers', bytesMax)
    const read = (after: string | undefined, linesMax = 100) =>
      drive(world, logs.readLog('words-1', 6700, after, linesMax))
    return { world, disk, append, rename, logs, read }
  }

  test('a log that rotates while it is followed is told whole, each line once', async () => {
    const { append, rename, read } = made()
    let written = 0
    const told: string[] = []
    let after: string | undefined
    for (let round = 0; round < 40; round += 1) {
      if (round % 7 === 6) {
        rename('worker.log', 'worker.log.1')
      }
      for (let line = 0; line < 5; line += 1) {
        written += 1
        append('worker.log', `line ${written}\n`)
      }
      const part = await read(after)
      after = part.next
      told.push(...part.lines)
    }
    expect(told).toEqual(Array.from({ length: written }, (_, index) => `line ${index + 1}`))
  })

  test('few lines at a time come in order, over several files, and never half a line', async () => {
    const { append, read, world } = made()
    append('output-1.log', 'start\n')
    const first = await read(undefined, 1)
    append('output-1.log', 'a\nb\nc\n')
    await world.run({ untilMs: world.nowMs + 5 })
    append('worker.log', 'd\ne\nhalf')
    const told: string[] = []
    let after = first.next
    for (let round = 0; round < 5; round += 1) {
      const part = await read(after, 2)
      expect(part.lines.length).toBeLessThanOrEqual(2)
      told.push(...part.lines)
      after = part.next
    }
    expect(told).toEqual(['a', 'b', 'c', 'd', 'e'])
  })

  test('a line longer than a piece comes in pieces', async () => {
    const { append, read } = made()
    append('worker.log', 'first\n')
    const { next } = await read(undefined)
    append('worker.log', `${'x'.repeat(300_000)}\nlast\n`)
    const told: string[] = []
    let after = next
    for (let round = 0; round < 4; round += 1) {
      const part = await read(after)
      told.push(...part.lines)
      after = part.next
    }
    expect(told.join('')).toBe(`${'x'.repeat(300_000)}last`)
  })

  test('too much: the oldest go, what is being written stays, whatever its age', async () => {
    const { append, disk, logs, world } = made(250)
    for (const name of ['output-1.log', 'worker.log.2', 'worker.log.1', 'output-2.log', 'worker.log']) {
      append(name, `${'x'.repeat(99)}\n`)
      await world.run({ untilMs: world.nowMs + 10 })
    }
    expect(await drive(world, logs.keepWithinBound())).toBe(3)
    expect(disk.list(directory)).toEqual(['output-2.log', 'worker.log'])
    expect(await drive(world, logs.keepWithinBound())).toBe(0)
  })

  test('names that would lead elsewhere are names like others', async () => {
    const { logs, world } = made()
    for (const id of ['../..', '..', '/etc', 'a/../../b', '']) {
      const asked = drive(world, logs.readLog(id, 6700, undefined, 1))
      await expect(asked).rejects.toMatchObject({ code: 'TOPOLOGY_NOT_FOUND' })
      expect(logs.directoryOf(id, 6700)).toMatch(/^\/workers\/[^/]+\/6700$/)
    }
  })
})

describe('blobs of a node', () => {
  test('what was not used for longest goes when there is too much; what is in use stays', async () => {
    const world = new VirtualWorld({ seed: 1 })
    const host = world.host('a')
    const store = new FileBlobStore(host, '/blobs')
    const localizer = new Localizer({
      host,
      log: silentLogger,
      store,
      incoming: '/incoming',
      bundles: '/bundles',
      bytesMax: 250,
      fetchBlob: () => Promise.reject(new Error('nothing is fetched here')),
    })
    const digests: string[] = []
    for (let number = 0; number < 5; number += 1) {
      const bytes = new Uint8Array(100).fill(number)
      const digest = digestText(host.digest('sha256', bytes))
      digests.push(digest)
      await drive(world, store.put(digest, bytes))
      await world.run({ untilMs: world.nowMs + 10 })
    }
    const [oldest = '', second = '', third = '', fourth = '', fifth = ''] = digests
    await drive(world, localizer.modulePath(second))
    expect(world.disk('a').disk.stat(`/bundles/${second}.mjs`)).toBeDefined()
    const removed = await drive(
      world,
      localizer.cleanUp((digest) => digest === oldest),
    )
    expect(removed).toBe(3)
    const left = (await drive(world, store.list())).map(({ digest }) => digest)
    expect(new Set(left).has(oldest)).toBe(true)
    expect(left).toHaveLength(2)
    expect(left).not.toContain(third)
    // It was read for a module: used later than all others.
    expect(left).toContain(second)
    expect([fourth, fifth].some((digest) => left.includes(digest))).toBe(false)
  })
})

describe('what runs here', () => {
  const record = (restart: number): SeatRecord => ({
    port: 6700,
    topologyId: 'words-1',
    worker: 1,
    generation: 1,
    layout: 1,
    layoutDigest: '4-a',
    restart,
    secretDigest: 'a'.repeat(64),
    pid: restart === 0 ? undefined : 7,
    bornAt: restart === 0 ? undefined : '7',
    hasStarted: true,
    isStateDealt: false,
    placement: '1:1-4',
    beatTimeoutMs: 5_000,
  })

  test('what was kept is there after a power cut at any moment of the next change', async () => {
    for (let seed = 1; seed <= 80; seed += 1) {
      const world = new VirtualWorld({ seed })
      const state = new LocalState(world.host('a'), '/state.json', silentLogger)
      await drive(world, state.put(record(3)))
      void state.put(record(4))
      void state.put(record(5))
      let events = seed % 16
      await world.run({ while: () => events-- > 0 })
      world.crash('a', 'some')
      const next = new LocalState(world.host('a'), '/state.json', silentLogger)
      await drive(world, next.load())
      expect([3, 4, 5], `seed ${seed}`).toContain(next.of(6700)?.restart)
      expect(next.all()).toHaveLength(1)
    }
  })

  test('a put is over only when it is on the disk, also when many come at once', async () => {
    const world = new VirtualWorld({ seed: 2 })
    let state = new LocalState(world.host('a'), '/state.json', silentLogger)
    for (let restart = 0; restart < 20; restart += 1) {
      const puts = [state.put(record(restart)), state.put({ ...record(restart), port: 6701 })]
      await drive(world, Promise.all(puts))
      world.crash('a', 'all')
      state = new LocalState(world.host('a'), '/state.json', silentLogger)
      await drive(world, state.load())
      expect(state.all()).toEqual([record(restart), { ...record(restart), port: 6701 }])
    }
  })

  test('files that are no state of ours are as good as none', async () => {
    const texts = [
      '',
      '{',
      '[]',
      'null',
      '{"format":2,"seats":[]}',
      '{"format":1,"seats":[{"port":1}]}',
      '\0\0',
    ]
    for (const text of texts) {
      const world = new VirtualWorld({ seed: 3 })
      const { disk } = world.disk('a')
      disk.write(disk.open('/state.json', 'create'), bytesOf(text), 0)
      const state = new LocalState(world.host('a'), '/state.json', silentLogger)
      await drive(world, state.load())
      expect(state.all()).toEqual([])
    }
  })
})

describe('positions', () => {
  const source: PositionSource = { topologyId: 'words-1', worker: 1, generation: 1, incarnation: 9 }

  function made() {
    const world = new VirtualWorld({ seed: 1 })
    const puts: { readonly version: number; readonly positions: PositionTexts }[] = []
    const told: unknown[] = []
    const fulls: PositionsLeftOut[] = []
    const seen = { version: 1, current: 1, isOurs: true, syncCount: 0 }
    const post = new PositionPost({
      host: world.host('a'),
      log: silentLogger,
      board: {
        positionsOf: async () => ({ lines: { x: '"board"', y: '"board"' } }),
        putPositions: async (_id, version, positions) => {
          if (version !== seen.current) throw new ConflictError('RECORD_CHANGED', 'the assignment changed')
          puts.push({ version, positions })
        },
        sync: async () => {
          seen.syncCount += 1
          seen.version = seen.current
        },
      },
      versionFor: () => (seen.isOurs ? seen.version : undefined),
      tellStored: (_source, stored) => told.push(stored),
      onLeftOut: (_source, full) => fulls.push(full),
    })
    const pass = (ms: number) => world.run({ untilMs: world.nowMs + ms })
    return { world, post, puts, told, fulls, seen, pass }
  }

  test('at most every half second, with the newest of each partition', async () => {
    const { post, puts, pass } = made()
    for (let value = 0; value < 200; value += 1) {
      post.take(source, { lines: { x: `"${value}"` } })
      await pass(10)
    }
    await pass(1_000)
    expect(puts.length).toBeLessThanOrEqual(6)
    expect(puts.at(-1)?.positions).toEqual({ lines: { x: '"199"' } })
  })

  test('a changed assignment is read again, and the write repeated under its version', async () => {
    const { post, puts, told, seen, pass } = made()
    seen.current = 2
    post.take(source, { lines: { x: '"1"' } })
    await pass(100)
    expect(seen.syncCount).toBe(1)
    expect(puts).toEqual([{ version: 2, positions: { lines: { x: '"1"' } } }])
    expect(told).toEqual([{ lines: { x: '"1"' } }])
  })

  test('what is not ours any more is never written, and never told stored', async () => {
    const { post, puts, told, seen, pass } = made()
    seen.isOurs = false
    post.take(source, { lines: { x: '"1"' } })
    await pass(5_000)
    expect(puts).toEqual([])
    expect(told).toEqual([])
  })

  test('over the bound positions wait with the worker, which is told once', async () => {
    const { post, puts, told, fulls, pass } = made()
    const of = (from: number, to: number) => ({
      lines: Object.fromEntries(Array.from({ length: to - from }, (_, n) => [`p${from + n}`, '"1"'])),
    })
    post.take(source, of(0, 60_000))
    post.take(source, of(60_000, 100_010))
    post.take(source, of(100_000, 100_010))
    expect(fulls).toMatchObject([{ code: 'POSITIONS_TOO_MANY', component: 'lines', leftOutCount: 10 }])
    await pass(1_000)
    const storedNames = () => told.flatMap((each) => Object.keys((each as PositionTexts)['lines'] ?? {}))
    expect(storedNames()).toHaveLength(100_000)
    expect(post.knownOf('words-1')['lines']?.['p100009'], 'nor does anybody begin there').toBe(undefined)
    // As a worker does that was not answered.
    post.take(source, of(100_000, 100_010))
    await pass(1_000)
    expect(new Set(storedNames()).size).toBe(100_010)
    expect(puts.length).toBe(2)
    expect(fulls).toHaveLength(1)
  })

  test('a position that no record can hold keeps none of the others out, and is told once', async () => {
    const { post, puts, told, fulls, pass } = made()
    const large = JSON.stringify('x'.repeat(300_000))
    for (let n = 1; n <= 3; n += 1) {
      post.take(source, { lines: { large, good: `"${n}"` }, others: { good: `"${n}"` } })
      await pass(5_000)
    }
    expect(puts.at(-1)?.positions).toEqual({ lines: { good: '"3"' }, others: { good: '"3"' } })
    expect(told).toHaveLength(3)
    expect(fulls).toMatchObject([{ code: 'RECORD_TOO_LARGE', component: 'lines', leftOutCount: 1 }])
    expect(fulls[0]?.message).toContain("'large'")
  })

  test('what the board has does not go over what was taken here and waits', async () => {
    const { world, post, seen, pass } = made()
    seen.current = 99
    seen.version = 1
    post.take(source, { lines: { x: '"here"' } })
    await drive(world, post.load('words-1'))
    expect(post.knownOf('words-1')).toEqual({ lines: { x: '"here"', y: '"board"' } })
    await pass(1)
  })

  test('what waits of a worker that another node had since is older than what the board has', async () => {
    const { world, post, puts, seen, pass } = made()
    seen.current = 99
    seen.version = 1
    post.take(source, { lines: { x: '"old"' } })
    seen.isOurs = false
    await drive(world, post.load('words-1'))
    expect(post.knownOf('words-1')).toEqual({ lines: { x: '"board"', y: '"board"' } })
    // The left-over still reads.
    post.take(source, { lines: { x: '"older"' } })
    expect(post.knownOf('words-1')).toMatchObject({ lines: { x: '"board"' } })
    seen.isOurs = true
    post.take({ ...source, generation: 9, incarnation: 9_000 }, { lines: { y: '"new"' } })
    await pass(2_000)
    expect(puts.map(({ positions }) => positions)).toEqual([{ lines: { y: '"new"' } }])
  })

  test('a name like __proto__ is a name', async () => {
    const { post, puts, pass } = made()
    post.take(source, JSON.parse('{"__proto__": {"__proto__": "1"}, "constructor": {"x": "2"}}'))
    await pass(100)
    expect(JSON.stringify(puts[0]?.positions)).toBe('{"__proto__":{"__proto__":"1"},"constructor":{"x":"2"}}')
  })
})
