/**
 * One JVM of a test: started, asked whether it is ready, hurt by signals, stopped.
 *
 * Invariant: no JVM outlives the process that started it. An orderly end kills them by its exit hook; where
 * the machine has `setpriv`, the kernel kills them when this process is killed.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as passed } from 'node:timers/promises'

/** A JVM that is not ready by then has failed to start. */
export const START_TIMEOUT_MS = 60_000
const STOP_TIMEOUT_MS = 3_000
const LOOK_AGAIN_MS = 25
const LOG_SHOWN = 3_000

export interface JavaServerSpec {
  readonly name: string
  /** Its working directory; `server.log` is in it. */
  readonly directory: string
  /** Everything behind `java`. */
  readonly args: readonly string[]
  /** Asked again and again after a start; a throw means not yet. */
  readonly isReady: () => Promise<boolean>
}

const living = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of living) child.kill('SIGKILL')
})

const FOLLOW = ['setpriv', '--pdeathsig', 'KILL']
/** What goes before a command that shall not outlive this process; nothing where the machine cannot. */
export const followParent: readonly string[] =
  spawnSync(FOLLOW[0] ?? '', [...FOLLOW.slice(1), 'true'], { stdio: 'ignore' }).status === 0 ? FOLLOW : []

export class JavaServer {
  private readonly spec: JavaServerSpec
  private child: ChildProcess | undefined
  private ended: Promise<void> = Promise.resolve()

  constructor(spec: JavaServerSpec) {
    this.spec = spec
  }

  get isAlive(): boolean {
    return this.child !== undefined
  }

  /** Of the running JVM, else 0. */
  get pid(): number {
    return this.child?.pid ?? 0
  }

  /** Resolves when it is ready. Nothing happens if it runs. @throws Error with the end of its log */
  async start(): Promise<void> {
    if (this.child === undefined) this.spawn()
    const until = Date.now() + START_TIMEOUT_MS
    while (!(await this.spec.isReady().catch(() => false))) {
      if (!this.isAlive) throw new Error(`${this.spec.name} ended while starting\n${this.logEnd()}`)
      if (Date.now() > until) throw new Error(`${this.spec.name} is not ready\n${this.logEnd()}`)
      await passed(LOOK_AGAIN_MS)
    }
  }

  /** Resolves when the signal is sent, and for SIGKILL and SIGTERM when the JVM is gone. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.child?.kill(signal)
    if (signal === 'SIGKILL' || signal === 'SIGTERM') await this.ended
  }

  /** In order if it can, else by force; a stopped (SIGSTOP) one as well. */
  async stop(): Promise<void> {
    const { child } = this
    if (child === undefined) return
    child.kill('SIGCONT')
    child.kill('SIGTERM')
    const force = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
    await this.ended
    clearTimeout(force)
  }

  logEnd(): string {
    return readFileSync(join(this.spec.directory, 'server.log'), 'utf8').slice(-LOG_SHOWN)
  }

  private spawn(): void {
    const { directory, args } = this.spec
    mkdirSync(directory, { recursive: true })
    const log = openSync(join(directory, 'server.log'), 'a')
    const [command = '', ...rest] = [...followParent, 'java', ...args]
    const child = spawn(command, rest, { cwd: directory, stdio: ['ignore', log, log] })
    closeSync(log)
    this.child = child
    living.add(child)
    this.ended = new Promise((resolve) => {
      const over = () => {
        living.delete(child)
        if (this.child === child) this.child = undefined
        resolve()
      }
      child.once('exit', over)
      child.once('error', over)
    })
  }
}
