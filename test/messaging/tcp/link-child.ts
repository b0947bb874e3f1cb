/**
 * A worker that is nothing but its links, in a process of its own: for tests that kill and stop processes.
 * `node link-child.ts PLAN`, forked; answers each message of its parent.
 */
import { type OfficeOptions, TestWorker } from '../office-world.ts'
import { settings, thisMachine } from './real-offices.ts'

export interface ChildPlan {
  readonly worker: number
  readonly incarnation: number
  readonly peers: NonNullable<OfficeOptions['peers']>
  readonly listenAt: string
}

export interface Order {
  /** Sends so many tuples, numbered from `from` on. */
  readonly task?: number
  readonly from?: number
  readonly count?: number
  /** News of a peer. */
  readonly restarted?: { readonly worker: number; readonly incarnation: number; readonly address: string }
}

export interface Seen {
  readonly arrived: readonly string[]
  readonly losses: readonly string[]
  readonly codes: readonly string[]
  readonly isQuiet: boolean
}

async function run(plan: ChildPlan): Promise<void> {
  const { worker, incarnation, peers, listenAt } = plan
  const made = new TestWorker(thisMachine(), worker, incarnation, { peers, listenAt, settings })
  await made.listening
  process.on('message', ({ task = 0, from = 0, count = 0, restarted }: Order) => {
    if (restarted !== undefined) {
      made.office.onPeerRestarted(restarted.worker, restarted.incarnation, restarted.address)
    }
    for (let n = from; n < from + count; n += 1) made.send(task, n)
    const seen: Seen = {
      arrived: made.arrived,
      losses: made.losses.map((each) => `${each.reason} ${each.worker}`),
      codes: made.codes,
      isQuiet: made.office.isQuiet,
    }
    process.send?.(seen)
  })
  process.on('disconnect', () => process.exit(0))
  process.send?.('ready')
}

const [, , plan] = process.argv
if (process.send !== undefined && plan !== undefined) await run(JSON.parse(plan))
