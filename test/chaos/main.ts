/**
 * `npm run chaos -- [FAULT …] --trials N [--json] [--seconds S] [--rate LINES] [--seed N]`: breaks a real
 * cluster (three ZooKeeper servers, two Nimbuses, three supervisors) again and again while it counts words,
 * and tells how soon tasks were back, how soon nothing was missing, and what was lost; a line as each fault
 * ends. `--list` gives the faults. Without a fault all are run: the long ones less often, the very long ones
 * not.
 */
import { parseArgs } from 'node:util'
import { SeededRandom } from '../../src/base/random.ts'
import { whyNoZooKeeper } from '../servers/zookeeper.ts'
import type { RealFault } from './fault.ts'
import { realFaults } from './faults.ts'
import type { Quantiles } from './figures.ts'
import { whyNoMachines } from './place.ts'
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

/**
 * What happens once a month in life happens here several times a minute: a node that is lost again and again
 * would be put on the blacklist, a worker that ends again and again would be started ever more rarely.
 */
const OFTEN = { 'nimbus.blacklist.tolerance.count': 1_000_000, 'supervisor.restart.backoff.max.ms': 0 }

/** Faults that a machine cannot have are left out, and it is said why. */
const whyNot = realFaults.some(({ needsMachines }) => needsMachines === true) ? whyNoMachines() : undefined
const possible = realFaults.filter(({ needsMachines }) => needsMachines !== true || whyNot === undefined)
const leftOut = realFaults.filter((fault) => !possible.includes(fault)).map(({ name }) => name)

if (values.list) {
  for (const { name, what } of possible) process.stdout.write(`${name.padEnd(22)} ${what}\n`)
  if (leftOut.length > 0) process.stderr.write(`left out: ${leftOut.join(', ')}: ${whyNot}\n`)
  process.exit(0)
}
const why = whyNoZooKeeper()
if (why !== undefined) stop(why)
const impossible = positionals.filter((name) => leftOut.includes(name))
if (impossible.length > 0) stop(`no ${impossible.join(', ')} here: ${whyNot}`)
const unknown = positionals.filter((name) => !possible.some((fault) => fault.name === name))
if (unknown.length > 0) stop(`there is no fault ${unknown.join(', ')}; npm run chaos -- --list`)

// An orderly end: what was started is stopped, what was mounted and joined is taken away.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))

const isChosen = ({ name, isVeryLong }: RealFault): boolean =>
  positionals.length === 0 ? isVeryLong !== true : positionals.includes(name)
const chosen = possible.filter(isChosen)
const random = new SeededRandom(Number(values.seed))
let failureCount = 0
for (const hasMachines of [false, true]) {
  await strikeAll(
    chosen.filter(({ needsMachines }) => (needsMachines === true) === hasMachines),
    hasMachines,
  )
}
process.exit(failureCount > 0 ? 1 : 0)

/** One after the other on one cluster, each under a topology of its own. */
async function strikeAll(faults: readonly RealFault[], hasMachines: boolean): Promise<void> {
  let cluster: RealCluster | undefined
  for (const fault of faults) {
    try {
      cluster ??= await RealCluster.start({ hasMachines, settings: OFTEN })
      await strikeOften(cluster, fault)
    } catch (error) {
      failureCount += 1
      process.stderr.write(`\r${fault.name}: ${error instanceof Error ? error.message : String(error)}\n`)
      // Whatever is broken in it, the next fault begins anew.
      await cluster?.stop()
      cluster = undefined
    }
  }
  await cluster?.stop()
}

async function strikeOften(cluster: RealCluster, fault: RealFault): Promise<void> {
  const asked = Number(values.trials)
  const trials = positionals.length > 0 ? asked : Math.min(asked, fault.trialsMax ?? asked)
  const run = await ChaosRun.start(cluster, fault.name, Number(values.rate))
  const report = await runTrials(cluster, run, fault, {
    trials,
    chance: () => random.next(),
    ...(values.seconds === undefined ? {} : { seconds: Number(values.seconds) }),
    onTrial: (trial) => process.stderr.write(`\r${fault.name}: trial ${trial} of ${trials} `),
  })
  process.stderr.write('\r')
  if (report.lost > 0) failureCount += 1
  process.stdout.write(`${values.json ? JSON.stringify(report) : textOf(report)}\n`)
  await run.end()
}

function stop(message: string): never {
  process.stderr.write(`chaos: ${message}\n`)
  process.exit(2)
}

function textOf(report: FaultReport): string {
  const { fault, trials, restarted, emitted, lost, duplicated, seconds } = report
  const parts = [`${fault}: ${trials} trials in ${seconds} s, tasks restarted in ${restarted}`]
  const add = (name: string, quantiles: Quantiles | undefined) => {
    if (quantiles === undefined) return
    const { p50, p90, p99, max } = quantiles
    parts.push(`${name} p50 ${p50} p90 ${p90} p99 ${p99} max ${max} ms`)
  }
  add('tasks back', report.tasksBackMs)
  add('data whole', report.dataWholeMs)
  add('whole again after its end', report.wholeAgainMs)
  add('submit accepted', report.submitMs)
  return `${parts.join('\n  ')}\n  ${emitted} words, ${lost} lost, ${duplicated} twice`
}
