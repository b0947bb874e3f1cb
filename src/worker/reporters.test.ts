// Goal: reporters are made, called in turn and ended whatever they do; time is virtual.
import { describe, expect, test } from 'vitest'
import { createLogger, type LogLine } from '../base/log.ts'
import { VirtualWorld } from '../host/virtual/virtual-world.ts'
import type { MetricSample, MetricsReporter, WorkerContext } from '../topology/hook.ts'
import { type LoadModule, Reporters } from './reporters.ts'

const samples: readonly MetricSample[] = [{ name: 'a', labels: {}, value: 1 }]

class Bench {
  readonly world = new VirtualWorld({ seed: 1 })
  readonly lines: LogLine[] = []
  readonly reporters: Reporters

  constructor(loadModule: LoadModule | undefined, module = './reporter.mjs') {
    const host = this.world.host('a')
    const log = createLogger({ sink: (line) => this.lines.push(line), now: () => 0 })
    const context: WorkerContext = {
      topology: 'words',
      worker: { id: 'words-1-1', node: 'a', port: 0 },
      config: {},
      resources: new Map(),
      log,
      signal: new AbortController().signal,
      now: () => 0,
    }
    this.reporters = new Reporters({
      specs: [{ module, everyMs: 100, options: { only: 'a' } }],
      loadModule,
      host,
      log,
      context,
      samples: () => samples,
    })
  }

  /** Runs in virtual time until the promise is settled. */
  async settled(run: Promise<void>): Promise<void> {
    let isOpen = true
    const ended = run.finally(() => {
      isOpen = false
    })
    ended.catch(() => undefined)
    await this.world.run({ while: () => isOpen })
    return ended
  }

  pass(forMs: number): Promise<unknown> {
    return this.world.run({ untilMs: this.world.host('a').clock.now() + forMs })
  }

  get logged(): readonly string[] {
    return this.lines.map(({ message, details }) => `${message}: ${details['message'] ?? details['module']}`)
  }
}

function benchOf(reporter: MetricsReporter): Bench {
  return new Bench(() => Promise.resolve({ default: () => reporter }))
}

describe('reporters', () => {
  test('are made from options, started, given all figures every so often, and stopped', async () => {
    const seen: unknown[] = []
    const reporter = {
      start: ({ topology }: WorkerContext) => seen.push(['start', topology]),
      report: (given: readonly MetricSample[], now: number) => {
        seen.push([given === samples, now])
      },
      stop: () => seen.push('stop'),
    }
    const bench = new Bench((name) => {
      return Promise.resolve({
        default: (options: unknown) => {
          seen.push([name, options])
          return {
            ...reporter,
            start: (c: WorkerContext) => void reporter.start(c),
            stop: () => void reporter.stop(),
          }
        },
      })
    })
    await bench.settled(bench.reporters.start())
    await bench.pass(250)
    await bench.settled(bench.reporters.stop())
    await bench.pass(500)
    expect(seen).toEqual([
      ['./reporter.mjs', { only: 'a' }],
      ['start', 'words'],
      [true, 100],
      [true, 200],
      [true, 250],
      'stop',
    ])
    expect(bench.lines).toEqual([])
  })

  test('are not called while a call goes on, not even at the end', async () => {
    let openCount = 0
    let mostOpen = 0
    let callCount = 0
    const bench = benchOf({
      report: async () => {
        openCount += 1
        callCount += 1
        mostOpen = Math.max(mostOpen, openCount)
        await new Promise<void>((resolve) => bench.world.timers.after(250, resolve))
        openCount -= 1
      },
    })
    await bench.settled(bench.reporters.start())
    await bench.pass(450)
    expect(callCount).toBe(2)
    await bench.settled(bench.reporters.stop())
    expect([callCount, mostOpen, openCount]).toEqual([3, 1, 0])
  })

  test('that throw are logged by name, and asked again', async () => {
    let callCount = 0
    const bench = benchOf({
      report: () => {
        callCount += 1
        throw new Error(`no ${callCount}`)
      },
      stop: () => Promise.reject(new Error('no end')),
    })
    await bench.settled(bench.reporters.start())
    await bench.pass(250)
    await bench.settled(bench.reporters.stop())
    expect(bench.logged).toEqual(
      ['no 1', 'no 2', 'no 3', 'no end'].map((text) => `a metrics reporter threw: ${text}`),
    )
    expect(bench.lines[0]?.details).toMatchObject({ module: './reporter.mjs' })
  })

  test('that never answer do not hold up the end', async () => {
    const bench = benchOf({ report: () => new Promise<void>(() => undefined) })
    await bench.settled(bench.reporters.start())
    await bench.pass(150)
    await bench.settled(bench.reporters.stop())
    expect(bench.logged).toEqual(['a metrics reporter does not end and is left alone: ./reporter.mjs'])
  })

  test('are left alone after a kill', async () => {
    let callCount = 0
    const bench = benchOf({
      report: () => {
        callCount += 1
      },
    })
    await bench.settled(bench.reporters.start())
    await bench.pass(150)
    bench.reporters.kill()
    await bench.pass(500)
    await bench.settled(bench.reporters.stop())
    expect(callCount).toBe(1)
  })

  test('that cannot be had are refused with their name and why', async () => {
    const refusals: ReadonlyArray<readonly [LoadModule | undefined, string]> = [
      [undefined, 'modules cannot be loaded here'],
      [() => Promise.reject(new Error('Cannot find module')), 'Cannot find module'],
      [() => Promise.resolve({}), 'its default export is no function'],
      [() => Promise.resolve({ default: { report: () => undefined } }), 'its default export is no function'],
      [() => Promise.resolve({ default: () => ({}) }), 'its function gives nothing with a method report'],
      [() => Promise.resolve({ default: () => ({ report: 1 }) }), 'gives nothing with a method report'],
      [() => Promise.resolve({ default: () => JSON.parse('{') }), 'its function threw: '],
    ]
    for (const [load, why] of refusals) {
      const bench = new Bench(load, './mine.mjs')
      await expect(bench.settled(bench.reporters.start())).rejects.toMatchObject({
        code: 'CONFIG_INVALID_VALUE',
        message: expect.stringMatching(/^metrics reporter '\.\/mine\.mjs': /),
        details: { module: './mine.mjs' },
      })
      await expect(bench.reporters.start()).rejects.toThrow(why)
    }
  })

  test('that cannot start keep the worker from starting', async () => {
    const bench = benchOf({
      start: () => Promise.reject(new Error('port taken')),
      report: () => undefined,
    })
    await expect(bench.settled(bench.reporters.start())).rejects.toMatchObject({
      code: 'PREPARE_THREW',
      message: "metrics reporter './reporter.mjs' could not start: port taken",
    })
  })
})
