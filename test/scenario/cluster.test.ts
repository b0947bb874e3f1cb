// Goal: what a whole cluster does in the cases people ask about, as text to be read and reviewed.
// Method: each cluster-*.txt is a simulated cluster (cluster-world.ts). Commands stand above the dashes, what
// the run wrote stands below; `npm run fix` writes it anew.
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { ClusterWorld } from './cluster-world.ts'

const folder = new URL('.', import.meta.url)
const files = readdirSync(folder).filter((name) => /^cluster-.*\.txt$/.test(name))

/** The text with everything below dashes as it comes out now. */
async function rendered(text: string): Promise<string> {
  const world = new ClusterWorld()
  const blocks: string[] = []
  for (const block of text.trimEnd().split(/\n{2,}/)) blocks.push(await renderedBlock(world, block))
  return `${blocks.join('\n\n')}\n`
}

async function renderedBlock(world: ClusterWorld, block: string): Promise<string> {
  const lines = block.split('\n')
  const dashes = lines.indexOf('----')
  const typed = dashes < 0 ? lines : lines.slice(0, dashes)
  const commands = typed.filter((line) => line.trim() !== '' && !line.startsWith('#'))
  if (commands.length === 0) return typed.join('\n')
  const told: string[] = []
  for (const command of commands) told.push(...(await world.run(command)))
  return [...typed, '----', ...told].join('\n')
}

describe('golden scenarios of a cluster', () => {
  test('there are some', () => expect(files.length).toBeGreaterThan(4))

  for (const file of files) {
    test(file, async () => {
      const text = await rendered(readFileSync(new URL(file, folder), 'utf8'))
      // Whatever is written below the dashes: nothing may be lost.
      expect(text.match(/^seen \d+, lost (?!0,)\d+.*$/m)?.[0]).toBeUndefined()
      await expect(text).toMatchFileSnapshot(file)
    })
  }
})
