// Goal: news leaves at once, words that are said again do not make more heartbeats than the leader needs.
import { expect, test } from 'vitest'
import { createLogger } from '../../base/log.ts'
import { VirtualWorld } from '../../host/virtual/virtual-world.ts'
import { NO_LOOK } from '../machine-probe.ts'
import { HeartbeatPost, WORDS_APART_MS, WORDS_BURST } from './heartbeat-post.ts'

function posted() {
  const world = new VirtualWorld({ seed: 1, startAtMs: 0 })
  const host = world.host('supervisor')
  const sentMs: number[] = []
  const post = new HeartbeatPost({
    host,
    log: createLogger({ sink: () => undefined, now: () => host.clock.now() }),
    periodMs: 1_000,
    send: async () => {
      sentMs.push(world.nowMs)
      await new Promise<void>((resolve) => world.timers.after(3, resolve))
      return { epoch: 1, logLevels: [] }
    },
    picture: () => ({
      node: 'n',
      owner: 'o',
      machine: { ...NO_LOOK, loopDelayMs: 0, failedChecks: [] },
      slots: [],
    }),
    onReply: () => undefined,
  })
  post.start()
  const until = (untilMs: number) => world.run({ untilMs })
  return { world, post, sentMs, until }
}

test('words that many workers say again share heartbeats, which keep their distance', async () => {
  const { world, post, sentMs, until } = posted()
  const words = world.timers.every(7, () => post.word('again'))
  await until(10_000)
  words.stop()
  // The period goes on beside them.
  const ofWords = sentMs.filter((ms) => ms % 1_000 > 10)
  expect(ofWords.length).toBeLessThanOrEqual(10_000 / WORDS_APART_MS + WORDS_BURST)
  const late = ofWords.filter((ms) => ms > 2_000)
  const gaps = late.slice(1).map((ms, index) => ms - (late[index] ?? 0))
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(WORDS_APART_MS)
  expect(late.length).toBeGreaterThan(25)
})

test('news does not wait for them', async () => {
  const { post, sentMs, until } = posted()
  await until(3_100)
  post.word('again')
  await until(3_160)
  post.word('again')
  await until(3_200)
  post.word('new')
  await until(3_220)
  expect(sentMs.slice(-2)).toEqual([3_150, 3_210])
})

test('what comes while one is on its way is told in the next', async () => {
  const { post, sentMs, until } = posted()
  await until(3_100)
  post.word('new')
  await until(3_111)
  post.word('again')
  await until(3_400)
  expect(sentMs.slice(-2)).toEqual([3_110, 3_163])
})
