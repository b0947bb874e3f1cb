// Goal: what will cross a limit is told in time, with the right figures, and what only looks like it is not.
// Method: series made by hand and by seed: leaks under noise and under a saw, saws of every tooth, steps,
// levels however high, restarts. Each kind that must not be told is tried with a hundred seeds.
import { describe, expect, test } from 'vitest'
import { SeededRandom } from '../../base/random.ts'
import { judgeNodeRisk, judgeWorkerRisk, NODE_RESTARTS } from './judge-risk.ts'
import { RiskHistory, SAMPLE_EVERY_MS, SAMPLES_MAX } from './risk-history.ts'
import type { Sample } from './trend.ts'

const MB = 2 ** 20
const HEAP = { heapLimitBytes: 512 * MB, workerTimeoutMs: 5_000 }
const NODE = { memoryBytes: 8192 * MB, diskBytes: 100_000 * MB, exits: new Map<string, number>() }
const SEEDS = Array.from({ length: 100 }, (_, seed) => seed)

function seriesOf(valueAt: (index: number) => number, count = SAMPLES_MAX): Sample[] {
  return Array.from({ length: count }, (_, index) => ({ at: index * SAMPLE_EVERY_MS, value: valueAt(index) }))
}

function heapRisk(valueAt: (index: number) => number, count?: number): readonly string[] {
  return judgeWorkerRisk('worker orders-2', { heap: seriesOf((index) => valueAt(index) * MB, count) }, HEAP)
}

/** Samples come every five seconds: a rise a minute is a twelfth of it a sample. */
const leak = (from: number, perMinute: number) => (index: number) => from + (perMinute * index) / 12

/** Climbs by `height` in `tooth` samples, then falls back. */
const saw =
  (height: number, tooth: number, shift = 0) =>
  (index: number) =>
    (height * ((index + shift) % tooth)) / tooth

describe('the heap of a worker', () => {
  test('that leaks is told, with rate, limit and time left', () => {
    expect(heapRisk(leak(344, 12))).toEqual([
      'heap of worker orders-2 grows 12 MB/min, its limit of 512 MB is reached in about 9 min',
    ])
  })

  test('that leaks is told under noise, and below the saw of its collections', () => {
    for (const seed of SEEDS) {
      const random = new SeededRandom(seed)
      expect(heapRisk((index) => leak(330, 20)(index) + 10 * random.next())).toHaveLength(1)
      const teeth = saw(60, 5 + (seed % 4), seed)
      expect(heapRisk((index) => leak(330, 20)(index) + teeth(index))).toHaveLength(1)
    }
  })

  test('is told by a minute of samples, if the leak is steep, and not by less', () => {
    expect(heapRisk(leak(320, 60), 12)).toHaveLength(1)
    expect(heapRisk(leak(320, 60), 11)).toEqual([])
  })

  test('that is a saw is never told, whatever its teeth', () => {
    for (let tooth = 2; tooth <= 45; tooth += 1) {
      for (let shift = 0; shift < tooth; shift += 1) {
        const found = heapRisk((index) => 320 + saw(150, tooth, shift)(index))
        if (found.length > 0) expect([tooth, shift, found]).toEqual([tooth, shift, []])
      }
    }
  })

  test('that is high and level, or noise, is not told', () => {
    for (const seed of SEEDS) {
      const random = new SeededRandom(seed)
      expect(heapRisk(() => 420 + 60 * random.next())).toEqual([])
    }
    expect(heapRisk(() => 500)).toEqual([])
  })

  test('that took a step, and stays there, is not told', () => {
    for (const seed of SEEDS) {
      const random = new SeededRandom(seed)
      const at = 5 + (seed % 50)
      const found = heapRisk((index) => (index < at ? 200 : 400) + 10 * random.next())
      if (found.length > 0) expect([seed, at, found]).toEqual([seed, at, []])
    }
  })

  test('that grows far below its limit, or so slowly that it takes hours, is not told', () => {
    expect(heapRisk(leak(20, 40))).toEqual([])
    expect(heapRisk(leak(340, 1))).toEqual([])
  })

  test('begins anew with its worker: a fall at a restart is no end of a leak, nor a new one', () => {
    const history = new RiskHistory()
    const risksAfter = (count: number, life: number, from: number) => {
      for (let index = 0; index < count; index += 1) {
        const at = (life * 1_000 + index) * SAMPLE_EVERY_MS
        history.record('orders-2', at, { heap: leak(from, 20)(index) * MB }, { life })
      }
      return judgeWorkerRisk('worker orders-2', history.series('orders-2'), HEAP)
    }
    expect(risksAfter(40, 1, 330)).toHaveLength(1)
    expect(risksAfter(8, 2, 60)).toEqual([])
    expect(history.series('orders-2')['heap']).toHaveLength(8)
  })
})

