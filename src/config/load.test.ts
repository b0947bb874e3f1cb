// biome-ignore-all lint/suspicious/noThenProperty: the public name in error policies; never awaited
import { describe, expect, test } from 'vitest'
import { readCommandLine, readEnvironment, readTypeScript, readYaml } from './layer.ts'
import { inspectConfig, resolveConfig } from './load.ts'
import { compileComponentSettings, compileTopologySettings } from './settings.ts'
import type { TopologyConfig } from './topology-config.ts'

const WORKERS = 'topology.workers'

describe('layers', () => {
  const file = readYaml('topology.workers: 2\ntopology.max.spout.pending: 20\n', 'typhoon.yaml')
  const environment = readEnvironment({ TYPHOON_TOPOLOGY_WORKERS: '3', PATH: '/bin', TYPHOON_UI_PORT: '' })
  const project = readTypeScript({ workers: 4 }, 'project')
  const topology = readTypeScript({ workers: 5 })
  const commandLine = readCommandLine(['topology.workers=6', 'topology.workers=7'])
  const all = [file, environment, project, topology, commandLine]

  test('the later kind wins, in whatever order they are handed in', () => {
    for (let count = 1; count <= all.length; count += 1) {
      const layers = all.slice(0, count)
      const expected = [2, 3, 4, 5, 7][count - 1]
      expect(resolveConfig(layers).topology.workers).toBe(expected)
      expect(resolveConfig(layers.toReversed()).topology.workers).toBe(expected)
    }
  })

  test('a key tells everybody who set it', () => {
    expect(resolveConfig(all).explain(WORKERS)?.said).toEqual([
      { layer: 'defaults', origin: '', value: 1 },
      { layer: 'cluster-file', origin: 'typhoon.yaml:1:1', value: 2 },
      { layer: 'environment', origin: 'TYPHOON_TOPOLOGY_WORKERS', value: 3 },
      { layer: 'project', origin: 'project', value: 4 },
      { layer: 'topology', origin: 'topology', value: 5 },
      { layer: 'command-line', origin: 'command line', value: 6 },
      { layer: 'command-line', origin: 'command line', value: 7 },
    ])
    expect(resolveConfig(all).explain('topology.worker')).toBeUndefined()
  })

  test('what holds is handed on in the form of TypeScript, and compiles', () => {
    const yaml =
      'topology.message.timeout.secs: 1.5\ntopology.tick.tuple.freq.secs: 60\ntopology.tuple.max.mb: 2\n'
    const config = resolveConfig([readYaml(`${yaml}topology.tasks: 4\n`, 'f')]).topology
    expect(config).toEqual({ messageTimeout: '1500ms', tickInterval: '1m', tupleMax: '2MiB', tasks: 4 })
    expect(compileTopologySettings(config).messageTimeoutMs).toBe(1_500)
    expect(compileComponentSettings([config, {}], 'bolt', 'b')).toMatchObject({
      tickIntervalMs: 60_000,
      tasks: 4,
    })
  })

  test('null takes a value back that may be unset', () => {
    const config = resolveConfig([
      readYaml('topology.tasks: 4', 'f'),
      readCommandLine(['topology.tasks=null']),
    ])
    expect(config.topology).toEqual({})
    expect(config.explain('topology.tasks')?.value).toBeNull()
  })

  test('daemons get every key, in its unit', () => {
    const { cluster } = resolveConfig([
      readYaml('nimbus.thrift.port: 7000\nnimbus.monitor.freq.secs: 2.5', 'f'),
    ])
    expect(cluster['nimbus.port']).toBe(7_000)
    expect(cluster['nimbus.monitor.freq.secs']).toBe(2.5)
    expect(cluster['supervisor.slots.ports']).toEqual([6_700, 6_701, 6_702, 6_703])
    expect(cluster).not.toHaveProperty('security.tls.key.file')
    expect(cluster).not.toHaveProperty(WORKERS)
  })

  test('functions of a policy survive', () => {
    const retryIf = (): boolean => false
    const config: TopologyConfig = { onError: { retries: 2, then: 'skip', retryIf } }
    const held = resolveConfig([readTypeScript(config)]).topology
    expect(compileComponentSettings([held, {}], 'bolt', 'b').onError.retryIf).toBe(retryIf)
  })
})

