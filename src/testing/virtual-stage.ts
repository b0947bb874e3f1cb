/**
 * Virtual time for a run: a world with a machine for each worker, and one for the run itself that never
 * crashes.
 *
 *   drive(promise) ─▶ runs events until it is settled; several callers may drive at once
 */
import { UnavailableError } from '../base/errors.ts'
import type { Host } from '../host/host.ts'
import { VirtualWorld, type VirtualWorldSpec } from '../host/virtual/virtual-world.ts'
import type { LocalRunSpec } from './local-run.ts'

/** Runs what a caller waits for: in virtual time by running events, in real time by waiting. */
export interface Pace {
  drive<T>(work: Promise<T>): Promise<T>
}

export class VirtualStage implements Pace {
  readonly world: VirtualWorld
  readonly host: Host
  private waiting = 0
  private running: Promise<void> | undefined = undefined

  constructor(spec: VirtualWorldSpec) {
    this.world = new VirtualWorld(spec)
    this.host = this.world.host('run')
  }

  /** Name of the machine of a worker (or slot). */
  static machine(worker: number): string {
    return `worker-${worker}`
  }

  /** What a run needs to stand on this stage. `slotOf`: the machine of a worker; `port` tells runs apart. */
  specOf(slotOf: (worker: number) => number, port = 6_700) {
    const machineOf = (worker: number) => VirtualStage.machine(slotOf(worker))
    return {
      host: this.host,
      hostOf: (worker) => this.world.host(machineOf(worker)),
      netOf: (worker) => this.world.host(machineOf(worker)).net,
      addressOf: (worker) => `${machineOf(worker)}:${port}`,
      // The process is gone, the machine is not: what it had written stays.
      onWorkerKilled: (worker) => this.world.crash(machineOf(worker), 'none'),
    } satisfies Partial<LocalRunSpec>
  }

  async drive<T>(work: Promise<T>): Promise<T> {
    this.waiting += 1
    const ended = (): void => {
      this.waiting -= 1
    }
    work.then(ended, ended)
    await this.pump()
    return await work
  }

  /** Lets so much time pass, and all that happens in it. */
  async advance(forMs: number): Promise<void> {
    await this.drive(new Promise<void>((resolve) => this.world.timers.after(forMs, resolve)))
    await this.finishInstant()
  }

  /** Everything that can happen now, without the clock moving. */
  async finishInstant(): Promise<void> {
    while (this.running !== undefined) await this.running
    await this.world.run({ untilMs: this.world.nowMs })
  }

  private pump(): Promise<void> {
    this.running ??= this.turn().finally(() => {
      this.running = undefined
    })
    return this.running
  }

  private async turn(): Promise<void> {
    while (this.waiting > 0) {
      const end = await this.world.run({ while: () => this.waiting > 0 })
      if (end === 'idle' && this.waiting > 0) {
        throw new UnavailableError(
          'OPERATION_TIMED_OUT',
          'nothing is left to happen, and what is waited for has not come',
        )
      }
    }
  }
}
