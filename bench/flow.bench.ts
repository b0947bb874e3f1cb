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

/** Values of four shapes, as one worker has them where several streams are keyed. */
const shapes: readonly ((i: number) => Readonly<Record<string, unknown>>)[] = [
  (i) => ({ word: `w${i}`, count: i }),
  (i) => ({ user: `u${i}`, total: i, paid: true }),
  (i) => ({ id: i, at: i, text: 'x' }),
  (i) => ({ n: i }),
]
const keys = ['word', 'user', 'text', 'n'] as const
const streams = shapes.map((shape) => Array.from({ length: COUNT }, (_, i) => shape(i)))

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
