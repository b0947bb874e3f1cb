/**
 * Begins and ends of a worker's tasks: what was prepared or opened is ended once, the last first; what was
 * not is left alone. What does not come to its end in time is left alone, too, and reported.
 */
import { UnavailableError, UserCodeError } from '../base/errors.ts'
import type { TaskIdentity } from '../flow/executor/task-identity.ts'
import { messageOf } from '../flow/executor/user-code.ts'
import type { Stoppable, Timers } from '../host/host.ts'
import type { Assembly } from './assembly.ts'
import type { Desk } from './desk.ts'

/** How long one call at the end of a task may take. */
const END_MS = 10_000

interface End {
  readonly self: TaskIdentity
  readonly close: () => Promise<void>
}

export class TaskEnds {
  private readonly timers: Timers
  private readonly desk: Desk
  /** In the order of their preparation. */
  private ends: End[] = []

  constructor(timers: Timers, desk: Desk) {
    this.timers = timers
    this.desk = desk
  }

  /**
   * Bolts first: no source is opened before what it feeds is prepared.
   * @throws UserCodeError PREPARE_THREW
   */
  async prepareAll({ boltTasks, spoutTasks }: Pick<Assembly, 'boltTasks' | 'spoutTasks'>): Promise<void> {
    for (const task of boltTasks) {
      await this.prepare(
        task.self,
        () => task.prepare(),
        () => task.cleanup(),
      )
    }
    for (const task of spoutTasks) {
      await this.prepare(
        task.self,
        () => task.open(),
        () => task.close(),
      )
    }
  }

  /** Those of these tasks that were begun. Default: all. */
  async end(tasks?: readonly TaskIdentity[]): Promise<void> {
    const isMeant = ({ self }: End) => tasks === undefined || tasks.includes(self)
    const ending = this.ends.filter((each) => isMeant(each))
    this.ends = this.ends.filter((each) => !isMeant(each))
    for (const { self, close } of ending.reverse()) await this.quietly(self, close)
  }

  /** Nobody can act on errors here: they are reported. */
  async quietly(self: TaskIdentity, call: () => Promise<void>): Promise<void> {
    const { componentId, task } = self
    let limit: Stoppable | undefined
    const tooLong = new Promise<never>((_resolve, reject) => {
      limit = this.timers.after(END_MS, () => {
        const text = `task ${task} of ${componentId} does not end and is left alone after ${END_MS} ms`
        reject(new UnavailableError('OPERATION_TIMED_OUT', text, { component: componentId, task }))
      })
    })
    try {
      await Promise.race([call(), tooLong])
    } catch (error) {
      this.desk.report({ componentId, task, error })
    } finally {
      limit?.stop()
    }
  }

  private async prepare(
    self: TaskIdentity,
    call: () => Promise<void>,
    close: () => Promise<void>,
  ): Promise<void> {
    try {
      for (const hook of self.hooks ?? []) hook.prepare?.(self.context)
      await call()
      this.ends.push({ self, close })
    } catch (error) {
      throw new UserCodeError(
        'PREPARE_THREW',
        `task ${self.task} of ${self.componentId} could not start: ${messageOf(error)}`,
        { component: self.componentId, task: self.task },
        { cause: error },
      )
    }
  }
}
