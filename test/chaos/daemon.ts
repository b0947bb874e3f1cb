/**
 * A daemon of a real cluster under test: the built command in a process of its own, with a directory of its
 * own.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { followParent } from '../servers/java-server.ts'

const COMMAND = fileURLToPath(new URL('../../bin/typhoon.js', import.meta.url))
const LOG_SHOWN = 2_000

/** Nothing that a test started outlives it. */
const living = new Set<Daemon>()
process.on('exit', () => {
  for (const daemon of living) daemon.killAll()
})

export interface DaemonSpec {
  readonly role: 'nimbus' | 'supervisor'
  readonly name: string
  readonly directory: string
  readonly settings: Readonly<Record<string, unknown>>
  /** Where it stands: what goes before its command. Default: here. */
  readonly inside?: readonly string[]
}

export class Daemon {
  readonly spec: DaemonSpec
  private child: ChildProcess | undefined
  private starts = 0

  constructor(spec: DaemonSpec) {
    this.spec = spec
    mkdirSync(spec.directory, { recursive: true })
    living.add(this)
  }

  get pid(): number {
    return this.child?.pid ?? 0
  }

  get isAlive(): boolean {
    return this.child !== undefined && this.child.exitCode === null && this.child.signalCode === null
  }

  get localDirectory(): string {
    return join(this.spec.directory, 'local')
  }

  start(): void {
    const { role, directory, settings, inside = [] } = this.spec
    this.starts += 1
    const out = openSync(join(directory, 'out.log'), 'a')
    const sets = Object.entries({ ...settings, 'storm.local.dir': this.localDirectory }).flatMap(
      ([key, value]) => ['-c', `${key}=${JSON.stringify(value)}`],
    )
    const [command = '', ...words] = [...inside, ...followParent, process.execPath, COMMAND, role, ...sets]
    this.child = spawn(command, words, {
      cwd: directory,
      stdio: ['ignore', out, out],
      env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '' },
    })
  }

  signal(signal: NodeJS.Signals): void {
    this.child?.kill(signal)
  }

  /** Resolves when it is gone. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const { child } = this
    if (child === undefined || !this.isAlive) return
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    child.kill(signal)
    await gone
  }

  /** Worker processes that this supervisor started, spares included. */
  workerPids(): readonly number[] {
    const control = join(this.localDirectory, 'control.json')
    return readdirSync('/proc').flatMap((name) => {
      if (!/^\d+$/.test(name)) return []
      try {
        const environment = readFileSync(`/proc/${name}/environ`, 'utf8')
        return environment.includes(`TYPHOON_SEAT_CONTROL=${control}`) ? [Number(name)] : []
      } catch {
        return []
      }
    })
  }

  /** Living workers that sit in a slot. A supervisor that was lost with its workers still names them. */
  seatedPids(): readonly { readonly worker: number; readonly pid: number; readonly port: number }[] {
    const path = join(this.localDirectory, 'supervisor.json')
    if (!existsSync(path)) return []
    const { seats } = JSON.parse(readFileSync(path, 'utf8')) as {
      readonly seats: readonly { readonly worker: number; readonly pid?: number; readonly port: number }[]
    }
    return seats.flatMap(({ worker, pid, port }) => {
      return pid === undefined || !isAlive(pid) ? [] : [{ worker, pid, port }]
    })
  }

  killAll(): void {
    living.delete(this)
    this.child?.kill('SIGKILL')
    if (this.spec.role !== 'supervisor') return
    for (const pid of this.workerPids()) tryKill(pid, 'SIGKILL')
  }

  /** The end of what it said. */
  log(): string {
    return this.wholeLog().slice(-LOG_SHOWN)
  }

  wholeLog(): string {
    const path = join(this.spec.directory, 'out.log')
    return existsSync(path) ? readFileSync(path, 'utf8') : ''
  }
}

/** An orphan that nobody has taken leave of yet is not alive. */
export function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat[stat.lastIndexOf(')') + 2] !== 'Z'
  } catch {
    return false
  }
}

export function tryKill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It is gone already.
  }
}
