/**
 * Machines of a test: network namespaces, joined by a bridge, that can be cut off, in pairs and in one
 * direction, as a switch or a firewall would: packets vanish, nobody is told.
 *
 *   root namespace ── bridge 10.213.N.1 ──┬── 10.213.N.11 (first)
 *                                         ├── 10.213.N.12 (second)
 *                                         ╰── …
 *
 * Needs root and `ip`, nothing else: whom a machine cannot reach it sends frames that no machine takes.
 *
 * Invariant: nothing is left of them. An orderly end removes them; what a killed process left, the next start
 * removes: the process id is in the names.
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

const PREFIX = 'tych'
const SUBNETS = 200
/** No machine has it. */
const NOBODY = '02:00:00:00:00:fe'

export interface Machine {
  /** Of its namespace. */
  readonly name: string
  readonly address: string
  /** Puts a command into it: `[...inside, command, ...args]`. */
  readonly inside: readonly string[]
}

/** Why there can be none here; undefined: there can. */
export function whyNoNamespaces(): string | undefined {
  if (process.getuid?.() !== 0) return 'network namespaces need root'
  if (spawnSync('ip', ['-V']).status !== 0) return 'network namespaces need the command ip'
  const name = `${PREFIX}${process.pid}t`
  const made = spawnSync('ip', ['netns', 'add', name], { encoding: 'utf8' })
  if (made.status !== 0) return `network namespaces are not allowed here: ${made.stderr.trim()}`
  spawnSync('ip', ['netns', 'del', name])
  return undefined
}

export class Machines {
  /** Of the root namespace, as the machines reach it. */
  readonly address: string
  readonly all: readonly Machine[]
  private readonly bridge: string

  /** @throws Error with what `ip` said */
  constructor(count: number) {
    removeLeftOver()
    const subnet = freeSubnet()
    this.bridge = `${PREFIX}${process.pid}b`
    this.address = `${subnet}.1`
    this.all = Array.from({ length: count }, (_, index) => {
      const name = `${PREFIX}${process.pid}n${index + 1}`
      return { name, address: `${subnet}.${11 + index}`, inside: ['ip', 'netns', 'exec', name] }
    })
    process.on('exit', this.remove)
    ip('link', 'add', this.bridge, 'type', 'bridge')
    ip('addr', 'add', `${this.address}/24`, 'dev', this.bridge)
    ip('link', 'set', this.bridge, 'up')
    for (const machine of this.all) this.add(machine)
  }

  /** Nothing goes in or out. */
  cut(machine: Machine): void {
    ip('link', 'set', machine.name, 'nomaster')
  }

  join(machine: Machine): void {
    ip('link', 'set', machine.name, 'master', this.bridge)
  }

  /** What the one sends to the other vanishes; the way back is as it was. */
  drop(from: Machine, to: Machine): void {
    this.neighbour(from, to, NOBODY)
  }

  pass(from: Machine, to: Machine): void {
    this.neighbour(from, to, hardwareOf(to))
  }

  /** Whether the one gets a connection to a listener of the other, in half a second. */
  reaches(from: Machine, to: string, port: number): boolean {
    const [command = '', ...rest] = [
      ...from.inside,
      'timeout',
      '0.5',
      'bash',
      '-c',
      `< /dev/tcp/${to}/${port}`,
    ]
    return spawnSync(command, rest).status === 0
  }

  readonly remove = (): void => {
    process.off('exit', this.remove)
    for (const { name } of this.all) spawnSync('ip', ['netns', 'del', name])
    for (const { name } of this.all) spawnSync('ip', ['link', 'del', name])
    spawnSync('ip', ['link', 'del', this.bridge])
  }

  private add(machine: Machine): void {
    const { name, address } = machine
    ip('netns', 'add', name)
    // Its end in the root namespace has the machine's name.
    ip('link', 'add', name, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name)
    ip('link', 'set', name, 'master', this.bridge, 'up')
    ip('-n', name, 'link', 'set', 'eth0', 'address', hardwareOf(machine))
    ip('-n', name, 'addr', 'add', `${address}/24`, 'dev', 'eth0')
    for (const device of ['lo', 'eth0']) ip('-n', name, 'link', 'set', device, 'up')
    // Neighbours are known for ever, so that no question about them can be lost.
    for (const other of this.all) if (other !== machine) this.pass(machine, other)
  }

  private neighbour(from: Machine, to: Machine, hardware: string): void {
    ip('-n', from.name, 'neigh', 'replace', to.address, 'lladdr', hardware, 'dev', 'eth0', 'nud', 'permanent')
  }
}

function hardwareOf({ address }: Machine): string {
  const last = Number(address.split('.').at(-1))
  return `02:00:00:00:00:${last.toString(16).padStart(2, '0')}`
}

function ip(...args: readonly string[]): string {
  const done = spawnSync('ip', args, { encoding: 'utf8' })
  if (done.status !== 0) throw new Error(`ip ${args.join(' ')}: ${done.stderr}`)
  return done.stdout
}

function freeSubnet(): string {
  const taken = ip('-o', 'addr')
  for (let tried = 0; tried < SUBNETS; tried += 1) {
    const subnet = `10.213.${(process.pid + tried) % SUBNETS}`
    if (!taken.includes(`${subnet}.`)) return subnet
  }
  throw new Error('no subnet of 10.213 is free')
}

/** Of processes that are gone. */
function removeLeftOver(): void {
  const isLeft = (name: string): boolean => {
    const pid = new RegExp(`^${PREFIX}(\\d+)[bnt]`).exec(name)?.[1]
    return pid !== undefined && (Number(pid) === process.pid || !existsSync(`/proc/${pid}`))
  }
  for (const line of ip('netns', 'list').split('\n')) {
    const [name = ''] = line.split(' ')
    if (!isLeft(name)) continue
    for (const pid of ip('netns', 'pids', name).split('\n')) if (pid !== '') spawnSync('kill', ['-9', pid])
    spawnSync('ip', ['netns', 'del', name])
  }
  for (const line of ip('-o', 'link').split('\n')) {
    const name = /^\d+: ([^:@]+)/.exec(line)?.[1] ?? ''
    if (isLeft(name)) spawnSync('ip', ['link', 'del', name])
  }
}
