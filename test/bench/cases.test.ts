/** Every case of the benchmarks runs, for a very short time, and says what its line promises. */
import { describe, expect, it } from 'vitest'
import { type Case, type Line, lineOf, type Plan } from '../../bench/case.ts'
import { caseOf, cases, casesBy } from '../../bench/catalog.ts'
import { runInChild } from '../../bench/child.ts'
import { stormCases } from '../../bench/storm.ts'

const quick: Plan = { warmMs: 100, windowMs: 150, windowCount: 2, scale: 0.01 }
const FIXED = ['name', 'tuplesPerSecond', 'cpuSecondsPerMillion', 'p50Ms', 'p99Ms', 'rssMb']
/** Cases that count starts: tuples a second would say nothing. */
const withoutSpeed = new Set(['start/first-tuple'])

async function lineFrom(each: Case): Promise<Line> {
  // Flags of Node can only be given to a process of its own.
  if (each.nodeFlags !== undefined) return await runInChild(each, quick)
  return lineOf(each.name, await each.run(quick))
}

describe('a case', () => {
  for (const each of cases) {
    it.skipIf(each.whyNot?.() !== undefined)(`${each.name} prints its figures`, async () => {
      const line = await lineFrom(each)
      expect(Object.keys(line).slice(0, FIXED.length)).toEqual(FIXED)
      expect(line.name).toBe(each.name)
      expect(line.tuples).toBeGreaterThan(0)
      expect(line.rssMb).toBeGreaterThan(10)
      expect(JSON.parse(JSON.stringify(line))).toEqual(line)
      if (withoutSpeed.has(each.name)) return
      expect(line.tuplesPerSecond).toBeGreaterThan(0)
      const { cpuSecondsPerMillion, p50Ms, p99Ms } = line
      if (cpuSecondsPerMillion !== null) expect(cpuSecondsPerMillion).toBeGreaterThan(0)
      if (p50Ms !== null && p99Ms !== null) expect(p99Ms).toBeGreaterThanOrEqual(p50Ms)
    })
  }

  it('of an acked topology knows complete latencies', async () => {
    const line = lineOf('const-null/ack', await caseOf('const-null/ack').run(quick))
    expect(line['latency']).toBe('complete')
    expect(line.p99Ms).toBeGreaterThan(0)
    expect(line['oneWayP50Ms']).toBeGreaterThan(0)
  })

  it('at a fixed rate does not run at full speed', async () => {
    const line = lineOf('rate/const-null-10k', await caseOf('rate/const-null-10k').run(quick))
    expect(line['rate']).toBe(10_000)
    // Full speed is millions; a machine that was held up makes good for it with a burst.
    expect(line.tuplesPerSecond).toBeLessThan(500_000)
  })
})

describe('the catalogue', () => {
  it('has each name once', () => {
    const names = cases.map((each) => each.name)
    expect(new Set(names).size).toBe(names.length)
  })

  it('holds every case that is compared with Storm', () => {
    for (const name of stormCases) expect(caseOf(name).name).toBe(name)
  })

  it('finds cases by the beginning of their names', () => {
    expect(casesBy(['const-id-null']).map((each) => each.name)).toEqual([
      'const-id-null/noack',
      'const-id-null/ack',
    ])
    expect(casesBy([])).toEqual(cases)
  })

  it('keeps its names: results of versions are compared by them', () => {
    const names = cases.map((each) => each.name).filter((name) => !name.startsWith('wire/'))
    expect(names).toEqual([
      'const-spout/noack',
      'const-spout/ack',
      'const-null/noack',
      'const-null/ack',
      'const-null/noack-ids',
      'const-id-null/noack',
      'const-id-null/ack',
      'word-count/noack',
      'word-count/ack',
      'simplified-word-count/noack',
      'simplified-word-count/ack',
      'word-count-text/noack',
      'word-count-text/ack',
      'word-count-text/keyed-ack',
      'word-count-file/ack',
      'const-null/2-workers-noack',
      'const-null/2-workers-ack',
      'word-count-text/2-workers-ack',
      'rate/const-null-10k',
      'rate/const-null-300k',
      'rate/const-null-half',
      'rate/const-null-2-workers-10k',
      'loop/word-count',
      'loop/word-count-text',
      'loop/word-count-acked',
      'loop/word-count-text-acked',
      'loop/const-null',
      'loop/yardstick',
      'atomic/bolt-vs-rich',
      'start/first-tuple',
      'schedule/even-full',
      'schedule/even-node-lost',
      'schedule/resource-aware-full',
      'schedule/resource-aware-node-lost',
      'tcp/const-null/noack',
      'tcp/const-null/ack',
      'tcp/simplified-word-count/noack',
      'tcp/simplified-word-count/ack',
      'tcp/word-count-text/noack',
      'tcp/word-count-text/ack',
      'tcp/const-null-10k',
      'tcp/const-null-half',
      'tcp/word-count-half',
      'memory/word-count',
      'heap/allocation-per-tuple',
      'heap/growth-50m',
      'flow/field-generated',
      'flow/field-by-name',
      'flow/step-limit-32',
      'flow/step-limit-2048',
      'zookeeper/get',
      'zookeeper/set',
      'zookeeper/create',
    ])
  })
})
