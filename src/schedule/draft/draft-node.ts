/**
 * A node while a plan is made: which of its slots are free, and how much of it.
 *
 * Invariants
 *   N1  a port is free or taken by one worker
 *   N2  what is free of CPU and memory is what it offers less the larger of declared and measured use; both
 *       grow with what is placed, so nothing is promised twice
 */
import { assert } from '../../base/assert.ts'
import type { ScheduleExecutor, ScheduleNode } from '../request.ts'

/** Percents are added and taken away as doubles: a crumb must not refuse an executor. */
const CPU_CRUMB = 1e-6

export class DraftNode {
  readonly name: string
  /** Place among the nodes by name: settles ties. */
  readonly order: number
  readonly slotCount: number
  readonly cpuPercent: number
  readonly memoryBytes: number
  readonly isUp: boolean
  /** Why what runs there has to leave; undefined: it may stay. */
  readonly whyLeft: string | undefined
  /** Why it takes nothing new; undefined: it does. */
  readonly whyClosed: string | undefined
  /** Topology that has it for itself. */
  keptFor: string | undefined
  /** Ascending. */
  readonly freePorts: number[]
  private readonly ports: ReadonlySet<number>
  private declaredCpu = 0
  private declaredMemory = 0
  private measuredCpu: number
  private measuredMemory: number

  constructor(facts: ScheduleNode, order: number) {
    this.name = facts.node
    this.order = order
    this.ports = new Set(facts.ports)
    this.slotCount = this.ports.size
    this.cpuPercent = facts.cpuPercent
    this.memoryBytes = facts.memoryBytes
    this.isUp = !facts.isDead
    this.whyLeft = whyLeft(facts)
    this.whyClosed = this.whyLeft ?? (facts.isSilent ? `${facts.node} is silent` : undefined)
    this.freePorts = [...this.ports].sort((a, b) => a - b)
    this.measuredCpu = facts.used?.cpuPercent ?? 0
    this.measuredMemory = facts.used?.memoryBytes ?? 0
  }

  get takenCount(): number {
    return this.slotCount - this.freePorts.length
  }

  get cpuFree(): number {
    return this.cpuPercent - Math.max(this.declaredCpu, this.measuredCpu)
  }

  get memoryFree(): number {
    return this.memoryBytes - Math.max(this.declaredMemory, this.measuredMemory)
  }

  hasPort(port: number): boolean {
    return this.ports.has(port)
  }

  hasRoom(cpuPercent: number, memoryBytes: number): boolean {
    return this.cpuFree + CPU_CRUMB >= cpuPercent && this.memoryFree >= memoryBytes
  }

  /** False: somebody has it. */
  tryTake(port: number): boolean {
    const index = this.freePorts.indexOf(port)
    if (index < 0) return false
    this.freePorts.splice(index, 1)
    return true
  }

  release(port: number): void {
    assert(this.ports.has(port) && !this.freePorts.includes(port), 'only a taken port is given back')
    const index = this.freePorts.findIndex((free) => free > port)
    this.freePorts.splice(index < 0 ? this.freePorts.length : index, 0, port)
  }

  /** `isRunning`: it runs there now, so it is in the measured figures. */
  load({ cpuPercent, memoryBytes }: ScheduleExecutor, isRunning: boolean): void {
    this.declaredCpu += cpuPercent
    this.declaredMemory += memoryBytes
    if (isRunning) return
    this.measuredCpu += cpuPercent
    this.measuredMemory += memoryBytes
  }

  /** What leaves is taken for as large as it was declared; the measured figures do not go below zero. */
  unload({ cpuPercent, memoryBytes }: ScheduleExecutor): void {
    this.declaredCpu -= cpuPercent
    this.declaredMemory -= memoryBytes
    this.measuredCpu = Math.max(0, this.measuredCpu - cpuPercent)
    this.measuredMemory = Math.max(0, this.measuredMemory - memoryBytes)
  }
}

function whyLeft({ node, isDead, isDraining, isBlacklisted }: ScheduleNode): string | undefined {
  if (isDead) return `${node} is dead`
  if (isDraining) return `${node} is drained`
  return isBlacklisted ? `${node} is on the blacklist` : undefined
}
