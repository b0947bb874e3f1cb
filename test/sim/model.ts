/**
 * A random topology as plain facts, and what it must do with an item: every bolt's work is a pure function of
 * where a tuple came from (its lineage), so the whole tree of an item can be known without running anything.
 *
 *   lineage   `s0/p1/17>b2.0>b4.1`: item 17 of partition p1 of s0, first child of b2, second of b4
 */
import type { SeededRandom } from '../../src/base/random.ts'

export type Grouping =
  | 'shuffle'
  | 'fields'
  | 'partialKey'
  | 'consistentHash'
  | 'range'
  | 'all'
  | 'global'
  | 'none'
  | 'random'
  | 'localOrShuffle'
  | 'custom'
  | 'direct'

export interface ModelInput {
  readonly from: string
  readonly stream: 'default' | 'again' | 'direct'
  readonly grouping: Grouping
}

export type BoltKind = 'basic' | 'async' | 'keyed' | 'rich' | 'join' | 'sink'
export type Policy = 'fail' | 'retry' | 'dead-letter'

export interface ModelBolt {
  readonly id: string
  readonly kind: BoltKind
  readonly executors: number
  readonly tasks: number
  /** Tuples emitted to `default` for each tuple. */
  readonly fan: number
  /** Emits to `again` while hops are left. */
  readonly loops: boolean
  /** Emits one tuple to `direct` for each tuple. */
  readonly directs: boolean
  readonly inputs: readonly ModelInput[]
  readonly policy: Policy
  readonly throwShare: number
  readonly concurrency: number
  readonly order: 'input' | 'key' | 'none'
  /** Longest time of an asynchronous call. */
  readonly slowMs: number
}

export interface ModelSource {
  readonly id: string
  readonly count: number
  readonly partitions: number
  readonly rate: number
  readonly executors: number
}

export interface Model {
  readonly sources: readonly ModelSource[]
  readonly bolts: readonly ModelBolt[]
  readonly workers: number
  readonly ackers: number
  readonly hops: number
  readonly pendingMax: number
  readonly inbox: number
  readonly creditKiB: number
  readonly timeoutMs: number
}

/** Inputs that read a stream of a component. */
export function readersOf(model: Model, from: string, stream: string): readonly [ModelBolt, ModelInput][] {
  return model.bolts.flatMap((bolt) => {
    const found = bolt.inputs.filter((input) => input.from === from && input.stream === stream)
    return found.map((input): [ModelBolt, ModelInput] => [bolt, input])
  })
}

/** A piece of work that must be done before an item may be acked. */
export interface Work {
  readonly bolt: ModelBolt
  readonly part: string
  readonly hops: number
  /** Every task must do it, not just one. */
  readonly isForAll: boolean
}

/** What a bolt emits for one part of a tuple. */
export function childrenOf(bolt: ModelBolt, part: string, hops: number) {
  const children: { stream: ModelInput['stream']; part: string; hops: number }[] = []
  for (let n = 0; n < bolt.fan; n += 1)
    children.push({ stream: 'default', part: `${part}>${bolt.id}.${n}`, hops })
  if (bolt.directs) children.push({ stream: 'direct', part: `${part}>${bolt.id}.d`, hops })
  if (bolt.loops && hops > 0) children.push({ stream: 'again', part: `${part}>${bolt.id}.~`, hops: hops - 1 })
  return children
}

/**
 * Calls for each piece of work of an item's tree. `visit` answers false: its children need not be looked at.
 */
export function walk(model: Model, source: string, item: string, visit: (work: Work) => boolean): void {
  const open: { from: string; stream: string; part: string; hops: number }[] = [
    { from: source, stream: 'default', part: item, hops: model.hops },
  ]
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    for (const [bolt, input] of readersOf(model, at.from, at.stream)) {
      const { part, hops } = at
      if (!visit({ bolt, part, hops, isForAll: input.grouping === 'all' })) continue
      for (const child of childrenOf(bolt, part, hops)) open.push({ from: bolt.id, ...child })
    }
  }
}

const GROUPINGS: readonly Grouping[] = [
  'shuffle',
  'shuffle',
  'fields',
  'fields',
  'partialKey',
  'consistentHash',
  'range',
  'all',
  'global',
  'none',
  'random',
  'localOrShuffle',
  'localOrShuffle',
  'custom',
]
const KINDS: readonly BoltKind[] = ['basic', 'basic', 'async', 'keyed', 'rich', 'join', 'sink']

export function drawModel(random: SeededRandom): Model {
  const sources: ModelSource[] = []
  const count = 1 + random.below(2)
  const pick = <T>(from: readonly T[]): T => from[random.below(from.length)] as T
  for (let n = 0; n < count; n += 1) {
    sources.push({
      id: `s${n}`,
      count: 20 + random.below(80),
      partitions: 1 + random.below(3),
      rate: pick([50, 200, 10_000]),
      executors: 1 + random.below(2),
    })
  }
  const bolts: ModelBolt[] = []
  const boltCount = 1 + random.below(6)
  for (let n = 0; n < boltCount; n += 1) bolts.push(drawBolt(n, { sources, bolts }, random))
  const pendingMax = pick([1, 3, 10, 100, 1_000])
  const made = {
    sources,
    bolts: withLoop(bolts, random),
    workers: 1 + random.below(4),
    ackers: 1 + random.below(4),
    hops: random.below(3),
    pendingMax,
    inbox: pick([4, 16, 1_024]),
    creditKiB: pick([1, 4, 64]),
  }
  const wishedMs = pick([1_000, 5_000, 30_000])
  return { ...made, timeoutMs: Math.max(wishedMs, longestWaitMs(made)) }
}

