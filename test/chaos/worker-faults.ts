/** Faults of worker processes. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as passed } from 'node:timers/promises'
import { tryKill } from './daemon.ts'
import { anyOf, type FaultContext, nothing, type RealFault, untilGone, workerOf } from './fault.ts'

const BLOCK_SECONDS = 1
const LONG_BLOCK_SECONDS = 30
/** A hung worker is killed by then, on a busy machine, too. */
const HUNG_MS = 20_000

export const workerFaults: readonly RealFault[] = [
  {
    name: 'kill-worker',
    what: 'kill -9 of a worker process',
    restarts: true,
    async strike(context) {
      tryKill(workerOf(context).pid, 'SIGKILL')
      return nothing
    },
  },
  {
    name: 'kill-worker-twice',
    what: 'kill -9 of a worker, and of its successor 300 ms later',
    restarts: true,
    async strike(context) {
      const victim = workerOf(context)
      tryKill(victim.pid, 'SIGKILL')
      await passed(300)
      const next = victim.daemon.seatedPids().find(({ worker }) => worker === victim.worker)
      if (next !== undefined) tryKill(next.pid, 'SIGKILL')
      return nothing
    },
  },
  {
    name: 'kill-worker-in-recovery',
    what: 'kill -9 of a worker, and of one of another node while the first is being replaced',
    restarts: true,
    async strike(context) {
      const victim = workerOf(context)
      const others = context.cluster.workers().filter(({ daemon }) => daemon !== victim.daemon)
      tryKill(victim.pid, 'SIGKILL')
      await passed(50 + 250 * context.chance())
      tryKill(anyOf(others, context.chance).pid, 'SIGKILL')
      return nothing
    },
  },
  {
    name: 'hang-worker',
    what: 'SIGSTOP of a worker: it makes no progress, and is replaced',
    restarts: true,
    async strike(context) {
      const { pid } = workerOf(context)
      tryKill(pid, 'SIGSTOP')
      return () => untilGone([pid], HUNG_MS)
    },
  },
  {
    name: 'block-loop',
    what: `the event loop of a worker blocked (--seconds, ${BLOCK_SECONDS} by default): nothing is restarted`,
    restarts: false,
    async strike(context) {
      const seconds = context.seconds ?? BLOCK_SECONDS
      block(context, seconds)
      await passed(seconds * 1_000)
      return nothing
    },
  },
  {
    name: 'block-loop-long',
    what: `the same for long (--seconds, ${LONG_BLOCK_SECONDS} by default): replaced, the old one is gone`,
    restarts: true,
    async strike(context) {
      const pid = block(context, context.seconds ?? LONG_BLOCK_SECONDS)
      return () => untilGone([pid], HUNG_MS)
    },
  },
  {
    name: 'out-of-memory',
    what: 'a worker takes all of its heap',
    restarts: true,
    async strike(context) {
      writeFileSync(join(context.run.directory, `leak-${splitPid(context)}`), '')
      return nothing
    },
  },
]

function block(context: FaultContext, seconds: number): number {
  const pid = splitPid(context)
  writeFileSync(join(context.run.directory, `block-${pid}`), String(seconds * 1_000))
  return pid
}

/** A process that runs a split task: it obeys the files in the run's directory. */
function splitPid({ cluster, run, chance }: FaultContext): number {
  const living = new Set(cluster.workers().map(({ pid }) => pid))
  const pids = run.firsts().filter(({ component, pid }) => component === 'split' && living.has(pid))
  return anyOf(pids, chance).pid
}
