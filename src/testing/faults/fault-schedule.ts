/**
 * Lets faults strike in their time, and draws random ones.
 *
 * Invariant: nothing strikes, and nothing lasts, beyond `healAfterMs` of the run, so every run can come to
 * its end.
 */
import type { SeededRandom } from '../../base/random.ts'
import { parseDuration } from '../../config/duration.ts'
import type { Stoppable } from '../../host/host.ts'
import type { Topology } from '../../topology/topology.ts'
import {
  dropAcks,
  dropLink,
  durationText,
  type Fault,
  failComponent,
  failDisk,
  failSink,
  hangWorker,
  isPlanned,
  killWorker,
  type PlannedFault,
  partition,
  plannedOf,
  type RandomFaults,
  skewClock,
  slowDisk,
  slowLink,
} from './fault.ts'
import type { FaultStage } from './fault-stage.ts'

/** How often counts are looked at, for faults that wait for them. */
const LOOK_MS = 1

/** A fault that has struck. */
export interface Injected {
  /** Milliseconds of the run. */
  readonly at: number
  readonly fault: string
}

export class FaultSchedule {
  readonly injected: Injected[] = []
  /** Those of `injected`, to be used again. */
  readonly struck: PlannedFault[] = []
  private readonly stage: FaultStage
  private readonly healAfterMs: number
  private readonly nowMs: () => number
  private readonly timers: Stoppable[] = []
  private waiting: PlannedFault[] = []

  /** @param nowMs milliseconds of the run */
  constructor(stage: FaultStage, healAfterMs: number, nowMs: () => number) {
    this.stage = stage
    this.healAfterMs = healAfterMs
    this.nowMs = nowMs
  }

  /**
   * Times count from now.
   * @throws UsageError CONFIG_INVALID_VALUE, CONFIG_CONTRADICTION: the fault cannot strike here
   */
  add(faults: readonly PlannedFault[]): void {
    for (const fault of faults) this.stage.refuseImpossible(fault)
    for (const fault of faults) {
      if ('after' in fault.when) {
        this.waitFor(fault)
        continue
      }
      const delayMs = parseDuration(fault.when.at)
      if (this.nowMs() + delayMs > this.healAfterMs) continue
      this.timers.push(this.stage.timers.after(delayMs, () => this.strike(fault)))
    }
  }

  stop(): void {
    for (const timer of this.timers) timer.stop()
    this.waiting = []
  }

  private waitFor(fault: PlannedFault): void {
    this.waiting.push(fault)
    if (this.waiting.length > 1) return
    const look = this.stage.timers.every(LOOK_MS, () => {
      const { acked, emitted } = this.stage.counts()
      const isDue = ({ when }: PlannedFault): boolean => {
        if (!('after' in when)) return true
        return 'acked' in when.after ? acked >= when.after.acked : emitted >= when.after.emitted
      }
      const due = this.waiting.filter(isDue)
      this.waiting = this.waiting.filter((each) => !isDue(each))
      for (const each of due) this.strike(each)
      if (this.waiting.length === 0 || this.nowMs() > this.healAfterMs) {
        this.waiting = []
        look.stop()
      }
    })
    this.timers.push(look)
  }

  private strike(fault: PlannedFault): void {
    this.stage.note(fault.fault)
    this.injected.push({ at: Math.round(this.nowMs()), fault: fault.fault })
    this.struck.push(fault)
    fault.strike(this.stage)
    if (fault.forMs === undefined) return
    const leftMs = Math.max(0, this.healAfterMs - this.nowMs())
    const healInMs = Math.min(fault.forMs, leftMs)
    this.timers.push(this.stage.timers.after(healInMs, () => fault.heal(this.stage)))
  }
}

/** What random faults may be about. */
export interface Drawable {
  readonly topology: Topology
  readonly workerCount: number
  readonly healAfterMs: number
}

/** All faults of a run with their times: random ones are drawn now. */
export function planFaults(
  faults: readonly Fault[],
  about: Drawable,
  random: SeededRandom,
): readonly PlannedFault[] {
  return faults.map(plannedOf).flatMap((fault, index) => {
    return isPlanned(fault) ? [fault] : drawFaults(fault, about, random.split(`faults ${index}`))
  })
}

/** Random faults of one run are so many at most: each is a timer. */
const DRAWN_MAX = 10_000

function drawFaults(fault: RandomFaults, about: Drawable, random: SeededRandom): PlannedFault[] {
  const makers = makersFor(about, random).filter(([name]) => !fault.except.has(name))
  const drawn: PlannedFault[] = []
  if (makers.length === 0) return drawn
  let atMs = 0
  while (drawn.length < DRAWN_MAX) {
    // From half to one and a half times the distance: never in step with anything.
    atMs += fault.everyMs * (0.5 + random.next())
    if (atMs > about.healAfterMs) break
    const [, make] = makers[random.below(makers.length)] ?? []
    const made = make?.(atMs)
    if (made !== undefined) drawn.push(plannedOf(made) as PlannedFault)
  }
  return drawn
}

type Maker = readonly [name: string, make: (atMs: number) => Fault | undefined]

/** Faults that mean something for this topology. */
function makersFor({ topology, workerCount }: Drawable, random: SeededRandom): Maker[] {
  const worker = (): number => 1 + random.below(workerCount)
  const once = (atMs: number) => ({ at: durationText(atMs) })
  const lasting = (atMs: number, mostMs: number) => {
    return { at: durationText(atMs), for: durationText(1 + random.next() * mostMs) }
  }
  const components = [...topology.components.values()]
  const sinks = components.filter(
    ({ definition }) => definition.kind === 'bolt' && definition.form === 'sink',
  )
  const pick = (from: typeof components): string => from[random.below(from.length)]?.id ?? ''
  const makers: Maker[] = [
    ['killWorker', (at) => killWorker(worker(), once(at))],
    ['hangWorker', (at) => hangWorker(worker(), lasting(at, 5_000))],
    ['slowDisk', (at) => slowDisk(durationText(random.next() * 100), lasting(at, 1_000))],
    ['failDisk', (at) => failDisk(random.chance(0.5) ? 'full' : 'broken', lasting(at, 1_000))],
    ['skewClock', (at) => skewClock(worker(), durationText(random.next() * 60_000), lasting(at, 2_000))],
    ['failComponent', (at) => failComponent(pick(components), { ...once(at), count: 1 + random.below(3) })],
  ]
  if (sinks.length > 0) {
    const calls = ['write', 'prepare', 'commit'] as const
    makers.push([
      'failSink',
      (at) => {
        const call = calls[random.below(calls.length)] ?? 'write'
        return failSink(pick(sinks), call, { ...once(at), count: 1 + random.below(2) })
      },
    ])
  }
  if (workerCount < 2) return makers
  const pair = (): readonly [number, number] => {
    const a = worker()
    const b = 1 + ((a + random.below(workerCount - 1)) % workerCount)
    return [a, b]
  }
  makers.push(
    [
      'partition',
      (at) => {
        const [a, b] = pair()
        return partition([a], [b], lasting(at, 5_000))
      },
    ],
    ['dropLink', (at) => dropLink(...pair(), once(at))],
    ['dropAcks', (at) => dropAcks(Math.round(random.next() * 30) / 100, lasting(at, 1_000))],
    ['slowLink', (at) => slowLink(durationText(random.next() * 100), lasting(at, 2_000))],
  )
  return makers
}
