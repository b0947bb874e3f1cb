// biome-ignore-all lint/suspicious/noThenProperty: the public name in error policies; never awaited
/**
 * A real topology made of a model: bolts that do what the model says, say what they did, and fail now and
 * then.
 */

import type { Timers } from '../../src/host/host.ts'
import {
  bolt,
  defineTopology,
  direct,
  fields,
  keyedBolt,
  plainSink,
  richBolt,
  spoutFrom,
  type TopologyContext,
  type Tuple,
  valueState,
} from '../../src/index.ts'
import { childrenOf, type Model, type ModelBolt, type ModelInput } from './model.ts'
import { partsOf, type SimValues, type WorkLog } from './work-log.ts'

const Item = fields({ parts: 'string', key: 'int', hops: 'int', from: 'string', seq: 'int' })
const outputs = { default: Item, again: Item, direct: direct(Item) }

/** What bolts need of the simulation. */
export interface SimSide {
  readonly log: WorkLog
  readonly timersOf: (node: string) => Timers
  /** Sources of errors and slowness are off once the run shall heal. */
  readonly isCalm: () => boolean
}

/** A task, as its bolt sees it. */
interface Self {
  readonly bolt: ModelBolt
  readonly side: SimSide
  readonly context: TopologyContext
  /** Of the readers of the stream `direct`. */
  readonly directTasks: readonly number[]
  readonly name: string
  readonly keepsOrder: boolean
  readonly first: WeakSet<object>
  sequence: number
}

interface Out {
  emit(stream: string, values: SimValues, options?: object): void
  emitDirect(task: number, stream: string, values: SimValues, options?: object): void
}

export function buildSimTopology(model: Model, side: SimSide) {
  return defineTopology({
    name: 'sim',
    config: {
      workers: model.workers,
      ackerExecutors: model.ackers,
      maxSpoutPending: model.pendingMax,
      executorReceiveBufferSize: model.inbox,
      transferFrameMax: '1KiB',
      transferCreditMax: `${model.creditKiB}KiB`,
      messageTimeout: `${model.timeoutMs}ms`,
      maxReplays: 1_000_000,
    },
    build(builder) {
      for (const source of model.sources) {
        builder.setSpout(
          source.id,
          spoutFrom(Item, () => []),
          source.executors,
        )
      }
      for (const each of model.bolts) {
        const handle = builder.setBolt(each.id, definitionOf(each, model, side) as never, {
          executors: each.executors,
          tasks: each.tasks,
        })
        for (const input of each.inputs) addInput(handle as never, input)
      }
      return {}
    },
  })
}

interface AnyHandle {
  [name: string]: (...args: unknown[]) => unknown
}

function addInput(handle: AnyHandle, { from, stream, grouping }: ModelInput): void {
  const source = stream === 'default' ? from : `${from}:${stream}`
  const add = (...args: unknown[]) => handle[`${grouping}Grouping`]?.(source, ...args)
  switch (grouping) {
    case 'fields':
    case 'partialKey':
    case 'consistentHash':
      add('key')
      return
    case 'range':
      add('key', { sampleCount: 5 })
      return
    case 'custom':
      add((targets: readonly number[]) => (values: SimValues) => targets[values.key % targets.length] ?? 0)
      return
    default:
      add()
  }
}

function definitionOf(each: ModelBolt, model: Model, side: SimSide): unknown {
  const backoff = { first: '5ms', factor: 2, max: '50ms' } as const
  const onError = each.policy === 'retry' ? { retries: 2, backoff, then: 'fail' as const } : each.policy
  const common = { input: Item, output: outputs, onError }
  const prepare = (context: TopologyContext) => selfOf(each, model, side, context)
  switch (each.kind) {
    case 'basic':
      return bolt({
        ...common,
        prepare,
        execute: (tuple: Tuple<SimValues>, out: Out, self: Self) => work(tuple, self, out),
      } as never)
    case 'async':
      return bolt({
        ...common,
        concurrency: each.concurrency,
        order: each.order,
        prepare,
        execute: (tuple: Tuple<SimValues>, out: Out, self: Self) => workLater(tuple, self, out),
      } as never)
    case 'keyed':
      return keyedBolt({
        ...common,
        key: 'key',
        concurrency: each.concurrency,
        state: { count: valueState<number>({ initial: () => 0 }) },
        prepare,
        execute: (tuple: Tuple<SimValues>, out: Out, state: { count: Counted }, self: Self) => {
          state.count.set(state.count.get() + 1)
          return each.concurrency > 1 ? workLater(tuple, self, out) : work(tuple, self, out)
        },
      } as never)
    case 'rich':
      return richBolt({ ...common, prepare, execute: answer } as never)
    case 'join':
      return richBolt({ ...common, ...joining(prepare) } as never)
    case 'sink':
      return sinkOf(each, prepare)
  }
}

interface Counted {
  get(): number
  set(value: number): void
}

function selfOf(each: ModelBolt, model: Model, side: SimSide, context: TopologyContext): Self {
  const reader = model.bolts.find(({ inputs }) =>
    inputs.some((input) => input.from === each.id && input.stream === 'direct'),
  )
  return {
    bolt: each,
    side,
    context,
    directTasks: reader === undefined ? [] : context.tasksOf(reader.id),
    name: `${context.task}.${context.incarnation}`,
    keepsOrder: each.kind === 'basic' || (each.kind === 'keyed' && each.concurrency === 1),
    first: new WeakSet(),
    sequence: 0,
  }
}

