/** A scheduling round of a large cluster: from nothing, and after the loss of one node. */
import type { ScheduleRequest, Strategy } from '../../src/schedule/request.ts'
import { schedule } from '../../src/schedule/schedule.ts'
import type { Case, Figures, Plan } from '../case.ts'
import { median } from '../measure.ts'
import { afterLossOf, wideCluster } from '../topologies/wide-cluster.ts'

const ROUNDS = 40
const WARM_ROUNDS = 5

function measure(request: ScheduleRequest, plan: Plan): Figures {
  const rounds = Math.max(2, Math.round(ROUNDS * plan.scale))
  const times: number[] = []
  const cpuFrom = process.cpuUsage()
  let moves = 0
  for (let round = -WARM_ROUNDS; round < rounds; round += 1) {
    const fromMs = performance.now()
    const made = schedule(request)
    if (round >= 0) times.push(performance.now() - fromMs)
    moves = made.topologies.reduce((sum, each) => sum + each.moves.length, 0)
  }
  const { user, system } = process.cpuUsage(cpuFrom)
  times.sort((a, b) => a - b)
  const cpuSeconds = (user + system) / 1e6 / (rounds + WARM_ROUNDS)
  return {
    tuplesPerSecond: 1000 / median(times),
    cpuSecondsPerMillion: cpuSeconds * 1e6,
    p50Ms: median(times),
    p99Ms: times.at(-1) ?? 0,
    rssMb: process.memoryUsage.rss() / 2 ** 20,
    unit: 'rounds',
    tuples: rounds,
    more: { workersMoved: moves, latency: 'round' },
  }
}

function casesOf(strategy: Strategy): readonly Case[] {
  const size = '1,000 nodes, 200 topologies, 10,000 executors'
  return [
    {
      name: `schedule/${strategy}-full`,
      what: `a scheduling round from nothing, ${strategy}: ${size}`,
      run: async (plan) => measure(wideCluster(strategy), plan),
    },
    {
      name: `schedule/${strategy}-node-lost`,
      what: `the round after the loss of a node, ${strategy}: ${size}`,
      run: async (plan) => {
        const request = wideCluster(strategy)
        return measure(afterLossOf('node-7', request, schedule(request)), plan)
      },
    },
  ]
}

export const scheduleCases: readonly Case[] = [...casesOf('even'), ...casesOf('resource-aware')]
