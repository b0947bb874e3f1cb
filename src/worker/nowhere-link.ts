/**
 * The way to tasks that run nowhere, because the scheduler found no place for them: what is sent there fails,
 * a while later. The while is what keeps a source from sending, failing and sending again as fast as it can.
 *
 * Bound: what waits here is what sources have pending. Untracked tuples are lost, and counted.
 */
import type { AckRouter } from '../flow/ack/ack-router.ts'
import type { EngineTuple } from '../flow/executor/tuple.ts'
import type { Link } from '../flow/transfer/link.ts'
import type { Stoppable, Timers } from '../host/host.ts'

const FAIL_AFTER_MS = 1_000

export class NowhereLink implements Link {
  readonly busyShare = undefined
  lostCount = 0
  private readonly timers: Timers
  private readonly acks: () => Pick<AckRouter, 'fail'>
  private waiting: EngineTuple[] = []
  private timer: Stoppable | undefined = undefined

  constructor(timers: Timers, acks: () => Pick<AckRouter, 'fail'>) {
    this.timers = timers
    this.acks = acks
  }

  send(tuple: EngineTuple): undefined {
    if (tuple.root === undefined) {
      this.lostCount += 1
      return undefined
    }
    this.waiting.push(tuple)
    this.timer ??= this.timers.after(FAIL_AFTER_MS, () => this.failAll())
    return undefined
  }

  sendEdges(): void {
    // Its trees time out: no acker knows them.
  }

  sendMessage(): void {
    // The same.
  }

  loadOf(): number {
    return 1
  }

  flush(): void {
    // Nothing is ever sent.
  }

  close(): void {
    this.timer?.stop()
    this.waiting = []
  }

  private failAll(): void {
    this.timer = undefined
    const tuples = this.waiting
    this.waiting = []
    for (const tuple of tuples) {
      const text = `task ${tuple.targetTask} is placed nowhere now`
      // Not a fault of the tuple: such failures do not use up its replays.
      this.acks().fail(tuple, 'link-lost', undefined, text)
    }
  }
}
