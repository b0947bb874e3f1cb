// biome-ignore-all lint/suspicious/noThenProperty: the public name in error policies; never awaited
import { describe, expect, test } from 'vitest'
import { assertDefined } from '../base/assert.ts'
import { toFile, toTyped } from './format.ts'
import { allKeys, type Key, keyNamed } from './keys.ts'
import { defaultValue, type Form, parseValue, wantedValue } from './parse.ts'

function keyOf(name: string): Key {
  return assertDefined(keyNamed(name), name)
}

function parse(name: string, value: unknown, form: Form): unknown {
  return parseValue(keyOf(name), value, form)
}

const TIMEOUT = 'topology.message.timeout.secs'

describe('parseValue', () => {
  test.each<[string, Form, unknown, unknown]>([
    [TIMEOUT, 'typed', '30s', 30_000],
    [TIMEOUT, 'file', 30, 30_000],
    [TIMEOUT, 'file', 0.25, 250],
    [TIMEOUT, 'file', '2m', 120_000],
    [TIMEOUT, 'text', '30', 30_000],
    [TIMEOUT, 'text', '30s', 30_000],
    ['topology.transfer.frame.max.kb', 'typed', '64KiB', 65_536],
    ['topology.transfer.frame.max.kb', 'file', 64, 65_536],
    ['topology.transfer.frame.max.kb', 'text', '64KiB', 65_536],
    ['topology.workers', 'typed', 4, 4],
    ['topology.workers', 'text', '4', 4],
    ['topology.acker.executors', 'text', 'null', undefined],
    ['topology.acker.executors', 'file', null, undefined],
    ['topology.debug', 'text', 'true', true],
    ['topology.order', 'text', 'key', 'key'],
    ['topology.order', 'text', '"key"', 'key'],
    ['storm.local.dir', 'text', '/var/typhoon', '/var/typhoon'],
    ['storm.zookeeper.auth.user', 'text', '"1234"', '1234'],
    ['nimbus.seeds', 'text', '["a","b"]', ['a', 'b']],
    ['supervisor.slots.ports', 'file', [6_700], [6_700]],
    ['topology.environment', 'text', '{"A":"1"}', { A: '1' }],
    ['security.roles', 'file', { reader: ['list'] }, { reader: ['list'] }],
    ['isolation.scheduler.machines', 'file', { pay: 2 }, { pay: 2 }],
    ['topology.scheduler.node.max', 'text', '{"split":1}', { split: 1 }],
    ['topology.stats.sample.rate', 'typed', 1, 1],
    ['topology.executor.receive.buffer.size', 'typed', 2_048, 2_048],
    ['topology.state.checkpoint.interval.ms', 'file', 500, 500],
  ])('%s, %s: %j is %j', (name, form, value, compiled) => {
    expect(parse(name, value, form)).toEqual(compiled)
  })

  test.each<[string, Form, unknown]>([
    [TIMEOUT, 'typed', 30],
    [TIMEOUT, 'typed', '30'],
    [TIMEOUT, 'typed', '2h'],
    [TIMEOUT, 'file', 0],
    [TIMEOUT, 'file', 3_601],
    [TIMEOUT, 'file', Number.NaN],
    [TIMEOUT, 'file', null],
    [TIMEOUT, 'text', 'soon'],
    ['topology.transfer.frame.max.kb', 'typed', 64],
    ['topology.transfer.frame.max.kb', 'file', 0.5],
    ['topology.workers', 'typed', 0],
    ['topology.workers', 'typed', 1.5],
    ['topology.workers', 'typed', '4'],
    ['topology.workers', 'text', 'four'],
    ['topology.workers', 'typed', Number.POSITIVE_INFINITY],
    ['topology.concurrency', 'typed', 10_001],
    ['topology.tick.tuple.freq.secs', 'typed', '9ms'],
    ['topology.executor.receive.buffer.size', 'typed', 1_000],
    ['topology.stats.sample.rate', 'typed', 1.01],
    ['topology.stats.sample.rate', 'typed', -0.1],
    ['topology.priority', 'typed', 30],
    ['topology.checkpoints.kept', 'typed', 1],
    ['topology.debug', 'text', 'yes'],
    ['topology.debug', 'typed', 1],
    ['topology.order', 'typed', 'keys'],
    ['storm.local.dir', 'file', ''],
    ['storm.local.dir', 'file', 5],
    ['nimbus.seeds', 'text', 'a,b'],
    ['nimbus.seeds', 'file', [1]],
    ['supervisor.slots.ports', 'file', [70_000]],
    ['topology.environment', 'file', { A: 1 }],
    ['topology.environment', 'file', []],
    ['security.roles', 'file', { reader: 'list' }],
    ['isolation.scheduler.machines', 'file', { pay: 0 }],
    ['isolation.scheduler.machines', 'file', { pay: '2' }],
    ['topology.scheduler.node.max', 'typed', { split: 1.5 }],
    ['topology.metrics.reporters', 'typed', [{}]],
  ])('%s, %s: %j is refused', (name, form, value) => {
    expect(() => parse(name, value, form)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID_VALUE' }))
  })

  test('an error says key, found and wanted', () => {
    expect(() => parse('topology.workers', 0, 'file')).toThrow(
      expect.objectContaining({
        message: 'topology.workers is 0, wanted a whole number from 1 to 10,000',
        details: { key: 'topology.workers', found: '0', wanted: 'a whole number from 1 to 10,000' },
      }),
    )
    // In TypeScript by the name it has there.
    expect(() => parse('topology.workers', 0, 'typed')).toThrow(/^workers is 0/)
  })

  test('executors and tasks have the code of the graph check', () => {
    expect(() => parse('topology.executors', 0, 'typed')).toThrow(
      expect.objectContaining({ code: 'PARALLELISM_INVALID' }),
    )
  })

  test('a long value is cut in the message', () => {
    expect(() => parse('topology.order', 'x'.repeat(1_000), 'typed')).toThrow(/^.{1,200}$/)
  })

  test('objects keep names that JavaScript is touchy about', () => {
    const compiled = parse('topology.environment', '{"__proto__":"x"}', 'text')
    expect(JSON.stringify(compiled)).toBe('{"__proto__":"x"}')
  })
})

describe('the way back', () => {
  test('every default is written and read as itself, in files and in TypeScript', () => {
    for (const key of allKeys) {
      const compiled = defaultValue(key)
      expect(toFile(key, compiled), key.name).toEqual(key.default)
      expect(parseValue(key, toFile(key, compiled), 'file'), key.name).toEqual(compiled)
      if (compiled === undefined) continue
      expect(parseValue(key, toTyped(key, compiled), 'typed'), key.name).toEqual(compiled)
    }
  })

  test('policies and reporters come back whole', () => {
    const onError = { retries: 3, backoff: { first: '1s', factor: 3, max: '1m' }, then: 'skip' }
    const reporters = [{ module: './r.js', every: '5s', options: { a: 1 } }]
    for (const [name, value] of [
      ['topology.on.error', onError],
      ['topology.metrics.reporters', reporters],
    ] as const) {
      const key = keyOf(name)
      expect(toTyped(key, parseValue(key, value, 'typed'))).toEqual(value)
    }
  })

  test('every key says in words what it takes', () => {
    expect(wantedValue(keyOf(TIMEOUT).spec)).toBe('a number of seconds from 0.1 to 3,600')
    expect(wantedValue(keyOf('supervisor.slots.ports').spec)).toBe('a list of whole numbers from 1 to 65,535')
  })
})
