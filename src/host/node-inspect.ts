/**
 * Runs a build of a topology in a throw-away process, within limits of time and memory: the module may do
 * whatever it likes there. The process sees nothing of ours: an empty directory that goes with it, an
 * environment of three variables, no arguments; what it is to do, and what it answers, goes over a channel of
 * its own.
 *
 * Does not know: what an answer means.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface InspectSpec {
  /** The module that builds: worker/inspect-main. */
  readonly mainPath: string
  readonly bundlePath: string
  readonly args: unknown
  readonly config: unknown
  readonly name: string
  readonly timeoutMs: number
  readonly heapMb: number
}

/** How the process ended: InspectEnd of topology/describe/inspect-result.ts. */
export interface InspectedEnd {
  readonly answer: unknown
  readonly end: 'answered' | 'timed-out' | 'out-of-memory' | 'ended'
  readonly how: string
  readonly output: string
}

/**
 * Memory outside the heap that a process may have, beside as much again as its heap: buffers are not heap.
 */
const BESIDE_MB = 256
const LOOK_MS = 50
const OUTPUT_CHARS_MAX = 8_000
const HEAP_FULL = 'JavaScript heap out of memory'
const PAGE_MB = 4_096 / 2 ** 20

/** @param judge makes a result of the end: `inspectResultOf` of topology/describe/inspect-result.ts */
export async function inspectBundle<R>(spec: InspectSpec, judge: (end: InspectedEnd) => R): Promise<R> {
  const directory = await mkdtemp(join(tmpdir(), 'typhoon-inspect-'))
  try {
    return judge(await runIn(directory, spec))
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

async function runIn(directory: string, spec: InspectSpec): Promise<InspectedEnd> {
  const child = fork(spec.mainPath, [], {
    cwd: directory,
    env: { PATH: process.env['PATH'] ?? '', HOME: directory, TMPDIR: directory },
    execArgv: [`--max-old-space-size=${spec.heapMb}`, '--no-warnings'],
    // A group of its own: what it starts ends with it.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    serialization: 'json',
  })
  return await new Inspection(child, spec).ended()
}

class Inspection {
  private readonly child: ChildProcess
  private readonly spec: InspectSpec
  private readonly limitMb: number
  private answer: unknown = undefined
  private isAnswered = false
  private broken: 'timed-out' | 'out-of-memory' | undefined = undefined
  private output = ''

  constructor(child: ChildProcess, spec: InspectSpec) {
    this.child = child
    this.spec = spec
    this.limitMb = spec.heapMb * 2 + BESIDE_MB
  }

  async ended(): Promise<InspectedEnd> {
    const { child, spec } = this
    const timer = setTimeout(() => this.kill('timed-out'), spec.timeoutMs)
    const looks = setInterval(() => void this.look(), LOOK_MS)
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output = (this.output + text).slice(-OUTPUT_CHARS_MAX)
      })
    }
    child.on('message', (message) => this.onMessage(message))
    // It may end before it has taken its order: that is told by its end.
    child.send(
      { bundlePath: spec.bundlePath, args: spec.args, config: spec.config, name: spec.name },
      () => undefined,
    )
    try {
      return await new Promise((resolve) => {
        child.on('error', (error) => resolve(this.endOf(error.message)))
        child.on('close', (code, signal) => resolve(this.endOf(signal ?? `exit code ${code}`)))
      })
    } finally {
      clearTimeout(timer)
      clearInterval(looks)
      // What it has started, and what holds its output open.
      this.kill(undefined)
    }
  }

  private onMessage(message: unknown): void {
    if (this.isAnswered) return
    this.isAnswered = true
    this.answer = message
    this.kill(undefined)
  }

  private endOf(how: string): InspectedEnd {
    const { answer, output, spec, broken } = this
    if (this.isAnswered) return { answer, end: 'answered', how, output }
    if (broken === 'timed-out') return { answer, end: broken, how: `${spec.timeoutMs} ms`, output }
    if (broken === 'out-of-memory') return { answer, end: broken, how: `${this.limitMb} MB`, output }
    if (output.includes(HEAP_FULL)) {
      return { answer, end: 'out-of-memory', how: `${spec.heapMb} MB`, output }
    }
    return { answer, end: 'ended', how, output }
  }

  private kill(why: 'timed-out' | 'out-of-memory' | undefined): void {
    if (why !== undefined) this.broken ??= why
    const { pid } = this.child
    if (pid === undefined) return
    try {
      process.kill(-pid, 'SIGKILL')
    } catch {
      // It has gone by itself.
    }
  }

  /** The heap has its own limit; this is for what lies beside it. */
  private async look(): Promise<void> {
    try {
      const statm = await readFile(`/proc/${this.child.pid}/statm`, 'utf8')
      const residentPages = Number(statm.split(' ')[1])
      if (residentPages * PAGE_MB > this.limitMb) this.kill('out-of-memory')
    } catch {
      // It has gone, or this system has no such files: then the limit of the heap alone holds.
    }
  }
}
