// Elections in virtual time, with everything that can go wrong at every place where it can.
import { describe, expect, test } from 'vitest'
import type { WriteRecord } from '../../src/coordinate/memory/quorum.ts'
import { errorOf, none, text, until } from '../contract/coordinator-world.ts'
import { atCall, Candidate, epochPath, linePath, type Told, workPath } from './candidates.ts'
import { runWithin, virtualWorld } from './memory-worlds.ts'

type World = Awaited<ReturnType<typeof virtualWorld>>

interface Arena {
  readonly all: World
  readonly told: Told[]
  /** Epochs of the writes that took effect, in their order. */
  readonly worked: number[]
  candidate(name: string, more?: Partial<ConstructorParameters<typeof Candidate>[0]>): Candidate
}

async function arena(
  seed: number,
  spec: Parameters<typeof virtualWorld>[1],
  body: (arena: Arena) => Promise<void>,
) {
  const told: Told[] = []
  const worked: number[] = []
  const onWrite = (record: WriteRecord) => {
    if (record.path !== workPath || record.kind !== 'set') return
    worked.push(Number(text(all.ensemble.peek(workPath)?.data ?? none).split(' ')[0]))
  }
  const all: World = await virtualWorld(seed, { ...spec, onWrite })
  const candidates: Candidate[] = []
  await runWithin(all.world, async () => {
    await body({
      all,
      told,
      worked,
      candidate: (name, more) => {
        const host = all.world.host(name)
        const made = new Candidate({ ensemble: all.ensemble, host, name, told, ...more })
        candidates.push(made)
        return made
      },
    })
    for (const candidate of candidates) await candidate.stop()
  })
  // Each epoch is handed out once, and only ever the later one writes.
  expect(new Set(told.map((each) => each.epoch)).size).toBe(told.length)
  expect(worked).toEqual([...worked].sort((a, b) => a - b))
  for (const candidate of candidates) expect(candidate.troubles).toEqual([])
  await all.close()
}

