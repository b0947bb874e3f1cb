/**
 * A program of this process that can die and stand still, in real time: a host around another one, through
 * which nothing comes any more once it is dead.
 *
 * Invariants
 *   V1  after its death nothing of it runs, calls or changes anything; its peers see their connections end
 *   V2  what becomes ready while it stands still runs afterwards, in its order
 */
import type { Connection, Files, Host, Http, Net, OpenFile, Stoppable, Timers } from '../../host/host.ts'

export class MortalHost {
  readonly host: Host
  private readonly base: Host
  private readonly opened = new Set<Stoppable>()
  private waiting: (() => void)[] = []
  private isDead = false
  private isPaused = false

  constructor(name: string, base: Host) {
    this.base = base
    this.host = {
      ...base,
      name,
      timers: this.timers(),
      net: this.net(),
      http: this.http(),
      files: this.files(),
      checksum: (bytes) => base.checksum(bytes),
      digest: (algorithm, bytes) => base.digest(algorithm, bytes),
      print: (line) => {
        if (!this.isDead) base.print(line)
      },
    }
  }

  die(): void {
    this.isDead = true
    this.waiting = []
    for (const each of this.opened) each.stop()
    this.opened.clear()
  }

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    if (!this.isPaused) return
    this.isPaused = false
    this.base.timers.defer(() => this.catchUp())
  }

  private get hasToWait(): boolean {
    return this.isPaused || this.waiting.length > 0
  }

  /** Everything that comes in from outside. */
  private enter(call: () => void): void {
    if (this.isDead) return
    if (this.hasToWait) this.waiting.push(call)
    else call()
  }

  /** One after the other, each in a turn of its own; what comes meanwhile goes behind. */
  private catchUp(): void {
    if (this.isPaused) return
    const call = this.waiting[0]
    if (call === undefined) return
    this.base.timers.defer(() => this.catchUp())
    try {
      call()
    } finally {
      // Also if it threw: whoever made it hears of that once.
      this.waiting.shift()
    }
  }

  /** What was asked for while it lived is not told to the dead. */
  private through<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      work.then(
        (value) => this.enter(() => resolve(value)),
        (error: unknown) => this.enter(() => reject(error)),
      )
    })
  }

  private holds(thing: Stoppable): Stoppable {
    if (this.isDead) thing.stop()
    else this.opened.add(thing)
    return {
      stop: () => {
        this.opened.delete(thing)
        thing.stop()
      },
    }
  }

  private timers(): Timers {
    const { timers } = this.base
    return {
      after: (delayMs, callback) => {
        const held = this.holds(
          timers.after(delayMs, () => {
            held.stop()
            this.enter(callback)
          }),
        )
        return held
      },
      every: (periodMs, callback) => {
        let isStopped = false
        let isWaiting = false
        const held = this.holds(
          timers.every(periodMs, () => {
            // Of the turns that it missed it makes up for one.
            if (isWaiting) return
            isWaiting = true
            this.enter(() => {
              isWaiting = false
              if (!isStopped) callback()
            })
          }),
        )
        return {
          stop: () => {
            isStopped = true
            held.stop()
          },
        }
      },
      defer: (callback) => timers.defer(() => this.enter(callback)),
    }
  }

  private net(): Net {
    const { net } = this.base
    return {
      listen: async (address, onConnection) => {
        const listening = net.listen(address, (connection) => {
          const own = this.connection(connection)
          this.enter(() => onConnection(own))
        })
        return this.holds(await this.through(listening))
      },
      connect: (address, onOpen) => {
        return this.connection(net.connect(address, () => this.enter(onOpen)))
      },
    }
  }

  private connection(inner: Connection): Connection {
    const open: Stoppable = { stop: () => inner.close() }
    this.holds(open)
    const own: Connection = {
      peer: inner.peer,
      onBytes: () => undefined,
      onDrain: () => undefined,
      onClose: () => undefined,
      write: (bytes) => (this.isDead ? true : inner.write(bytes)),
      close: () => inner.close(),
    }
    inner.onBytes = (bytes) => {
      // They are valid during the call only, and may have to wait.
      const kept = this.hasToWait ? bytes.slice() : bytes
      this.enter(() => own.onBytes(kept))
    }
    inner.onDrain = () => this.enter(() => own.onDrain())
    inner.onClose = (why) => {
      this.opened.delete(open)
      this.enter(() => own.onClose(why))
    }
    return own
  }

  private http(): Http {
    const { http } = this.base
    return {
      request: (address, request, limits) => this.through(http.request(address, request, limits)),
      serve: async (address, answer, bodyBytesMax) => {
        const serving = await this.through(
          http.serve(address, (request) => this.through(answer(request)), bodyBytesMax),
        )
        return { ...this.holds(serving), address: serving.address }
      },
    }
  }

  private files(): Files {
    const { files } = this.base
    const through = <T>(work: () => Promise<T>): Promise<T> => {
      return this.isDead ? new Promise(() => undefined) : this.through(work())
    }
    return {
      stat: (path) => through(() => files.stat(path)),
      list: (directory) => through(() => files.list(directory)),
      open: (path, mode) => through(async () => this.file(await files.open(path, mode), through)),
      rename: (from, to) => through(() => files.rename(from, to)),
      remove: (path) => through(() => files.remove(path)),
      makeDirectory: (path) => through(() => files.makeDirectory(path)),
      syncDirectory: (path) => through(() => files.syncDirectory(path)),
      watch: (path, callback) => this.holds(files.watch(path, () => this.enter(callback))),
      makeTemporaryDirectory: (prefix) => through(() => files.makeTemporaryDirectory(prefix)),
      resolve: (...parts) => files.resolve(...parts),
    }
  }

  private file(inner: OpenFile, through: <T>(work: () => Promise<T>) => Promise<T>): OpenFile {
    // The system closes what a process had open.
    const open: Stoppable = { stop: () => void inner.close().catch(() => undefined) }
    this.holds(open)
    return {
      read: (target, positionBytes) => through(() => inner.read(target, positionBytes)),
      write: (bytes, positionBytes) => through(() => inner.write(bytes, positionBytes)),
      truncate: (sizeBytes) => through(() => inner.truncate(sizeBytes)),
      sync: () => through(() => inner.sync()),
      close: () =>
        through(() => {
          this.opened.delete(open)
          return inner.close()
        }),
    }
  }
}
