/** From the start of the `typhoon` command to the first tuple executed: what a developer waits for. */
import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Case, Figures, Plan } from '../case.ts'
import { median } from '../measure.ts'

/** What bench/start-topology.ts prints. */
const SAID = /first tuple cpuMs=([\d.]+) rssMb=([\d.]+)/
const ROUNDS = 15
const LIMIT_MS = 30_000

const command = fileURLToPath(new URL('../../bin/typhoon.js', import.meta.url))
const topology = fileURLToPath(new URL('../start-topology.ts', import.meta.url))

interface Start {
  readonly firstTupleMs: number
  readonly cpuMs: number
  readonly rssMb: number
}

/** The topology prints what it has used by then. */
function startOnce(): Promise<Start> {
  return new Promise((resolve, reject) => {
    const fromMs = performance.now()
    const child = spawn(process.execPath, [command, 'run', topology], { stdio: ['ignore', 'pipe', 'pipe'] })
    const limit = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS)
    let said = ''
    let start: Start | undefined
    const look = (text: string) => {
      if (start !== undefined) return
      said += text
      const found = SAID.exec(said)
      if (found === null) return
      start = {
        firstTupleMs: performance.now() - fromMs,
        cpuMs: Number(found[1]),
        rssMb: Number(found[2]),
      }
      child.kill('SIGKILL')
    }
    child.stdout.setEncoding('utf8').on('data', look)
    child.stderr.setEncoding('utf8').on('data', look)
    child.on('error', reject)
    child.on('close', () => {
      clearTimeout(limit)
      if (start !== undefined) resolve(start)
      else reject(new Error(`typhoon run ended without a first tuple: ${said.trim().slice(-1000)}`))
    })
  })
}

async function run(plan: Plan): Promise<Figures> {
  // The first start fills the compile cache, as the first start after an installation does.
  await startOnce()
  const starts: Start[] = []
  const rounds = Math.max(2, Math.round(ROUNDS * plan.scale))
  for (let i = 0; i < rounds; i += 1) {
    starts.push(await startOnce())
    await sleep(20)
  }
  const times = starts.map((each) => each.firstTupleMs).sort((a, b) => a - b)
  return {
    tuplesPerSecond: null,
    cpuSecondsPerMillion: null,
    p50Ms: median(times),
    p99Ms: times.at(-1) ?? 0,
    rssMb: median(starts.map((each) => each.rssMb)),
    unit: 'starts',
    tuples: rounds,
    more: {
      leastMs: Math.round(times[0] ?? 0),
      cpuMs: Math.round(median(starts.map((each) => each.cpuMs))),
      latency: 'spawn to first tuple',
    },
  }
}

export const startCases: readonly Case[] = [
  { name: 'start/first-tuple', what: '`typhoon run`: from its start to the first tuple executed', run },
]
