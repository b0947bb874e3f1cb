/**
 * Runs a topology on two worker processes that are linked over TCP on loopback, and measures both together:
 * CPU is that of both, a tuple is counted once.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Figures, Plan } from '../case.ts'
import type { Bench } from '../engine.ts'
import { median, spread } from '../measure.ts'
import { tcpBenches } from './tcp-benches.ts'
import { type Answer, type ChildPlan, freshToken, type Question } from './tcp-worker.ts'

const entry = fileURLToPath(new URL('tcp-worker.ts', import.meta.url))
const WORKERS = 2
const DRAIN_MS = 20_000
const START_MS = 20_000
/** Workers measure once a second how busy they are, and share by it: that settles later than the compiler. */
const WARM_FACTOR = 3
/** With this set, each child writes a profile there. */
const PROFILE_TO = process.env['BENCH_CPU_PROF']

class Child {
  private readonly child: ChildProcess
  private readonly answers: Answer[] = []
  private wanted: ((answer: Answer) => void) | undefined = undefined

  constructor(plan: ChildPlan) {
    const profiling = PROFILE_TO === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${PROFILE_TO}`]
    this.child = fork(entry, [JSON.stringify(plan)], { execArgv: profiling })
    this.child.on('message', (answer: Answer) => {
      if (this.wanted === undefined) this.answers.push(answer)
      else this.wanted(answer)
    })
  }

  async ask(question: Question): Promise<Answer> {
    this.child.send(question)
    return await this.answer()
  }

  async answer(): Promise<Answer> {
    const known = this.answers.shift()
    if (known !== undefined) return known
    return await new Promise((resolve, reject) => {
      const onExit = () => reject(new Error('a worker process has ended'))
      const limit = setTimeout(() => reject(new Error('a worker process does not answer')), START_MS)
      this.child.once('exit', onExit)
      this.wanted = (answer) => {
        clearTimeout(limit)
        this.child.off('exit', onExit)
        this.wanted = undefined
        resolve(answer)
      }
    })
  }

  /** With a profile the child needs to end by itself. */
  async end(): Promise<void> {
    if (this.child.exitCode !== null) return
    const ended = new Promise((resolve) => this.child.once('exit', resolve))
    if (this.child.connected) this.child.disconnect()
    await Promise.race([ended, sleep(5_000)])
    this.child.kill('SIGKILL')
  }
}

interface Edge {
  readonly count: number
  /** Tuples that the spout has emitted. */
  readonly emitted: number
  readonly cpuMs: number
  readonly atMs: number
  readonly answers: readonly Answer[]
}

/** @throws Error if tuples were lost, failed or counted twice */
export async function measureTwoProcesses(name: string, plan: Plan, rate = 0): Promise<Figures> {
  const make = tcpBenches.get(name)
  if (make === undefined) throw new Error(`there is no bench ${name}`)
  const bench = make(rate)
  const token = freshToken()
  const addresses = await freshAddresses(WORKERS)
  const children = addresses.map(
    (_, index) => new Child({ bench: name, worker: index + 1, addresses, token, rate }),
  )
  try {
    await Promise.all(children.map((child) => child.answer()))
    await Promise.all(children.map((child) => child.ask('start')))
    await sleep(plan.warmMs * WARM_FACTOR)
    const edges: Edge[] = [await edgeOf(bench, children)]
    for (let i = 0; i < plan.windowCount; i += 1) {
      await sleep(plan.windowMs)
      edges.push(await edgeOf(bench, children))
    }
    await settle(bench, children)
    return figuresOf(bench, edges)
  } finally {
    await Promise.all(children.map((child) => child.end()))
  }
}

async function edgeOf(bench: Bench, children: readonly Child[]): Promise<Edge> {
  const answers = await Promise.all(children.map((child) => child.ask('edge')))
  return {
    count: countOf(bench, answers),
    emitted: sumOf(answers, 'emitted', 'spout'),
    cpuMs: answers.reduce((sum, each) => sum + each.cpuMs, 0),
    atMs: performance.now(),
    answers,
  }
}

function countOf({ counted }: Bench, answers: readonly Answer[]): number {
  return sumOf(answers, 'executed', counted)
}

function sumOf(answers: readonly Answer[], kind: 'executed' | 'emitted' | 'transferred', id: string): number {
  return answers.reduce((sum, each) => sum + (each[kind][id] ?? 0), 0)
}

function figuresOf(bench: Bench, edges: readonly Edge[]): Figures {
  const rates: number[] = []
  const emitRates: number[] = []
  const cpus: number[] = []
  const p50s: number[] = []
  const p99s: number[] = []
  for (let i = 1; i < edges.length; i += 1) {
    const [from, to] = [edges[i - 1], edges[i]]
    if (from === undefined || to === undefined) continue
    const count = to.count - from.count
    rates.push((count / (to.atMs - from.atMs)) * 1000)
    emitRates.push(((to.emitted - from.emitted) / (to.atMs - from.atMs)) * 1000)
    cpus.push((to.cpuMs - from.cpuMs) / 1000 / (count / 1e6))
    for (const [index, answer] of to.answers.entries()) {
      const latency = spread(from.answers[index]?.complete, answer.complete)
      if (latency === undefined || latency.count === 0) continue
      p50s.push(latency.quantile(0.5))
      p99s.push(latency.quantile(0.99))
    }
  }
  const first = edges[0]?.count ?? 0
  const last = edges.at(-1)
  return {
    tuplesPerSecond: median(rates),
    cpuSecondsPerMillion: median(cpus),
    p50Ms: p50s.length === 0 ? null : median(p50s),
    p99Ms: p99s.length === 0 ? null : median(p99s),
    rssMb: last?.answers.reduce((sum, each) => sum + each.rssMb, 0) ?? 0,
    unit: bench.unit,
    tuples: (last?.count ?? 0) - first,
    more: {
      least: Math.round(Math.min(...rates)),
      most: Math.round(Math.max(...rates)),
      spoutPerSecond: Math.round(median(emitRates)),
      cpuLeast: Number(Math.min(...cpus).toPrecision(4)),
      latency: bench.isAcked ? 'complete' : 'none',
    },
  }
}

async function settle(bench: Bench, children: readonly Child[]): Promise<void> {
  const endMs = performance.now() + DRAIN_MS
  await Promise.all(children.map((child) => child.ask('drain')))
  for (;;) {
    const answers = await Promise.all(children.map((child) => child.ask('edge')))
    const errors = answers.flatMap((each) => each.errors)
    if (errors.length > 0) throw new Error(`a worker reports: ${errors.join('; ')}`)
    const wrong = unbalanced(bench, answers)
    if (wrong === undefined && answers.every((each) => each.isQuiet)) return
    if (performance.now() > endMs) throw new Error(wrong ?? 'there still is something in flight')
    await sleep(50)
  }
}

function unbalanced(bench: Bench, answers: readonly Answer[]): string | undefined {
  for (const [from, to] of bench.edges) {
    const sent = sumOf(answers, 'transferred', from)
    const executed = sumOf(answers, 'executed', to)
    if (sent !== executed) return `${from} emitted ${sent} tuples, but ${to} executed ${executed}`
  }
  const failed = answers.reduce((sum, each) => sum + each.failed, 0)
  if (failed > 0) return `${failed} trees failed`
  if (!bench.isAcked) return undefined
  const acked = answers.reduce((sum, each) => sum + each.acked, 0)
  const emitted = sumOf(answers, 'emitted', 'spout')
  return acked === emitted ? undefined : `${emitted} emitted, but ${acked} acked`
}

async function freshAddresses(count: number): Promise<readonly string[]> {
  const servers = Array.from({ length: count }, () => createServer())
  const addresses: string[] = []
  for (const server of servers) {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    if (typeof address === 'object' && address !== null) addresses.push(`127.0.0.1:${address.port}`)
  }
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return addresses
}
