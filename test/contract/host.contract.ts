// What every host promises, whichever it is. Each test runs inside `within`, which lets the host's world turn
// while the body waits: for the real host that is nothing, a virtual one has to be run.
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { deferred } from '../../src/base/deferred.ts'
import { hasCode } from '../../src/base/errors.ts'
import { SeededRandom } from '../../src/base/random.ts'
import type { Connection, Host, Stoppable } from '../../src/host/host.ts'

export interface HostUnderTest {
  readonly host: Host
  /** An address that nobody listens at. */
  freshAddress(): Promise<string>
  within(body: () => Promise<void>): Promise<void>
  dispose(): Promise<void>
}

export function hostContract(name: string, make: () => Promise<HostUnderTest>): void {
  describe(name, () => {
    let made: HostUnderTest
    let host: Host
    beforeEach(async () => {
      made = await make()
      host = made.host
    })
    afterEach(() => made.dispose())

    /** A test whose body runs in the host's world. */
    const inside = (title: string, body: () => Promise<void>) => test(title, () => made.within(body))
    const current = () => ({ host, made })

    timersContract(inside, current)
    periodsContract(inside, current)
    contentsContract(inside, current)
    openingContract(inside, current)
    namesContract(inside, current)
    pathsContract(inside, current)
    bytesContract(inside, current)
    closingContract(inside, current)
    dialsContract(inside, current)
    oddsContract(inside, current)
  })
}

type Inside = (title: string, body: () => Promise<void>) => void
type Current = () => { readonly host: Host; readonly made: HostUnderTest }

const passed = (host: Host, delayMs: number) =>
  new Promise<void>((resolve) => void host.timers.after(delayMs, resolve))

function timersContract(inside: Inside, current: Current): void {
  inside('timers fire in the order in which they are due, not before the caller returned', async () => {
    const { host } = current()
    const fired: string[] = []
    host.timers.after(30, () => fired.push('c'))
    host.timers.after(1, () => fired.push('a'))
    host.timers.after(15, () => fired.push('b'))
    host.timers.after(0, () => fired.push('zero'))
    expect(fired).toEqual([])
    await passed(host, 60)
    expect(fired.filter((name) => name !== 'zero')).toEqual(['a', 'b', 'c'])
    expect(fired).toHaveLength(4)
  })

  inside('a delay is never shorter than asked for, on either clock', async () => {
    const { host } = current()
    const from = { wall: host.clock.now(), monotonic: host.clock.monotonicMs() }
    await passed(host, 20)
    // Node's timers count whole milliseconds, so they may be one early on a finer clock.
    expect(host.clock.monotonicMs() - from.monotonic).toBeGreaterThanOrEqual(19)
    expect(host.clock.now() - from.wall).toBeGreaterThanOrEqual(19)
    expect(Number.isInteger(host.clock.now())).toBe(true)
  })
}

function periodsContract(inside: Inside, current: Current): void {
  inside('a periodic timer goes on until it is stopped, and stopping twice does nothing', async () => {
    const { host } = current()
    let count = 0
    const done = deferred()
    const timer = host.timers.every(5, () => {
      count += 1
      if (count < 3) return
      timer.stop()
      timer.stop()
      done.resolve()
    })
    await done.promise
    await passed(host, 30)
    expect(count).toBe(3)
  })

  inside('a stopped timer does not fire, also when it is stopped at the moment when it is due', async () => {
    const { host } = current()
    const fired: string[] = []
    let second: Stoppable | undefined
    host.timers.after(5, () => second?.stop())
    second = host.timers.after(5, () => fired.push('second'))
    host.timers.after(1, () => fired.push('other')).stop()
    await passed(host, 30)
    expect(fired).toEqual([])
  })

  inside('deferred calls run in order, later, and may defer again', async () => {
    const { host } = current()
    const ran: string[] = []
    const done = deferred()
    host.timers.defer(() => {
      ran.push('a')
      host.timers.defer(() => {
        ran.push('c')
        done.resolve()
      })
    })
    host.timers.defer(() => ran.push('b'))
    ran.push('first')
    await done.promise
    expect(ran).toEqual(['first', 'a', 'b', 'c'])
  })
}

const text = (value: string) => new TextEncoder().encode(value)
const folderOf = ({ files }: Host) => files.makeTemporaryDirectory('typhoon-host-')

async function write({ files }: Host, path: string, content: string): Promise<void> {
  const file = await files.open(path, 'create')
  await file.write(text(content), 0)
  await file.sync()
  await file.close()
}

