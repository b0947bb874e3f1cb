// Goal: a topology that cannot work is refused before anything of it runs: with a typed error, a stable code,
// and a message that names what was found. Method: each wrong graph is given to the runner of the test kit;
// nothing of it may be opened or prepared.

import {
  bolt,
  type ComponentConfig,
  defineTopology,
  direct,
  fields,
  type Guarantee,
  keyedBolt,
  plainSink,
  replayableSpout,
  richBolt,
  StreamError,
  spoutFrom,
  type TopologyBuilder,
  type TopologyConfig,
  valueState,
} from 'typhoon'
import { completeTopology } from 'typhoon/testing'
import { afterEach, describe, expect, test } from 'vitest'
import { Live } from '../storm/live.ts'
import { Feeder } from '../storm/parts.ts'

const Word = fields({ word: 'string', at: 'int' })
let started: string[] = []

const words = spoutFrom(Word, () => {
  started.push('words')
  return []
})
const replayed = replayableSpout({
  output: Word,
  partitions: () => ['p'],
  async *read() {
    started.push('replayed')
    yield { values: { word: 'a', at: 1 }, position: 0 }
  },
})
const pass = bolt({
  input: Word,
  output: Word,
  prepare: () => void started.push('pass'),
  execute: ({ values }, out) => out.emit(values),
})
const end = bolt({ input: Word, execute() {} })
const counted = keyedBolt({
  input: Word,
  key: 'word',
  state: { n: valueState<number>() },
  execute() {},
})

afterEach(() => {
  started = []
})

type Builder = TopologyBuilder<Guarantee>
type Build = (builder: Builder) => void

async function refusal(build: Build, config: TopologyConfig = {}): Promise<StreamError> {
  // By ids, as those write it whom no compiler warns.
  const topology = defineTopology({ name: 'bad', config, build: build as never })
  const refused: unknown = await completeTopology(topology).catch((error: unknown) => error)
  expect(refused).toBeInstanceOf(StreamError)
  expect(started).toEqual([])
  return refused as StreamError
}

const sound: Build = (b) => {
  b.setSpout('words', words as never)
  b.setBolt('pass', pass).shuffleGrouping('words')
}

interface Case {
  readonly build: Build
  readonly config?: TopologyConfig
  readonly code: string
  /** What the message must name. */
  readonly says: readonly string[]
}

const placed =
  (settings: unknown): Build =>
  (b) => {
    b.setSpout('words', words as never)
    b.setBolt('pass', pass, settings as ComponentConfig).shuffleGrouping('words')
  }

