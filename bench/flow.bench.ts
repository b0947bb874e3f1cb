/**
 * `node bench/flow.bench.ts`, or `npm run bench -- flow/`.
 *
 * What choices in the data path are worth: how fields are read, how many tuples a step takes.
 */
import { compileField } from '../src/flow/route/field-access.ts'
import type { Case } from './case.ts'
import { measureRun } from './engine.ts'
import { drive } from './measure.ts'
import { runIfMain } from './run-if-main.ts'
import { wordCountText } from './topologies/storm-perf.ts'

const COUNT = 1000

/** Streams with values of their own shapes, as a worker has them: beyond four V8 gives up caching a place. */
const STREAMS = 8
const keys = Array.from({ length: STREAMS }, (_, index) => `key${index}`)
const streams = keys.map((key, index) => {
  return Array.from({ length: COUNT }, (_, i): Readonly<Record<string, unknown>> => {
    return index % 2 === 0 ? { [key]: `k${i}`, count: i } : { at: i, [key]: i, isPaid: true }
  })
})

type Read = (values: Readonly<Record<string, unknown>>) => unknown

/** Reads by name, through one function that sees every shape. */
function readerByName(name: string): Read {
  return (values) => values[name]
}

function fieldCase(name: string, what: string, readerOf: (field: string) => Read): Case {
  const run = async (plan: Parameters<Case['run']>[0]) => {
    const readers = keys.map((field) => readerOf(field))
    let seen = 0
    let reads = 0
    return drive(
      {
        unit: 'reads',
        count: () => (seen < 0 ? 0 : reads),
        turn() {
          for (const [index, read] of readers.entries()) {
            for (const values of streams[index] ?? []) if (read(values) !== undefined) seen += 1
            reads += COUNT
          }
        },
      },
      { ...plan, warmMs: plan.warmMs / 5, windowMs: plan.windowMs / 6 },
    )
  }
  return { name, what, run }
}

function stepCase(limit: number): Case {
  return {
    name: `flow/step-limit-${limit}`,
    what: `word count of a book, acked, at most ${limit} tuples a step`,
    run: async (plan) => {
      return await measureRun({ ...wordCountText({ isAcked: true }), stepLimit: limit }, plan)
    },
  }
}

export const flowCases: readonly Case[] = [
  fieldCase('flow/field-generated', 'a field by a function made for it', compileField),
  fieldCase('flow/field-by-name', 'the same by its name', readerByName),
  stepCase(32),
  stepCase(2048),
]

await runIfMain(import.meta.url, flowCases)
