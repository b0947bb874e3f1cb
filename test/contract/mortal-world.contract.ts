// What a world promises of programs that die and stand still, in virtual and in real time alike: as a system
// treats a process under SIGSTOP and SIGKILL. Method: a server and a caller, the one stops, the other looks.
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { assertDefined } from '../../src/base/assert.ts'
import type { Connection, Host, HttpReply } from '../../src/host/host.ts'
import type { ClusterWorld } from '../../src/testing/cluster/cluster-world.ts'

export interface WorldUnderTest {
  readonly world: ClusterWorld
  end(): void
}

export function mortalWorldContract(name: string, make: () => WorldUnderTest): void {
  describe(name, () => {
    const bench = new Bench()
    beforeEach(() => bench.begin(make()))
    afterEach(() => bench.end())
    requestsToThePaused(bench)
    connectionsToThePaused(bench)
    writingToThePaused(bench)
    requestsToTheDead(bench)
    timersOfThePaused(bench)
    endsOfTheDead(bench)
  })
}

/** Longer than anything takes that is not held up. */
const A_WHILE_MS = 40
/** Nothing that comes at all takes so long. */
const EVER_MS = 5_000

class Bench {
  private current: WorldUnderTest | undefined

  begin(made: WorldUnderTest): void {
    this.current = made
  }

  end(): void {
    this.current?.end()
  }

  get world(): ClusterWorld {
    return assertDefined(this.current, 'a test has begun').world
  }

  /** The world goes on, whatever comes of it. */
  async pass(delayMs = A_WHILE_MS): Promise<void> {
    await this.world.run({ untilMs: this.world.nowMs + delayMs })
  }

  async until(isSo: () => boolean): Promise<void> {
    const untilMs = this.world.nowMs + EVER_MS
    await this.world.run({ untilMs, while: () => !isSo() })
    expect(isSo(), 'what was waited for has come').toBe(true)
  }

  async settled<T>(work: Promise<T>): Promise<T> {
    let isOver = false
    const over = () => {
      isOver = true
    }
    work.then(over, over)
    await this.until(() => isOver)
    return await work
  }

  /** A server at `n1:80` that notes who asked. */
  async serving(): Promise<string[]> {
    const asked: string[] = []
    const answer = async ({ path }: { readonly path: string }) => {
      asked.push(path)
      return reply(path)
    }
    await this.settled(this.host('n1').http.serve('n1:80', answer, 1_000))
    return asked
  }

  /** What becomes of a request, in words: the answer, or the code and the outcome. */
  ask(path: string, timeoutMs = EVER_MS): { said: string | undefined } {
    const heard: { said: string | undefined } = { said: undefined }
    const request = { method: 'GET', path, headers: {}, body: new Uint8Array() } as const
    this.host('n2')
      .http.request('n1:80', request, { timeoutMs, bodyBytesMax: 1_000 })
      .then(
        ({ body }) => {
          heard.said = new TextDecoder().decode(body)
        },
        ({ code, details }) => {
          heard.said = `${code} ${details.outcome}`
        },
      )
    return heard
  }

  /** What is heard of a connection from `n2` to `n1:1`. */
  dial(): { readonly connection: Connection; readonly heard: string[] } {
    const heard: string[] = []
    const connection = this.host('n2').net.connect('n1:1', () => heard.push('open'))
    connection.onBytes = (bytes) => heard.push(`${bytes.length} bytes`)
    connection.onClose = (why) => heard.push(reasonOf(why))
    return { connection, heard }
  }

  async listening(onConnection: (connection: Connection) => void): Promise<void> {
    await this.settled(this.host('n1').net.listen('n1:1', onConnection))
  }

  readonly host = (name: string): Host => this.world.host(name)
}

function reply(body: string): HttpReply {
  return { status: 200, headers: {}, body: new TextEncoder().encode(body) }
}

function reasonOf(why: Error | undefined): string {
  if (why === undefined) return 'in order'
  const { code, details } = why as Error & { code: string; details: { reason: string } }
  return `${code} ${details.reason}`
}