/** Emits what the model says, with lineages. */
function emitChildren(tuple: Tuple<SimValues>, self: Self, out: Out, options?: object): void {
  const { key, hops } = tuple.values
  const parts = partsOf(tuple.values)
  for (const child of childrenOf(self.bolt, '', hops)) {
    if (child.stream === 'direct' && self.directTasks.length === 0) continue
    if (self.keepsOrder) self.sequence += 1
    const values: SimValues = {
      parts: parts.map((part) => `${part}${child.part}`).join(','),
      key,
      hops: child.hops,
      from: self.name,
      seq: self.keepsOrder ? self.sequence : 0,
    }
    if (child.stream === 'direct') {
      const task = self.directTasks[key % self.directTasks.length] ?? 0
      out.emitDirect(task, 'direct', values, options)
    } else out.emit(child.stream, values, options)
  }
}

function arrive(tuple: Tuple<SimValues>, self: Self): void {
  if (self.first.has(tuple)) return
  self.first.add(tuple)
  if (self.keepsOrder) self.side.log.onArrived(`${self.name} ${tuple.sourceStream}`, tuple.values)
}

function mayThrow(self: Self): boolean {
  const { side, bolt: each, context } = self
  return !side.isCalm() && each.throwShare > 0 && context.random() < each.throwShare
}

/** A call that throws has emitted something before: nobody may ever see it. */
function throwAfterEmit(tuple: Tuple<SimValues>, self: Self, out: Out): never {
  self.side.log.see('throw')
  const { values } = tuple
  if (self.bolt.fan > 0)
    out.emit('default', { ...values, parts: `${values.parts}!`, from: self.name, seq: 0 })
  throw new Error('drawn from the seed')
}

function work(tuple: Tuple<SimValues>, self: Self, out: Out): void {
  arrive(tuple, self)
  if (mayThrow(self)) throwAfterEmit(tuple, self, out)
  emitChildren(tuple, self, out)
  self.side.log.onDone(self.bolt, self.context.task, tuple.values)
}

async function workLater(tuple: Tuple<SimValues>, self: Self, out: Out): Promise<void> {
  await passTime(self)
  if (mayThrow(self)) throwAfterEmit(tuple, self, out)
  emitChildren(tuple, self, out)
  self.side.log.onDone(self.bolt, self.context.task, tuple.values)
}

function passTime(self: Self): Promise<void> {
  const { context, bolt: each, side } = self
  const waitMs = context.random() * each.slowMs
  return new Promise((resolve) => side.timersOf(context.worker.node).after(waitMs, resolve))
}

interface Collector extends Out {
  ack(tuple: unknown): void
  fail(tuple: unknown): void
}

/** A rich bolt: anchors, then acks; sometimes it says no. */
function answer(tuple: Tuple<SimValues>, collector: Collector, self: Self): void {
  if (mayThrow(self)) {
    self.side.log.see('explicit fail')
    collector.fail(tuple)
    return
  }
  emitChildren(tuple, self, collector, { anchor: tuple })
  self.side.log.onDone(self.bolt, self.context.task, tuple.values)
  collector.ack(tuple)
}

interface Joining extends Self {
  readonly waiting: Tuple<SimValues>[]
}

/** Joins two tuples into one that is anchored to both; what has waited for a tick goes alone. */
function joining(prepare: (context: TopologyContext) => Self) {
  const send = (tuples: readonly Tuple<SimValues>[], collector: Collector, self: Joining): void => {
    // Joined tuples have one number of hops: only equal ones are joined.
    const [first] = tuples
    if (first === undefined) return
    const parts = tuples.map(({ values }) => values.parts).join(',')
    const joined = { ...first, values: { ...first.values, parts }, sourceStream: first.sourceStream }
    emitChildren(joined as Tuple<SimValues>, self, collector, { anchor: tuples })
    for (const tuple of tuples) {
      self.side.log.onDone(self.bolt, self.context.task, tuple.values)
      collector.ack(tuple)
    }
  }
  return {
    tickInterval: '50ms',
    prepare: (context: TopologyContext): Joining => ({ ...prepare(context), waiting: [] }),
    execute(tuple: Tuple<SimValues>, collector: Collector, self: Joining): void {
      const other = self.waiting.findIndex(({ values }) => values.hops === tuple.values.hops)
      if (other < 0) {
        self.waiting.push(tuple)
        return
      }
      self.side.log.see('joined')
      send([...self.waiting.splice(other, 1), tuple], collector, self)
    },
    onTick(collector: Collector, self: Joining): void {
      for (const tuple of self.waiting.splice(0)) send([tuple], collector, self)
    },
  }
}

function sinkOf(each: ModelBolt, open: (context: TopologyContext) => Self): unknown {
  return plainSink({
    batch: { countMax: 5, linger: '20ms' },
    retry: { attempts: 2, first: '10ms' },
    open,
    async write(items: readonly SimValues[], self: Self) {
      await passTime(self)
      if (mayThrow(self)) {
        self.side.log.see('sink failed')
        throw new Error('drawn from the seed')
      }
      for (const values of items) self.side.log.onDone(each, self.context.task, values)
    },
  } as never)
}
