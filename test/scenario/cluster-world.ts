/**
 * A whole cluster in virtual time for golden scenarios: commands do something to it, then time passes, and
 * what its event log says of that time is told in lines. The same commands give the same lines.
 *
 *   cluster nodes=3 nimbuses=2 slots=2 [seed=1]
 *   submit NAME workers=3 [sum=4] [items=400] [rate=40]      numbers that are counted, and seen outside
 *   rebalance NAME [workers=N] [sum=N]
 *   kill NAME WORKER · kill leader · start nimbuses
 *   lose NODE · return NODE                     its power is gone, and comes back
 *   cut NODE · heal NODE                        nothing passes between it and all others
 *   flap NODE times=3 away=8 back=4             lost and back again, in seconds
 *   drain NODE · undrain NODE
 *   wait SECONDS                                every other command is followed by two seconds
 *   where NAME                                  who runs what where
 *   errors NAME                                 codes of what went wrong, as its users see them
 *   check NAME                                  its sources come to their end; what was seen
 *   counts NAME                                 what its keyed state counted in the end
 *
 * Times are seconds since the command, rounded, and what happens of one kind within a second is told in the
 * order of the alphabet, so that small changes of small delays change no line.
 */
import { assertDefined } from '../../src/base/assert.ts'
import type { WorkerStatus } from '../../src/rpc/nimbus-api.ts'
import { SimCluster } from '../../src/testing/cluster/sim-cluster.ts'
import { type CountingModel, countingTopology, countsOf, Ledger, missingOf } from '../sim/cluster/counting.ts'

const AFTER_MS = 2_000
const ASK_MS = 500
const CHECK_MS = 180_000
/** Repeats are told by their order of size: each change of the engine's pace changes their number. */
const REPEATED_STEP = 100
const TOLD = new Set([
  'leader-changed',
  'topology-assigned',
  'topology-rebalancing',
  'topology-rebalanced',
  'topology-failed',
  'executors-unplaced',
  'worker-moved',
  'worker-exited',
  'worker-started',
  'node-blacklisted',
  'node-drained',
  'node-undrained',
])

interface Counted {
  readonly model: CountingModel
  readonly ledger: Ledger
}

type Options = ReadonlyMap<string, string>

export class ClusterWorld {
  private built: SimCluster | undefined
  private readonly topologies = new Map<string, Counted>()
  private after: string | undefined

  /** Carries out a command and tells what followed. @throws Error if it is not understood */
  async run(line: string): Promise<readonly string[]> {
    const words = line.split(/\s+/)
    const plain = words.filter((word) => !word.includes('='))
    const [verb = '', subject = '', third = ''] = plain
    const options: Options = new Map(words.filter((word) => word.includes('=')).map(pairOf))
    if (verb === 'cluster') return await this.begin(options)
    if (verb === 'where') return await this.where(subject)
    if (verb === 'errors') return await this.errors(subject)
    if (verb === 'check') return await this.check(subject)
    if (verb === 'counts') return this.counts(subject)
    const startMs = this.cluster.world.nowMs
    if (verb === 'wait') return await this.follow(startMs, Number(subject) * 1_000)
    if (verb === 'flap') return await this.flap(subject, options)
    await this.act(verb, [subject, third], options)
    return await this.follow(startMs, AFTER_MS)
  }

  private get cluster(): SimCluster {
    return assertDefined(this.built, 'a scenario begins with its cluster')
  }

  private async begin(options: Options): Promise<readonly string[]> {
    const number = (name: string, otherwise: number) => Number(options.get(name) ?? otherwise)
    this.built = SimCluster.simulated({
      seed: number('seed', 1),
      nodes: number('nodes', 2),
      nimbuses: number('nimbuses', 1),
      slots: number('slots', 2),
    })
    await this.cluster.start()
    // From here on: what comes after the first leader.
    const { client } = this.cluster
    this.after = (await this.cluster.drive(client.call('events', [undefined, 0]))).next
    return [`${this.cluster.leaderName} leads`]
  }

  private async act(verb: string, [subject, third]: readonly [string, string], options: Options) {
    const { cluster } = this
    const { client } = cluster
    if (verb === 'submit') await this.submit(subject, options)
    else if (verb === 'rebalance') await this.rebalance(subject, options)
    else if (verb === 'kill' && subject === 'leader') cluster.crashNimbus(cluster.leaderName ?? '')
    else if (verb === 'kill') this.killWorker(subject, Number(third))
    else if (verb === 'start') for (const name of cluster.nimbusNames) cluster.startNimbus(name)
    else if (verb === 'lose') cluster.crashNode(subject)
    else if (verb === 'return') cluster.startSupervisor(subject)
    else if (verb === 'cut') cluster.isolate(subject)
    else if (verb === 'heal') cluster.heal(subject)
    else if (verb === 'drain') await cluster.drive(client.call('drain', [subject]))
    else if (verb === 'undrain') await cluster.drive(client.call('undrain', [subject]))
    else throw new Error(`${verb} is no command`)
  }