function requestsToThePaused(bench: Bench): void {
  test('one that stands still answers nobody, and those who asked when it goes on', async () => {
    const asked = await bench.serving()
    bench.world.pause('n1')
    const [one, two] = [bench.ask('/one'), bench.ask('/two')]
    await bench.pass()
    expect([asked, one.said, two.said]).toEqual([[], undefined, undefined])
    bench.world.resume('n1')
    await bench.until(() => one.said !== undefined && two.said !== undefined)
    expect([one.said, two.said]).toEqual(['/one', '/two'])
    expect(asked.toSorted()).toEqual(['/one', '/two'])
  })

  test('an answer that was being made when it stopped comes when it goes on', async () => {
    const { timers, http } = bench.host('n1')
    let isAsked = false
    const answer = () => {
      isAsked = true
      bench.world.pause('n1')
      return new Promise<HttpReply>((resolve) => timers.after(1, () => resolve(reply('made'))))
    }
    await bench.settled(http.serve('n1:80', answer, 1_000))
    const asking = bench.ask('/')
    await bench.until(() => isAsked)
    await bench.pass()
    expect(asking.said).toBeUndefined()
    bench.world.resume('n1')
    await bench.until(() => asking.said !== undefined)
    expect(asking.said).toBe('made')
  })

  test('who no longer waits for one that stands still cannot know what becomes of the request', async () => {
    await bench.serving()
    bench.world.pause('n1')
    const asking = bench.ask('/', 20)
    await bench.until(() => asking.said !== undefined)
    expect(asking.said).toBe('OPERATION_TIMED_OUT unknown')
  })

  test('who asked and then stands still hears the answer when it goes on', async () => {
    const asked = await bench.serving()
    const asking = bench.ask('/')
    bench.world.pause('n2')
    await bench.pass()
    bench.world.resume('n2')
    await bench.until(() => asking.said !== undefined)
    expect([asked, asking.said]).toEqual([['/'], '/'])
  })
}

function connectionsToThePaused(bench: Bench): void {
  test('a dial to one that stands still opens, and is accepted when it goes on', async () => {
    const accepted: string[] = []
    await bench.listening((connection) => {
      accepted.push('accepted')
      connection.onBytes = (bytes) => accepted.push(`${bytes.length} bytes`)
      connection.write(new Uint8Array(2))
    })
    bench.world.pause('n1')
    const { connection, heard } = bench.dial()
    connection.write(new Uint8Array(1))
    await bench.until(() => heard.length > 0)
    await bench.pass()
    expect([heard, accepted]).toEqual([['open'], []])
    bench.world.resume('n1')
    await bench.until(() => accepted.length === 2)
    expect(accepted).toEqual(['accepted', '1 bytes'])
    connection.close()
  })

  test('a dial to a port of one that stands still, at which nobody listens, is refused', async () => {
    const stopping = bench.host('n1').net.listen('n1:1', () => undefined)
    const listener = await bench.settled(stopping)
    listener.stop()
    bench.world.pause('n1')
    const { heard } = bench.dial()
    await bench.until(() => heard.length > 0)
    expect(heard).toEqual(['CONNECT_FAILED ECONNREFUSED'])
  })

  test('a listener that stops before it took a connection resets it', async () => {
    const { net, timers } = bench.host('n1')
    let accepted = 0
    const listener = await bench.settled(
      net.listen('n1:1', () => {
        accepted += 1
      }),
    )
    bench.world.pause('n1')
    timers.defer(() => listener.stop())
    const { heard } = bench.dial()
    await bench.until(() => heard.length > 0)
    bench.world.resume('n1')
    await bench.until(() => heard.length > 1)
    expect([heard, accepted]).toEqual([['open', 'LINK_LOST ECONNRESET'], 0])
  })
}

function writingToThePaused(bench: Bench): void {
  test('who writes to one that stands still is told to wait, and nothing is lost', async () => {
    let received = 0
    await bench.listening((connection) => {
      connection.onBytes = (bytes) => {
        received += bytes.length
      }
    })
    const { connection, heard } = bench.dial()
    await bench.until(() => heard.length > 0)
    bench.world.pause('n1')
    let sent = 0
    for (let parts = 0; parts < 100; parts += 1) {
      sent += 10_000
      if (!connection.write(new Uint8Array(10_000))) break
      await bench.pass(1)
    }
    expect(sent).toBeLessThan(1_000_000)
    let hasRoom = false
    connection.onDrain = () => {
      hasRoom = true
    }
    await bench.pass()
    expect([received, hasRoom]).toEqual([0, false])
    bench.world.resume('n1')
    await bench.until(() => received === sent && hasRoom)
    connection.close()
  })
}

function requestsToTheDead(bench: Bench): void {
  test('who waits for an answer of one that dies is told, and so is who asks later', async () => {
    const { http, timers } = bench.host('n1')
    let isAsked = false
    const answer = () => {
      isAsked = true
      return new Promise<HttpReply>((resolve) => timers.after(EVER_MS, () => resolve(reply('late'))))
    }
    await bench.settled(http.serve('n1:80', answer, 1_000))
    const asking = bench.ask('/')
    await bench.until(() => isAsked)
    bench.world.crash('n1')
    await bench.until(() => asking.said !== undefined)
    expect(asking.said).toBe('CONNECT_FAILED unknown')
    const later = bench.ask('/')
    await bench.until(() => later.said !== undefined)
    expect(later.said).toBe('CONNECT_FAILED none')
  })

  test('requests that one has not read when it dies get a reset, not an answer', async () => {
    const asked = await bench.serving()
    bench.world.pause('n1')
    const asking = bench.ask('/')
    await bench.pass()
    bench.world.crash('n1')
    await bench.until(() => asking.said !== undefined)
    bench.world.resume('n1')
    await bench.pass()
    expect([asked, asking.said]).toEqual([[], 'CONNECT_FAILED unknown'])
  })
}