describe('a file', () => {
  test('may be empty, or all comments', () => {
    for (const text of ['', '# nothing\n', '---\n', 'null']) expect(readYaml(text, 'f').entries).toEqual([])
  })

  test.each([
    ['a: [1', 'typhoon.yaml:1:'],
    ['ui.port: 1\n  bad indent: 2', 'typhoon.yaml:1:'],
    ['ui.port: 1\nui.port: 2', 'typhoon.yaml:2:1'],
    ['- ui.port', 'typhoon.yaml:1:1'],
    ['\n? [a]\n: 1', 'typhoon.yaml:2:'],
    ['ui.port: *port', 'typhoon.yaml:1:'],
  ])('that is no YAML map is unreadable: %j', (text, at) => {
    expect(() => readYaml(text, 'typhoon.yaml')).toThrow(
      expect.objectContaining({ code: 'CONFIG_FILE_UNREADABLE', message: expect.stringContaining(at) }),
    )
  })

  test('does not grow without end through aliases', () => {
    const lines = ['a: &a0 [x, x, x, x, x, x, x, x, x, x]']
    for (let depth = 1; depth < 9; depth += 1) {
      lines.push(`b${depth}: &a${depth} [${Array.from({ length: 10 }, () => `*a${depth - 1}`).join(', ')}]`)
    }
    expect(() => readYaml(lines.join('\n'), 'f')).toThrow(
      expect.objectContaining({ code: 'CONFIG_FILE_UNREADABLE' }),
    )
  })

  test('tells everything that is wrong with it, by line, and throws the first', () => {
    const text = 'topology.wokers: 2\nui.port: 99999\ntopology.kryo.register: []\nui.host: 0.0.0.0\n'
    const { findings, resolved } = inspectConfig([readYaml(text, 'f')])
    expect(findings.map(({ severity, code, origin }) => `${severity} ${code} ${origin}`)).toEqual([
      'error CONFIG_UNKNOWN_KEY f:1:1',
      'error CONFIG_INVALID_VALUE f:2:1',
      'warning CONFIG_NOT_SUPPORTED f:3:1',
    ])
    expect(resolved.cluster['ui.port']).toBe(8_080)
    expect(resolved.cluster['ui.host']).toBe('0.0.0.0')
    expect(() => resolveConfig([readYaml(text, 'f')])).toThrow(
      expect.objectContaining({
        code: 'CONFIG_UNKNOWN_KEY',
        message:
          'f:1:1: there is no configuration key topology.wokers; did you mean topology.workers (and 1 more)',
      }),
    )
  })

  test('a Storm key without meaning is a warning that says what to use', () => {
    const { warnings } = resolveConfig([readYaml('topology.worker.childopts: -Xmx1g', 'f')])
    expect(warnings.map((warning) => warning.message)).toEqual([
      'the Storm key topology.worker.childopts has no meaning here and is ignored; ' +
        'instead: topology.worker.node.options',
    ])
  })

  test('a key and its Storm name with two values contradict each other', () => {
    const twins = (one: number, other: number): string =>
      `nimbus.port: ${one}\nnimbus.thrift.port: ${other}\n`
    expect(() => resolveConfig([readYaml(twins(1, 2), 'f')])).toThrow(
      expect.objectContaining({ code: 'CONFIG_CONTRADICTION' }),
    )
    expect(resolveConfig([readYaml(twins(2, 2), 'f')]).cluster['nimbus.port']).toBe(2)
  })

  test('keys in levels are told to be written with dots', () => {
    const { findings } = inspectConfig([readYaml('topology:\n  workers: 2', 'f')])
    expect(findings.map((finding) => finding.message)).toEqual([
      'there is no configuration key topology; keys are written with dots, in one line',
    ])
  })
})

describe('other sources', () => {
  test('a variable that nobody knows is a warning: others have variables, too', () => {
    const { warnings } = resolveConfig([readEnvironment({ TYPHOON_TOPOLOGY_WORKRS: '3' })])
    expect(warnings).toEqual([
      expect.objectContaining({ code: 'CONFIG_UNKNOWN_KEY', key: 'TYPHOON_TOPOLOGY_WORKRS' }),
    ])
    expect(warnings[0]?.message).toContain('did you mean TYPHOON_TOPOLOGY_WORKERS')
  })

  test.each([['topology.workers'], ['=3'], ['topology.workers=']])(
    'the argument %j is refused',
    (argument) => {
      expect(() => resolveConfig([readCommandLine([argument])])).toThrow(
        expect.objectContaining({ code: 'CONFIG_INVALID_VALUE' }),
      )
    },
  )

  test('an argument may hold more equals signs', () => {
    const { topology } = resolveConfig([readCommandLine(['topology.environment={"A":"b=c"}'])])
    expect(topology.environment).toEqual({ A: 'b=c' })
  })

  test('an argument under its name in TypeScript leads to its key', () => {
    expect(() => resolveConfig([readCommandLine(['messageTimeout=30s'])])).toThrow(
      /did you mean topology\.message\.timeout\.secs/,
    )
  })

  test('layers that are right alone may contradict each other', () => {
    const layers = [
      readYaml('topology.localityaware.higher.bound: 0.3', 'f'),
      readTypeScript({ localityawareLowerBound: 0.4 }),
    ]
    expect(() => resolveConfig(layers)).toThrow(expect.objectContaining({ code: 'CONFIG_CONTRADICTION' }))
  })
})
