// Goal: what a scheduling round does in the cases people ask about, as text to be read and reviewed. Method:
// each schedule*.txt is a cluster on paper (schedule-world.ts). Commands stand above the dashes, below them
// what the run wrote; `npm run fix` writes it anew.
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { afterLossOf, NODE_COUNT, TOPOLOGY_COUNT, wideCluster } from '../../bench/topologies/wide-cluster.ts'
import { schedule } from '../../src/schedule/schedule.ts'
import { ScheduleWorld } from './schedule-world.ts'

const folder = new URL('.', import.meta.url)
const files = readdirSync(folder).filter((name) => /^schedule.*\.txt$/.test(name))

/** The text with everything below dashes as it comes out now. */
function rendered(text: string): string {
  const world = new ScheduleWorld()
  const blocks = text.trimEnd().split(/\n{2,}/)
  return `${blocks.map((block) => renderedBlock(world, block)).join('\n\n')}\n`
}

function renderedBlock(world: ScheduleWorld, block: string): string {
  const lines = block.split('\n')
  const dashes = lines.indexOf('----')
  const typed = dashes < 0 ? lines : lines.slice(0, dashes)
  const commands = typed.filter((line) => line.trim() !== '' && !line.startsWith('#'))
  if (commands.length === 0) return typed.join('\n')
  return [...typed, '----', ...commands.flatMap((line) => world.run(line))].join('\n')
}

describe('golden scenarios', () => {
  test('there are some', () => expect(files.length).toBeGreaterThan(5))

  for (const file of files) {
    test(file, async () => {
      const path = new URL(file, folder)
      await expect(rendered(readFileSync(path, 'utf8'))).toMatchFileSnapshot(file)
    })
  }
})

describe('a thousand nodes, two hundred topologies, ten thousand executors', () => {
  for (const strategy of ['even', 'random', 'weighted', 'resource-aware'] as const) {
    test(`${strategy}: all is placed, a lost node moves what was there only`, () => {
      const request = wideCluster(strategy)
      const first = schedule(request)
      const workers = first.topologies.flatMap((plan) => plan.workers)
      expect([first.topologies.length, request.nodes.length]).toEqual([TOPOLOGY_COUNT, NODE_COUNT])
      expect(workers.reduce((sum, { executors }) => sum + executors.length, 0)).toBe(10_000)
      expect(new Set(workers.map(({ node, port }) => `${node}:${port}`)).size).toBe(3_600)
      expect(first.topologies.flatMap(({ unplaced, notes }) => [...unplaced, ...notes])).toEqual([])

      const gone = workers[0]?.node ?? ''
      const hit = workers.filter(({ node }) => node === gone).length
      const moves = schedule(afterLossOf(gone, request, first)).topologies.flatMap((plan) => plan.moves)
      expect(moves.map(({ kind, from }) => `${kind} ${from?.node}`)).toEqual(
        new Array(hit).fill(`moved ${gone}`),
      )
    })
  }
})
