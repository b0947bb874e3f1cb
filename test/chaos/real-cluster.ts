/**
 * A real cluster on this machine: three ZooKeeper servers, two Nimbuses, three supervisors, worker processes.
 * Started by the built command, as a user starts them; asked by the built client. On loopback, or each node
 * on a machine of its own.
 */
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as passed } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePorts } from '../servers/free-ports.ts'
import type { Machine } from '../servers/namespaces.ts'
import { type RunningZooKeeper, startZooKeeper } from '../servers/zookeeper.ts'
import { Daemon } from './daemon.ts'
import { Place } from './place.ts'

const LOOK_MS = 50
const SMALL = fileURLToPath(new URL('./small-topology.ts', import.meta.url))
const CONTEXT = 'chaos'
const NIMBUSES = 2
const NODES = 3
const SLOTS = 3
const COMMAND = fileURLToPath(new URL('../../bin/typhoon.js', import.meta.url))

export interface RealClusterSpec {
  readonly zooKeepers?: 1 | 3
  readonly nimbuses?: number
  readonly nodes?: number
  readonly slots?: number
  readonly settings?: Readonly<Record<string, unknown>>
  /** Each node on a machine of its own, and daemons on small disks. Needs root. */
  readonly hasMachines?: boolean
}

export interface CommandResult {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

export class RealCluster {
  readonly directory: string
  readonly place: Place
  readonly zooKeeper: RunningZooKeeper
  readonly nimbuses: readonly Daemon[]
  readonly supervisors: readonly Daemon[]
  readonly seeds: readonly string[]

  private constructor(spec: RealClusterSpec, directory: string, place: Place, parts: Parts) {
    const { zooKeeper, ports } = parts
    const next = (): number => ports.shift() ?? 0
    this.directory = directory
    this.place = place
    this.zooKeeper = zooKeeper
    const nimbusPorts = Array.from({ length: spec.nimbuses ?? NIMBUSES }, next)
    this.seeds = nimbusPorts.map((port) => `${place.host}:${port}`)
    const common = {
      ...place.settings,
      'storm.zookeeper.servers': zooKeeper.connectString.split(','),
      'nimbus.seeds': this.seeds,
      ...spec.settings,
    }
    const bind = (host: string) => ({ 'bind.address': host, 'storm.local.hostname': host })
    this.nimbuses = nimbusPorts.map((port, index) => {
      const settings = { ...common, ...bind(place.host), 'nimbus.port': port }
      return this.daemon('nimbus', `nimbus${index + 1}`, settings, undefined)
    })
    this.supervisors = Array.from({ length: spec.nodes ?? NODES }, (_, index) => {
      const machine = place.machine(index)
      const name = `node${index + 1}`
      const settings = {
        ...common,
        ...bind(machine?.address ?? place.host),
        'supervisor.node.name': name,
        'supervisor.slots.ports': Array.from({ length: spec.slots ?? SLOTS }, next),
        'logviewer.port': next(),
      }
      return this.daemon('supervisor', name, settings, machine)
    })
  }

  static async start(spec: RealClusterSpec = {}): Promise<RealCluster> {
    const directory = mkdtempSync(join(tmpdir(), 'typhoon-cluster-'))
    const nodes = spec.nodes ?? NODES
    const place = new Place(directory, nodes, spec.hasMachines === true)
    const zooKeeper = await startZooKeeper({ servers: spec.zooKeepers ?? 3, host: place.host })
    const portCount = (spec.nimbuses ?? NIMBUSES) + nodes * ((spec.slots ?? SLOTS) + 1)
    const ports = [...(await freePorts(portCount))]
    const cluster = new RealCluster(spec, directory, place, { zooKeeper, ports })
    try {
      for (const daemon of [...cluster.nimbuses, ...cluster.supervisors]) daemon.start()
      await cluster.meet()
      await cluster.until('all nodes are up', 30_000, () => cluster.areNodesUp())
    } catch (error) {
      await cluster.stop()
      throw error
    }
    return cluster
  }

  /** Runs a command of the command line against this cluster. */
  command(...words: readonly string[]): Promise<CommandResult> {
    const dashes = words.indexOf('--')
    const at = dashes < 0 ? words.length : dashes
    return this.run([...words.slice(0, at), '--context', CONTEXT, ...words.slice(at)])
  }

  private run(words: readonly string[]): Promise<CommandResult> {
    return new Promise((resolve) => {
      const child = spawn(process.execPath, [COMMAND, ...words], {
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

  /** A topology that does nothing. */
  submitSmall(name: string): Promise<CommandResult> {
    return this.command('submit', SMALL, '--name', name, '--inactive', '-y', '--timeout', '60s')
  }

  async topologiesNamed(name: string): Promise<number> {
    const { topologies } = (await this.json('list')) as { topologies: readonly { name: string }[] }
    return topologies.filter((each) => each.name === name).length
  }

  async areNodesUp(): Promise<boolean> {
    const nodes = await this.nodes()
    return nodes.filter(({ state }) => state === 'up').length === this.supervisors.length
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

  async until(
    what: string,
    limitMs: number,
    isSo: () => Promise<boolean> | boolean,
    lookMs = LOOK_MS,
  ): Promise<void> {
    const untilMs = Date.now() + limitMs
    for (;;) {
      if (await isSo()) return
      if (Date.now() > untilMs) throw new Error(`not in ${limitMs} ms: ${what}\n${this.logs()}`)
      await passed(lookMs)
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
    this.place.remove()
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 5 })
  }

  /** From now on commands find the cluster by name, with its certificates. */
  private async meet(): Promise<void> {
    const words = ['context', 'set', CONTEXT, '--nimbus', this.seeds.join(','), ...this.place.contextWords]
    const { code, err } = await this.run(words)
    if (code !== 0) throw new Error(`the context could not be set: ${err}`)
  }

  private daemon(
    role: 'nimbus' | 'supervisor',
    name: string,
    settings: Readonly<Record<string, unknown>>,
    machine: Machine | undefined,
  ): Daemon {
    const inside = machine === undefined ? {} : { inside: machine.inside }
    const daemon = new Daemon({ role, name, directory: join(this.directory, name), settings, ...inside })
    this.place.addDisk(name, daemon.localDirectory)
    return daemon
  }
}

interface Parts {
  readonly zooKeeper: RunningZooKeeper
  /** Free ones, taken from. */
  readonly ports: number[]
}
