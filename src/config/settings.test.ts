import { describe, expect, test } from 'vitest'
import {
  compileComponentSettings,
  compileTopologySettings,
  misplacedSettings,
  pickComponentConfig,
} from './settings.ts'
import type { ComponentConfig, TopologyConfig } from './topology-config.ts'

/** A config as JavaScript may hand it in, whatever the types say. */
function untyped(config: object): TopologyConfig & ComponentConfig {
  return config
}

describe('compileTopologySettings', () => {
  test('says defaults in milliseconds and bytes, and undefined where there is none', () => {
    const settings = compileTopologySettings({})
    expect(settings.messageTimeoutMs).toBe(30_000)
    expect(settings.stateMemoryMaxBytes).toBe(256 * 2 ** 20)
    expect(settings.tupleCompressionThresholdBytes).toBe(1_460)
    expect(settings.guarantee).toBe('at-least-once')
    expect(settings.ackerExecutors).toBeUndefined()
    expect(settings.workerTimeoutMs).toBeUndefined()
  })

  test('compiles what is set, and leaves component settings to components', () => {
    const settings = compileTopologySettings({
      workers: 2,
      maxSpoutPending: 5,
      batchFlushInterval: '0.5ms',
      metricsReporters: [{ module: './r.js', every: '1m' }],
    })
    expect(settings.workers).toBe(2)
    expect(settings.batchFlushIntervalMs).toBe(0.5)
    expect(settings.metricsReporters).toEqual([{ module: './r.js', everyMs: 60_000, options: {} }])
    expect(settings).not.toHaveProperty('maxSpoutPending')
  })

  test('refuses names it does not know, with the nearest', () => {
    expect(() => compileTopologySettings(untyped({ worker: 2 }))).toThrow(
      expect.objectContaining({ code: 'CONFIG_UNKNOWN_KEY', details: { key: 'worker', nearest: 'workers' } }),
    )
    expect(() => compileTopologySettings(untyped({ 'topology.workers': 2 }))).toThrow(/did you mean workers/)
    expect(() => compileTopologySettings(untyped({ toString: 2 }))).toThrow(/no configuration key toString/)
  })

  test('checks component settings where they stand', () => {
    expect(() => compileTopologySettings({ concurrency: 0 })).toThrow(/concurrency is 0/)
  })

  test('refuses contradictions', () => {
    expect(() =>
      compileTopologySettings({ localityawareLowerBound: 0.9, localityawareHigherBound: 0.8 }),
    ).toThrow(expect.objectContaining({ code: 'CONFIG_CONTRADICTION' }))
  })
})

describe('compileComponentSettings', () => {
  test('placement wins over definition, definition over topology, topology over defaults', () => {
    const topology: TopologyConfig = { concurrency: 2, order: 'key', timeout: '1s', workers: 3 }
    const definition: ComponentConfig = { concurrency: 4, order: 'none' }
    const settings = compileComponentSettings([topology, definition, { concurrency: 8 }], 'bolt', 'b')
    expect(settings).toMatchObject({
      concurrency: 8,
      order: 'none',
      timeoutMs: 1_000,
      executors: 1,
      chain: true,
    })
    expect(settings.tasks).toBeUndefined()
    expect(settings.onError.action).toBe('fail')
  })

  test('an unset member says nothing', () => {
    const layers = [{ debug: true }, untyped({ debug: undefined })]
    expect(compileComponentSettings(layers, 'spout', 's').debug).toBe(true)
  })

  test.each([
    ['spout', { tickInterval: '1s' }],
    ['spout', { concurrency: 2 }],
    ['spout', { onError: 'skip' }],
    ['bolt', { maxSpoutPending: 2 }],
    ['bolt', { spoutEmptyWait: '1ms' }],
  ] as const)(
    'a setting without meaning is found, and changes nothing: %s %j',
    (kind, config: ComponentConfig) => {
      for (const layers of [
        [{}, config],
        [{}, {}, config],
      ]) {
        expect(() => compileComponentSettings(layers, kind, 'x')).not.toThrow()
      }
      const [property] = Object.keys(config)
      const other = kind === 'spout' ? 'bolt' : 'spout'
      expect(misplacedSettings(config, kind)).toEqual([{ property, kind: other }])
      expect(misplacedSettings(config, other)).toEqual([])
      // For all components it is fine: those it has a meaning for take it.
      expect(() => compileComponentSettings([config, {}], kind, 'x')).not.toThrow()
    },
  )

  test('names the component in what it refuses', () => {
    expect(() => compileComponentSettings([{}, {}, untyped({ excutors: 2 })], 'bolt', 'count')).toThrow(
      "bolt 'count': there is no configuration key excutors; did you mean executors",
    )
    expect(() => compileComponentSettings([{}, { executors: 0 }], 'bolt', 'count')).toThrow(
      expect.objectContaining({ code: 'PARALLELISM_INVALID' }),
    )
    // The topology's own are for the topology only.
    expect(() => compileComponentSettings([{}, untyped({ workers: 2 })], 'bolt', 'count')).toThrow(/workers/)
  })

  test('settings are picked out of a definition', () => {
    const spec = { input: {}, execute: () => undefined, concurrency: 3, chain: undefined }
    expect(pickComponentConfig(spec)).toEqual({ concurrency: 3, chain: undefined })
  })
})
