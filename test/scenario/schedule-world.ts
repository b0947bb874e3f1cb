/**
 * A cluster on paper for golden scenarios: commands change what is so, a scheduling round follows each, and
 * what it changes is told in lines. Time is what a command says it is; nodes are judged as Nimbus judges
 * them.
 *
 *   cluster a/2 b/2 [cpu=400] [memory=4]     nodes with slots; percent of a core, GiB of each
 *   joins d/2                                one more
 *   submit NAME COMPONENT=N … workers=N      [strategy=S] [cpu=N] [memory=GIB] of an executor
 *                                            [apart=x:y] [apart-workers=x:y] [max=x:1]
 *   rebalance NAME [workers=N] [COMPONENT=N …]
 *   kill NAME · isolate NAME=NODES · lost NAME WORKER · measure NODE cpu=N memory=GIB
 *   dies NODE · returns NODE · drain NODE · undrain NODE · time SECONDS
 *   judge NODE [session=S] [beat=S] [peers=S] [leader=S]      ages of signs; the verdict is acted on
 *   leader                                   another Nimbus leads: all it knows is what stands on the board
 *   status
 */
import type { AssignmentRecord } from '../../src/cluster/records.ts'
import { judgeBlacklist } from '../../src/nimbus/judge/judge-blacklist.ts'
import { judgeNode } from '../../src/nimbus/judge/judge-node.ts'
import { assignedWorkers, currentOf, strategyOf } from '../../src/schedule/from-records.ts'
import type { PlannedMove, Seat, TopologyPlan } from '../../src/schedule/plan.ts'
import {
  NO_RULES,
  type PlannedWorker,
  type ScheduleNode,
  type ScheduleTopology,
} from '../../src/schedule/request.ts'
import { schedule } from '../../src/schedule/schedule.ts'

const GIB = 2 ** 30
const FIRST_PORT = 6700
const JUDGE_LIMITS = { silentMs: 5_000, leaseMs: 10_000 }
const BLACKLIST_LIMITS = { spanMs: 300_000, count: 3, resumeMs: 1_800_000 }

interface PaperNode extends ScheduleNode {
  readonly failuresMs: readonly number[]
  readonly blacklistedUntilMs: number | undefined
}

interface PaperTopology extends Omit<ScheduleTopology, 'current' | 'lostWorkers' | 'executors'> {
  readonly shape: ReadonlyMap<string, number>
  readonly cpuPercent: number
  readonly memoryBytes: number
  readonly workersNow: readonly PlannedWorker[] | undefined
}

export class ScheduleWorld {
  private readonly nodes = new Map<string, PaperNode>()
  private readonly topologies = new Map<string, PaperTopology>()
  private readonly isolation: Record<string, number> = {}
  private nowMs = 0
  private epoch = 1
  /** For the round that follows. */
  private lost: { readonly name: string; readonly worker: number } | undefined
  private relaid: string | undefined
  /** What was said of topologies that are not as they asked to be: told once, until it changes. */
  private readonly said = new Map<string, string>()

  /** Carries out a command, then a round. @throws Error if it is not understood */
  run(line: string): readonly string[] {
    const [verb = '', ...words] = line.split(/\s+/)
    const [name = '', rest] = [words[0], words.slice(1)]
    this.lost = undefined
    this.relaid = undefined
    switch (verb) {
      case 'cluster':
      case 'joins':
        this.addNodes(words)
        break
      case 'submit':
        this.submit(name, optionsOf(rest))
        break
      case 'rebalance':
        this.rebalance(name, optionsOf(rest))
        break
      case 'kill':
        this.topologies.delete(name)
        break
      case 'isolate':
        Object.assign(
          this.isolation,
          Object.fromEntries([...optionsOf(words)].map(([key, n]) => [key, Number(n)])),
        )
        break
      case 'lost':
        this.lost = { name, worker: Number(rest[0]) }
        break
      case 'time':
        this.nowMs = Number.parseFloat(name) * 1_000
        break
      case 'leader':
        this.epoch += 1
        break
      case 'status':
        return this.status()
      default:
        return [...this.changeNode(verb, name, optionsOf(rest)), ...this.round()]
    }
    return this.round()
  }

