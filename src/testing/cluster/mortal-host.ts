/**
 * A program of this process that can die and stand still, in real time: a host whose timers and files are
 * another one's, and whose net is in memory.
 *
 * Invariants
 *   V1  after its death nothing of it runs, calls or changes anything; its peers see a reset
 *   V2  what becomes ready while it stands still runs afterwards, in its order; until then nothing is read
 *       or answered, and its system takes connections for it
 */
import type { Files, Host, OpenFile } from '../../host/host.ts'
import type { MemoryNet, NetMember } from '../../host/virtual/memory-net.ts'
import { createNetHttp } from '../../host/virtual/net-http.ts'
import { MortalTurns } from './mortal-turns.ts'

export interface MortalHostSpec {
  readonly name: string
  /** The process's own. */
  readonly base: Host
  readonly net: MemoryNet
  /** Its name in the net. */
  readonly machine: string
}

export class MortalHost {
  readonly host: Host
  private readonly base: Host
  private readonly turns: MortalTurns
  private readonly member: NetMember

  constructor({ name, base, net, machine }: MortalHostSpec) {
    this.base = base
    this.turns = new MortalTurns(base.timers)
    const { timers, enter } = this.turns
    this.member = net.join(machine, timers, { timers: base.timers, enter })
    this.host = {
      ...base,
      name,
      timers,
      net: this.member,
      http: createNetHttp(this.member, timers),
      files: this.files(),
      checksum: (bytes) => base.checksum(bytes),
      digest: (algorithm, bytes) => base.digest(algorithm, bytes),
      print: (line) => {
        if (!this.turns.isDead) base.print(line)
      },
    }
  }

  die(): void {
    this.turns.die()
    this.member.leave()
  }

  pause(): void {
    this.turns.pause()
  }

  resume(): void {
    this.turns.resume()
  }

  private files(): Files {
    const { base, turns } = this
    const { files } = base
    const through = <T>(work: () => Promise<T>): Promise<T> => {
      return turns.isDead ? new Promise(() => undefined) : turns.through(work())
    }
    return {
      stat: (path) => through(() => files.stat(path)),
      list: (directory) => through(() => files.list(directory)),
      open: (path, mode) => through(async () => this.file(await files.open(path, mode), through)),
      rename: (from, to) => through(() => files.rename(from, to)),
      remove: (path) => through(() => files.remove(path)),
      makeDirectory: (path) => through(() => files.makeDirectory(path)),
      syncDirectory: (path) => through(() => files.syncDirectory(path)),
      watch: (path, callback) => turns.calling((call) => files.watch(path, () => call(callback))),
      makeTemporaryDirectory: (prefix) => through(() => files.makeTemporaryDirectory(prefix)),
      resolve: (...parts) => files.resolve(...parts),
    }
  }

  private file(inner: OpenFile, through: <T>(work: () => Promise<T>) => Promise<T>): OpenFile {
    // The system closes what a process had open.
    const held = this.turns.holds({ stop: () => void inner.close().catch(() => undefined) })
    return {
      read: (target, positionBytes) => through(() => inner.read(target, positionBytes)),
      write: (bytes, positionBytes) => through(() => inner.write(bytes, positionBytes)),
      truncate: (sizeBytes) => through(() => inner.truncate(sizeBytes)),
      sync: () => through(() => inner.sync()),
      close: () =>
        through(() => {
          held.letGo()
          return inner.close()
        }),
    }
  }
}