describe('an election', () => {
  test('has one leader; when it goes, the next in line leads a later epoch', () =>
    arena(1, {}, async ({ all, told, candidate }) => {
      const [a, b, c] = [candidate('a'), candidate('b'), candidate('c')]
      await until(all, () => told.length > 0)
      await all.passed(1_000)
      expect([a, b, c].filter((each) => each.isLeader).length).toBe(1)
      expect(told.length).toBe(1)
      for (const leaders of [2, 3]) {
        const leader = [a, b, c].find((each) => each.isLeader)
        await leader?.stop()
        await until(all, () => told.length === leaders)
      }
      expect(told.map((each) => each.epoch)).toEqual([1, 2, 3])
      expect(new Set(told.map((each) => each.name)).size).toBe(3)
    }))

  test('waits with one watch each, on the place before', () =>
    arena(2, {}, async ({ all, told, candidate }) => {
      for (let i = 0; i < 20; i += 1) candidate(`n${i}`)
      await until(all, () => told.length > 0)
      await until(all, () => all.ensemble.peekChildren(linePath).length === 20)
      await all.passed(500)
      expect(all.ensemble.census().watchCount).toBe(20)
      expect(told.length).toBe(1)
    }))

  test('a leader that stands still across its session is replaced, and cannot write any more', () =>
    arena(3, {}, async ({ all, told, worked, candidate }) => {
      const a = candidate('a')
      await until(all, () => a.isLeader)
      const b = candidate('b')
      await all.passed(500)
      all.world.pause('a')
      await until(all, () => b.isLeader)
      await all.passed(500)
      expect(worked.at(-1)).toBe(2)
      // What it does first, before it has heard anything: it does not believe any more.
      expect(a.isLeader).toBe(false)
      all.world.resume('a')
      await all.passed(3_000)
      expect(a.standbys).toContain('expired')
      expect(b.isLeader).toBe(true)
      expect(told.map((each) => each.name)).toEqual(['a', 'b'])
    }))

  test('of two that believe, only the later epoch writes, and the other is told', () =>
    arena(4, {}, async ({ all, told, worked, candidate }) => {
      const a = candidate('a', { sessionTimeoutMs: 20_000 })
      await until(all, () => a.isLeader)
      const epoch = all.ensemble.peek(epochPath)
      expect(epoch).toBeDefined()
      // Behind its back, as after a restore or an operator's mistake.
      const other = await all.connect()
      await other.set(epochPath, new TextEncoder().encode('{"epoch":9,"leader":"z"}'))
      await until(all, () => a.oldWrites.length > 0)
      expect(a.standbys[0]).toBe('gave-up')
      await until(all, () => a.isLeader)
      expect(told.map((each) => each.epoch)).toEqual([1, 10])
      await all.passed(200)
      expect(worked.at(-1)).toBe(10)
    }))

  test('a place taken away ends the leadership', () =>
    arena(5, {}, async ({ all, told, candidate }) => {
      const a = candidate('a')
      await until(all, () => a.isLeader)
      const [place] = all.ensemble.peekChildren(linePath)
      const other = await all.connect()
      await other.delete(`${linePath}/${place}`)
      await until(all, () => a.standbys.length > 0)
      expect(a.standbys).toEqual(['place-lost'])
      await until(all, () => a.isLeader)
      expect(told.length).toBe(2)
      expect(a.election?.flapCount).toBe(1)
    }))

  test('a short loss of the connection does not end a leadership, a long one does', () =>
    arena(6, {}, async ({ all, told, candidate }) => {
      const a = candidate('a', { sessionTimeoutMs: 9_000 })
      await until(all, () => a.isLeader)
      all.ensemble.cut('a')
      await all.passed(1_000)
      expect(a.isLeader).toBe(true)
      all.ensemble.heal('a')
      await all.passed(2_000)
      expect([a.isLeader, told.length]).toEqual([true, 1])
      all.ensemble.cut('a')
      await all.passed(3_100)
      expect(a.isLeader).toBe(false)
      expect(a.standbys).toEqual(['suspended'])
      all.ensemble.heal('a')
      await until(all, () => a.isLeader)
      expect(told.map((each) => each.epoch)).toEqual([1, 2])
    }))

  test('a quorum that is gone for long costs one change of leader at most', () =>
    arena(7, {}, async ({ all, told, candidate }) => {
      const [a, b] = [candidate('a'), candidate('b')]
      await until(all, () => told.length === 1)
      await all.passed(500)
      all.ensemble.loseQuorum()
      await all.passed(60_000)
      expect([a.isLeader, b.isLeader]).toEqual([false, false])
      all.ensemble.regainQuorum()
      await until(all, () => a.isLeader || b.isLeader)
      await all.passed(10_000)
      expect([a.isLeader, b.isLeader].filter(Boolean).length).toBe(1)
      expect(told.length).toBe(2)
    }))

  test('leaderships that do not last come more slowly, but nobody who could lead is away for long', () =>
    arena(8, {}, async ({ all, told, candidate }) => {
      const a = candidate('a')
      const gapsMs: number[] = []
      for (let i = 0; i < 12; i += 1) {
        await until(all, () => a.isLeader)
        const fromMs = all.world.nowMs
        a.election?.giveUp()
        await until(all, () => a.isLeader)
        gapsMs.push(all.world.nowMs - fromMs)
      }
      expect(gapsMs.at(-1)).toBeGreaterThan(4 * (gapsMs[0] ?? 0))
      expect(Math.max(...gapsMs)).toBeLessThan(3_000)
      expect(a.election?.flapCount).toBe(12)
      expect(told.length).toBe(13)
    }))

  test('who leads can be read by anybody', () =>
    arena(9, {}, async ({ all, candidate }) => {
      const a = candidate('a')
      expect(await errorOf(all.passed(1))).toBeUndefined()
      await until(all, () => a.isLeader)
      expect(await a.election?.readLeader()).toEqual({ epoch: 1, leader: 'a' })
    }))
})

