/**
 * Processes and the machine over Node and /proc (the contract is processes.ts). Linux only, as the cluster
 * is.
 *
 * A process is named by its pid and the clock tick of its start, field 22 of /proc/<pid>/stat: a pid alone
 * may be somebody else's by now.
 *
 * Does not know: workers, slots.
 *
 * Invariants
 *   R1  a signal goes only to the process that was meant: pid and tick are compared right before it
 *   R2  a child inherits nothing: no variable, no open file, no standard input
 */
import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { readFile, statfs } from 'node:fs/promises'
import { availableParallelism, cpus, loadavg } from 'node:os'
import { UnavailableError } from '../base/errors.ts'
import type {
  ChildExit,
  ChildProcess,
  MachineFacts,
  Processes,
  ProgramFacts,
  Signal,
  SpawnSpec,
} from './processes.ts'

/** Ticks of /proc per second: fixed in the kernel's interface to programs. */
const TICKS_PER_SECOND = 100
/** In which `rss` of /proc/<pid>/stat is counted: that of x64, and of arm64 as it is usually built. */
const PAGE_BYTES = 4_096

/** Of /proc/<pid>/stat, counted from the third. */
const Field = { STATE: 0, GROUP: 2, USER_TICKS: 11, SYSTEM_TICKS: 12, START_TICK: 19, RSS_PAGES: 21 } as const

export const nodeProcesses: Processes = {
  self: { pid: process.pid, bornAt: bornAtOf(readStat(process.pid)) ?? String(process.pid) },

  spawn(spec): ChildProcess {
    const output = spec.outputPath === undefined ? 'ignore' : openOutput(spec.outputPath)
    try {
      return started(spec, output)
    } finally {
      // The child has its own copy.
      if (output !== 'ignore') closeSync(output)
    }
  },

  async facts(pid): Promise<ProgramFacts | undefined> {
    const stat = await readStatLater(pid)
    return stat === undefined ? undefined : factsOf(pid, stat)
  },

  async signal(pid, bornAt, signal): Promise<boolean> {
    // Read and sent in one turn: in between nobody else can get the pid but by a machine that is very fast.
    const stat = readStat(pid)
    if (stat === undefined || isZombie(stat) || bornAtOf(stat) !== bornAt) return false
    const isLeader = fieldsOf(stat)[Field.GROUP] === String(pid)
    return (isLeader && sent(-pid, signal)) || sent(pid, signal)
  },

  async machine(): Promise<MachineFacts> {
    const memory = await readMemory()
    let busyMs = 0
    for (const { times } of cpus()) busyMs += times.user + times.nice + times.sys + times.irq
    return { cpuCount: availableParallelism(), loadAverage: loadavg()[0] ?? 0, busyMs, ...memory }
  },

  async disk(path) {
    try {
      const { bavail, bsize, blocks } = await statfs(path)
      return { freeBytes: bavail * bsize, totalBytes: blocks * bsize }
    } catch (error) {
      const text = `the file system of ${path} cannot be asked`
      throw new UnavailableError('CONNECT_FAILED', text, { path }, { cause: error })
    }
  },
}

function started(spec: SpawnSpec, output: number | 'ignore'): ChildProcess {
  const command = spec.program ?? process.execPath
  const args =
    spec.program === undefined ? [...spec.nodeOptions, spec.modulePath, ...spec.args] : [...spec.args]
  const child = spawn(command, args, {
    cwd: spec.directory,
    env: { ...spec.environment },
    stdio: ['ignore', output, output],
    detached: spec.isDetached,
  })
  const { pid } = child
  // Without a pid Node tells the reason by an event that would end this process if nobody listened.
  child.on('error', () => undefined)
  if (pid === undefined) {
    throw new UnavailableError('CONNECT_FAILED', `the system gave no process for ${command}`, { command })
  }
  if (spec.isDetached) child.unref()
  return new NodeChild(pid, spec.isDetached, (listener) => {
    child.once('exit', (code, signal) => listener({ code: code ?? undefined, signal: signal ?? undefined }))
  })
}

class NodeChild implements ChildProcess {
  readonly pid: number
  private readonly isGroup: boolean
  private exit: ChildExit | undefined
  private readonly listeners: ((exit: ChildExit) => void)[] = []

  constructor(pid: number, isGroup: boolean, watch: (listener: (exit: ChildExit) => void) => void) {
    this.pid = pid
    this.isGroup = isGroup
    watch((exit) => {
      this.exit = exit
      for (const listener of this.listeners.splice(0)) listener(exit)
    })
  }

  onExit(listener: (exit: ChildExit) => void): void {
    if (this.exit === undefined) this.listeners.push(listener)
    else listener(this.exit)
  }

  kill(signal: Signal): void {
    // A child that was reaped has given its pid back.
    if (this.exit !== undefined) return
    if (!this.isGroup || !sent(-this.pid, signal)) sent(this.pid, signal)
  }
}

function openOutput(path: string): number {
  try {
    return openSync(path, 'a', 0o640)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    if (code === 'ENOSPC') {
      throw new UnavailableError('DISK_FULL', `no room left for ${path}`, { path }, { cause: error })
    }
    const text = `file ${path}: ${code}`
    throw new UnavailableError('CONNECT_FAILED', text, { path, reason: code }, { cause: error })
  }
}

/** False: there is no such process (any more). */
function sent(pid: number, signal: Signal): boolean {
  try {
    process.kill(pid, signal)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false
    if (error instanceof Error && 'code' in error && error.code === 'EPERM') return false
    throw error
  }
}

/** Fields from the third on: what stands before is the name, which may hold anything. */
function fieldsOf(stat: string): string[] {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}

function bornAtOf(stat: string | undefined): string | undefined {
  return stat === undefined ? undefined : fieldsOf(stat)[Field.START_TICK]
}

function isZombie(stat: string): boolean {
  return /^[ZX]/.test(fieldsOf(stat)[Field.STATE] ?? '')
}

function factsOf(pid: number, stat: string): ProgramFacts | undefined {
  const fields = fieldsOf(stat)
  const bornAt = bornAtOf(stat)
  if (bornAt === undefined || isZombie(stat)) return undefined
  const ticks = Number(fields[Field.USER_TICKS]) + Number(fields[Field.SYSTEM_TICKS])
  return {
    pid,
    bornAt,
    rssBytes: Number(fields[Field.RSS_PAGES]) * PAGE_BYTES,
    cpuMs: (ticks * 1_000) / TICKS_PER_SECOND,
    isStopped: /^[Tt]/.test(fields[Field.STATE] ?? ''),
  }
}

function readStat(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch (error) {
    return whenGone(error)
  }
}

async function readStatLater(pid: number): Promise<string | undefined> {
  try {
    return await readFile(`/proc/${pid}/stat`, 'utf8')
  } catch (error) {
    return whenGone(error)
  }
}

function whenGone(error: unknown): undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ENOENT' || code === 'ESRCH') return undefined
  throw error
}

/** What is free for programs: caches that the kernel would give up count as free. */
async function readMemory(): Promise<{ memoryTotalBytes: number; memoryFreeBytes: number }> {
  const text = await readFile('/proc/meminfo', 'utf8')
  const bytesOf = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0) * 1_024
  const totalBytes = bytesOf('MemTotal')
  const limitBytes = process.constrainedMemory()
  if (limitBytes > 0 && limitBytes < totalBytes) {
    return { memoryTotalBytes: limitBytes, memoryFreeBytes: process.availableMemory() }
  }
  return { memoryTotalBytes: totalBytes, memoryFreeBytes: bytesOf('MemAvailable') }
}
