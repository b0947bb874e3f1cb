/**
 * `npm run chaos -- FAULT --trials N [--json] [--seconds S] [--rate LINES] [--seed N]`: breaks a real cluster
 * (three ZooKeeper servers, two Nimbuses, three supervisors) again and again while it counts words, and tells
 * how soon tasks were back, how soon nothing was missing, and what was lost. `--list` gives the faults;
 * without a fault all are run.
 */
import { parseArgs } from 'node:util'
import { SeededRandom } from '../../src/base/random.ts'
import { whyNoZooKeeper } from '../servers/zookeeper.ts'
import { realFaults } from './faults.ts'
import type { Quantiles } from './figures.ts'
import { RealCluster } from './real-cluster.ts'
import { ChaosRun } from './run.ts'
import { type FaultReport, runTrials } from './trials.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    trials: { type: 'string', default: '5' },
    seconds: { type: 'string' },
    rate: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
  },
})

if (values.list) {
  for (const { name, what } of realFaults) process.stdout.write(`${name.padEnd(18)} ${what}\n`)
  process.exit(0)
}
const why = whyNoZooKeeper()
if (why !== undefined) {
  process.stderr.write(`chaos: ${why}\n`)
  process.exit(2)
}
const unknown = positionals.filter((name) => !realFaults.some((fault) => fault.name === name))
if (unknown.length > 0) {
  process.stderr.write(`chaos: there is no fault ${unknown.join(', ')}; npm run chaos -- --list\n`)
  process.exit(2)
}

const chosen =
  positionals.length === 0 ? realFaults : realFaults.filter(({ name }) => positionals.includes(name))
const random = new SeededRandom(Number(values.seed))
let lostCount = 0
for (const fault of chosen) {
  // A node that is lost again and again is put on the blacklist, as it should be: here it must come back.
  const cluster = await RealCluster.start({ settings: { 'nimbus.blacklist.tolerance.count': 1_000_000 } })
  try {
    const run = await ChaosRun.start(cluster, 'chaos', Number(values.rate))
    const report = await runTrials(cluster, run, fault, {
      trials: Number(values.trials),
      chance: () => random.next(),
      ...(values.seconds === undefined ? {} : { seconds: Number(values.seconds) }),
      onTrial: (trial) => process.stderr.write(`\r${fault.name}: trial ${trial} of ${values.trials} `),
    })
    process.stderr.write('\r')
    lostCount += report.lost
    process.stdout.write(`${values.json ? JSON.stringify(report) : textOf(report)}\n`)
  } finally {
    await cluster.stop()
  }
}
process.exit(lostCount > 0 ? 1 : 0)

function textOf(report: FaultReport): string {
  const { fault, trials, restarted, emitted, lost, duplicated } = report
  const parts = [`${fault}: ${trials} trials, tasks restarted in ${restarted}`]
  const add = (name: string, quantiles: Quantiles | undefined) => {
    if (quantiles === undefined) return
    const { p50, p90, p99, max } = quantiles
    parts.push(`${name} p50 ${p50} p90 ${p90} p99 ${p99} max ${max} ms`)
  }
  add('tasks back', report.tasksBackMs)
  add('data whole', report.dataWholeMs)
  add('submit accepted', report.submitMs)
  return `${parts.join('\n  ')}\n  ${emitted} words, ${lost} lost, ${duplicated} twice`
}
