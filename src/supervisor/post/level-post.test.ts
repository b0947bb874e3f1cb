// A level is told once, for as long as it is wanted: what is left of that is new in every reply.
import { expect, test } from 'vitest'
import type { ToWorker } from '../../cluster/seat-messages.ts'
import { VirtualWorld } from '../../host/virtual/virtual-world.ts'
import { LEVELS_MAX, LevelPost } from './level-post.ts'

type Told = Omit<Extract<ToWorker, { kind: 'log-level' }>, 'kind'>

async function posted() {
  const world = new VirtualWorld({ seed: 1, startAtMs: 1_700_000_000_000 })
  const { clock } = world.host('supervisor')
  const seatOf = (told: Told[]) => ({
    isConnected: true,
    connectionCount: 1,
    send: (message: ToWorker): void => {
      if (message.kind !== 'log-level') throw new Error(`${message.kind} is told`)
      told.push({ logger: message.logger, level: message.level, forMs: message.forMs })
    },
  })
  const running: { topologyId: string; seat: ReturnType<typeof seatOf> }[] = []
  const post = new LevelPost(clock, () => running)
  const start = (topologyId: string): Told[] => {
    const told: Told[] = []
    running.push({ topologyId, seat: seatOf(told) })
    return told
  }
  const until = (atMs: number) => world.run({ untilMs: 1_700_000_000_000 + atMs })
  const again = (): void => {
    for (const { seat } of running) seat.connectionCount += 1
  }
  return { post, start, until, again }
}

const wanted = (level: string, forMs: number) => [{ topologyId: 't', logger: 'split', level, forMs }]

test('an hour of a level is one message, for who comes later as well', async () => {
  const { post, start, until } = await posted()
  const first = start('t')
  const other = start('u')
  let late: Told[] = []
  for (let second = 0; second < 3_600; second += 1) {
    await until(second * 1_000)
    if (second === 600) late = start('t')
    post.put(wanted('debug', 3_600_000 - second * 1_000 + (second % 3) * 300))
    post.tell()
  }
  expect(first).toEqual([{ logger: 'split', level: 'debug', forMs: 3_600_000 }])
  expect(late).toEqual([{ logger: 'split', level: 'debug', forMs: 3_000_000 }])
  expect(other).toEqual([])
})

test('another level, and the same one for longer, are told', async () => {
  const { post, start, until } = await posted()
  const told = start('t')
  await until(0)
  post.put(wanted('debug', 60_000))
  await until(10_000)
  post.put(wanted('debug', 60_000))
  post.put(wanted('trace', 60_000))
  post.put([])
  await until(20_000)
  post.put(wanted('trace', 50_000))
  expect(told.map(({ level, forMs }) => [level, forMs])).toEqual([
    ['debug', 60_000],
    ['debug', 60_000],
    ['trace', 60_000],
  ])
})

test('who comes after the last reply is told what is left, and nothing of what is over', async () => {
  const { post, start, until } = await posted()
  await until(0)
  post.put(wanted('debug', 60_000))
  await until(25_000)
  const told = start('t')
  post.tell()
  await until(61_000)
  const later = start('t')
  post.tell()
  expect(told).toEqual([{ logger: 'split', level: 'debug', forMs: 35_000 }])
  expect(later).toEqual([])
})

test('what may have been lost with a connection is told on the next one, once', async () => {
  const { post, start, until, again } = await posted()
  const told = start('t')
  await until(0)
  post.put(wanted('debug', 60_000))
  await until(10_000)
  again()
  post.put(wanted('debug', 50_000))
  await until(11_000)
  post.put(wanted('debug', 49_000))
  expect(told.map(({ forMs }) => forMs)).toEqual([60_000, 50_000])
})

test('another leader, who knows nothing of it, ends no level: successors are told what is left', async () => {
  const { post, start, until } = await posted()
  await until(0)
  post.put(wanted('debug', 60_000))
  await until(20_000)
  post.put([])
  const successor = start('t')
  post.tell()
  await until(61_000)
  const later = start('t')
  post.tell()
  expect(successor).toEqual([{ logger: 'split', level: 'debug', forMs: 40_000 }])
  expect(later).toEqual([])
})

test('of very many levels those that end first are not kept', async () => {
  const { post, start, until } = await posted()
  await until(0)
  const many = Array.from({ length: LEVELS_MAX + 1 }, (_, index) => {
    return { topologyId: 't', logger: `l${index}`, level: 'debug', forMs: 10_000 + index }
  })
  post.put(many)
  const told = start('t')
  post.tell()
  expect(told).toHaveLength(LEVELS_MAX)
  expect(told.map(({ logger }) => logger)).not.toContain('l0')
})
