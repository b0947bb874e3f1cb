// Goal: links between processes survive what happens to processes: kill -9 and a new life elsewhere, and one
// that stands still and goes on. Method: workers that are nothing but their links, in processes of their own.
import { type ChildProcess, fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { expected, type TestWorker } from '../office-world.ts'
import type { ChildPlan, Order, Seen } from './link-child.ts'
import { freshAddresses, until, Workers } from './real-offices.ts'

const entry = fileURLToPath(new URL('link-child.ts', import.meta.url))
let workers = new Workers()

beforeEach(() => {
  workers = new Workers()
})
afterEach(async () => await workers.close())

class Child {
  readonly child: ChildProcess

  private constructor(plan: ChildPlan) {
    this.child = fork(entry, [JSON.stringify(plan)], { execArgv: [] })
    workers.atEnd(() => void this.child.kill('SIGKILL'))
  }

  static async start(plan: ChildPlan): Promise<Child> {
    const made = new Child(plan)
    await made.next()
    return made
  }

  async tell(order: Order = {}): Promise<Seen> {
    this.child.send(order)
    const answer: unknown = await this.next()
    return answer as Seen
  }

  async kill(): Promise<void> {
    const ended = new Promise((resolve) => this.child.once('exit', resolve))
    this.child.kill('SIGKILL')
    await ended
  }

  private next(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.child.once('message', resolve)
      this.child.once('exit', (code) => reject(new Error(`the child ended with ${code}`)))
    })
  }
}

async function untilSeen(child: Child, what: string, isSo: (seen: Seen) => boolean): Promise<Seen> {
  for (let tries = 0; tries < 1_000; tries += 1) {
    const seen = await child.tell()
    if (isSo(seen)) return seen
    await sleep(10)
  }
  throw new Error(`it never came: ${what}`)
}

/** Sends all the time, as a spout would, until stopped. */
function sendOn(worker: TestWorker, task: number): { readonly stop: () => number } {
  let n = 0
  const timer = setInterval(() => {
    for (let i = 0; i < 50; i += 1) worker.send(task, n++)
  }, 1)
  return {
    stop: () => {
      clearInterval(timer)
      return n
    },
  }
}

function numbersOf(seen: Seen): number[] {
  return seen.arrived.map((each) => Number(each.split(':')[1]))
}

describe('a killed worker', () => {
  for (const kind of ['another port', 'the file of its unix socket'] as const) {
    test(`comes back at ${kind}: its loss is told, nothing of the old life arrives twice`, async () => {
      const [one = '', two = '', other = ''] = await freshAddresses(3)
      const folder = mkdtempSync(join(tmpdir(), 'typhoon-links-'))
      workers.atEnd(() => rmSync(folder, { recursive: true }))
      const path = `unix:${join(folder, 'two')}`
      const [first, second] = kind === 'another port' ? [two, other] : [path, path]
      const peers = [
        { worker: 1, address: one },
        { worker: 2, address: first },
      ]
      const a = await workers.start(1, { peers })
      const old = await Child.start({ worker: 2, incarnation: 1, peers, listenAt: first })
      const sending = sendOn(a, 201)
      const before = await untilSeen(old, 'tuples', (seen) => seen.arrived.length > 1_000)
      await old.kill()
      const fresh = await Child.start({ worker: 2, incarnation: 2, peers, listenAt: second })
      a.office.onPeerRestarted(2, 2, second)
      await untilSeen(fresh, 'tuples again', (seen) => seen.arrived.length > 1_000)
      const sent = sending.stop()
      await until('everything acknowledged', () => a.office.isQuiet)
      const seen = await fresh.tell()
      const numbers = numbersOf(seen)
      expect(numbers[0]).toBeGreaterThan(before.arrived.length)
      // Without a gap from the news on.
      expect(numbers).toEqual(Array.from(numbers, (_, i) => sent - numbers.length + i))
      expect(a.losses.map(({ worker, reason }) => [worker, reason])).toEqual([[2, 'worker-lost']])
      expect(seen.codes).toEqual([])
    })
  }

  test('that comes back unannounced is known by its HELLO, and the third worker is told', async () => {
    const [one = '', two = '', three = ''] = await freshAddresses(3)
    const peers = [one, two, three].map((address, index) => ({ worker: index + 1, address }))
    const a = await workers.start(1, { peers })
    const c = await workers.start(3, { peers })
    const old = await Child.start({ worker: 2, incarnation: 1, peers, listenAt: two })
    a.send(301, 0)
    c.send(101, 0)
    await old.tell({ task: 101, from: 1, count: 5 })
    await until('tuples of the old life', () => a.arrived.length === 6)
    await old.kill()
    const fresh = await Child.start({ worker: 2, incarnation: 2, peers, listenAt: two })
    await fresh.tell({ task: 101, from: 6, count: 5 })
    await until('tuples of the new life', () => a.arrived.length === 11)
    await until('the loss told to a bystander', () => c.losses.length > 0)
    expect(a.losses).toMatchObject([{ worker: 2, reason: 'worker-lost' }])
    expect(c.losses).toMatchObject([{ worker: 2, reason: 'worker-lost' }])
    expect(a.arrived.filter((each) => each !== '101:0')).toEqual(expected(101, 10, 1))
  })
})

test('a worker that stands still is noticed, and gets everything once when it goes on', async () => {
  const [one = '', two = ''] = await freshAddresses(2)
  const peers = [
    { worker: 1, address: one },
    { worker: 2, address: two },
  ]
  const a = await workers.start(1, { peers })
  const b = await Child.start({ worker: 2, incarnation: 1, peers, listenAt: two })
  const sending = sendOn(a, 201)
  await untilSeen(b, 'tuples', (seen) => seen.arrived.length > 500)
  b.child.kill('SIGSTOP')
  await until('the link given up', () => a.office.stats()[0]?.isSending === false)
  const sent = sending.stop()
  b.child.kill('SIGCONT')
  await until('everything acknowledged', () => a.office.isQuiet)
  const seen = await untilSeen(b, 'everything', ({ arrived }) => arrived.length >= sent)
  expect(seen.arrived).toEqual(expected(201, sent))
  expect([a.losses, seen.losses]).toEqual([[], []])
})
