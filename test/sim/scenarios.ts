/** Scenarios made for one kind of trouble each, where drawn ones meet it too seldom. */
import { dropLink, durationText, killWorker } from '../../src/testing/faults/fault.ts'
import type { Model, ModelBolt } from './model.ts'
import type { SimOptions } from './simulation.ts'

const plain: Omit<ModelBolt, 'id' | 'kind' | 'inputs'> = {
  executors: 2,
  tasks: 2,
  fan: 0,
  loops: false,
  directs: false,
  policy: 'fail',
  throwShare: 0,
  concurrency: 1,
  order: 'none',
  slowMs: 5,
}

function twoSteps(workers: number, rate: number, slow: Partial<ModelBolt> = {}): Model {
  return {
    sources: [{ id: 's0', count: 400, partitions: 2, rate, executors: 1 }],
    bolts: [
      {
        ...plain,
        id: 'b0',
        kind: 'basic',
        fan: 1,
        inputs: [{ from: 's0', stream: 'default', grouping: 'shuffle' }],
      },
      {
        ...plain,
        id: 'b1',
        kind: 'async',
        inputs: [{ from: 'b0', stream: 'default', grouping: 'fields' }],
        ...slow,
      },
    ],
    workers,
    ackers: workers,
    hops: 0,
    pendingMax: 1_000,
    inbox: 4,
    creditKiB: 1,
    timeoutMs: 30_000,
  }
}

/** A fast source before a slow bolt, in one worker. */
export const crowded: SimOptions = { model: twoSteps(1, 10_000), faults: [] }

/** The same over links. */
export const apart: SimOptions = { model: twoSteps(2, 10_000), faults: [] }

/** Workers die one after the other, and nothing else happens. */
export const dying: SimOptions = {
  model: twoSteps(3, 400, { concurrency: 8, slowMs: 30 }),
  // The source is in worker 2: it goes first, so that it is there to hear of the others.
  faults: [2, 1, 3, 1].map((worker, n) => killWorker(worker, { at: durationText(150 + n * 200) })),
}

/** A link that breaks all the time while much is under way. */
export const broken: SimOptions = {
  model: { ...twoSteps(2, 400, { kind: 'basic' }), creditKiB: 64 },
  faults: Array.from({ length: 40 }, (_, n) => dropLink(1, 2, { at: durationText(60 + n * 21) })),
}

export const scenarios = { crowded, apart, dying, broken }