function timersOfThePaused(bench: Bench): void {
  test('a timer that came due while it stood still does not fire if it is stopped first', async () => {
    const { timers } = bench.host('n1')
    const fired: string[] = []
    bench.world.pause('n1')
    timers.after(1, () => {
      fired.push('first')
      second.stop()
    })
    const second = timers.after(2, () => fired.push('second'))
    const ticks = timers.every(3, () => fired.push('tick'))
    await bench.pass()
    ticks.stop()
    bench.world.resume('n1')
    await bench.pass()
    expect(fired).toEqual(['first'])
  })

  test('a watcher of files that is stopped before its turn is not called', async () => {
    const host = bench.host('n1')
    const directory = await bench.settled(host.files.makeTemporaryDirectory('typhoon-mortal-'))
    const other = bench.world.hostOn('n1', 'other')
    const path = other.files.resolve(directory, 'a')
    let calls = 0
    const watcher = host.files.watch(directory, () => {
      calls += 1
    })
    bench.world.pause('n1')
    const file = await bench.settled(other.files.open(path, 'create'))
    await bench.settled(file.close())
    await bench.pass()
    watcher.stop()
    bench.world.resume('n1')
    await bench.pass()
    await bench.settled(other.files.remove(directory))
    expect(calls).toBe(0)
  })

  test('of the turns that a period missed it makes up for one', async () => {
    const { timers } = bench.host('n1')
    const heard: string[] = []
    bench.world.pause('n1')
    timers.every(A_WHILE_MS / 8, () => heard.push('tick'))
    timers.after(A_WHILE_MS / 2, () => heard.push('once'))
    await bench.pass()
    expect(heard).toEqual([])
    bench.world.resume('n1')
    await bench.until(() => heard.includes('once'))
    expect(heard.slice(0, 2)).toEqual(['tick', 'once'])
  })
}

function endsOfTheDead(bench: Bench): void {
  test('connections of one that dies are reset, at the other end and only there', async () => {
    const ends: string[] = []
    await bench.listening((connection) => {
      connection.onClose = (why) => ends.push(reasonOf(why))
    })
    const { heard, connection } = bench.dial()
    await bench.until(() => heard.length > 0)
    bench.world.crash('n1')
    await bench.until(() => heard.length > 1)
    await bench.pass()
    expect([heard, ends]).toEqual([['open', 'LINK_LOST ECONNRESET'], []])
    expect(connection.write(new Uint8Array(1))).toBe(true)
  })

  test('who dials and dies resets what it dialled', async () => {
    const ends: string[] = []
    await bench.listening((connection) => {
      connection.onClose = (why) => ends.push(reasonOf(why))
    })
    const { heard } = bench.dial()
    await bench.until(() => heard.length > 0)
    bench.world.crash('n2')
    await bench.until(() => ends.length > 0)
    await bench.pass()
    expect([heard, ends]).toEqual([['open'], ['LINK_LOST ECONNRESET']])
  })

  test('a connection that waits for one that dies is reset', async () => {
    await bench.listening(() => undefined)
    bench.world.pause('n1')
    const { heard } = bench.dial()
    await bench.until(() => heard.length > 0)
    bench.world.crash('n1')
    await bench.until(() => heard.length > 1)
    expect(heard).toEqual(['open', 'LINK_LOST ECONNRESET'])
  })

  test('the dead listen nowhere, dial nobody, and have no timers', async () => {
    const { net, timers } = bench.host('n1')
    const heard: string[] = []
    bench.world.crash('n1')
    net
      .listen('n1:1', () => undefined)
      .then(
        () => heard.push('listening'),
        () => heard.push('refused'),
      )
    net.connect('n2:1', () => heard.push('open')).onClose = () => heard.push('closed')
    timers.after(1, () => heard.push('after'))
    timers.every(1, () => heard.push('every'))
    timers.defer(() => heard.push('defer'))
    await bench.pass()
    expect(heard).toEqual([])
    const listening = bench.world.host('n1').net.listen('n1:1', () => undefined)
    ;(await bench.settled(listening)).stop()
  })
}
