/**
 * Worker processes that have started and wait for a seat, so that a worker that died is back in the time a
 * message takes. Which ones are kept is decided by what runs here: a process fits a topology if its limits,
 * options and variables are the topology's.
 *
 * Does not know: slots, assignments.
 *
 * Invariants
 *   O1  at most as many as configured; none is begun while the node is short of memory
 *   O2  a spare is given away once, alive and connected
 *   O3  a spare that speaks another version of the seat protocol is none
 *   O4  spares that die before they are used are begun again ever more slowly
 */
import { Backoff } from '../../base/backoff.ts'
import type { Logger } from '../../base/log.ts'
import { digestText } from '../../blob/blob-store.ts'
import type { Host, Stoppable } from '../../host/host.ts'
import { misfitOf, type Newcomer } from '../adoption.ts'
import { type LaunchedWorker, type Launcher, type LaunchProfile, profileKey } from '../launcher.ts'
import { Seat, type SeatOwner } from './seat.ts'
import type { SeatDesk } from './seat-desk.ts'

export interface SparePoolSpec {
  readonly host: Host
  readonly log: Logger
  readonly desk: SeatDesk
  readonly launcher: Launcher
  readonly count: number
  readonly controlPath: string
  /** Output of spares, until they have a slot. */
  readonly directory: string
  readonly isShortOfMemory: () => boolean
  /** What this node runs when it runs nothing yet. */
  readonly usual: LaunchProfile
}

interface Spare {
  readonly key: string
  readonly seat: Seat
}

/** After one was used the node has better things to do: the worker that took it begins. */
const REFILL_MS = 500
const SECRET_WORDS = 8

export class SparePool {
  private readonly spec: SparePoolSpec
  private readonly spares = new Set<Spare>()
  private wanted: readonly LaunchProfile[]
  private readonly backoff: Backoff
  private refilling: Stoppable | undefined
  private startedCount = 0
  private isStopped = false

  constructor(spec: SparePoolSpec) {
    this.spec = spec
    this.wanted = sparesFor([], spec.usual, spec.count)
    this.backoff = new Backoff({ firstMs: 1_000, maxMs: 60_000 }, () => spec.host.random.next())
  }

  /** Profiles of what runs here, one for each slot. */
  want(running: readonly LaunchProfile[]): void {
    this.wanted = sparesFor(running, this.spec.usual, this.spec.count)
    this.refillAfter(REFILL_MS)
  }

  /** One that fits, if there is one. Its owner is the caller's from now on. */
  take(profile: LaunchProfile, owner: SeatOwner): Seat | undefined {
    const key = profileKey(profile)
    for (const spare of this.spares) {
      if (spare.key !== key || !spare.seat.isConnected || spare.seat.process !== 'alive') continue
      this.spares.delete(spare)
      spare.seat.owner = owner
      this.refillAfter(REFILL_MS)
      return spare.seat
    }
    return undefined
  }

  /** A process for one seat at once: there is no spare that fits. */
  launch(profile: LaunchProfile, directory: string, outputPath: string, owner: SeatOwner): Launch {
    const secret = newSecret(this.spec.host)
    const seat = new Seat({
      secretDigest: digestText(this.spec.host.digest('sha256', new TextEncoder().encode(secret))),
      outputPath,
      clock: this.spec.host.clock,
      log: this.spec.log,
      owner,
    })
    const { controlPath, desk, launcher } = this.spec
    return {
      seat,
      begin: async () => {
        desk.expect(seat)
        const worker = await launcher.launch({ ...profile, secret, controlPath, directory, outputPath })
        seat.setWorker(worker)
        return worker
      },
    }
  }

  stop(): void {
    this.isStopped = true
    this.refilling?.stop()
    for (const spare of [...this.spares]) this.dismiss(spare)
  }

  private refillAfter(delayMs: number): void {
    if (this.isStopped || this.refilling !== undefined) return
    this.refilling = this.spec.host.timers.after(delayMs, () => {
      this.refilling = undefined
      this.refill()
    })
  }

  private refill(): void {
    if (this.isStopped) return
    const missing = [...this.wanted]
    for (const spare of [...this.spares]) {
      const at = missing.findIndex((profile) => profileKey(profile) === spare.key)
      if (at >= 0) missing.splice(at, 1)
      else this.dismiss(spare)
    }
    if (missing.length === 0) return
    if (this.spec.isShortOfMemory()) {
      this.refillAfter(this.backoff.nextMs())
      return
    }
    for (const profile of missing) this.begin(profile)
  }

  private begin(profile: LaunchProfile): void {
    this.startedCount += 1
    const { host, directory, log } = this.spec
    const outputPath = host.files.resolve(directory, `spare-${this.startedCount}.log`)
    const owner: SeatOwner = {
      onChange: () => this.look(spare),
      onMessage: () => undefined,
      judge: (hello) => this.judge(hello),
    }
    const launch = this.launch(profile, directory, outputPath, owner)
    const spare: Spare = { key: profileKey(profile), seat: launch.seat }
    this.spares.add(spare)
    const begin = async () => {
      await host.files.makeDirectory(directory)
      await host.files.remove(outputPath)
      await launch.begin()
      if (this.isStopped) launch.seat.kill('SIGKILL')
    }
    begin().catch((error: unknown) => {
      log.warn('a spare worker could not be started', { why: String(error) })
      this.drop(spare)
      this.refillAfter(this.backoff.nextMs())
    })
  }

  private judge(hello: Newcomer): 'adopt' | 'kill' {
    const misfit = misfitOf(hello)
    if (misfit === undefined) return hello.seat === undefined ? 'adopt' : 'kill'
    const { code, message } = misfit
    this.spec.log.error('a spare worker speaks another version', { code, why: message })
    return 'kill'
  }

  private look(spare: Spare): void {
    if (!this.spares.has(spare)) return
    if (spare.seat.process === 'gone') {
      this.drop(spare)
      this.spec.log.warn('a spare worker ended before it was used')
      this.refillAfter(this.backoff.nextMs())
    } else if (spare.seat.isConnected) {
      this.backoff.reset()
    }
  }

  private drop(spare: Spare): void {
    this.spares.delete(spare)
    this.spec.desk.forget(spare.seat)
  }

  private dismiss(spare: Spare): void {
    this.drop(spare)
    spare.seat.disconnect('this spare is not needed any more')
    spare.seat.kill('SIGKILL')
  }
}

/** A seat that is not begun yet: whatever must be kept before a launch is kept first. */
export interface Launch {
  readonly seat: Seat
  begin(): Promise<LaunchedWorker>
}

/** Which spares to keep: for what most slots run, in turns; the usual one where nothing runs. Pure. */
export function sparesFor(
  running: readonly LaunchProfile[],
  usual: LaunchProfile,
  count: number,
): readonly LaunchProfile[] {
  const groups = new Map<string, { readonly profile: LaunchProfile; slots: number }>()
  for (const profile of running) {
    const key = profileKey(profile)
    const group = groups.get(key) ?? { profile, slots: 0 }
    group.slots += 1
    groups.set(key, group)
  }
  const byUse = [...groups.values()].sort((one, other) => other.slots - one.slots)
  const profiles = byUse.length === 0 ? [usual] : byUse.map(({ profile }) => profile)
  return Array.from({ length: count }, (_, index) => profiles[index % profiles.length] ?? usual)
}

/** 256 bits. */
function newSecret(host: Host): string {
  const words = new Int32Array(SECRET_WORDS)
  host.random.fill(words)
  return [...words].map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('')
}
