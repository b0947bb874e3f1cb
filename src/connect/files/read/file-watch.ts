/** Waits for a followed file to change: woken by the system where it can, by time where it cannot. */
import type { Host, Stoppable } from '../../../host/host.ts'

export class FileWatch {
  private readonly host: Host
  private readonly path: string
  private readonly lookEveryMs: number
  private watching: Stoppable | undefined
  private hasChanged = false
  private wake: (() => void) | undefined

  constructor(host: Host, spec: { readonly path: string; readonly lookEveryMs: number }) {
    this.host = host
    this.path = spec.path
    this.lookEveryMs = spec.lookEveryMs
  }

  /** The size once it is no longer this; undefined if the file is gone, or `signal` aborted. */
  async untilChanged(sizeBytes: number, signal: AbortSignal): Promise<number | undefined> {
    this.watching ??= this.host.files.watch(this.path, () => {
      this.hasChanged = true
      this.wake?.()
    })
    while (!signal.aborted) {
      this.hasChanged = false
      const facts = await this.host.files.stat(this.path)
      if (facts === undefined || facts.kind !== 'file') return undefined
      if (facts.sizeBytes !== sizeBytes) return facts.sizeBytes
      if (!this.hasChanged) await this.wait(signal)
    }
    return undefined
  }

  stop(): void {
    this.watching?.stop()
  }

  private async wait(signal: AbortSignal): Promise<void> {
    // The engine has begun a user call for this read. While it waits for time, time has to pass.
    this.host.userCallEnded()
    await new Promise<void>((resolve) => {
      const end = (): void => {
        timer.stop()
        signal.removeEventListener('abort', end)
        resolve()
      }
      const timer = this.host.timers.after(this.lookEveryMs, end)
      this.wake = end
      signal.addEventListener('abort', end, { once: true })
      if (signal.aborted) end()
    })
    this.wake = undefined
    this.host.userCallBegan()
  }
}
