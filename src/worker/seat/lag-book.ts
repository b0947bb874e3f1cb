/**
 * How far sources of this worker are behind, as they say it themselves: asked for once per heartbeat, never
 * while a question is open. Who does not know says nothing.
 */
import { ReplayableSpoutTask } from '../../flow/executor/spout/replayable-spout-task.ts'
import type { Worker } from '../worker.ts'

export class LagBook {
  /** Component → items still to read. */
  lags: ReadonlyMap<string, number> = new Map()
  private isAsking = false

  ask(worker: Worker): void {
    if (this.isAsking) return
    this.isAsking = true
    this.read(worker).then(
      (lags) => {
        this.lags = lags
        this.isAsking = false
      },
      () => {
        // A source that throws here has told it elsewhere, or will: the figure stays as it was.
        this.isAsking = false
      },
    )
  }

  private async read(worker: Worker): Promise<ReadonlyMap<string, number>> {
    const sums = new Map<string, number>()
    for (const task of worker.spoutTasks) {
      if (!(task instanceof ReplayableSpoutTask) || task.spec.lag === undefined) continue
      for (const { partition, position } of task.progress()) {
        const lag = await task.spec.lag(partition, position)
        sums.set(task.self.componentId, (sums.get(task.self.componentId) ?? 0) + lag)
      }
    }
    return sums
  }
}
