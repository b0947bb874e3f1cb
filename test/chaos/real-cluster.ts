/**
 * A real cluster on this machine: three ZooKeeper servers, two Nimbuses, three supervisors, worker processes.
 * Started by the built command, as a user starts them; asked by the built client.
 */
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as passed } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePorts } from '../servers/free-ports.ts'
import { type RunningZooKeeper, startZooKeeper } from '../servers/zookeeper.ts'
import { Daemon } from './daemon.ts'

const COMMAND = fileURLToPath(new URL('../../bin/typhoon.js', import.meta.url))

export interface RealClusterSpec {
  readonly zooKeepers?: 1 | 3
  readonly nimbuses?: number
  readonly nodes?: number
  readonly slots?: number
  readonly settings?: Readonly<Record<string, unknown>>
}

export interface CommandResult {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

export class RealCluster {
  readonly directory: string
  readonly zooKeeper: RunningZooKeeper
  readonly nimbuses: readonly Daemon[]
  readonly supervisors: readonly Daemon[]
  readonly seeds: readonly string[]

  private constructor(
    directory: string,
    zooKeeper: RunningZooKeeper,
    daemons: { readonly nimbuses: readonly Daemon[]; readonly supervisors: readonly Daemon[] },
    seeds: readonly string[],
  ) {
    this.directory = directory
    this.zooKeeper = zooKeeper
    this.nimbuses = daemons.nimbuses
    this.supervisors = daemons.supervisors
    this.seeds = seeds
  }

  static async start(spec: RealClusterSpec = {}): Promise<RealCluster> {
    const directory = mkdtempSync(join(tmpdir(), 'typhoon-cluster-'))
    const zooKeeper = await startZooKeeper({ servers: spec.zooKeepers ?? 3 })
    const [nimbusCount, nodeCount, slots] = [spec.nimbuses ?? 2, spec.nodes ?? 3, spec.slots ?? 3]
    const ports = [...(await freePorts(nimbusCount + nodeCount * (slots + 1)))]
    const next = (): number => ports.shift() ?? 0
    const nimbusPorts = Array.from({ length: nimbusCount }, next)
    const seeds = nimbusPorts.map((port) => `127.0.0.1:${port}`)
    const common = {
      'storm.zookeeper.servers': zooKeeper.connectString.split(','),
      'nimbus.seeds': seeds,
      ...spec.settings,
    }
    const nimbuses = nimbusPorts.map((port, index) => {
      const name = `nimbus${index + 1}`
      const settings = { ...common, 'nimbus.port': port }
      return new Daemon({ role: 'nimbus', name, directory: join(directory, name), settings })
    })
    const supervisors = Array.from({ length: nodeCount }, (_, index) => {
      const name = `node${index + 1}`
      const settings = {
        ...common,
        'supervisor.node.name': name,
        'supervisor.slots.ports': Array.from({ length: slots }, next),
        'logviewer.port': next(),
      }
      return new Daemon({ role: 'supervisor', name, directory: join(directory, name), settings })
    })
    const cluster = new RealCluster(directory, zooKeeper, { nimbuses, supervisors }, seeds)
    for (const daemon of [...nimbuses, ...supervisors]) daemon.start()
    await cluster.until('all nodes are up', 30_000, async () => {
      const nodes = await cluster.nodes()
      return nodes.filter(({ state }) => state === 'up').length === nodeCount
    })
    return cluster
  }

  /** Runs a command of the command line against this cluster. */
  command(...words: readonly string[]): Promise<CommandResult> {
    const dashes = words.indexOf('--')
    const at = dashes < 0 ? words.length : dashes
    const all = [...words.slice(0, at), '--nimbus', this.seeds.join(','), ...words.slice(at)]
    return new Promise((resolve) => {
      const child = spawn(process.execPath, [COMMAND, ...all], {
        cwd: this.directory,
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { PATH: process.env['PATH'] ?? '', HOME: this.directory },
      })
      let [out, err] = ['', '']
      child.stdout.on('data', (bytes) => {
        out += bytes
      })
      child.stderr.on('data', (bytes) => {
        err += bytes
      })
      child.on('close', (code) => resolve({ code, out, err }))
    })
  }

  /** The same, as the JSON it prints. @throws if it fails */
  async json(...words: readonly string[]): Promise<unknown> {
    const { code, out, err } = await this.command(...words, '--json')
    if (code !== 0) throw new Error(`typhoon ${words.join(' ')} ended with ${code}: ${err}`)
    return JSON.parse(out)
  }

  async nodes(): Promise<readonly { readonly node: string; readonly state: string }[]> {
    try {
      const found = (await this.json('cluster', 'nodes', '--timeout', '2s')) as {
        nodes?: readonly { node: string; state: string }[]
      }
      return found.nodes ?? []
    } catch {
      return []
    }
  }

  /** Where the leader's API is; undefined: nobody leads now. */
  async leader(): Promise<string | undefined> {
    const { code, out } = await this.command('cluster', 'status', '--json', '--timeout', '2s')
    if (code !== 0) return undefined
    const found = JSON.parse(out) as { leader?: string | null }
    return found.leader ?? undefined
  }

  nimbusAt(address: string): Daemon | undefined {
    return this.nimbuses[this.seeds.indexOf(address)]
  }

  /** Workers in slots, with their supervisor. */
  workers(): readonly { readonly daemon: Daemon; readonly worker: number; readonly pid: number }[] {
    return this.supervisors.flatMap((daemon) => {
      return daemon.seatedPids().map(({ worker, pid }) => ({ daemon, worker, pid }))
    })
  }

  async until(what: string, limitMs: number, isSo: () => Promise<boolean> | boolean): Promise<void> {
    const untilMs = Date.now() + limitMs
    for (;;) {
      if (await isSo()) return
      if (Date.now() > untilMs) throw new Error(`not in ${limitMs} ms: ${what}\n${this.logs()}`)
      await passed(50)
    }
  }

  logs(): string {
    return [...this.nimbuses, ...this.supervisors]
      .map((daemon) => `${daemon.spec.name}: ${daemon.log()}`)
      .join('\n')
  }

  makeDirectory(name: string): string {
    const path = join(this.directory, name)
    mkdirSync(path, { recursive: true })
    return path
  }

  async stop(): Promise<void> {
    for (const daemon of [...this.supervisors, ...this.nimbuses]) {
      daemon.signal('SIGCONT')
      daemon.killAll()
    }
    await this.zooKeeper.stop()
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 5 })
  }
}
