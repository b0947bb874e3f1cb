/** A task's hook whose throws are reported and change nothing: it watches, it has no say. */
import type { TaskHook } from '../topology/hook.ts'

/** Members that the hook lacks stay absent, so that nobody calls them. */
export function guardHook(hook: TaskHook, report: (error: unknown) => void): TaskHook {
  const guard = <A extends unknown[]>(call: ((...given: A) => void) | undefined) => {
    if (call === undefined) return undefined
    return (...given: A): void => {
      try {
        call.apply(hook, given)
      } catch (error) {
        report(error)
      }
    }
  }
  return present({
    prepare: guard(hook.prepare),
    emit: guard(hook.emit),
    execute: guard(hook.execute),
    ack: guard(hook.ack),
    fail: guard(hook.fail),
    spoutAck: guard(hook.spoutAck),
    spoutFail: guard(hook.spoutFail),
    cleanup: guard(hook.cleanup),
  })
}

type Loose = { [Name in keyof TaskHook]: TaskHook[Name] | undefined }

function present(hook: Loose): TaskHook {
  return Object.fromEntries(Object.entries(hook).filter(([, call]) => call !== undefined))
}
