// Goal: what a run reports, logs and refuses, through the built command, as a user sees it.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { buildOnce, Sandbox } from '../cli/sandbox.ts'
import { reporter, sourceSchema, words } from './topologies.ts'

let sandbox: Sandbox

beforeAll(buildOnce)
beforeEach(() => {
  sandbox = new Sandbox()
  sandbox.write('reporter.mjs', reporter)
})
afterEach(() => sandbox.remove())

interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number | { readonly count: number; readonly sum: number }
}

/** Every report that the reporter wrote, in order. */
function reports(): readonly (readonly Sample[])[] {
  const text = readFileSync(join(sandbox.directory, 'reports.jsonl'), 'utf8')
  return text
    .trim()
    .split('\n')
    .map((line): readonly Sample[] => JSON.parse(line))
}

/** Sum over workers, and streams if there are any. */
function total(samples: readonly Sample[], name: string, component: string): number {
  return samples
    .filter((each) => each.name === name && each.labels['component'] === component)
    .reduce((sum, { value }) => sum + (typeof value === 'number' ? value : value.count), 0)
}

const withReporter =
  "metricsReporters: [{ module: './reporter.mjs', every: '100ms', options: { file: 'reports.jsonl' } }]"

describe('a metrics reporter', () => {
  test('is given figures every so often, whose last counts are those of the run', async () => {
    sandbox.write('words.ts', words(withReporter))
    const { code, stderr } = await sandbox.typhoon('run', 'words.ts')
    expect([code, stderr]).toEqual([0, expect.stringContaining('acked 40')])
    const all = reports()
    expect(all.length).toBeGreaterThan(2)
    const last = all.at(-1) ?? []
    const counts = (name: string, ...ids: readonly string[]) => ids.map((id) => total(last, name, id))
    expect(counts('typhoon_tuples_emitted_total', 'lines', 'split', 'count')).toEqual([40, 80, 0])
    expect(counts('typhoon_tuples_transferred_total', 'lines', 'split')).toEqual([40, 80])
    expect(counts('typhoon_tuples_executed_total', 'split', 'count')).toEqual([40, 80])
    expect(counts('typhoon_tuples_acked_total', 'lines', 'split', 'count')).toEqual([40, 40, 80])
    expect(counts('typhoon_tuples_failed_total', 'lines', 'split', 'count')).toEqual([0, 0, 0])
    expect(counts('typhoon_tuples_pending', 'lines')).toEqual([0])
    expect(counts('typhoon_complete_seconds', 'lines')[0]).toBeGreaterThan(0)
    expect(counts('words_seen', 'count')).toEqual([80])
    for (const { name, labels } of last) {
      expect(name).toMatch(/^(typhoon_[a-z_]+|words_seen)$/)
      expect(labels).toMatchObject({ topology: 'words', worker: '1' })
    }
    const acked = all.map((samples) => total(samples, 'typhoon_tuples_acked_total', 'count'))
    expect(acked).toEqual([...acked].sort((a, b) => a - b))
  })

  test('of two workers says which, and the sums are the same', async () => {
    sandbox.write('words.ts', words(withReporter))
    expect(await sandbox.typhoon('run', 'words.ts', '--workers', '2')).toMatchObject({ code: 0 })
    const lastOf = (worker: string) =>
      reports().findLast((samples) => samples.some(({ labels }) => labels['worker'] === worker)) ?? []
    const both = [...lastOf('1'), ...lastOf('2')]
    expect(total(both, 'typhoon_tuples_executed_total', 'count')).toBe(80)
    expect(total(both, 'typhoon_tuples_acked_total', 'lines')).toBe(40)
    expect(lastOf('1').length * lastOf('2').length).toBeGreaterThan(0)
  })

  test('that is not there, or is none, is refused by name', async () => {
    sandbox.write('none.mjs', 'export default () => ({})\n')
    sandbox.write('named.mjs', 'export const reporter = () => ({ report() {} })\n')
    const refusals = [
      ['./gone.mjs', /gone\.mjs/],
      ['./none.mjs', /gives nothing with a method report/],
      ['./named.mjs', /its default export is no function/],
    ] as const
    for (const [module, why] of refusals) {
      sandbox.write('words.ts', words(`metricsReporters: [{ module: '${module}' }]`))
      const { code, stdout, stderr } = await sandbox.typhoon('run', 'words.ts')
      expect(stderr).toContain(`E2002 CONFIG_INVALID_VALUE`)
      expect(stderr).toContain(`metrics reporter '${module}': `)
      expect(stderr).toMatch(why)
      expect([code, stdout]).toEqual([2, ''])
    }
  })

  test('that throws changes nothing but the log', async () => {
    sandbox.write('throwing.mjs', "export default () => ({ report() { throw new Error('full') } })\n")
    sandbox.write('words.ts', words("metricsReporters: [{ module: './throwing.mjs', every: '100ms' }]"))
    const { code, stderr } = await sandbox.typhoon('run', 'words.ts')
    expect(stderr).toContain('a metrics reporter threw')
    expect(stderr).toContain('message=full')
    expect(stderr).toMatch(/acked 40 .*failed 0/)
    expect(code).toBe(0)
  })
})

describe('debug', () => {
  test('writes a line for every emit, execute and ack, none held back', async () => {
    sandbox.write('words.ts', words('debug: true'))
    const { code, stderr } = await sandbox.typhoon('run', 'words.ts')
    const countOf = (text: RegExp) => stderr.split('\n').filter((line) => text.test(line)).length
    expect(countOf(/ INFO +emit to default .*component=lines/)).toBe(40)
    expect(countOf(/ INFO +emit to default .*values=/)).toBe(120)
    expect(countOf(/ INFO +execute of lines:default .*sentence/)).toBe(40)
    expect(countOf(/ INFO +execute of split:default .*word/)).toBe(80)
    expect(countOf(/ INFO +ack( |$)/)).toBe(120)
    expect(countOf(/ INFO +tree acked/)).toBe(40)
    expect(stderr).not.toContain('heldBack')
    expect(code).toBe(0)
  })
})

describe('an item that the schema of its source refuses', () => {
  test('is a dead letter with VALUE_INVALID; the others go on', async () => {
    sandbox.write('orders.ts', sourceSchema)
    const { code, stdout, stderr } = await sandbox.typhoon('run', 'orders.ts')
    expect(stdout.trim().split('\n')).toEqual(['{"id":1,"amount":5}', '{"id":3,"amount":7}'])
    expect(stderr).toContain('VALUE_INVALID')
    expect(stderr).toContain('dead letters 1')
    expect(code).toBe(0)
  })
})

describe('what this version has nothing behind', () => {
  test('is refused before anything runs, with what to set instead', async () => {
    const refusals = [
      [
        "stateBackend: 'leveldb'",
        'CONFIG_INVALID_VALUE',
        "stateBackend 'leveldb': this version keeps state in memory only",
      ],
      ["guarantee: 'exactly-once'", 'GUARANTEE_NOT_POSSIBLE', 'exactly-once'],
    ] as const
    for (const [config, errorCode, why] of refusals) {
      sandbox.write('words.ts', words(config))
      const { code, stdout, stderr } = await sandbox.typhoon('run', 'words.ts')
      expect(stderr).toContain(errorCode)
      expect(stderr).toContain(why)
      expect([code, stdout]).toEqual([2, ''])
    }
  })
})
