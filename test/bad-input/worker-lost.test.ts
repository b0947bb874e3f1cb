// Goal: at-least-once with files: whatever worker dies in the middle, every line is counted at least once,
// and what a sink has acked is in its file. Method: lines of two files over two workers in frames, a worker
// is killed half-way, and again later; under several seeds, which decide what was in flight.

import { bolt, defineTopology, fields, richBolt, type Tuple } from 'typhoon'
import { textFileSink, textLines } from 'typhoon/files'
import { describe, expect, test } from 'vitest'
import type { Files } from '../../src/host/host.ts'
import { Live } from '../storm/live.ts'

const COUNT = 4_000
const linesOf = (name: string) => Array.from({ length: COUNT / 2 }, (_, at) => `${name} ${at}`)
const every = [...linesOf('a'), ...linesOf('b')].toSorted()

async function twoFiles(files: Files): Promise<void> {
  await files.makeDirectory('/in')
  await files.makeDirectory('/out')
  for (const name of ['a', 'b']) {
    const file = await files.open(`/in/${name}.txt`, 'create')
    await file.write(new TextEncoder().encode(`${linesOf(name).join('\n')}\n`), 0)
    await file.close()
  }
}

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

const Line = fields({ value: 'string' })
const Text = fields({ text: 'string' })

/** Lines from both workers to counters in both, and on to a file. `held`: counted some ticks later. */
function counting(form: 'at once' | 'held') {
  const counts = new Map<string, number>()
  const count = (value: string): void => void counts.set(value, (counts.get(value) ?? 0) + 1)
  const atOnce = bolt({
    input: Line,
    output: Text,
    execute({ values: { value } }, out) {
      count(value)
      out.emit({ text: value })
    },
  })
  const held = richBolt({
    input: Line,
    output: Text,
    tickInterval: '50ms',
    prepare: () => ({ tick: 0, held: [] as { due: number; tuple: Tuple<{ value: string }> }[] }),
    // Some long, some short, so that what is done has gaps in it at any time.
    execute: (tuple, _collector, self) => {
      const waits = tuple.values.value.length + Number(tuple.values.value.at(-1))
      self.held.push({ due: self.tick + waits, tuple })
    },
    onTick(collector, self) {
      self.tick += 1
      const due = self.held.filter((each) => each.due <= self.tick)
      self.held = self.held.filter((each) => each.due > self.tick)
      for (const { tuple } of due) {
        count(tuple.values.value)
        collector.emit({ text: tuple.values.value }, { anchor: tuple })
        collector.ack(tuple)
      }
    },
  })
  const sink = textFileSink<{ readonly text: string }>('/out/all.txt', { line: ({ text }) => text })
  const topology = defineTopology({
    name: 'lost',
    config: { maxSpoutPending: 200, checkpointInterval: '50ms' },
    build(builder) {
      const source = builder.setSpout('in', textLines('/in/*.txt'), 2)
      const counter = form === 'held' ? held : atOnce
      const counted = builder.setBolt('count', counter, 4).fieldsGrouping(source, 'value')
      builder.setBolt('out', sink).globalGrouping(counted)
    },
  })
  return { topology, counts }
}

const seeds = [1, 2, 3, 5, 8]

describe.each([
  [1, 'at once'],
  [2, 'at once'],
  [1, 'held'],
  [2, 'held'],
] as const)('worker %i of two is killed half-way, lines are counted %s', (worker, form) => {
  test.each(seeds)('every line is counted at least once and is in the file, seed %i', async (seed) => {
    const { topology, counts } = counting(form)
    await using live = await Live.start(topology, { workers: 2, seed }, twoFiles)
    expect(live.workersOf('in')).toEqual([1, 2])
    expect(live.workersOf('count')).toEqual([1, 2])
    await live.until(() => live.figures('in').ackedCount > COUNT / 2)
    expect(live.end).toBeUndefined()
    live.run.killWorker(worker)
    await live.until(() => live.figures('in').ackedCount > (COUNT * 3) / 4 || live.end !== undefined)
    live.run.killWorker(3 - worker)
    expect(await live.ended()).toBeNull()
    expect([...counts.keys()].toSorted()).toEqual(every)
    expect([...new Set(await textOf(live, '/out/all.txt'))].toSorted()).toEqual(every)
    expect(live.deadLetters).toEqual([])
    const kinds = live.events.map(({ kind }) => kind)
    expect(kinds.filter((kind) => kind === 'worker-restarted')).toHaveLength(2)
    // Nobody waits for a time-out for what is known to be lost.
    expect(live.nowMs).toBeLessThan(20_000)
    expect(live.figures('in').expiredCount).toBe(0)
  })
})

test('what was acked when its worker died is not read again but for the last moments', async () => {
  const { topology, counts } = counting('at once')
  await using live = await Live.start(topology, { workers: 2, seed: 4 }, twoFiles)
  await live.until(() => live.figures('in').ackedCount > COUNT / 2)
  live.run.killWorker(1)
  expect(await live.ended()).toBeNull()
  const repeated = [...counts.values()].filter((count) => count > 1).length
  // Positions are collected five times a second; what was read since then, and what was in flight, comes
  // again.
  expect(repeated).toBeGreaterThan(0)
  expect(repeated).toBeLessThan(COUNT / 2)
})