const cases: Record<string, Case> = {
  'an unknown component': {
    build(b) {
      b.setSpout('words', words as never)
      b.setBolt('pass', pass).shuffleGrouping('wrods')
    },
    code: 'UNKNOWN_COMPONENT',
    says: ["'pass'", "'wrods'", 'did you mean "words"'],
  },
  'an unknown stream': {
    build(b) {
      b.setSpout('words', words as never)
      b.setBolt('pass', pass).shuffleGrouping('words:rejected')
    },
    code: 'UNKNOWN_STREAM',
    says: ["'pass'", "'rejected'", 'default'],
  },
  'an unknown field': {
    build(b) {
      b.setSpout('words', words as never)
      b.setBolt('pass', pass).fieldsGrouping('words', 'wrod' as never)
    },
    code: 'UNKNOWN_FIELD',
    says: ['"wrod"', 'word, at'],
  },
  'a key that the input does not have': {
    build(b) {
      b.setSpout('words', words as never)
      const wrong = keyedBolt({ input: Word, key: 'user' as never, state: {}, execute() {} })
      b.setBolt('count', wrong as never).fieldsGrouping('words', 'word' as never)
    },
    code: 'KEY_GROUPING_MISMATCH',
    says: ['user'],
  },
  'a keyed bolt fed by a shuffle': {
    build(b) {
      b.setSpout('words', words as never)
      const handle: unknown = b.setBolt('count', counted)
      ;(handle as { shuffleGrouping(id: string): void }).shuffleGrouping('words')
    },
    code: 'KEY_GROUPING_MISMATCH',
    says: ['word', 'shuffle'],
  },
  'the same id twice': {
    build(b) {
      sound(b)
      b.setBolt('words', pass).shuffleGrouping('words')
    },
    code: 'DUPLICATE_COMPONENT',
    says: ["'words'"],
  },
  'a reserved id': {
    build: (b) => void b.setSpout('__acker', words as never),
    code: 'RESERVED_ID',
    says: ['__acker'],
  },
  'an id with a colon': {
    build: (b) => void b.setSpout('a:b', words as never),
    code: 'RESERVED_ID',
    says: ['a:b'],
  },
  'an empty id': { build: (b) => void b.setSpout('', words as never), code: 'RESERVED_ID', says: [] },
  'a reserved stream': {
    build(b) {
      b.setSpout('words', words as never)
      const reserved = bolt({ input: Word, output: { __tick: Word }, execute() {} })
      b.setBolt('pass', reserved).shuffleGrouping('words')
    },
    code: 'RESERVED_ID',
    says: ['__tick'],
  },
  'a bolt without grouping': {
    build(b) {
      sound(b)
      b.setBolt('lonely', end)
    },
    code: 'NO_INPUT',
    says: ["'lonely'"],
  },
  'no spout': {
    build: (b) => void b.setBolt('pass', pass).shuffleGrouping('pass'),
    code: 'EMPTY_TOPOLOGY',
    says: ['pass'],
  },
  'a direct stream read by shuffle': {
    build(b) {
      b.setSpout('words', words as never)
      b.setBolt('one', bolt({ input: Word, output: { to: direct(Word) }, execute() {} })).shuffleGrouping(
        'words',
      )
      b.setBolt('two', end).shuffleGrouping('one:to')
    },
    code: 'DIRECT_STREAM_MISMATCH',
    says: ['one:to'],
  },
  'exactly-once with a source that cannot go back': {
    build: sound,
    config: { guarantee: 'exactly-once' },
    code: 'GUARANTEE_NOT_POSSIBLE',
    says: ["'words'"],
  },
  'exactly-once with a sink that writes plainly': {
    build(b) {
      b.setSpout('words', replayed as never)
      b.setBolt('out', plainSink({ input: Word, write() {} }) as never).shuffleGrouping('words')
    },
    config: { guarantee: 'exactly-once' },
    code: 'GUARANTEE_NOT_POSSIBLE',
    says: ["'out'"],
  },
  'exactly-once with a cycle': {
    build(b) {
      b.setSpout('words', replayed as never)
      b.setBolt('pass', pass).shuffleGrouping('words').shuffleGrouping('pass')
    },
    config: { guarantee: 'exactly-once' },
    code: 'CYCLE_UNDER_EXACTLY_ONCE',
    says: ['pass → pass'],
  },
  'a cycle under at-most-once': {
    build(b) {
      b.setSpout('words', words as never)
      b.setBolt('there', pass).shuffleGrouping('words').shuffleGrouping('back')
      b.setBolt('back', pass).shuffleGrouping('there')
    },
    config: { guarantee: 'at-most-once' },
    code: 'CONFIG_CONTRADICTION',
    says: ['there → back → there', "set guarantee to 'at-least-once'"],
  },
  'a cycle without ackers': {
    build(b) {
      b.setSpout('words', words as never)
      const rich = richBolt({ input: Word, output: Word, execute() {} })
      b.setBolt('there', rich).shuffleGrouping('words').shuffleGrouping('back')
      b.setBolt('back', rich).shuffleGrouping('there')
    },
    config: { ackerExecutors: 0 },
    code: 'CONFIG_CONTRADICTION',
    says: ['there → back → there', 'take ackerExecutors 0 out'],
  },
  'parallelism 0': { build: placed(0), code: 'PARALLELISM_INVALID', says: ["'pass'", '0'] },
  'parallelism -1': { build: placed(-1), code: 'PARALLELISM_INVALID', says: ['-1'] },
  'parallelism 1.5': { build: placed(1.5), code: 'PARALLELISM_INVALID', says: ['1.5'] },
  'parallelism NaN': { build: placed(Number.NaN), code: 'PARALLELISM_INVALID', says: ['NaN'] },
  'more executors than tasks': {
    build: placed({ executors: 3, tasks: 2 }),
    code: 'PARALLELISM_INVALID',
    says: ['3 executors', '2 tasks'],
  },
  'an unknown key of a component': {
    build: placed({ executers: 2 }),
    code: 'CONFIG_UNKNOWN_KEY',
    says: ['executers', 'executors'],
  },
  'an unknown key of the topology': {
    build: sound,
    config: { messageTimeuot: '1s' } as TopologyConfig,
    code: 'CONFIG_UNKNOWN_KEY',
    says: ['messageTimeuot', 'messageTimeout'],
  },
  'a key called __proto__': {
    build: sound,
    config: JSON.parse('{"__proto__": {"workers": 3}}'),
    code: 'CONFIG_UNKNOWN_KEY',
    says: ['__proto__'],
  },
  'a number that is too big': {
    build: sound,
    config: { concurrency: 10_001 },
    code: 'CONFIG_INVALID_VALUE',
    says: ['concurrency is 10001'],
  },
  'a number that is too small': {
    build: sound,
    config: { workers: 0 },
    code: 'CONFIG_INVALID_VALUE',
    says: ['workers'],
  },
  'a number that is none': {
    build: sound,
    config: { maxSpoutPending: Number.NaN },
    code: 'CONFIG_INVALID_VALUE',
    says: ['maxSpoutPending'],
  },
  'a duration below its bound': {
    build: sound,
    config: { messageTimeout: '1ms' },
    code: 'CONFIG_INVALID_VALUE',
    says: ['messageTimeout'],
  },
  'an inbox that is no power of two': {
    build: placed({ executorReceiveBufferSize: 3 }),
    code: 'CONFIG_INVALID_VALUE',
    says: ['executorReceiveBufferSize'],
  },
  'a tick without interval': {
    build(b) {
      b.setSpout('words', words as never)
      b.setBolt('pass', bolt({ input: Word, execute() {}, onTick() {} })).shuffleGrouping('words')
    },
    code: 'TICK_WITHOUT_INTERVAL',
    says: ['onTick'],
  },
}