describe('the event loop of a worker', () => {
  const risk = (delay: (index: number) => number, busy = 0.5, count = SAMPLES_MAX) => {
    const series = { loopDelay: seriesOf(delay, count), loopBusy: seriesOf(() => busy, count) }
    return judgeWorkerRisk('worker orders-2', series, HEAP)
  }

  test('that is late by much is told, however long it has been', () => {
    expect(risk((index) => (index < 54 ? 5 : 1_400))).toEqual([])
    expect(risk((index) => (index < 53 ? 5 : 1_400))).toHaveLength(1)
    expect(risk(() => 1_400)).toEqual([
      'event loop of worker orders-2 is 1.4 s late, it counts as hung at 5 s',
    ])
  })

  test('that is later and later is told before it is hung', () => {
    const [told = ''] = risk((index) => index * 40, 0.99, 24)
    const [what, when] = told.split(': ')
    expect(what).toBe('event loop of worker orders-2 is later and later, and busy 99 % of the time')
    expect(when).toBe('it counts as hung at 5 s, in about 9 min')
  })

  test('that works at full speed, or stops once for a collection, is not told', () => {
    expect(risk(() => 40, 1)).toEqual([])
    expect(risk((index) => (index % 20 === 7 ? 3_000 : 20))).toEqual([])
  })
})

describe('links', () => {
  const risk = (rtt: (index: number) => number, missed: (index: number) => number = () => 0) => {
    const series = { rtt: seriesOf(rtt), echoMissed: seriesOf(missed) }
    return judgeWorkerRisk('worker orders-2', series, HEAP)
  }

  test('that have become slow, or miss echoes, are told', () => {
    expect(risk((index) => (index < 45 ? 3 : 180))).toEqual([
      'echoes of links to worker orders-2 take 180 ms, 3 ms before',
    ])
    expect(
      risk(
        () => 3,
        (index) => (index >= 48 && index % 3 === 0 ? 1 : 0),
      ),
    ).toEqual(['33 % of echoes of links to worker orders-2 were missed within the last minute'])
  })

  test('that have always been slow, or were for a moment, are not', () => {
    expect(risk(() => 180)).toEqual([])
    expect(risk((index) => (index === 55 ? 900 : 3))).toEqual([])
    expect(
      risk(
        () => 3,
        (index) => (index === 50 || index === 58 ? 1 : 0),
      ),
    ).toEqual([])
  })
})

describe('restarts', () => {
  test('are told when they are a pattern', () => {
    const risk = (count: number) => {
      const series = { restarts: seriesOf((index) => 7 + Math.min(count, Math.floor(index / 10))) }
      return judgeWorkerRisk('worker orders-2', series, HEAP)
    }
    expect(risk(2)).toEqual([])
    expect(risk(3)).toEqual(['worker orders-2 was restarted 3 times within 5 min'])
  })

  test('are counted over the lives of a worker, which its other figures are not', () => {
    const history = new RiskHistory()
    for (let index = 0; index < 40; index += 1) {
      const life = Math.floor(index / 10)
      const figures = { restarts: life, heap: MB }
      history.record('w', index * SAMPLE_EVERY_MS, figures, { life, lasting: ['restarts'] })
    }
    expect(history.series('w')['heap']).toHaveLength(10)
    expect(judgeWorkerRisk('worker w', history.series('w'), HEAP)).toHaveLength(1)
  })
})

describe('a node', () => {
  test('is told by memory, disk, its supervisor and the restarts of its workers', () => {
    const series = {
      memory: seriesOf(() => 0.97 * NODE.memoryBytes),
      disk: seriesOf((index) => 80_000 * MB + leak(0, 600)(index) * MB),
      loopDelay: seriesOf(() => 900),
    }
    const exits = new Map([
      ['orders', NODE_RESTARTS - 3],
      ['views', 3],
    ])
    expect(judgeNodeRisk('node-b', series, { ...NODE, exits })).toEqual([
      'memory of node-b is 97 % full (8192 MB)',
      'disk of node-b grows 600 MB/min, its limit of 100000 MB is reached in about 28 min',
      'supervisor of node-b is 0.9 s late with its work',
      'workers of node-b were restarted 6 times within 5 min, of 2 topologies',
    ])
  })

  test('is not at risk because one topology crashes again and again', () => {
    const restarts = seriesOf((index) => index)
    const crashing = new Map([['orders', 18]])
    expect(judgeNodeRisk('node-b', { restarts }, { ...NODE, exits: crashing })).toEqual([])
    crashing.set('views', 2)
    expect(judgeNodeRisk('node-b', { restarts }, { ...NODE, exits: crashing })).toEqual([])
  })

  test('whose links are gone, for it was drained, is not told of echoes it missed before', () => {
    const series = { echoMissed: seriesOf(() => 0.5, 20), rtt: seriesOf(() => 5, 20) }
    const told = { ...series, loopDelay: seriesOf(() => 8, 20) }
    expect(judgeNodeRisk('node-b', told, NODE)).toHaveLength(1)
    expect(judgeNodeRisk('node-b', { ...series, loopDelay: seriesOf(() => 8, 60) }, NODE)).toEqual([])
  })

  test('that is well, or of which nothing is known yet, is not told', () => {
    const well = {
      memory: seriesOf(() => 4096 * MB),
      disk: seriesOf(() => 100 * MB),
      loopDelay: seriesOf(() => 8),
    }
    expect(judgeNodeRisk('node-b', well, NODE)).toEqual([])
    expect(judgeNodeRisk('node-b', {}, NODE)).toEqual([])
    expect(judgeNodeRisk('node-b', well, { ...NODE, memoryBytes: 0, diskBytes: 0 })).toEqual([])
  })
})
