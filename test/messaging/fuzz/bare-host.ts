/** A host of nothing: connections are made by hand, time stands still, timers fire when they are told to. */
import { SeededRandom } from '../../../src/base/random.ts'
import type { Connection, Host } from '../../../src/host/host.ts'
import { VirtualWorld } from '../../../src/host/virtual/virtual-world.ts'
import { checksum } from './corpus.ts'

/** What nobody asks here: files and the like. */
const parts: Host = new VirtualWorld({ seed: 1 }).host('bare')

/** One end; the other is the test. */
export class BareConnection implements Connection {
  readonly peer = 'fuzz'
  onBytes: (bytes: Uint8Array) => void = () => undefined
  onDrain: () => void = () => undefined
  onClose: (why: Error | undefined) => void = () => undefined
  readonly written: Uint8Array[] = []
  isClosed = false

  write(bytes: Uint8Array): boolean {
    if (!this.isClosed) this.written.push(bytes.slice())
    return true
  }

  close(): void {
    this.isClosed = true
  }
}

export class BareHost {
  readonly dials: Array<{ readonly connection: BareConnection; readonly open: () => void }> = []
  accept: (connection: Connection) => void = () => undefined
  private waiting: Array<() => void> = []
  readonly host: Host

  constructor() {
    const stoppable = { stop: () => undefined }
    this.host = {
      ...parts,
      clock: { now: () => 0, monotonicMs: () => 0 },
      timers: {
        after: (_delayMs, callback) => {
          let isStopped = false
          this.waiting.push(() => {
            if (!isStopped) callback()
          })
          return {
            stop: () => {
              isStopped = true
            },
          }
        },
        every: () => stoppable,
        defer: (callback) => void this.waiting.push(callback),
      },
      random: new SeededRandom(1),
      net: {
        listen: async (_address, onConnection) => {
          this.accept = onConnection
          return stoppable
        },
        connect: (_address, open) => {
          const connection = new BareConnection()
          this.dials.push({ connection, open })
          return connection
        },
      },
      checksum,
    }
  }

  /** Everything that waits for time to pass happens now, once. */
  fire(): void {
    const waiting = this.waiting
    this.waiting = []
    for (const callback of waiting) callback()
  }
}
