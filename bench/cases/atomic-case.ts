/**
 * What atomic calls cost: the same topology with a `bolt`, whose emits wait for the end of its call, and
 * with a `richBolt`, which emits and acks at once. Each in a process of its own.
 */
import type { Case, Figures, Plan } from '../case.ts'
import { runInChild } from '../child.ts'
import { measureRun } from '../engine.ts'
import { constIdNull } from '../topologies/storm-perf.ts'

const basic: Case = {
  name: 'atomic/bolt',
  what: 'spout → bolt that emits → null bolt, acked',
  isPart: true,
  run: async (plan) => await measureRun(constIdNull({ isAcked: true }), plan),
}

const rich: Case = {
  name: 'atomic/rich',
  what: 'the same with a richBolt',
  isPart: true,
  run: async (plan) => await measureRun(constIdNull({ isAcked: true }, true), plan),
}

async function compare(plan: Plan): Promise<Figures> {
  const bolt = await runInChild(basic, plan)
  const byHand = await runInChild(rich, plan)
  const boltCpu = bolt.cpuSecondsPerMillion ?? 0
  const richCpu = byHand.cpuSecondsPerMillion ?? 0
  return {
    ...bolt,
    more: {
      richTuplesPerSecond: byHand.tuplesPerSecond,
      richCpuSecondsPerMillion: richCpu,
      // A CPU second per million tuples is a microsecond a tuple.
      priceNanoseconds: Math.round((boltCpu - richCpu) * 1000),
      ratio: Number((boltCpu / richCpu).toPrecision(3)),
    },
  }
}

export const atomicCases: readonly Case[] = [
  {
    name: 'atomic/bolt-vs-rich',
    what: 'price of atomic calls: CPU of a bolt against that of a richBolt',
    run: compare,
  },
  basic,
  rich,
]