/** What strikes whom, at which call. */
const strikes = {
  expiry: (all: World) => all.ensemble.expire('a'),
  'lost connection': (all: World) => {
    all.ensemble.cut('a')
    all.world.timers.after(300, () => all.ensemble.heal('a'))
  },
  pause: (all: World) => {
    all.world.pause('a')
    all.world.timers.after(3_000, () => all.world.resume('a'))
  },
  'silent cut': (all: World) => {
    all.ensemble.cut('a', 'silent')
    all.world.timers.after(5_000, () => all.ensemble.heal('a'))
  },
} as const

describe('an election, struck at every call that it makes', () => {
  for (const [title, strike] of Object.entries(strikes)) {
    for (const when of ['before', 'after'] as const) {
      for (const headStartMs of [0, 500]) {
        const start = headStartMs === 0 ? 'both at once' : 'the struck one leads'
        test(`${title}, ${when} each call, ${start}: one leader in the end`, async () => {
          let struckCount = 0
          for (let number = 1; number <= 40 && struckCount === number - 1; number += 1) {
            const counted = { count: 0 }
            const at = { number, when, strike }
            await arena(100 + number, {}, (given) => struckOnce(given, at, headStartMs, counted))
            if (counted.count >= number) struckCount += 1
          }
          expect(struckCount).toBeGreaterThanOrEqual(headStartMs === 0 ? 9 : 40)
        })
      }
    }
  }
})

async function struckOnce(
  { all, told, worked, candidate }: Arena,
  at: { readonly number: number; readonly when: 'before' | 'after'; readonly strike: (all: World) => void },
  headStartMs: number,
  counted: { count: number },
): Promise<void> {
  const strike = { ...at, strike: () => at.strike(all) }
  const a = candidate('a', { wrap: (coordinator) => atCall(coordinator, strike, counted), workMs: 200 })
  await all.passed(headStartMs)
  const b = candidate('b', { workMs: 200 })
  await all.passed(15_000)
  expect([a.isLeader, b.isLeader].filter(Boolean).length).toBe(1)
  const last = told.reduce((latest, each) => (each.epoch > latest.epoch ? each : latest))
  expect(last.name).toBe(a.isLeader ? 'a' : 'b')
  expect(worked.at(-1)).toBe(last.epoch)
}

describe('an election under steady trouble', () => {
  test('in 30 worlds with every fault there is: one effect per epoch', async () => {
    let epochsCount = 0
    for (let seed = 1; seed <= 30; seed += 1) {
      const faults = { unknownShare: 0.05, staleShare: 0.5, lagMsMax: 500 }
      await arena(1_000 + seed, { serverCount: 3, faults }, async ({ all, told, candidate }) => {
        const names = ['a', 'b', 'c']
        const candidates = names.map((name) => candidate(name, { workMs: 200 }))
        const { random } = all.world
        for (let round = 0; round < 15; round += 1) {
          const name = names[random.below(3)] ?? 'a'
          const fault = random.below(5)
          if (fault === 0) all.ensemble.expire(name)
          if (fault === 1) all.ensemble.changeLeader()
          if (fault === 2) all.ensemble.cut(name, random.chance(0.5) ? 'silent' : 'reset')
          if (fault === 3) all.world.pause(name)
          await all.passed(random.below(3_000))
          all.ensemble.heal(name)
          all.world.resume(name)
        }
        all.ensemble.setFaults({ unknownShare: 0, staleShare: 0 })
        await until(all, async () => {
          await all.passed(2_000)
          return candidates.filter((each) => each.isLeader).length === 1
        })
        epochsCount += told.length
      })
    }
    // The trouble was trouble.
    expect(epochsCount).toBeGreaterThan(60)
  })
})