async function read({ files }: Host, path: string): Promise<string> {
  const file = await files.open(path, 'read')
  const target = new Uint8Array(100)
  const count = await file.read(target, 0)
  await file.close()
  return new TextDecoder().decode(target.subarray(0, count))
}

function contentsContract(inside: Inside, current: Current): void {
  inside('what was written is read, at its position, up to the end', async () => {
    const { host } = current()
    const { files } = host
    const path = files.resolve(await folderOf(host), 'a')
    const file = await files.open(path, 'create')
    await file.write(text('hello world'), 0)
    await file.write(text('W'), 6)
    await file.write(text('!'), 13)
    const target = new Uint8Array(5)
    expect(await file.read(target, 6)).toBe(5)
    expect(target).toEqual(text('World'))
    expect(await file.read(target, 10)).toBe(4)
    expect(target.subarray(0, 4)).toEqual(Uint8Array.of(100, 0, 0, 33))
    expect(await file.read(target, 14)).toBe(0)
    expect(await file.read(target, 99)).toBe(0)
    await file.close()
    expect(await files.stat(path)).toMatchObject({ kind: 'file', sizeBytes: 14 })
  })

  inside('write keeps what is there, create empties it, read wants it', async () => {
    const { host } = current()
    const { files } = host
    const path = files.resolve(await folderOf(host), 'a')
    await expect(files.open(path, 'read')).rejects.toMatchObject({
      code: 'CONNECT_FAILED',
      details: { reason: 'ENOENT', path },
    })
    await (await files.open(path, 'write')).close()
    await write(host, path, 'abc')
    await (await files.open(path, 'write')).close()
    expect(await read(host, path)).toBe('abc')
    await (await files.open(path, 'create')).close()
    expect(await read(host, path)).toBe('')
  })

  inside('truncation cuts and fills with zeros', async () => {
    const { host } = current()
    const { files } = host
    const path = files.resolve(await folderOf(host), 'a')
    await write(host, path, 'abcdef')
    const file = await files.open(path, 'write')
    await file.truncate(2)
    await file.truncate(4)
    await file.sync()
    await file.close()
    expect(await read(host, path)).toBe('ab\0\0')
  })
}

function openingContract(inside: Inside, current: Current): void {
  inside('a closed file takes nothing any more', async () => {
    const { host } = current()
    const { files } = host
    const file = await files.open(files.resolve(await folderOf(host), 'a'), 'create')
    await file.close()
    const calls = [
      () => file.read(new Uint8Array(1), 0),
      () => file.write(text('a'), 0),
      () => file.truncate(0),
      () => file.sync(),
      () => file.close(),
    ]
    for (const call of calls) {
      await expect(call()).rejects.toMatchObject({ code: 'CONNECT_FAILED', details: { reason: 'EBADF' } })
    }
  })

  inside('a file that was opened for reading cannot be written', async () => {
    const { host } = current()
    const { files } = host
    const path = files.resolve(await folderOf(host), 'a')
    await write(host, path, 'abc')
    const file = await files.open(path, 'read')
    await expect(file.write(text('x'), 0)).rejects.toMatchObject({ code: 'CONNECT_FAILED' })
    await file.close()
    expect(await read(host, path)).toBe('abc')
  })
}

function namesContract(inside: Inside, current: Current): void {
  inside('renaming replaces, and who has the old file open still reads it', async () => {
    const { host } = current()
    const { files } = host
    const directory = await folderOf(host)
    const [from, to] = [files.resolve(directory, 'from'), files.resolve(directory, 'to')]
    await write(host, from, 'new')
    await write(host, to, 'old')
    const old = await files.open(to, 'read')
    await files.rename(from, to)
    await files.syncDirectory(directory)
    expect(await read(host, to)).toBe('new')
    const target = new Uint8Array(3)
    expect(await old.read(target, 0)).toBe(3)
    expect(target).toEqual(text('old'))
    await old.close()
    expect(await files.stat(from)).toBeUndefined()
    expect(await files.list(directory)).toEqual(['to'])
    await expect(files.rename(from, to)).rejects.toMatchObject({ details: { reason: 'ENOENT' } })
  })

  inside(
    'directories are made with their parents, listed in order, removed with what is in them',
    async () => {
      const { host } = current()
      const { files } = host
      const root = await folderOf(host)
      const deep = files.resolve(root, 'x', 'y', 'z')
      await files.makeDirectory(deep)
      await files.makeDirectory(deep)
      for (const name of ['b', 'a', 'c']) await write(host, files.resolve(deep, name), name)
      expect(await files.list(deep)).toEqual(['a', 'b', 'c'])
      expect(await files.stat(deep)).toMatchObject({ kind: 'directory' })
      await files.rename(files.resolve(root, 'x'), files.resolve(root, 'moved'))
      expect(await read(host, files.resolve(root, 'moved/y/z/b'))).toBe('b')
      await files.remove(files.resolve(root, 'moved'))
      await files.remove(files.resolve(root, 'moved'))
      expect(await files.list(root)).toEqual([])
      expect(await files.list(deep)).toEqual([])
      expect(await files.stat(files.resolve(root, 'moved/y'))).toBeUndefined()
    },
  )
}

