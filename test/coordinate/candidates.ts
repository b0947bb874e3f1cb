// Candidates for a leadership, as daemons are: on a host of their own, begun anew with a new session when the
// old one is over, writing through the epoch as long as they believe that they lead. Everything they do is
// recorded.
import { hasCode, isStreamError } from '../../src/base/errors.ts'
import type { Coordinator } from '../../src/coordinate/coordinator.ts'
import type { MemoryEnsemble } from '../../src/coordinate/memory/memory-ensemble.ts'
import { ensurePath } from '../../src/coordinate/recipes/ensure-path.ts'
import type { Epoch } from '../../src/coordinate/recipes/epoch.ts'
import { EpochWriter } from '../../src/coordinate/recipes/epoch-writer.ts'
import { LeaderElection, type StandbyReason } from '../../src/coordinate/recipes/leader-election.ts'
import type { Host, Stoppable } from '../../src/host/host.ts'

export const epochPath = '/leader/epoch'
export const linePath = '/leader/line'
/** What leaders write: `EPOCH NAME`. */
export const workPath = '/work'

export interface Told {
  readonly name: string
  readonly epoch: number
}

export interface CandidateSpec {
  readonly ensemble: MemoryEnsemble
  readonly host: Host
  readonly name: string
  readonly sessionTimeoutMs?: number
  readonly wrap?: (coordinator: Coordinator) => Coordinator
  readonly told: Told[]
  /** Writes while leading come so often. */
  readonly workMs?: number
}

export class Candidate {
  readonly oldWrites: number[] = []
  readonly standbys: StandbyReason[] = []
  readonly troubles: unknown[] = []
  coordinator: Coordinator | undefined
  election: LeaderElection | undefined
  private readonly spec: CandidateSpec
  private working: Stoppable | undefined
  private isOver = false

  constructor(spec: CandidateSpec) {
    this.spec = spec
    this.begin()
  }

  get isLeader(): boolean {
    return this.election?.isLeader === true
  }

  async stop(): Promise<void> {
    this.isOver = true
    this.working?.stop()
    await this.election?.stop()
    await this.coordinator?.close()
  }

  private begin(): void {
    if (this.isOver) return
    const { ensemble, host, name, wrap, sessionTimeoutMs = 2_000 } = this.spec
    const plain = ensemble.connect({ host, name, sessionTimeoutMs, callTimeoutMs: 1_000 })
    const coordinator = wrap === undefined ? plain : wrap(plain)
    this.coordinator = coordinator
    this.election = new LeaderElection({
      host,
      coordinator,
      linePath,
      epochPath,
      id: name,
      onLeader: (epoch) => this.lead(coordinator, epoch),
      onStandby: (reason) => {
        this.standbys.push(reason)
        this.working?.stop()
      },
      onTrouble: (error) => this.troubles.push(error),
    })
    coordinator.onState((state) => {
      if (state === 'expired') host.timers.after(50, () => this.begin())
    })
  }

  private lead(coordinator: Coordinator, epoch: Epoch): void {
    const { host, name, told, workMs = 50 } = this.spec
    told.push({ name, epoch: epoch.epoch })
    const writer = new EpochWriter({ coordinator, epochPath, epoch, onOld: () => this.election?.giveUp() })
    const work = async () => {
      try {
        await ensurePath(coordinator, workPath)
        const data = new TextEncoder().encode(`${epoch.epoch} ${name}`)
        await writer.write([{ kind: 'set', path: workPath, data }])
      } catch (error) {
        if (hasCode(error, 'EPOCH_OLD')) this.oldWrites.push(epoch.epoch)
        else if (!isStreamError(error) || error.family !== 'unavailable') throw error
      }
    }
    // It goes on as long as it is not told to stop, and once more: as careless as daemons are.
    this.working = host.timers.every(workMs, () => void work())
  }
}

/** Does something at the call of this number, from 1, before it is made or after it was answered. */
export function atCall(
  coordinator: Coordinator,
  at: { readonly number: number; readonly when: 'before' | 'after'; readonly strike: () => void },
  counted: { count: number },
): Coordinator {
  return new Proxy(coordinator, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target)
      if (typeof value !== 'function') return value
      const isCall = /^(create|get|set|delete|exists|children|multi|sync|watch|watchOnce)$/.test(
        String(property),
      )
      if (!isCall) return value.bind(target)
      return async (...given: unknown[]) => {
        counted.count += 1
        const isNow = counted.count === at.number
        if (isNow && at.when === 'before') at.strike()
        const answer: unknown = await Reflect.apply(value, target, given)
        if (isNow && at.when === 'after') at.strike()
        return answer
      }
    },
  })
}
