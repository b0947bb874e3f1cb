/**
 * Machines and programs of this process in real time: the same to a SimCluster as a virtual world, but the
 * clock is the wall's, and disks are directories.
 *
 *   host('n1'), hostOn('n1', 'w1001') ─▶ MortalHost around the process's own host ─▶ crash, pause, resume
 */
import { deferred } from '../../base/deferred.ts'
import type { Host, Timers } from '../../host/host.ts'
import { MemoryNet } from '../../host/virtual/memory-net.ts'
import type { RunOptions } from '../../host/virtual/virtual-world.ts'
import type { ClusterWorld } from './cluster-world.ts'
import { MortalHost } from './mortal-host.ts'
import { MortalTurns } from './mortal-turns.ts'

/** How often a limit of `run` is looked at. */
const LOOK_MS = 2

export class RealWorld implements ClusterWorld {
  readonly net: MemoryNet
  readonly timers: Timers
  private readonly base: Host
  private readonly driver: MortalTurns
  private readonly lives = new Map<string, MortalHost>()
  private readonly startMs: number
  private lifeCount = 0

  /** @param base the process's own */
  constructor(base: Host) {
    const { clock, random } = base
    this.base = base
    this.driver = new MortalTurns(base.timers)
    this.timers = this.driver.timers
    this.startMs = clock.now() - clock.monotonicMs()
    this.net = new MemoryNet({ nowMs: () => clock.monotonicMs(), random: random.split('net') })
  }

  get nowMs(): number {
    return this.startMs + this.base.clock.monotonicMs()
  }

  host(name: string): Host {
    return this.life(name, name).host
  }

  hostOn(machine: string, program: string): Host {
    return this.life(`${machine}/${program}`, machine).host
  }

  isRunningOn(name: string): boolean {
    return this.lives.has(name)
  }

  isLiving(host: Host): boolean {
    for (const life of this.lives.values()) if (life.host === host) return true
    return false
  }

  crash(name: string): void {
    for (const [each, life] of [...this.lives]) {
      if (each !== name && !each.startsWith(`${name}/`)) continue
      this.lives.delete(each)
      life.die()
    }
  }

  pause(name: string): void {
    this.lives.get(name)?.pause()
  }

  resume(name: string): void {
    this.lives.get(name)?.resume()
  }

  noteFault(): void {
    // Nobody replays real time.
  }

  async run(options: Pick<RunOptions, 'untilMs' | 'while'>): Promise<void> {
    const over = deferred()
    const isOver = () => options.while?.() === false || this.nowMs >= (options.untilMs ?? Infinity)
    const look = this.timers.every(LOOK_MS, () => {
      if (isOver()) over.resolve()
    })
    if (isOver()) over.resolve()
    await over.promise
    look.stop()
  }

  /** Everything that runs ends, and no timer of the world is left. */
  end(): void {
    for (const name of [...this.lives.keys()]) this.crash(name)
    this.driver.die()
  }

  private life(name: string, machine: string): MortalHost {
    const found = this.lives.get(name)
    if (found !== undefined) return found
    this.lifeCount += 1
    const random = this.base.random.split(`${name} ${this.lifeCount}`)
    // On the driver's timers: nothing of a life outlives the world.
    const base = { ...this.base, random, timers: this.timers }
    const life = new MortalHost({ name, base, net: this.net, machine })
    this.lives.set(name, life)
    return life
  }
}
