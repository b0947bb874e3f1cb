/**
 * One simulated machine (or process) of a virtual world: its clock, its timers, its queue of what is ready to
 * run. The world decides who runs next and when time moves.
 *
 * Invariants
 *   V1  what is ready runs in the order in which it became ready; while the host is paused nothing of its
 *       program does, only what the system below it has to do
 *   V2  after a crash nothing of it runs, calls or changes anything any more
 */
import { assert } from '../../base/assert.ts'
import { crc32 } from '../crc32.ts'
import type { Clock, Files, Host, Net, Random, Stoppable, Timers } from '../host.ts'
import { nodeDigest } from '../node-digest.ts'
import { EventKind } from './event-trace.ts'
import type { SystemBelow } from './memory-net.ts'
import { createNetHttp } from './net-http.ts'
import { VirtualTimer } from './timer-heap.ts'

/** What a host needs of its world. */
export interface HostWorld {
  readonly startAtMs: number
  /** Wall time without any skew. */
  nowMs(): number
  setTimer(timer: VirtualTimer, host: VirtualHost): void
  /** The host has something that may run, and had nothing before. */
  becameReady(host: VirtualHost): void
  userCallsChanged(by: 1 | -1): void
  print(host: string, line: string): void
}

/** Something to run: a deferred callback, or a timer that is due. */
interface Ready {
  readonly kind: EventKind
  readonly callback: () => void
  readonly timer: VirtualTimer | undefined
  /** Runs though the program stands still. */
  readonly isOfSystem: boolean
}

interface TimerSpec {
  readonly delayMs: number
  readonly periodMs?: number
  readonly callback: () => void
  readonly isOfSystem?: boolean
}

/** What ran: for the trace. */
export interface Ran {
  readonly kind: EventKind
  readonly callback: () => void
}

export interface VirtualHostSpec {
  readonly name: string
  /** Tells the host's lives apart: 1 for the first. */
  readonly life: number
  /** Position among the hosts of the world, from 0. */
  readonly index: number
  readonly world: HostWorld
  readonly random: Random
}

export class VirtualHost implements Timers, Clock {
  readonly name: string
  readonly life: number
  readonly index: number
  readonly random: Random
  readonly below: SystemBelow = {
    timers: {
      after: (delayMs, callback) => this.setTimer({ delayMs, callback, isOfSystem: true }),
      defer: (callback) => this.push({ kind: EventKind.defer, callback, timer: undefined, isOfSystem: true }),
    },
    enter: (call) => {
      if (this.isPaused) this.defer(call)
      else call()
    },
  }
  isAlive = true
  isPaused = false
  /** Added to the wall clock: this machine's clock is wrong. */
  skewMs = 0
  private readonly world: HostWorld
  private ready: Ready[] = []
  private head = 0
  /** Of what is ready, how much is the system's. */
  private systemCount = 0
  private userCalls = 0

  constructor(spec: VirtualHostSpec) {
    this.name = spec.name
    this.life = spec.life
    this.index = spec.index
    this.world = spec.world
    this.random = spec.random
  }

  get hasReady(): boolean {
    return this.isPaused ? this.systemCount > 0 : this.head < this.ready.length
  }

  /** What the program that runs on this host sees. */
  asHost(net: Net, files: Files): Host {
    return {
      name: this.name,
      clock: this,
      timers: this,
      random: this.random,
      net,
      http: createNetHttp(net, this),
      files,
      loopBusyMs: () => 0,
      checksum: crc32,
      digest: nodeDigest,
      print: (line) => {
        if (this.isAlive) this.world.print(this.name, line)
      },
      userCallBegan: () => this.countUserCall(1),
      userCallEnded: () => this.countUserCall(-1),
    }
  }

  now(): number {
    return Math.floor(this.world.nowMs() + this.skewMs)
  }

  monotonicMs(): number {
    return this.world.nowMs() - this.world.startAtMs
  }

  after(delayMs: number, callback: () => void): Stoppable {
    return this.setTimer({ delayMs, callback })
  }

  every(periodMs: number, callback: () => void): Stoppable {
    assert(periodMs > 0, 'a period is longer than nothing')
    return this.setTimer({ delayMs: periodMs, periodMs, callback })
  }

  defer(callback: () => void): void {
    this.push({ kind: EventKind.defer, callback, timer: undefined, isOfSystem: false })
  }

  /** A timer of this host is due. */
  timerDue(timer: VirtualTimer): void {
    const kind = timer.periodMs === undefined ? EventKind.after : EventKind.every
    this.push({ kind, callback: timer.callback, timer, isOfSystem: timer.isOfSystem })
  }

  /** Takes the next ready thing. Undefined: it was stopped meanwhile. The caller runs it. */
  takeReady(): Ran | undefined {
    const next = this.isPaused ? this.takeOfSystem() : this.takeFirst()
    if (next?.isOfSystem === true) this.systemCount -= 1
    if (next === undefined || next.timer === undefined) return next
    if (next.timer.isStopped) return undefined
    if (next.timer.periodMs !== undefined) this.setAgain(next.timer, next.timer.periodMs)
    return next
  }

  /** It is gone, with all that it was about to do. */
  die(): void {
    this.isAlive = false
    this.ready = []
    this.head = 0
    this.systemCount = 0
    for (; this.userCalls > 0; this.userCalls -= 1) this.world.userCallsChanged(-1)
  }

  private takeFirst(): Ready | undefined {
    const next = this.ready[this.head]
    this.head += 1
    if (this.head === this.ready.length) {
      this.ready.length = 0
      this.head = 0
    } else if (this.head >= 1_024) {
      this.ready = this.ready.slice(this.head)
      this.head = 0
    }
    return next
  }

  private takeOfSystem(): Ready | undefined {
    const position = this.ready.findIndex(({ isOfSystem }, index) => isOfSystem && index >= this.head)
    return position < 0 ? undefined : this.ready.splice(position, 1)[0]
  }

  private setTimer({ delayMs, periodMs, callback, isOfSystem = false }: TimerSpec): Stoppable {
    assert(Number.isFinite(delayMs), 'a delay is a finite number')
    const timer = new VirtualTimer(this.world.nowMs() + Math.max(0, delayMs), periodMs, callback)
    timer.isOfSystem = isOfSystem
    if (this.isAlive) this.world.setTimer(timer, this)
    return timer
  }

  private setAgain(timer: VirtualTimer, periodMs: number): void {
    const onTimeMs = timer.dueMs + periodMs
    timer.dueMs = onTimeMs > this.world.nowMs() ? onTimeMs : this.world.nowMs() + periodMs
    this.world.setTimer(timer, this)
  }

  private push(ready: Ready): void {
    if (!this.isAlive) return
    const hadReady = this.hasReady
    this.ready.push(ready)
    if (ready.isOfSystem) this.systemCount += 1
    if (!hadReady && this.hasReady) this.world.becameReady(this)
  }

  private countUserCall(by: 1 | -1): void {
    if (!this.isAlive || this.userCalls + by < 0) return
    this.userCalls += by
    this.world.userCallsChanged(by)
  }
}
