/** A bell for one sleeper: rung before the sleeper lies down, it is not missed. */
import { type Deferred, deferred } from '../../base/deferred.ts'
import type { Timers } from '../../host/host.ts'

export class Wake {
  private readonly timers: Timers
  private isRung = false
  private sleeper: Deferred<void> | undefined

  constructor(timers: Timers) {
    this.timers = timers
  }

  ring(): void {
    this.isRung = true
    this.sleeper?.resolve()
  }

  /** Until it is rung, now or since the last sleep, but no longer than `delayMs`. */
  async sleep(delayMs: number): Promise<void> {
    if (!this.isRung) {
      const sleeper = deferred()
      this.sleeper = sleeper
      const alarm = this.timers.after(delayMs, () => sleeper.resolve())
      await sleeper.promise
      alarm.stop()
      this.sleeper = undefined
    }
    this.isRung = false
  }
}
