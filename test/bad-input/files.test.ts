// Goal: what is wrong with a file has a typed error that names it, a counter, and no effect on anything else:
// lines before it and records beside it are processed, none is lost, none is counted that was not there.
// Method: whole topologies over files of a disk in memory that every worker sees, on one worker, on two
// (lines cross a link), and all encoded.

import { bolt, defineTopology, fields, type Source, type TopologyConfig } from 'typhoon'
import { jsonFileSink, jsonLines, textFileSink, textLines } from 'typhoon/files'
import { describe, expect, test } from 'vitest'
import type { Files } from '../../src/host/host.ts'
import { Live } from '../storm/live.ts'

interface Mode {
  readonly workers: number
  readonly config?: TopologyConfig
}

const modes: Record<string, Mode> = {
  'one worker': { workers: 1 },
  'two workers': { workers: 2 },
  'one worker, all encoded': { workers: 1, config: { testingAlwaysTrySerialize: true } },
}

const Row = fields({ a: 'int' })

function put(path: string, content: string | Uint8Array) {
  return async (files: Files): Promise<void> => {
    await files.makeDirectory('/in')
    await files.makeDirectory('/out')
    const file = await files.open(path, 'create')
    const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content
    if (bytes.length > 0) await file.write(bytes, 0)
    await file.close()
  }
}

/** A source and an end that keeps what it got. */
function reading(source: Source<unknown>) {
  const seen: unknown[] = []
  const end = bolt({ execute: ({ values }) => void seen.push(values['value'] ?? values) })
  const topology = defineTopology({
    name: 'reading',
    build(builder) {
      builder.setBolt('end', end).shuffleGrouping(builder.setSpout('in', source as never))
    },
  })
  return { topology, seen }
}

const lines = (count: number, from = 0) => Array.from({ length: count }, (_, at) => `line ${from + at}`)
const MIB = 1024 * 1024

function joined(...parts: readonly (string | Uint8Array)[]): Uint8Array {
  return Buffer.concat(parts.map((part) => Buffer.from(part as string)))
}

