/**
 * Sinks and sources on a disk that forgets what was not synced, with a crash after every number of events.
 *
 * Method: a run writes numbered lines through checkpoints, as the engine does, and remembers the last
 * checkpoint it decided on. The crash comes after n events, for every n; then a new life recovers from that
 * checkpoint, replays what came after it, and the files must hold every line once.
 */
import { describe, expect, test } from 'vitest'
import { fileSink } from '../../src/connect/files/file-sink.ts'
import { textFormat } from '../../src/connect/files/record-format.ts'
import { textFileSink } from '../../src/connect/files/single-file-sink.ts'
import { textLines } from '../../src/connect/files/text-lines.ts'
import { VirtualWorld } from '../../src/host/virtual/virtual-world.ts'
import type { RuntimeTransactionalSinkSpec } from '../../src/topology/definition.ts'
import { contextOf, exactlyOnce, putText, readAll, settled, sinkOn, sourceOn, textOf, texts } from './disk.ts'

const CHECKPOINTS = 4
const LINES = 3

/** What the engine's durable pointer says. */
interface Decided {
  checkpoint: number
  receipt: unknown
}

const lineOf = (checkpoint: number, i: number): string => `line ${checkpoint}.${i}`

/** One life: recovers, then goes on to the last checkpoint. */
async function live(sink: RuntimeTransactionalSinkSpec, decided: Decided): Promise<void> {
  const task = await sink.open?.(contextOf(exactlyOnce))
  const receipts = decided.receipt === undefined ? [] : [decided.receipt]
  for (const receipt of receipts) await sink.commit(receipt, task)
  await sink.recover?.({ receipts, checkpoint: decided.checkpoint, taskCountBefore: 1 }, task)
  for (let number = decided.checkpoint + 1; number <= CHECKPOINTS; number++) {
    const transaction = await sink.begin(number, task)
    for (let i = 0; i < LINES; i++) await sink.write(transaction, [lineOf(number, i)], task)
    const receipt = await sink.prepare(transaction, task)
    decided.checkpoint = number
    decided.receipt = receipt
    await sink.commit(receipt, task)
  }
  await sink.close?.(task)
}

const everyLine = Array.from({ length: CHECKPOINTS }, (_, c) =>
  Array.from({ length: LINES }, (_, i) => lineOf(c + 1, i)),
).flat()

/** Lines of all visible files, sorted. */
async function linesShown(world: VirtualWorld): Promise<string[]> {
  const paths = world
    .disk('a')
    .disk.paths()
    .filter((path) => /\/[^./][^/]*\.txt$/.test(path))
  const found: string[] = []
  for (const path of paths) found.push(...((await textOf(world, 'a', path)) ?? '').split('\n').slice(0, -1))
  return found.sort()
}

const sinks = {
  'a single file': () => textFileSink('/out/lines.txt'),
  'part files': () =>
    fileSink<string>({ directory: '/out', format: textFormat((line) => line), rotation: { size: '40B' } }),
}

describe.each(Object.entries(sinks))('%s', (_name, make) => {
  test.each(['none', 'some', 'all'] as const)(
    'holds every line once, whenever a crash comes (loss: %s)',
    async (loss) => {
      let crashes = 0
      for (let events = 1; events < 400; events += 1) {
        const world = new VirtualWorld({ seed: events })
        const decided: Decided = { checkpoint: 0, receipt: undefined }
        let isDone = false
        live(sinkOn(make(), world.host('a')), decided).then(
          () => {
            isDone = true
          },
          () => undefined,
        )
        let left = events
        await world.run({ while: () => left-- > 0 && !isDone })
        if (!isDone) crashes += 1
        world.crash('a', loss)
        await settled(world, live(sinkOn(make(), world.host('a')), decided))
        expect(await linesShown(world), `crash after ${events} events`).toEqual([...everyLine].sort())
        const leftOver = world
          .disk('a')
          .disk.paths()
          .filter((path) => /open-|at-|\.part$|\.tmp$/.test(path))
        expect(leftOver, `crash after ${events} events`).toEqual([])
        if (isDone) break
      }
      expect(crashes).toBeGreaterThan(30)
    },
  )

  test('holds every line once when crashes come again and again', async () => {
    for (let seed = 1; seed <= 60; seed++) {
      const world = new VirtualWorld({ seed })
      const decided: Decided = { checkpoint: 0, receipt: undefined }
      for (let life = 0; life < 6; life++) {
        live(sinkOn(make(), world.host('a')), decided).catch(() => undefined)
        let left = 3 + ((seed * 31 + life * 17) % 45)
        await world.run({ while: () => left-- > 0 })
        world.crash('a', 'some')
      }
      await settled(world, live(sinkOn(make(), world.host('a')), decided))
      expect(await linesShown(world), `seed ${seed}`).toEqual([...everyLine].sort())
    }
  })

  test('on a full disk fails by code, and holds every line once when there is room again', async () => {
    for (let room = 0; room < 260; room += 13) {
      const world = new VirtualWorld({ seed: 1 })
      const decided: Decided = { checkpoint: 0, receipt: undefined }
      world.disk('a').disk.capacityBytes = room
      const first = settled(world, live(sinkOn(make(), world.host('a')), decided))
      await first.catch((error: unknown) =>
        expect(error).toMatchObject({ code: 'DISK_FULL', retryable: true }),
      )
      world.disk('a').disk.capacityBytes = Number.POSITIVE_INFINITY
      await settled(world, live(sinkOn(make(), world.host('a')), decided))
      expect(await linesShown(world), `room for ${room} bytes`).toEqual([...everyLine].sort())
    }
  })

  test('takes a batch again after a write that failed', async () => {
    const world = new VirtualWorld({ seed: 1 })
    const sink = sinkOn(make(), world.host('a'))
    const task = await settled(world, Promise.resolve(sink.open?.(contextOf(exactlyOnce))))
    const transaction = await settled(world, Promise.resolve(sink.begin(1, task)))
    const write = (lines: string[]) => settled(world, (async () => sink.write(transaction, lines, task))())
    await write(['one'])
    world.disk('a').disk.capacityBytes = 6
    await expect(write(['two', 'a longer one'])).rejects.toMatchObject({ code: 'DISK_FULL' })
    world.disk('a').disk.capacityBytes = Number.POSITIVE_INFINITY
    await write(['two'])
    const receipt = await settled(world, Promise.resolve(sink.prepare(transaction, task)))
    await settled(world, Promise.resolve(sink.commit(receipt, task)))
    await settled(world, Promise.resolve(sink.close?.(task)))
    expect(await linesShown(world)).toEqual(['one', 'two'])
  })
})

test('a followed file in virtual time is looked at again when lookEvery has passed', async () => {
  const world = new VirtualWorld({ seed: 1 })
  await putText(world, 'a', '/in/a.log', 'one\n')
  const source = sourceOn(textLines('/in/*.log', { follow: true, lookEvery: '1s' }), world.host('a'))
  expect(await settled(world, Promise.resolve(source.partitions(contextOf())))).toEqual(['/in/a.log'])
  const reading = readAll(source, '/in/a.log', undefined, 2)
  const { files, timers } = world.host('a')
  timers.after(5_000, () => {
    files
      .open('/in/a.log', 'write')
      .then((file) => file.write(new TextEncoder().encode('two\n'), 4).then(() => file.close()))
      .catch(() => undefined)
  })
  expect(texts(await settled(world, reading))).toEqual(['one', 'two'])
  expect(world.nowMs).toBeGreaterThanOrEqual(5_000)
  expect(world.nowMs).toBeLessThan(7_000)
})