  private async submit(name: string, options: Options): Promise<void> {
    const { cluster } = this
    const number = (option: string, otherwise: number) => Number(options.get(option) ?? otherwise)
    const model: CountingModel = {
      name,
      partitions: 2,
      items: number('items', 400),
      itemsPerSecond: number('rate', 40),
      workers: number('workers', 2),
      executors: { numbers: 1, relay: 2, sum: number('sum', 2), collect: 1 },
      keys: 10,
    }
    const ledger = new Ledger()
    this.topologies.set(name, { model, ledger })
    const wait = (_node: string, forMs: number) =>
      new Promise<void>((resolve) => cluster.world.timers.after(forMs, resolve))
    await cluster.drive(cluster.submit(countingTopology(model, ledger, wait)))
  }

  private async rebalance(name: string, options: Options): Promise<void> {
    const executors = Object.fromEntries(
      [...options]
        .filter(([option]) => option !== 'workers')
        .map(([option, value]) => [option, Number(value)]),
    )
    const workers = options.has('workers') ? Number(options.get('workers')) : undefined
    const request = { workers, executors, tasks: {}, scheduler: undefined, drainMs: 10_000 }
    await this.cluster.drive(this.cluster.client.call('rebalance', [name, request]))
  }

  private killWorker(name: string, worker: number): void {
    const { processes } = this.cluster
    const found = processes.living.find(({ assign }) => {
      return assign?.topologyId.startsWith(`${name}-`) === true && assign.worker === worker
    })
    processes.kill(assertDefined(found, 'a worker that is killed lives'))
  }

  private async flap(node: string, options: Options): Promise<readonly string[]> {
    const seconds = (option: string, otherwise: number) => Number(options.get(option) ?? otherwise) * 1_000
    const startMs = this.cluster.world.nowMs
    const lines: string[] = []
    for (let times = Number(options.get('times') ?? 3); times > 0; times -= 1) {
      this.cluster.crashNode(node)
      lines.push(...(await this.follow(startMs, seconds('away', 8))))
      this.cluster.startSupervisor(node)
      lines.push(...(await this.follow(startMs, seconds('back', 4))))
    }
    return lines
  }

  /** Lets time pass and tells what the log has of it. */
  private async follow(startMs: number, forMs: number): Promise<readonly string[]> {
    const { world, client } = this.cluster
    const told: { readonly second: number; readonly kind: string; readonly message: string }[] = []
    for (const untilMs = world.nowMs + forMs; world.nowMs < untilMs; ) {
      await this.cluster.advance(Math.min(ASK_MS, untilMs - world.nowMs))
      if (this.cluster.leader === undefined) continue
      const page = await this.cluster.drive(client.call('events', [this.after, 0], { timeoutMs: 30_000 }))
      this.after = page.next
      for (const { at, kind, message } of page.events) {
        const second = Math.max(0, Math.round((at - startMs) / 1_000))
        if (TOLD.has(kind)) told.push({ second, kind, message })
      }
    }
    const lines = told.map(({ second, message }) => `+${second}s ${message}`)
    return lines.length === 0 ? ['nothing'] : sortedWithin(lines, (at) => told[at]?.kind ?? '')
  }

  private async where(name: string): Promise<readonly string[]> {
    const { client } = this.cluster
    const workers: readonly WorkerStatus[] = await this.cluster.drive(client.call('workers', [name]))
    return workers.map(({ worker, node, port, executors, phase }) => {
      return `worker ${worker} ${node}:${port} [${executors}] ${phase}`
    })
  }

  private async errors(name: string): Promise<readonly string[]> {
    const errors = await this.cluster.drive(this.cluster.client.call('errors', [name]))
    return errors.length === 0 ? ['no errors'] : errors.map(({ code, component }) => `${code} ${component}`)
  }

  private counts(name: string): readonly string[] {
    const { model, ledger } = assertDefined(this.topologies.get(name), 'what is counted was submitted')
    const wrong = [...countsOf(model)].filter(([key, count]) => ledger.counts.get(key) !== count)
    return [
      wrong.length === 0 ? `all ${model.keys} keys are counted exactly` : `${wrong.length} keys are not`,
    ]
  }

  private async check(name: string): Promise<readonly string[]> {
    const { model, ledger } = assertDefined(this.topologies.get(name), 'what is checked was submitted')
    const { world } = this.cluster
    const untilMs = world.nowMs + CHECK_MS
    while (missingOf(model, ledger).length > 0 && world.nowMs < untilMs) await this.cluster.advance(1_000)
    const { repeatedCount } = ledger
    const most = Math.ceil(repeatedCount / REPEATED_STEP) * REPEATED_STEP
    const repeated = repeatedCount === 0 ? 'none' : `at most ${most}`
    return [`seen ${ledger.seen.size}, lost ${missingOf(model, ledger).length}, repeated ${repeated}`]
  }
}

function pairOf(word: string): readonly [string, string] {
  const at = word.indexOf('=')
  return [word.slice(0, at), word.slice(at + 1)]
}

/** Neighbours of one second and one kind, by their text. */
function sortedWithin(lines: readonly string[], kindOf: (index: number) => string): readonly string[] {
  const groups: { readonly key: string; readonly lines: string[] }[] = []
  for (const [index, line] of lines.entries()) {
    const key = `${line.slice(0, line.indexOf(' '))} ${kindOf(index)}`
    const last = groups.at(-1)
    if (last?.key === key) last.lines.push(line)
    else groups.push({ key, lines: [line] })
  }
  return groups.flatMap((group) => group.lines.sort())
}
