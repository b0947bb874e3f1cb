import { describe, expect, test } from 'vitest'
import type { ProjectConfig } from './cluster-config.ts'
import { defineConfig } from './define-config.ts'

/** A config as JavaScript may hand it in. */
function untyped(config: object): ProjectConfig {
  return config
}

describe('defineConfig', () => {
  test('gives back what it was given', () => {
    const config = {
      topologies: { 'word-count': './src/word-count.ts' },
      contexts: {
        local: { nimbus: 'localhost:6627' },
        prod: { nimbus: ['a:6627', '[::1]:6627'], production: true, tls: { ca: 'ca.pem' } },
      },
      defaultContext: 'local',
      dev: { port: 0, workers: 2, open: false, args: { 'word-count': ['--input', 'x'] }, for: '60s' },
      config: { workers: 2, messageTimeout: '30s' },
    } as const
    expect(defineConfig(config)).toBe(config)
    expect(defineConfig({})).toEqual({})
  })

  test.each([
    [{ topologys: {} }, 'CONFIG_UNKNOWN_KEY', 'did you mean topologies'],
    [{ dev: { prot: 1 } }, 'CONFIG_UNKNOWN_KEY', 'dev.prot; did you mean port'],
    [{ config: { worker: 1 } }, 'CONFIG_UNKNOWN_KEY', 'did you mean workers'],
    [{ contexts: { a: { nimbus: 'localhost' } } }, 'CONFIG_INVALID_VALUE', 'contexts.a.nimbus'],
    [{ contexts: { a: {} } }, 'CONFIG_INVALID_VALUE', 'contexts.a.nimbus'],
    [{ contexts: { a: { nimbus: [] } } }, 'CONFIG_INVALID_VALUE', 'contexts.a.nimbus'],
    [{ contexts: { a: { nimbus: 'a:1', production: 'yes' } } }, 'CONFIG_INVALID_VALUE', 'production'],
    [{ contexts: { a: { nimbus: 'a:1', tls: { pem: 'x' } } } }, 'CONFIG_UNKNOWN_KEY', 'contexts.a.tls.pem'],
    [{ topologies: { a: 1 } }, 'CONFIG_INVALID_VALUE', 'topologies.a'],
    [{ dev: { port: 70_000 } }, 'CONFIG_INVALID_VALUE', 'dev.port'],
    [{ dev: { for: '1 minute' } }, 'CONFIG_INVALID_VALUE', 'dev.for'],
    [{ dev: { args: { a: '--x' } } }, 'CONFIG_INVALID_VALUE', 'dev.args.a'],
    [{ config: { workers: 0 } }, 'CONFIG_INVALID_VALUE', 'config: workers is 0'],
    [{ contexts: { prod: { nimbus: 'a:1' } }, defaultContext: 'prd' }, 'CONFIG_CONTRADICTION', "mean 'prod'"],
    [{ defaultContext: 'x' }, 'CONFIG_CONTRADICTION', 'none of contexts'],
  ])('refuses %j', (config, code, part) => {
    expect(() => defineConfig(untyped(config))).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(part) }),
    )
  })
})
