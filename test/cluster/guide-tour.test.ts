// The tour of docs/guide/run-a-cluster.md, walked from the packed package in an empty directory, with a real
// ZooKeeper: every command of the page as it stands there, but for ports, and for what only a person can put
// in.
//
// Goal: what the page shows is so, and counts are right throughout: what is in the file is seen, all of it,
// and nothing else.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RunningZooKeeper, startZooKeeper, whyNoZooKeeper } from '../servers/zookeeper.ts'
import { GuidePage } from './guide-page.ts'
import { GuideTour } from './guide-tour.ts'

const why = whyNoZooKeeper()
if (why !== undefined) process.stderr.write(`the tour of the guide is not walked: ${why}\n`)

interface Slot {
  readonly node: string
  readonly phase: string
}

describe.skipIf(why !== undefined)('the tour of the guide', () => {
  const page = new GuidePage('run-a-cluster.md')
  let zooKeeper: RunningZooKeeper
  let tour: GuideTour

  beforeAll(async () => {
    zooKeeper = await startZooKeeper({ servers: 1 })
    tour = await GuideTour.begin(page, zooKeeper.servers[0]?.port ?? 0)
  }, 120_000)
  afterAll(async () => {
    tour?.end()
    await zooKeeper?.stop()
  })

  const commandsOf = (section: string): string => page.commands(section).join('\n')
  const running = async (): Promise<readonly string[]> => {
    const { slots } = (await tour.json('typhoon cluster slots')) as { slots: readonly Slot[] }
    return slots.filter(({ phase }) => phase === 'running').map(({ node }) => node)
  }
  const eventKinds = async (): Promise<readonly string[]> => {
    const { events } = (await tour.json('typhoon events')) as { events: readonly { kind: string }[] }
    return events.map(({ kind }) => kind)
  }

  /** What the bolt that counts remembers: it begins again at 1 when its state is lost. */
  const cowsCounted = async (): Promise<number> =>
    Number(await tour.run("grep ' cow ' seen.txt | tail -n 1 | cut -d' ' -f3"))

  test('2: daemons', async () => {
    const [start = '', look = ''] = page.commands('2. Daemons')
    await tour.run(start)
    // Daemons begin while their terminal is used for the next commands.
    await tour.run(look.replaceAll(/^typhoon cluster .*$/gm, ''))
    const isUp = async (): Promise<boolean> =>
      /node-1 +up[\s\S]*node-2 +up/.test(
        await tour.run('typhoon cluster status && typhoon cluster nodes || true'),
      )
    await tour.until('both nodes are up', isUp)
    expect(await tour.run(look)).toMatch(/0 of 4 used/)
  })

  test('3: a word count on a file that grows', async () => {
    const [grow = '', look = '', check = ''] = page.commands('3. A word count')
    tour.remember(check.slice(0, check.lastIndexOf('}') + 1))
    await tour.run(grow)
    const said = await tour.run(look)
    expect(said).toContain('word-count is active, its first tuple is acked')
    expect(said).toMatch(/^\d+\/\d \w+ \d+$/m)
    expect(await running()).toHaveLength(2)
    expect((await tour.untilAllSeen()).twice).toBe(0)
    expect(await tour.run('typhoon list; typhoon status word-count')).toMatch(/word-count +active/)
    // Nothing is logged when all is well: followed, it says nothing, and ends when it is told to.
    expect(await tour.run('timeout -s INT 2 typhoon logs word-count -f 2>&1 || test $? = 124')).toBe('')
  })

  test('4: kill a worker', async () => {
    const pid = "$(typhoon describe word-count -o json | grep '\"pid\"' | head -n 1 | grep -o '[0-9]*')"
    const commands = commandsOf('4. Kill a worker').replace('PID', pid)
    const [strike = ''] = commands.split(/^cut /m)
    expect(await tour.run(strike)).toMatch(/worker-exited[\s\S]*worker-started/)
    await tour.untilAllSeen()
  })

  test('5: kill the leader', async () => {
    const leader = async (): Promise<unknown> => (await tour.json('typhoon cluster status'))['leader']
    const before = await leader()
    const { seeds } = readContext(tour.directory)
    const number = seeds.indexOf(String(before)) + 1
    await tour.run(commandsOf('5. Kill the leader').replace('nimbus-1.pid', `nimbus-${number}.pid`))
    await tour.until('the other leads', async () => {
      const now = await leader()
      return now !== null && now !== before
    })
    const [start = ''] = page.commands('2. Daemons')
    const [again = ''] = /typhoon nimbus[\s\S]*?\.pid/.exec(start) ?? []
    await tour.run(`n=${number}\n${again}`)
    await tour.untilAllSeen()
    expect(await running()).toHaveLength(2)
  })

  test('6: drain a node', async () => {
    const commands = commandsOf('6. Drain a node')
    const [drain = '', undrain = ''] = commands.split(/^(?=typhoon node undrain)/m)
    const cows = await cowsCounted()
    expect(await tour.run(drain)).toMatch(/node-2 is drained[\s\S]*node-2 +drained/)
    expect(await running()).toEqual(['node-1', 'node-1'])
    await tour.run(undrain)
    await tour.untilAllSeen()
    expect(await cowsCounted()).toBeGreaterThan(cows)
  })

  test('7: rebalance', async () => {
    const cows = await cowsCounted()
    await tour.run(commandsOf('7. Rebalance'))
    expect((await running()).toSorted()).toEqual(['node-1', 'node-1', 'node-2', 'node-2'])
    expect(await tour.json('typhoon describe word-count/count')).toMatchObject({ executors: 2, tasks: 4 })
    await tour.untilAllSeen()
    expect(await cowsCounted()).toBeGreaterThan(cows)
  })

  test('sources off and on', async () => {
    await tour.run('typhoon deactivate word-count')
    const { seen } = await tour.counts()
    await tour.until('the file grows', async () => (await tour.counts()).inFile > seen + 60)
    expect((await tour.counts()).seen).toBe(seen)
    await tour.run('typhoon activate word-count')
    await tour.untilAllSeen()
  })

  test('8: the end', async () => {
    const [stopWriter = '', kill = ''] = commandsOf('8. The end').split(/^(?=typhoon kill)/m)
    await tour.run(stopWriter.replace('sleep 5; check', ''))
    const { inFile, seen } = await tour.untilAllSeen()
    expect(seen).toBe(inFile)
    const [, count = ''] = commandsOf('4. Kill a worker').split(/^(?=cut )/m)
    const lines = inFile / 6
    expect((await tour.run(count)).trim().split(/\s+/)).toEqual(
      ['cow', 'jumped', 'moon', 'over', 'the'].flatMap((word) => [
        String(word === 'the' ? 2 * lines : lines),
        word,
      ]),
    )
    expect(await eventKinds()).toContain('topology-rebalanced')
    await tour.run(kill)
    await tour.until('no process is left', async () => tour.processes().length === 0)
  })
})

function readContext(directory: string): { readonly seeds: readonly string[] } {
  const text = readFileSync(join(directory, 'typhoon.yaml'), 'utf8')
  return { seeds: [...text.matchAll(/127\.0\.0\.1:\d+/g)].map(([each]) => each).slice(1) }
}
