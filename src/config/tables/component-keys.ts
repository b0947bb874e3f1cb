/**
 * The keys of one component, by their name in TypeScript. In a topology's configuration they are defaults
 * for all.
 *
 * Route: this table → keys.ts (all keys, by name) → parse, compile, the reference page, the JSON Schema.
 * `kind` says which components a key has a meaning for; without it, for all. Bounds are in the unit of the
 * key.
 */
import type { KeySpec } from './key-spec.ts'

export const componentKeys = {
  executors: {
    name: 'topology.executors',
    type: 'integer',
    default: 1,
    min: 1,
    max: 100_000,
    doc: "Executors of the component over the whole topology. Storm's parallelism hint.",
  },
  tasks: {
    name: 'topology.tasks',
    storm: 'same',
    type: 'integer',
    default: null,
    min: 1,
    max: 100_000,
    doc:
      'Tasks of the component. Null: as many as executors. Tasks are what groupings see and what state ' +
      'belongs to; at most topology.key.groups for a keyed component. Both can be changed by a ' +
      'rebalance.',
  },
  maxSpoutPending: {
    name: 'topology.max.spout.pending',
    storm: 'same',
    type: 'integer',
    default: 1000,
    stormDefault: null,
    min: 1,
    kind: 'spout',
    doc: 'Spout tuples in flight per task. Reached: the spout is not asked for more.',
  },
  maxReplays: {
    name: 'topology.max.replays',
    type: 'integer',
    default: 10,
    min: 0,
    kind: 'spout',
    doc: 'Replays of one tuple by sources whose replays the engine does. Then it goes to the dead letters.',
  },
  spoutEmptyWait: {
    name: 'topology.spout.empty.wait.ms',
    storm: 'topology.sleep.spout.wait.strategy.time.ms',
    type: 'duration',
    unit: 'ms',
    default: 1,
    min: 0,
    max: 60_000,
    kind: 'spout',
    doc:
      'Wait after a nextTuple that emitted nothing. Sources made of iterables wake at once and do not ' +
      'use it.',
  },
  executorReceiveBufferSize: {
    name: 'topology.executor.receive.buffer.size',
    storm: 'same',
    type: 'integer',
    default: 1024,
    stormDefault: 32_768,
    min: 2,
    max: 1_048_576,
    powerOfTwo: true,
    kind: 'bolt',
    doc: "Tuples an executor's inbox holds, a power of two. Full: whoever feeds it is not stepped.",
  },
  tickInterval: {
    name: 'topology.tick.tuple.freq.secs',
    storm: 'same',
    type: 'duration',
    unit: 's',
    default: null,
    min: 0.01,
    kind: 'bolt',
    doc: 'Time between two calls of onTick, from 10 ms. Null: no ticks.',
  },
  concurrency: {
    name: 'topology.concurrency',
    type: 'integer',
    default: 1,
    min: 1,
    max: 10_000,
    kind: 'bolt',
    doc: 'Calls of an async bolt that one task may have open at a time (1 to 10,000).',
  },
  order: {
    name: 'topology.order',
    type: 'enum',
    values: ['input', 'key', 'none'],
    default: 'input',
    kind: 'bolt',
    doc:
      'What async calls keep in order. input: results leave in the order of their inputs. key: per key ' +
      'of the fields grouping that feeds it. none: as they come.',
  },
  timeout: {
    name: 'topology.execute.timeout.ms',
    type: 'duration',
    unit: 'ms',
    default: null,
    min: 1,
    kind: 'bolt',
    doc:
      'Longest time one async call may take. Then tuple.signal aborts and the call counts as thrown ' +
      'with EXECUTE_TIMEOUT. Null: only the message timeout.',
  },
  onError: {
    name: 'topology.on.error',
    type: 'onError',
    default: 'fail',
    kind: 'bolt',
    doc:
      'What happens to a tuple whose call threw: fail, dead-letter, skip, restart-worker, ' +
      'stop-topology, or a policy with retries.',
  },
  chain: {
    name: 'topology.chain',
    type: 'boolean',
    default: true,
    doc:
      'Call the next bolt directly where the grouping allows it. false: put an inbox in between, for ' +
      'example to see both apart in a profile.',
  },
  debug: {
    name: 'topology.debug',
    storm: 'same',
    type: 'boolean',
    default: false,
    doc: 'Log every emit and execute of the component. Slow.',
  },
  cpu: {
    name: 'topology.component.cpu.pcore.percent',
    storm: 'same',
    type: 'number',
    unit: 'percent of a core',
    default: 10,
    min: 0,
    doc: 'CPU one executor asks of the resource-aware scheduler.',
  },
  memory: {
    name: 'topology.component.resources.onheap.memory.mb',
    storm: 'same',
    type: 'bytes',
    unit: 'MiB',
    default: 128,
    min: 0,
    doc: 'Memory one executor asks of it.',
  },
} as const satisfies Readonly<Record<string, KeySpec>>