function pathsContract(inside: Inside, current: Current): void {
  inside('what cannot be says why', async () => {
    const { host } = current()
    const { files } = host
    const root = await folderOf(host)
    const path = files.resolve(root, 'a')
    await write(host, path, 'x')
    const reasons = async (...calls: readonly (() => Promise<unknown>)[]) => {
      const found: unknown[] = []
      for (const call of calls) {
        await call().then(
          () => found.push('worked'),
          (error) => found.push(hasCode(error, 'CONNECT_FAILED') ? error.details.reason : error),
        )
      }
      return found
    }
    expect(
      await reasons(
        () => files.open(root, 'read'),
        () => files.open(root, 'create'),
        () => files.open(files.resolve(root, 'no/file'), 'create'),
        () => files.list(path),
        () => files.makeDirectory(path),
        () => files.syncDirectory(files.resolve(root, 'no')),
        () => files.open(files.resolve(path, 'below'), 'create'),
      ),
    ).toEqual(['EISDIR', 'EISDIR', 'ENOENT', 'ENOTDIR', 'EEXIST', 'ENOENT', 'ENOTDIR'])
  })

  inside('a watcher hears of a change in its directory', async () => {
    const { host } = current()
    const { files, timers } = host
    const root = await folderOf(host)
    const heard = deferred()
    const watcher = files.watch(root, heard.resolve)
    timers.after(20, () => void write(host, files.resolve(root, 'a'), 'x'))
    await heard.promise
    watcher.stop()
    watcher.stop()
  })

  inside('temporary directories are fresh, and paths become absolute', async () => {
    const { host } = current()
    const { files } = host
    const [one, two] = [await folderOf(host), await folderOf(host)]
    expect(one).not.toBe(two)
    expect(await files.list(one)).toEqual([])
    expect(files.resolve('/a/b', '..', './c')).toBe('/a/c')
    expect(files.resolve('/a', '/b')).toBe('/b')
    expect(files.resolve('x').startsWith('/')).toBe(true)
  })
}

/** Both ends of an open connection. */
async function openPair({ host, made }: ReturnType<Current>) {
  const address = await made.freshAddress()
  const accepted = deferred<Connection>()
  const opened = deferred()
  const listener = await host.net.listen(address, accepted.resolve)
  const dialled = host.net.connect(address, opened.resolve)
  const acceptor = await accepted.promise
  await opened.promise
  return { dialled, acceptor, address, stop: () => listener.stop() }
}

function closed(connection: Connection): Promise<Error | undefined> {
  return new Promise((resolve) => {
    connection.onClose = resolve
  })
}

function bytesContract(inside: Inside, current: Current): void {
  inside('bytes arrive in order, in both directions', async () => {
    const { host, made } = current()
    const address = await made.freshAddress()
    const total = 300_000
    const random = new SeededRandom(4)
    const listener = await host.net.listen(address, (connection) => {
      connection.onBytes = (bytes) => void connection.write(bytes.slice())
    })
    const received: number[] = []
    const all = deferred()
    const opened: string[] = []
    const dialled = host.net.connect(address, () => opened.push('open'))
    dialled.onBytes = (bytes) => {
      opened.push('bytes')
      for (const byte of bytes) received.push(byte)
      if (received.length >= total) all.resolve()
    }
    expect(dialled.peer).toBe(address)
    for (let sent = 0; sent < total; ) {
      const part = new Uint8Array(Math.min(total - sent, 1 + random.below(5_000)))
      for (let i = 0; i < part.length; i += 1) part[i] = (sent + i) % 251
      dialled.write(part)
      sent += part.length
    }
    await all.promise
    expect(received).toHaveLength(total)
    expect(received.findIndex((byte, index) => byte !== index % 251)).toBe(-1)
    expect(opened.lastIndexOf('open')).toBe(0)
    dialled.close()
    listener.stop()
  })
}