/**
 * How long a tuple may wait behind all others at the slowest bolt, roughly. A time-out below it would be a
 * topology that cannot work: replays of what timed out would keep it from ever getting done.
 */
function longestWaitMs(model: Pick<Model, 'sources' | 'bolts' | 'pendingMax' | 'hops'>): number {
  const inFlight = model.sources.reduce((sum, { executors, count }) => {
    return sum + Math.min(count, executors * model.pendingMax)
  }, 0)
  const isSlow = ({ kind }: ModelBolt): boolean => kind === 'async' || kind === 'keyed' || kind === 'sink'
  const slowMs = Math.max(0, ...model.bolts.filter(isSlow).map(({ slowMs }) => slowMs))
  const fan = model.bolts.reduce((product, bolt) => product * Math.max(1, bolt.fan), 1)
  const longest = inFlight * fan * (1 + model.hops) * 2 * slowMs
  return longest > 5_000 ? Math.min(240_000, longest) : longest > 1_000 ? 5_000 : 1_000
}

function drawBolt(
  n: number,
  before: { readonly sources: readonly ModelSource[]; readonly bolts: ModelBolt[] },
  random: SeededRandom,
): ModelBolt {
  const kind = KINDS[random.below(KINDS.length)] ?? 'basic'
  const executors = 1 + random.below(3)
  const feeders = [
    ...before.sources.map(({ id }) => ({ id, stream: 'default' as const })),
    ...before.bolts.filter(({ fan }) => fan > 0).map(({ id }) => ({ id, stream: 'default' as const })),
  ]
  const isRead = (id: string): boolean => {
    return before.bolts.some(({ inputs }) =>
      inputs.some(({ from, stream }) => from === id && stream === 'direct'),
    )
  }
  // A direct emit names one task, so one reader gets it.
  const directs = before.bolts.filter(({ id, directs }) => directs && !isRead(id))
  const inputs: ModelInput[] = []
  const inputCount = 1 + (random.chance(0.3) ? 1 : 0)
  for (let i = 0; i < inputCount; i += 1) {
    const feeder = feeders[random.below(feeders.length)]
    if (feeder === undefined || inputs.some((input) => input.from === feeder.id)) continue
    const grouping = kind === 'keyed' ? 'fields' : (GROUPINGS[random.below(GROUPINGS.length)] ?? 'shuffle')
    inputs.push({ from: feeder.id, stream: 'default', grouping })
  }
  const [direct] = directs
  if (direct !== undefined && kind !== 'keyed' && random.chance(0.7)) {
    inputs.push({ from: direct.id, stream: 'direct', grouping: 'direct' })
  }
  const isLeaf = kind === 'sink' || n >= 5
  const policies = ['fail', 'fail', 'retry', 'dead-letter'] as const
  return {
    id: `b${n}`,
    kind,
    executors,
    tasks: executors + (random.chance(0.2) ? 1 : 0),
    fan: isLeaf ? 0 : random.below(3) === 2 && n < 2 ? 2 : random.below(2),
    loops: false,
    directs: kind === 'basic' && random.chance(0.2),
    inputs,
    policy: policies[random.below(policies.length)] ?? 'fail',
    throwShare: random.chance(0.4) ? random.next() * 0.1 : 0,
    concurrency: kind === 'async' || kind === 'keyed' ? 1 + random.below(4) : 1,
    order: orderOf(inputs, random),
    slowMs: random.chance(0.5) ? 5 : 50,
  }
}

/** Order by key needs a key in every input. */
function orderOf(inputs: readonly ModelInput[], random: SeededRandom): ModelBolt['order'] {
  const order = (['input', 'key', 'none'] as const)[random.below(3)] ?? 'none'
  const isKeyed = inputs.every(({ grouping }) => grouping === 'fields')
  return order === 'key' && !isKeyed ? 'none' : order
}

/** Now and then a bolt feeds itself or one before it, as long as hops are left. */
function withLoop(bolts: readonly ModelBolt[], random: SeededRandom): ModelBolt[] {
  const from = bolts.findIndex(({ kind }) => kind === 'basic' || kind === 'rich')
  const mayReadAgain = ({ order }: ModelBolt): boolean => order !== 'key'
  if (from < 0 || random.chance(0.7)) return [...bolts]
  const to = random.below(from + 1)
  const id = bolts[from]?.id ?? ''
  return bolts.map((bolt, n) => {
    let made = n === from ? { ...bolt, loops: true } : bolt
    if (n === to && mayReadAgain(bolt)) {
      const grouping = bolt.kind === 'keyed' ? 'fields' : 'shuffle'
      made = { ...made, inputs: [...made.inputs, { from: id, stream: 'again', grouping }] }
    }
    return made
  })
}

export function modelText({ sources, bolts, workers, ackers, pendingMax, inbox, timeoutMs }: Model): string {
  const lines = bolts.map(({ id, kind, tasks, fan, inputs }) => {
    const reads = inputs.map(
      ({ from, stream, grouping }) => `${from}${stream === 'default' ? '' : `:${stream}`} ${grouping}`,
    )
    return `${id}=${kind}×${tasks}${fan > 0 ? `→${fan}` : ''}(${reads.join(', ')})`
  })
  const from = sources.map(({ id, count }) => `${id}=${count}`)
  const limits = `pending ${pendingMax}, inbox ${inbox}, timeout ${timeoutMs}`
  const numbers = `${workers} workers, ${ackers} ackers, ${limits}`
  return `${numbers}; ${[...from, ...lines].join(' ')}`
}
