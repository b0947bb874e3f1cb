/** Two worker processes over TCP on loopback: what Storm's cases with two workers are compared with. */
import type { Case, Figures, Plan } from '../case.ts'
import { tcpBenches } from '../tcp/tcp-benches.ts'
import { measureTwoProcesses } from '../tcp/two-processes.ts'

const full: readonly Case[] = [...tcpBenches.keys()].map((name) => ({
  name: `tcp/${name}`,
  what: `two worker processes over TCP: ${name}`,
  run: async (plan) => await measureTwoProcesses(name, plan),
}))

/** `rate`: tuples that the spout emits a second. */
async function atRate(name: string, rate: number, plan: Plan): Promise<Figures> {
  const figures = await measureTwoProcesses(name, plan, rate)
  const rateHeld = Number((spoutRateOf(figures) / rate).toPrecision(3))
  return { ...figures, more: { ...figures.more, rate, rateHeld } }
}

/** Shares of two workers are settled by then: they move once a second, a little each time. */
const SETTLED_MS = 8_000

/** Finds out what full speed is, then runs at half of it. */
async function atHalf(name: string, plan: Plan): Promise<Figures> {
  const full = await measureTwoProcesses(name, {
    ...plan,
    warmMs: Math.max(plan.warmMs, SETTLED_MS),
    windowCount: 1,
  })
  return await atRate(name, Math.round(spoutRateOf(full) / 2), plan)
}

function spoutRateOf({ more }: Figures): number {
  return Number(more?.['spoutPerSecond'] ?? 0)
}

const CONST_NULL = 'const-null/ack'
const WORD_COUNT = 'word-count-text/ack'

export const tcpCases: readonly Case[] = [
  ...full,
  {
    name: 'tcp/const-null-10k',
    what: 'spout → null bolt in another process at 10,000 a second, acked',
    run: async (plan) => await atRate(CONST_NULL, 10_000, plan),
  },
  {
    name: 'tcp/const-null-half',
    what: 'the same at half of full speed',
    run: async (plan) => await atHalf(CONST_NULL, plan),
  },
  {
    name: 'tcp/word-count-half',
    what: 'word count of a book on two processes at half of full speed, acked',
    run: async (plan) => await atHalf(WORD_COUNT, plan),
  },
]
