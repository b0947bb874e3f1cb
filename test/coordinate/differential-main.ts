// node test/coordinate/differential-main.ts --scripts 5000 [--servers 3] [--seed 1] [--parallel 16]
//
// The ensemble in memory against a real one, as long as you like. Exit code 1: they differ, and how.
import { parseArgs } from 'node:util'
import { startZooKeeper, whyNoZooKeeper } from '../servers/zookeeper.ts'
import { differences } from './differential-run.ts'
import { zooKeeperStage } from './differential-zookeeper.ts'

const { values } = parseArgs({
  options: {
    scripts: { type: 'string', default: '5000' },
    servers: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
    parallel: { type: 'string', default: '16' },
  },
})

const why = whyNoZooKeeper()
if (why !== undefined) {
  process.stderr.write(`no ZooKeeper to compare with: ${why}\n`)
  process.exit(2)
}
const running = await startZooKeeper({ servers: values.servers === '3' ? 3 : 1 })
const fromMs = performance.now()
try {
  const found = await differences({
    firstSeed: Number(values.seed),
    scriptCount: Number(values.scripts),
    parallelCount: Number(values.parallel),
    otherStage: (seed) => zooKeeperStage(running, `/differential-${seed}`),
  })
  for (const { seed, before, memory, other } of found) {
    process.stdout.write(`seed ${seed}\n  ${before.join('\n  ')}\n  memory: ${memory}\n  real:   ${other}\n`)
  }
  const seconds = Math.round((performance.now() - fromMs) / 1_000)
  process.stdout.write(`${values.scripts} scripts, ${found.length} differ, ${seconds} s\n`)
  process.exitCode = found.length === 0 ? 0 : 1
} finally {
  await running.stop()
}