  private changeNode(verb: string, name: string, options: ReadonlyMap<string, string>): readonly string[] {
    const node = this.node(name)
    const set = (more: Partial<PaperNode>) => this.nodes.set(name, { ...node, ...more })
    switch (verb) {
      case 'dies':
        set({ isDead: true, failuresMs: [...node.failuresMs, this.nowMs] })
        return []
      case 'returns':
        set({ isDead: false, isSilent: false })
        return []
      case 'drain':
      case 'undrain':
        set({ isDraining: verb === 'drain' })
        return []
      case 'measure':
        set({
          used: {
            cpuPercent: numberOf(options, 'cpu', 0),
            memoryBytes: numberOf(options, 'memory', 0) * GIB,
          },
        })
        return []
      case 'judge':
        return this.judge(node, options)
      default:
        throw new Error(`there is no command ${verb}`)
    }
  }

  private judge(node: PaperNode, options: ReadonlyMap<string, string>): readonly string[] {
    const at = (name: string) =>
      options.has(name) ? this.nowMs - numberOf(options, name, 0) * 1_000 : undefined
    const leaderSinceMs = at('leader') ?? this.nowMs - 3_600_000
    const seen = { sessionLostSinceMs: at('session'), heartbeatMs: at('beat'), peersHeardMs: at('peers') }
    const facts = { nowMs: this.nowMs, ...seen, leaderSinceMs, knownSinceMs: leaderSinceMs }
    const { state, why } = judgeNode(facts, JUDGE_LIMITS)
    const failuresMs = state === 'dead' && !node.isDead ? [...node.failuresMs, this.nowMs] : node.failuresMs
    this.nodes.set(node.node, { ...node, isDead: state === 'dead', isSilent: state === 'silent', failuresMs })
    return [`${node.node} is ${state}: ${why}`]
  }

  private round(): readonly string[] {
    const lines = this.judgeBlacklists()
    const topologies = [...this.topologies.values()].map((topology) => this.asked(topology))
    const request = { nodes: [...this.nodes.values()], topologies, isolation: this.isolation, seed: 1 }
    for (const plan of schedule(request).topologies) {
      const topology = this.topology(plan.topologyId)
      this.topologies.set(plan.topologyId, { ...topology, workersNow: plan.workers })
      lines.push(...movesOf(plan))
      const trouble = troubleOf(plan)
      if (this.said.get(plan.topologyId) !== trouble.join('\n')) lines.push(...trouble)
      this.said.set(plan.topologyId, trouble.join('\n'))
    }
    return lines.length === 0 ? ['no change'] : lines
  }

  private judgeBlacklists(): string[] {
    const lines: string[] = []
    for (const node of this.nodes.values()) {
      const seen = { nowMs: this.nowMs, failuresMs: node.failuresMs, untilMs: node.blacklistedUntilMs }
      const { isListed, untilMs, why } = judgeBlacklist(seen, BLACKLIST_LIMITS)
      if (isListed !== node.isBlacklisted)
        lines.push(`${node.node} ${isListed ? 'is blacklisted' : 'is free'}: ${why}`)
      this.nodes.set(node.node, { ...node, isBlacklisted: isListed, blacklistedUntilMs: untilMs })
    }
    return lines
  }

  /** By way of the record, as any leader reads it. */
  private asked(topology: PaperTopology): ScheduleTopology {
    const executors = [...topology.shape].flatMap(([component, count]) =>
      new Array<string>(count).fill(component),
    )
    const isRelaid = this.relaid === topology.name
    const record = topology.workersNow && this.recordOf(topology.topologyId, topology.workersNow)
    return {
      ...topology,
      executors: executors.map((component, index) => {
        const { cpuPercent, memoryBytes } = topology
        return { executor: index + 1, component, cpuPercent, memoryBytes }
      }),
      current: currentOf(record, isRelaid ? 'other' : 'same'),
      lostWorkers: this.lost?.name === topology.name ? [this.lost.worker] : [],
    }
  }

  private recordOf(topologyId: string, workersNow: readonly PlannedWorker[]): AssignmentRecord {
    const plan = { topologyId, workers: workersNow, moves: [], unplaced: [], notes: [] }
    const workers = assignedWorkers(plan, (node) => node)
    const rest = { run: 'active', token: '', dump: '', state: [], unplaced: [] } as const
    return { topologyId, epoch: this.epoch, layout: 1, layoutDigest: 'same', workers, ...rest }
  }

  private addNodes(words: readonly string[]): void {
    const options = optionsOf(words)
    for (const word of words) {
      const [node = '', slots] = word.split('/')
      if (slots === undefined) continue
      const ports = Array.from({ length: Number(slots) }, (_, index) => FIRST_PORT + index)
      const up = { isDead: false, isSilent: false, isDraining: false, isBlacklisted: false, used: undefined }
      const cpuPercent = numberOf(options, 'cpu', 400)
      const memoryBytes = numberOf(options, 'memory', 4) * GIB
      const past = { failuresMs: [], blacklistedUntilMs: undefined }
      this.nodes.set(node, { node, ports, cpuPercent, memoryBytes, ...up, ...past })
    }
  }

