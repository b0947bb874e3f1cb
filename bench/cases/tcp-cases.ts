/** Two worker processes over TCP on loopback: what Storm's cases with two workers are compared with. */
import type { Case, Figures, Plan } from '../case.ts'
import { tcpBenches } from '../tcp/tcp-benches.ts'
import { measureTwoProcesses } from '../tcp/two-processes.ts'

const full: readonly Case[] = [...tcpBenches.keys()].map((name) => ({
  name: `tcp/${name}`,
  what: `two worker processes over TCP: ${name}`,
  run: async (plan) => await measureTwoProcesses(name, plan),
}))

async function atRate(rate: number, plan: Plan): Promise<Figures> {
  const figures = await measureTwoProcesses('const-null/ack', plan, rate)
  const rateHeld = Number(((figures.tuplesPerSecond ?? 0) / rate).toPrecision(3))
  return { ...figures, more: { ...figures.more, rate, rateHeld } }
}

/** Finds out what full speed is, then runs at half of it. */
async function atHalf(plan: Plan): Promise<Figures> {
  const { tuplesPerSecond } = await measureTwoProcesses('const-null/ack', { ...plan, windowCount: 1 })
  return await atRate(Math.round((tuplesPerSecond ?? 0) / 2), plan)
}

export const tcpCases: readonly Case[] = [
  ...full,
  {
    name: 'tcp/const-null-10k',
    what: 'spout → null bolt in another process at 10,000 a second, acked',
    run: async (plan) => await atRate(10_000, plan),
  },
  { name: 'tcp/const-null-half', what: 'the same at half of full speed', run: atHalf },
]