function closingContract(inside: Inside, current: Current): void {
  inside('closing is told once at each end, in order and without an error', async () => {
    const { dialled, acceptor, stop } = await openPair(current())
    const told: string[] = []
    const both = Promise.all([
      closed(acceptor).then((why) => told.push(`acceptor ${why}`)),
      closed(dialled).then((why) => told.push(`dialler ${why}`)),
    ])
    dialled.close()
    expect(told).toEqual([])
    dialled.close()
    expect(dialled.write(Uint8Array.of(1))).toBe(true)
    await both
    acceptor.close()
    expect(told.sort()).toEqual(['acceptor undefined', 'dialler undefined'])
    stop()
  })

  inside('after close nothing arrives any more', async () => {
    const { dialled, acceptor, stop } = await openPair(current())
    let arrived = 0
    dialled.onBytes = () => {
      arrived += 1
    }
    const over = Promise.all([closed(dialled), closed(acceptor)])
    acceptor.write(new Uint8Array(1_000))
    dialled.close()
    await over
    expect(arrived).toBe(0)
    stop()
  })

  inside('a writer that is too fast is told so, and told when there is room', async () => {
    const { dialled, acceptor, stop } = await openPair(current())
    let received = 0
    const all = deferred()
    let sent = 0
    let refusals = 0
    acceptor.onBytes = (bytes) => {
      received += bytes.length
      if (received === 8_000_000) all.resolve()
    }
    const send = () => {
      while (sent < 8_000_000) {
        sent += 100_000
        if (dialled.write(new Uint8Array(100_000))) continue
        refusals += 1
        return
      }
    }
    dialled.onDrain = send
    send()
    await all.promise
    expect(refusals).toBeGreaterThan(0)
    dialled.close()
    stop()
  })
}

function dialsContract(inside: Inside, current: Current): void {
  inside('nobody listens: the dial fails later, by onClose', async () => {
    const { host, made } = current()
    let opened = false
    const dialled = host.net.connect(await made.freshAddress(), () => {
      opened = true
    })
    const why = await closed(dialled)
    expect(hasCode(why, 'CONNECT_FAILED')).toBe(true)
    expect(why).toMatchObject({ details: { reason: 'ECONNREFUSED' } })
    expect(opened).toBe(false)
  })

  inside('an address is taken by one listener until it stops; open connections outlive it', async () => {
    const { host } = current()
    const { dialled, acceptor, address, stop } = await openPair(current())
    const second = host.net.listen(address, () => undefined)
    await expect(second).rejects.toMatchObject({ code: 'PORT_IN_USE' })
    stop()
    stop()
    const arrived = deferred()
    acceptor.onBytes = () => arrived.resolve()
    dialled.write(Uint8Array.of(1))
    await arrived.promise
    expect(hasCode(await closed(host.net.connect(address, () => undefined)), 'CONNECT_FAILED')).toBe(true)
    dialled.close()
    await closed(acceptor)
    const again = await host.net.listen(address, () => undefined)
    again.stop()
  })
}

function oddsContract(inside: Inside, current: Current): void {
  inside('digests are MD5, SHA-1 and SHA-256', async () => {
    const { host } = current()
    const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
    const abc = new TextEncoder().encode('abc')
    expect(hex(host.digest('md5', abc))).toBe('900150983cd24fb0d6963f7d28e17f72')
    expect(hex(host.digest('sha1', abc))).toBe('a9993e364706816aba3e25717850c26c9cd0d89d')
    expect(hex(host.digest('sha256', abc))).toMatch(/^ba7816bf8f01cfea414140de5dae2223/)
  })

  inside('the checksum is CRC-32', async () => {
    const { host } = current()
    expect(host.checksum(new TextEncoder().encode('123456789'))).toBe(0xcbf43926)
    expect(host.checksum(new Uint8Array(0))).toBe(0)
    const fox = new TextEncoder().encode('The quick brown fox jumps over the lazy dog')
    expect(host.checksum(fox)).toBe(0x414fa339)
  })

  inside('random numbers are uniform, and streams of the same label are the same', async () => {
    const { random } = current().host
    const ids = new Int32Array(100_000)
    random.fill(ids)
    for (let bit = 0; bit < 32; bit += 1) {
      const ones = ids.reduce((count, id) => count + ((id >>> bit) & 1), 0)
      expect(Math.abs(ones / ids.length - 0.5), `bit ${bit}`).toBeLessThan(0.01)
    }
    const few = new Int32Array(2)
    random.fill(few)
    expect(few[0] !== few[1]).toBe(true)
    const drawn = Array.from({ length: 1_000 }, () => random.next())
    expect(drawn.every((value) => value >= 0 && value < 1)).toBe(true)
    const draw = (label: string) => {
      const stream = random.split(label)
      return [stream.next(), stream.next(), stream.split('x').next()]
    }
    expect(draw('a')).toEqual(draw('a'))
    expect(draw('a')).not.toEqual(draw('b'))
  })
}