describe('refused before anything runs', () => {
  for (const [name, { build, config, code, says }] of Object.entries(cases)) {
    test(name, async () => {
      const error = await refusal(build, config)
      expect(error).toMatchObject({ code, family: 'usage', retryable: false })
      for (const part of says) expect(error.message).toContain(part)
    })
  }

  test('several errors come together, each with its code', async () => {
    const error = await refusal((b) => {
      b.setSpout('words', words as never)
      b.setBolt('pass', pass).shuffleGrouping('wrods')
      b.setBolt('lonely', end)
    })
    const findings = String(error.details['findings']).split('\n')
    expect(findings.map((line) => line.split(':')[0])).toEqual(['UNKNOWN_COMPONENT', 'NO_INPUT'])
  })

  test('a source that a test forgot to replace', async () => {
    expect(await refusal(sound)).toMatchObject({ code: 'SOURCE_NOT_MOCKED', family: 'usage' })
  })
})

describe('a cycle whose tuples are tracked', () => {
  const Job = fields({ job: 'int' })
  const Done = fields({ job: 'int', task: 'int' })
  /** The direct-grouping sample: a dispatcher hears back from its workers. */
  const cycleOf = (feeder: Feeder<{ job: number }>) => {
    const dispatch = richBolt({
      input: [Job, Done],
      output: { toWorker: direct(Job) },
      prepare: (context) => ({ tasks: context.tasksOf('work'), open: 0 }),
      execute(tuple, collector, self) {
        const { values } = tuple
        if ('task' in values) self.open -= 1
        else {
          self.open += 1
          const target = self.tasks[values.job % self.tasks.length] ?? 0
          collector.emitDirect(target, 'toWorker', { job: values.job }, { anchor: tuple })
        }
        collector.ack(tuple)
      },
    })
    const work = bolt({
      input: Job,
      output: Done,
      prepare: (context) => context.task,
      execute: ({ values }, out, task) => out.emit({ ...values, task }),
    })
    return defineTopology({
      name: 'cycle',
      config: { executorReceiveBufferSize: 2, maxSpoutPending: 1_000 },
      build(builder) {
        const source = builder.setSpout('jobs', feeder.def)
        const dispatcher = builder.setBolt('dispatch', dispatch).globalGrouping(source)
        const workers = builder.setBolt('work', work, 4).directGrouping(dispatcher.stream('toWorker'))
        dispatcher.globalGrouping(workers)
      },
    })
  }

  test.each([1, 2, 3])('runs to its end through inboxes of two, on %i workers', async (workers) => {
    const feeder = new Feeder(Job)
    await using live = await Live.start(cycleOf(feeder), { workers })
    for (let job = 0; job < 5_000; job += 1) feeder.feed({ job })
    let pendingMax = 0
    await live.until(() => {
      pendingMax = Math.max(pendingMax, live.figures('jobs').pendingCount)
      return feeder.acked.length === 5_000
    })
    expect(feeder.failed).toEqual([])
    expect(live.figures('work').executedCount).toBe(5_000)
    expect(live.figures('dispatch').executedCount).toBe(10_000)
    expect(pendingMax).toBeLessThanOrEqual(1_000)
  })

  test('a tuple that goes round a thousand times is acked once, at its end', async () => {
    const Turn = fields({ left: 'int' })
    const feeder = new Feeder(Turn)
    const round = bolt({
      input: Turn,
      output: Turn,
      execute({ values: { left } }, out) {
        if (left > 0) out.emit({ left: left - 1 })
      },
    })
    const topology = defineTopology({
      name: 'round',
      config: { executorReceiveBufferSize: 2 },
      build(builder) {
        const there = builder.setBolt('there', round).shuffleGrouping(builder.setSpout('1', feeder.def))
        there.shuffleGrouping(builder.setBolt('back', round).shuffleGrouping(there))
      },
    })
    await using live = await Live.start(topology, { workers: 2 })
    for (let i = 0; i < 10; i += 1) feeder.feed({ left: 1_000 }, i)
    await live.until(() => feeder.acked.length + feeder.failed.length === 10)
    expect(feeder.failed).toEqual([])
    expect(live.figures('there').executedCount + live.figures('back').executedCount).toBe(10_010)
  })
})