  private submit(name: string, options: ReadonlyMap<string, string>): void {
    const known = ['workers', 'strategy', 'cpu', 'memory', 'apart', 'apart-workers', 'max']
    const shape = [...options]
      .filter(([key]) => !known.includes(key))
      .map(([key, n]) => [key, Number(n)] as const)
    const pair = (key: string) => (options.get(key) ?? '').split(':')
    const [one = '', other = ''] = pair('apart')
    const [left = '', right = ''] = pair('apart-workers')
    const [most = '', count = ''] = pair('max')
    const rules = {
      apartNodes: one === '' ? NO_RULES.apartNodes : { [one]: [other] },
      apartWorkers: left === '' ? NO_RULES.apartWorkers : { [left]: [right] },
      nodeMax: most === '' ? NO_RULES.nodeMax : { [most]: Number(count) },
    }
    this.topologies.set(name, {
      topologyId: name,
      name,
      strategy: strategyOf(options.get('strategy'), 'even'),
      workers: numberOf(options, 'workers', 1),
      rules,
      shape: new Map(shape),
      cpuPercent: numberOf(options, 'cpu', 10),
      memoryBytes: numberOf(options, 'memory', 0.125) * GIB,
      workersNow: undefined,
    })
  }

  private rebalance(name: string, options: ReadonlyMap<string, string>): void {
    const topology = this.topology(name)
    const shape = new Map(topology.shape)
    for (const [key, count] of options) {
      if (key === 'workers') continue
      shape.set(key, Number(count))
      this.relaid = name
    }
    this.topologies.set(name, { ...topology, shape, workers: numberOf(options, 'workers', topology.workers) })
  }

  private status(): readonly string[] {
    const workers = [...this.topologies.values()].flatMap(({ workersNow }) => workersNow ?? [])
    const nodes = [...this.nodes.values()].map(({ node, ports, ...facts }) => {
      const marks = [
        facts.isDead && ' dead',
        facts.isDraining && ' drained',
        facts.isBlacklisted && ' blacklisted',
      ]
      const used = workers.filter((worker) => worker.node === node).length
      return `${node} ${used}/${ports.length}${marks.filter(Boolean).join('')}`
    })
    const topologies = [...this.topologies.values()].map(({ name, workersNow }) => {
      const each = (workersNow ?? []).map(
        (worker) => `${worker.worker}@${seat(worker)}${list(worker.executors)}`,
      )
      return `${name} ${each.join(' ')}`
    })
    return [nodes.join('  '), ...topologies]
  }

  private node(name: string): PaperNode {
    const node = this.nodes.get(name)
    if (node === undefined) throw new Error(`there is no node ${name}`)
    return node
  }

  private topology(name: string): PaperTopology {
    const topology = this.topologies.get(name)
    if (topology === undefined) throw new Error(`there is no topology ${name}`)
    return topology
  }
}

function movesOf({ topologyId, moves }: TopologyPlan): readonly string[] {
  return moves.map((move) => `${topologyId}-${move.worker} ${moveText(move)}  (${move.why})`)
}

function troubleOf({ topologyId, unplaced, notes }: TopologyPlan): readonly string[] {
  return [
    ...unplaced.map(
      ({ component, executors, why }) => `${topologyId} ${component} ${list(executors)} nowhere: ${why}`,
    ),
    ...notes.map((note) => `${topologyId}: ${note}`),
  ]
}

function moveText({ kind, from, to, gained, given }: PlannedMove): string {
  const change = [gained.length > 0 && `+${list(gained)}`, given.length > 0 && `-${list(given)}`]
  const executors = change.filter(Boolean).join(' ')
  if (kind === 'moved') return `moved ${from && seat(from)} → ${to && seat(to)} ${executors}`.trimEnd()
  const where = to ?? from
  return `${kind} ${where && seat(where)} ${executors}`.trimEnd()
}

function seat({ node, port }: Seat): string {
  return `${node}:${port}`
}

function list(executors: readonly number[]): string {
  return `[${executors.join(' ')}]`
}

function optionsOf(words: readonly string[]): ReadonlyMap<string, string> {
  const pairs = words.filter((word) => word.includes('=')).map((word) => word.split('='))
  return new Map(pairs.map(([key = '', value = '']) => [key, value]))
}

function numberOf(options: ReadonlyMap<string, string>, name: string, fallback: number): number {
  const value = options.get(name)
  return value === undefined ? fallback : Number.parseFloat(value)
}
