/**
 * `node test/chaos/idle.ts`: what an idle cluster costs: one Nimbus, one supervisor, one worker whose source
 * has nothing to read, and a spare. Prints resident memory and CPU of each, from the kernel's figures.
 */
import { readFileSync } from 'node:fs'
import { setTimeout as passed } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { RealCluster } from './real-cluster.ts'

const SETTLE_MS = 15_000
const SPAN_MS = 20_000
const TICKS_PER_SECOND = 100
const PAGE_BYTES = 4_096
const IDLE = fileURLToPath(new URL('./idle-topology.ts', import.meta.url))

const cluster = await RealCluster.start({ zooKeepers: 1, nimbuses: 1, nodes: 1 })
try {
  const done = await cluster.command('submit', IDLE, '--wait', '-y')
  if (done.code !== 0 && done.code !== 124) throw new Error(done.err)
  await passed(SETTLE_MS)
  const seated = new Set(cluster.workers().map(({ pid }) => pid))
  const processes = [
    ...cluster.nimbuses.map(({ pid }) => ({ name: 'nimbus', pid })),
    ...cluster.supervisors.map(({ pid }) => ({ name: 'supervisor', pid })),
    ...cluster.supervisors.flatMap((daemon) =>
      daemon.workerPids().map((pid) => ({ name: seated.has(pid) ? 'worker' : 'spare', pid })),
    ),
  ]
  const before = processes.map(({ pid }) => look(pid).ticks)
  await passed(SPAN_MS)
  const rows = processes.map(({ name, pid }, index) => {
    const { ticks, rssBytes } = look(pid)
    const seconds = (ticks - (before[index] ?? 0)) / TICKS_PER_SECOND
    return { name, rssMb: Math.round(rssBytes / 1e6), cpuPercent: (seconds * 100_000) / SPAN_MS }
  })
  for (const row of rows) process.stdout.write(`${JSON.stringify(row)}\n`)
  const sum = (pick: (row: (typeof rows)[number]) => number) => rows.reduce((all, row) => all + pick(row), 0)
  const total = {
    name: 'together',
    rssMb: sum(({ rssMb }) => rssMb),
    cpuPercent: sum((row) => row.cpuPercent),
  }
  process.stdout.write(`${JSON.stringify(total)}\n`)
} finally {
  await cluster.stop()
}
process.exit(0)

function look(pid: number): { readonly ticks: number; readonly rssBytes: number } {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return {
    ticks: Number(fields[11]) + Number(fields[12]),
    rssBytes: Number(fields[21]) * PAGE_BYTES,
  }
}
