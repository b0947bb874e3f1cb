/** Figures become ratios and tables: Storm's lines, our lines, the page. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { type Line, lineOf } from '../../bench/case.ts'
import { cases } from '../../bench/catalog.ts'
import { goalRows } from '../../bench/goals.ts'
import { drive, median } from '../../bench/measure.ts'
import { filledPage, reportParts } from '../../bench/report.ts'
import { parseLines, withRatios } from '../../bench/results.ts'
import { compareWithStorm, parseStorm } from '../../bench/storm.ts'
import { eachWord } from '../../bench/text.ts'
import { isProbe, Meter } from '../../bench/topologies/meter.ts'

const pathOf = (name: string) => fileURLToPath(new URL(`../../${name}`, import.meta.url))

const stormText = [
  'storm ConstSpoutNullBoltTopo ack 1 600000 30 80 2.5 config=default rate=max foreign_cores=0.00',
  'storm ConstSpoutNullBoltTopo ack 1 700000 40 90 2.7 config=default rate=max foreign_cores=0.00',
  'storm ConstSpoutNullBoltTopo ack 1 650000 35 85 2.6 config=default rate=max foreign_cores=0.00',
  'storm~ ConstSpoutNullBoltTopo ack 1 100000 350 850 9 config=default rate=max foreign_cores=1.00',
  'storm ConstSpoutNullBoltTopo ack 1 1000000 28 130 1.6 config=tuned rate=max',
  'storm ConstSpoutNullBoltTopo ack 1 700000 1.2 2.4 1.7 config=default+pending1000 rate=max',
  'storm ConstSpoutNullBoltTopo ack 1 10000 1.04 1.13 45 config=default rate=10000',
  'storm ConstSpoutNullBoltTopo noack 1 8000000 0.04 3 0.2 config=default rate=max',
  'the driver says something else',
].join('\n')

function line(name: string, perSecond: number, cpu: number, p50Ms: number, p99Ms: number): Line {
  return lineOf(name, {
    tuplesPerSecond: perSecond,
    cpuSecondsPerMillion: cpu,
    p50Ms,
    p99Ms,
    rssMb: 100,
    unit: 'tuples',
    tuples: 1,
  })
}

describe("Storm's lines", () => {
  it('become medians of undisturbed windows by configuration', () => {
    const rows = parseStorm(stormText)
    expect(rows).toHaveLength(5)
    expect(rows[0]).toMatchObject({
      config: 'default',
      windowCount: 3,
      tuplesPerSecond: 650_000,
      p99Ms: 85,
      cpuSecondsPerMillion: 2.6,
    })
  })

  it('are compared with the best configuration of each figure', () => {
    const [row] = compareWithStorm(
      [line('const-null/ack', 8_000_000, 0.16, 0.012, 0.04)],
      parseStorm(stormText),
    )
    expect(row?.fastest.config).toBe('tuned')
    expect(row?.quickest.config).toBe('default+pending1000')
    expect(row?.speedToDefault).toBeCloseTo(12.3)
    expect(row?.speedToBest).toBe(8)
    expect(row?.cpuToBest).toBe(10)
    expect(row?.p99ToBest).toBe(60)
  })

  it('of the committed file name every topology that is compared', () => {
    const rows = parseStorm(readFileSync(pathOf('bench/results/storm-2.8.4.txt'), 'utf8'))
    const at = rows.find(
      (row) => row.topology === 'ConstSpoutNullBoltTopo' && row.config === 'tuned' && row.acks === 'ack',
    )
    expect(at?.windowCount).toBe(8)
    expect(at?.tuplesPerSecond).toBeCloseTo(1_094_000, -4)
  })
})

describe('goals', () => {
  const storm = parseStorm(stormText)
  const rowOf = (lines: readonly Line[], begin: string) =>
    goalRows(lines, storm).find((row) => row.goal.startsWith(begin))

  it('are met, missed, or not measured', () => {
    const fast = [line('const-null/ack', 8_000_000, 0.16, 0.012, 0.04)]
    const slow = [line('const-null/ack', 5_000_000, 0.2, 0.012, 0.04)]
    expect(rowOf(fast, "`const-null/ack`: 10 × Storm's defaults")?.isMet).toBe(true)
    expect(rowOf(slow, "`const-null/ack`: 10 × Storm's defaults")?.isMet).toBe(false)
    expect(rowOf([], '`const-null/ack`: 6 ×')?.isMet).toBeUndefined()
  })

  it('say what they would be on a machine as fast as that of Storm', () => {
    const slow = line('const-null/ack', 5_000_000, 0.2, 0.012, 0.04)
    const halfSpeed = line('loop/yardstick', 14.4e6, 0.07, 1, 1)
    const row = rowOf([slow, halfSpeed], "`const-null/ack`: 10 × Storm's defaults")
    expect(row).toMatchObject({ ratio: '7.69 ×', isMet: false, adjusted: '15.4 ×', isMetAdjusted: true })
  })

  it('for latency need both p50 and p99', () => {
    const goal = '`rate/const-null-10k`: p50'
    expect(rowOf([line('rate/const-null-10k', 10_000, 8, 0.1, 1)], goal)?.isMet).toBe(true)
    expect(rowOf([line('rate/const-null-10k', 10_000, 8, 0.1, 2)], goal)?.isMet).toBe(false)
    const late = { ...line('rate/const-null-10k', 8_000, 8, 0.1, 1), rateHeld: 0.8 }
    expect(rowOf([late], goal)?.isMet).toBe(false)
  })

  it('for loops are a bound on cost', () => {
    const loop = line('loop/const-null', 20_000_000, 0.1, 1, 1)
    const goal = '`const-null/ack`: at most 2 ×'
    expect(rowOf([line('const-null/ack', 1, 0.19, 1, 1), loop], goal)?.isMet).toBe(true)
    expect(rowOf([line('const-null/ack', 1, 0.21, 1, 1), loop], goal)?.isMet).toBe(false)
  })
})

describe('the report', () => {
  it('goes between the markers and leaves the rest alone', () => {
    const text = 'a\n<!-- goals: begin -->\nold\n<!-- goals: end -->\nb\n'
    expect(filledPage(text, { goals: 'new' })).toBe('a\n<!-- goals: begin -->\nnew\n<!-- goals: end -->\nb\n')
    expect(filledPage(filledPage(text, { goals: 'x' }), { goals: 'new' })).toBe(
      filledPage(text, { goals: 'new' }),
    )
    expect(() => filledPage(text, { storm: 'new' })).toThrow('markers for storm')
  })

  it('finds its markers in the page', () => {
    const parts = reportParts(
      [line('const-null/ack', 8e6, 0.16, 0.012, 0.04)],
      parseStorm(stormText),
      'x.jsonl',
    )
    const page = filledPage(readFileSync(pathOf('BENCHMARKS.md'), 'utf8'), parts)
    expect(page).toContain('| `const-null/ack` |')
  })

  it('reads lines back; the last one of a case counts', () => {
    const lines = [line('a', 1, 1, 1, 1), line('b', 2, 1, 1, 1), line('a', 3, 1, 1, 1)]
    const read = parseLines(`${lines.map((each) => JSON.stringify(each)).join('\n')}\n`)
    expect(read.map((each) => [each.name, each.tuplesPerSecond])).toEqual([
      ['a', 3],
      ['b', 2],
    ])
    expect(() => parseLines('{"name":"a"}')).toThrow('line 1')
  })
})

describe('against an earlier run', () => {
  it('a line says what has changed, above 1 for the better', () => {
    const now = withRatios(line('a', 200, 2, 1, 1), [line('b', 1, 1, 1, 1), line('a', 100, 4, 1, 1)])
    expect(now).toMatchObject({ name: 'a', tuplesPerSecond: 200, ratio: 2, cpuRatio: 2 })
    expect(withRatios(line('c', 1, 1, 1, 1), [])).toEqual(line('c', 1, 1, 1, 1))
  })
})

describe('measuring', () => {
  it('takes the middle', () => {
    expect(median([3, 1, 2])).toBe(2)
    expect(median([4, 1, 2, 3])).toBe(2.5)
  })

  it('counts what windows saw, warm-up left out', () => {
    let count = 0
    const figures = drive(
      {
        unit: 'turns',
        count: () => count,
        turn() {
          count += 1
        },
      },
      { warmMs: 20, windowMs: 20, windowCount: 2, scale: 1 },
    )
    expect(figures.tuples).toBeGreaterThan(0)
    expect(figures.tuples).toBeLessThan(count)
    expect(figures.p50Ms).toBeNull()
  })

  it('times one id in 64 from emit to ack, and sends another as a probe', () => {
    const meter = new Meter(6)
    const texts = Array.from({ length: 128 }, (_, n) => meter.sent(n, 'word', 0))
    const probes = texts.filter(isProbe)
    expect(probes).toHaveLength(2)
    for (const probe of probes) meter.arrived(probe)
    for (let n = 0; n < 128; n += 1) meter.acked(n)
    expect(meter.oneWay.count).toBe(2)
    expect(meter.complete.count).toBe(2)
    expect(meter.complete.min).toBeGreaterThanOrEqual(0)
    expect(meter.complete.max).toBeLessThan(10_000)
  })

  it('splits by hand as a split at spaces does', () => {
    for (const text of ['', 'a', ' a  b ', 'one two three']) {
      const words: string[] = []
      eachWord(text, (word) => words.push(word))
      expect(words).toEqual(text.split(' ').filter((word) => word !== ''))
    }
  })
})

describe('the command', () => {
  const run = (...args: readonly string[]) =>
    spawnSync(process.execPath, [pathOf('bench/main.ts'), ...args], { encoding: 'utf8', timeout: 60_000 })

  it('lists every case', () => {
    const { stdout, status } = run('--list')
    expect(status).toBe(0)
    expect(
      stdout
        .trim()
        .split('\n')
        .map((each) => each.split(' ')[0]),
    ).toEqual(cases.map((each) => each.name))
  })

  it('prints a line of JSON, and nothing else, with the named fields first', () => {
    const { stdout, status } = run('wire/acks-encode', '--json', '--seconds', '0.1')
    expect(status).toBe(0)
    expect(stdout.trim().split('\n')).toHaveLength(1)
    expect(stdout).toMatch(
      /^\{"name":"wire\/acks-encode","tuplesPerSecond":\d+,"cpuSecondsPerMillion":[\d.]+,"p50Ms":/,
    )
  })

  it('refuses what it does not know', () => {
    expect(run('no-such-case').status).toBe(2)
    expect(run().status).toBe(2)
    expect(run('--nonsense').status).toBe(2)
    expect(run('wire/', '--seconds', 'two').status).toBe(2)
  })
})