describe.each(Object.entries(modes))('%s', (_name, mode) => {
  test('a missing file keeps the topology from starting, and is named', async () => {
    const { topology, seen } = reading(textLines('/in/none.txt'))
    const refused = await Live.start(topology, mode).catch((error: unknown) => error)
    expect(refused).toMatchObject({
      code: 'PREPARE_THREW',
      family: 'user-code',
      message: expect.stringContaining('/in/none.txt does not exist'),
      cause: { code: 'CONFIG_INVALID_VALUE', family: 'usage', details: { path: '/in/none.txt' } },
    })
    expect(seen).toEqual([])
  })

  test('a directory in place of a file as well, with what to write instead', async () => {
    const { topology } = reading(textLines('/in'))
    const refused = await Live.start(topology, mode, put('/in/a.txt', 'a')).catch((error: unknown) => error)
    expect(refused).toMatchObject({
      code: 'PREPARE_THREW',
      message: expect.stringContaining('/in is a directory: name its files with a pattern, such as /in/*'),
      cause: { code: 'CONFIG_INVALID_VALUE' },
    })
  })

  test('an empty file is a source that has finished', async () => {
    const { topology, seen } = reading(textLines('/in/empty.txt'))
    await using live = await Live.start(topology, mode, put('/in/empty.txt', ''))
    expect(await live.ended()).toBeNull()
    expect(seen).toEqual([])
    expect(live.errors).toEqual({})
    expect(live.figures('in')).toMatchObject({ emittedCount: 0, ackedCount: 0, threwCount: 0 })
  })

  test('invalid UTF-8 stops at its line: those before it are processed, the position is theirs', async () => {
    const content = joined(`${lines(5_000).join('\n')}\n`, Uint8Array.of(0xff, 0xfe, 10), 'after\n')
    const { topology, seen } = reading(textLines('/in/a.txt'))
    await using live = await Live.start(topology, mode, put('/in/a.txt', content))
    expect(await live.ended()).toMatchObject({
      code: 'SOURCE_RECORD_INVALID',
      family: 'user-code',
      details: { path: '/in/a.txt', line: 5_001 },
    })
    await live.rest()
    expect(seen.toSorted()).toEqual(lines(5_000).toSorted())
    expect(live.errors).toEqual({ SOURCE_RECORD_INVALID: 1 })
    expect(live.figures('in')).toMatchObject({
      ackedCount: 5_000,
      failedCount: 0,
      pendingCount: 0,
      threwCount: 1,
    })
    const [position] = [...(live.run.takePositions().get('in')?.values() ?? [])]
    expect(position).toMatchObject({ position: { line: 5_000 }, ackedCount: 5_000 })
  })

  test('a line of 100 MB stops there, and is not held in memory', async () => {
    const content = joined('before\n', new Uint8Array(100 * MIB).fill(0x78), '\nafter\n')
    const { topology, seen } = reading(textLines('/in/a.txt'))
    await using live = await Live.start(topology, mode, put('/in/a.txt', content))
    expect(await live.ended()).toMatchObject({
      code: 'FRAME_TOO_LARGE',
      family: 'format',
      details: { path: '/in/a.txt', line: 2 },
    })
    await live.rest()
    expect(seen).toEqual(['before'])
    expect(live.errors).toEqual({ FRAME_TOO_LARGE: 1 })
  })

  const spoilt = () => {
    const rows = Array.from({ length: 100 }, (_, a) => JSON.stringify({ a }))
    const wide = `{"a":"${'x'.repeat(2 * MIB)}"}`
    const bad = ['not json', '{"a":1.5}', '{"b":1}', '', wide, '[1]', '{"__proto__":{"a":1}}']
    const all = rows.flatMap((row, at) => (at % 10 === 3 ? [row, bad[Math.floor(at / 10)] ?? row] : [row]))
    // The empty line is no record; three further good rows stand where no bad one was left.
    return joined(all.join('\n'), Uint8Array.of(10, 0xff, 10))
  }
  const good = (seen: readonly unknown[]) =>
    seen.map((each) => (each as { a: number }).a).toSorted((x, y) => x - y)
  const expected = [...Array.from({ length: 100 }, (_, a) => a), 73, 83, 93].toSorted((x, y) => x - y)

  test('invalid records, skip: each is counted and said, the others are all processed', async () => {
    const { topology, seen } = reading(jsonLines('/in/a.jsonl', { schema: Row, onInvalid: 'skip' }))
    await using live = await Live.start(topology, mode, put('/in/a.jsonl', spoilt()))
    expect(await live.ended()).toBeNull()
    expect(good(seen)).toEqual(expected)
    expect(live.figures('in')).toMatchObject({ ackedCount: 103, failedCount: 0, invalidCount: 7 })
    expect(live.deadLetters).toEqual([])
    const [position] = [...(live.run.takePositions().get('in')?.values() ?? [])]
    expect(position?.ackedCount).toBe(110)
  })

  test('invalid records, dead-letter: each is kept with its bytes and its place', async () => {
    const { topology, seen } = reading(jsonLines('/in/a.jsonl', { schema: Row, onInvalid: 'dead-letter' }))
    await using live = await Live.start(topology, mode, put('/in/a.jsonl', spoilt()))
    expect(await live.ended()).toBeNull()
    expect(good(seen)).toEqual(expected)
    expect(live.deadLetters.map(({ code }) => code)).toEqual([
      'SOURCE_RECORD_INVALID',
      'SOURCE_RECORD_INVALID',
      'SOURCE_RECORD_INVALID',
      'FRAME_TOO_LARGE',
      'SOURCE_RECORD_INVALID',
      'SOURCE_RECORD_INVALID',
      'SOURCE_RECORD_INVALID',
    ])
    expect(live.deadLetters[0]).toMatchObject({ component: 'in', values: { raw: 'not json' }, attempts: 1 })
    expect(live.deadLetters[0]?.message).toContain('/in/a.jsonl')
    expect(live.figures('in')).toMatchObject({ ackedCount: 103, deadLetteredCount: 7 })
  })

  test('invalid records, fail: the source stops at the first one', async () => {
    const { topology, seen } = reading(jsonLines('/in/a.jsonl', { schema: Row }))
    await using live = await Live.start(topology, mode, put('/in/a.jsonl', spoilt()))
    expect(await live.ended()).toMatchObject({ code: 'SOURCE_RECORD_INVALID', details: { line: 5 } })
    await live.rest()
    expect(good(seen)).toEqual([0, 1, 2, 3])
  })

  const writing = (sink: unknown) =>
    defineTopology({
      name: 'writing',
      // The run goes on until there is room, so an item is replayed as often as it takes.
      config: { maxReplays: 1_000, maxSpoutPending: 200, checkpointInterval: '100ms' },
      build(builder) {
        builder.setBolt('out', sink as never).shuffleGrouping(builder.setSpout('in', textLines('/in/a.txt')))
      },
    })

  test('a full disk: nothing is acked that is not written; with room again every line is there', async () => {
    const content = `${lines(2_000).join('\n')}\n`
    const topology = writing(textFileSink('/out/a.txt'))
    await using live = await Live.start(topology, mode, put('/in/a.txt', content))
    await live.until(() => live.figures('in').ackedCount > 0)
    live.disk.disk.capacityBytes = 0
    await live.until(() => (live.errors['SINK_WRITE_FAILED'] ?? live.errors['DISK_FULL'] ?? 0) > 0)
    await live.advance(3_000)
    expect(live.end).toBeUndefined()
    const before = live.figures('in')
    expect(before.ackedCount).toBeLessThan(2_000)
    expect(before.ackedCount).toBeGreaterThan(0)
    const shownBefore = await textOf(live, '/out/a.txt')
    expect(new Set(shownBefore).size).toBeGreaterThanOrEqual(before.ackedCount)
    live.disk.disk.capacityBytes = Number.POSITIVE_INFINITY
    expect(await live.ended()).toBeNull()
    const shown = await textOf(live, '/out/a.txt')
    // At least once, none lost, and no half line from an attempt that ran out of room.
    expect([...new Set(shown)].toSorted()).toEqual(lines(2_000).toSorted())
    expect(live.figures('in')).toMatchObject({ ackedCount: 2_000, pendingCount: 0 })
    expect(live.figures('out').threwCount).toBeGreaterThan(0)
    expect(live.deadLetters).toEqual([])
  })

  test('a disk that fails for a while: told, tried again, and every line is there in the end', async () => {
    const content = `${lines(1_000).join('\n')}\n`
    const topology = writing(jsonFileSink('/out/a.jsonl'))
    await using live = await Live.start(topology, mode, put('/in/a.txt', content))
    live.disk.faults.isBroken = true
    await live.advance(500)
    expect(live.end).toBeUndefined()
    expect(live.errors['SOURCE_ENDED_WITH_ERROR']).toBeGreaterThan(0)
    live.disk.faults.isBroken = false
    expect(await live.ended()).toBeNull()
    const shown = (await textOf(live, '/out/a.jsonl')).map((line) => JSON.parse(line) as string)
    expect([...new Set(shown)].toSorted()).toEqual(lines(1_000).toSorted())
  })
})

async function textOf(live: Live<unknown>, path: string): Promise<string[]> {
  const { files } = live.stage.world.host('shared')
  const read = async (): Promise<string[]> => {
    const facts = await files.stat(path)
    if (facts === undefined) return []
    const bytes = new Uint8Array(facts.sizeBytes)
    const file = await files.open(path, 'read')
    await file.read(bytes, 0)
    await file.close()
    return new TextDecoder()
      .decode(bytes)
      .split('\n')
      .filter((line) => line !== '')
  }
  return live.drive(read())
}

test.each([[{ path: '/in/a.txt' }], [undefined], [7], [''], [[]], [['/in/a.txt', 3]]])(
  'what is no path is refused where it is written, as a mistake of who wrote it: %j',
  (path) => {
    expect(() => textLines(path as never)).toThrow(
      expect.objectContaining({
        family: 'usage',
        message: expect.stringContaining('textLines needs a path, a pattern, or a list of them'),
      }),
    )
  },
)
