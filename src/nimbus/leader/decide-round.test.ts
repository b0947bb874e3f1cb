// Goal: a round is a function of what it sees: it comes to rest, and one topology's trouble is its own.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { assertDefined, InvariantError } from '../../base/assert.ts'
import type { BoardView, BoardWrite } from '../../cluster/board.ts'
import { parseRanges } from '../../cluster/executor-ranges.ts'
import { GENERATIONS_MAX } from '../../cluster/incarnation.ts'
import type { AssignmentRecord, SupervisorRecord, TopologyRecord } from '../../cluster/records.ts'
import type { Versioned } from '../../cluster/versioned.ts'
import { schedule } from '../../schedule/schedule.ts'
import type { TopologyOutline } from '../../topology/describe/outline.ts'
import { defaultNimbusSettings } from '../settings.ts'
import { decideRound, type RoundDecision } from './decide-round.ts'
import type { RoundFacts } from './facts.ts'
import { decideNodes } from './node-decisions.ts'
import type { Place } from './place-all.ts'
import { SLOT_MS } from './place-around.ts'
import { shapeOf } from './shape.ts'

function outlineOf(bolts: number, workers: number): TopologyOutline {
  const component = (id: string, kind: 'spout' | 'bolt', executors: number, inputs: string[]) => {
    return {
      id,
      kind,
      executors,
      tasks: executors,
      hasOwnTasks: false,
      cpuPercent: 0,
      memoryBytes: 0,
      inputs,
    }
  }
  return {
    name: 'n',
    guarantee: 'at-least-once',
    workers,
    messageTimeoutMs: 30_000,
    drainTimeoutMs: 30_000,
    scheduler: undefined,
    priority: 29,
    workerHeapBytes: undefined,
    workerTimeoutMs: undefined,
    nodeOptions: [],
    environment: {},
    components: [component('count', 'bolt', bolts, ['words']), component('words', 'spout', 1, [])],
    document: { name: null, config: {}, components: {} },
  }
}

class Table {
  readonly topologies = new Map<string, Versioned<TopologyRecord>>()
  readonly assignments = new Map<string, Versioned<AssignmentRecord>>()
  readonly supervisors = new Map<string, SupervisorRecord>()
  readonly malformed = new Map<string, string>()
  readonly names = new Map<string, string>()
  readonly outlines = new Map<string, TopologyOutline>()
  stopWanted = new Map<string, string>()

  topology(id: string, outline: TopologyOutline, more: Partial<TopologyRecord> = {}): void {
    const blob = { digest: id, sizeBytes: 1 }
    const record: TopologyRecord = {
      id,
      name: id,
      version: 1,
      phase: 'active',
      phaseAfter: undefined,
      phaseDeadline: undefined,
      submittedAt: 0,
      idempotencyKey: undefined,
      bundle: blob,
      outline: blob,
      args: null,
      config: {},
      parallelism: {},
      workers: undefined,
      scheduler: undefined,
      wanted: undefined,
      quarantine: undefined,
      ...more,
    }
    this.topologies.set(id, { record, version: 0 })
    this.names.set(id, id)
    this.outlines.set(id, outline)
  }

  nodes(count: number, ports = 4): void {
    for (let n = 1; n <= count; n += 1) {
      const node = `node${n}`
      this.supervisors.set(node, {
        node,
        host: node,
        address: `${node}:1`,
        ports: Array.from({ length: ports }, (_, port) => 6_700 + port),
        cpuPercent: 400,
        memoryBytes: 2 ** 32,
        version: '0',
        owner: node,
      })
    }
  }

  facts(more: Partial<RoundFacts> = {}): RoundFacts {
    const empty = new Map()
    const view: BoardView = {
      epoch: undefined,
      topologies: this.topologies,
      assignments: this.assignments,
      supervisors: this.supervisors,
      nodes: empty,
      nimbuses: empty,
      names: this.names,
      malformed: this.malformed,
    }
    return {
      epoch: 7,
      now: 1_000_000,
      nowMs: 50_000,
      leadingSinceMs: 0,
      view,
      outlines: new Map([...this.outlines].map(([id, outline]) => [id, { kind: 'outline', outline }])),
      heard: empty,
      deadNodes: new Set(),
      quietTopologies: new Set(),
      lostWorkers: empty,
      stopWanted: this.stopWanted,
      quarantined: empty,
      resting: new Set(),
      unwritable: new Set(),
      setApart: empty,
      search: undefined,
      isSearchResting: false,
      spentMs: () => 0,
      phaseLeftMs: ({ phaseDeadline }) => phaseDeadline && phaseDeadline - (more.now ?? 1_000_000),
      settings: defaultNimbusSettings,
      shapeOf: (_blob, outline, changes) => shapeOf(outline, changes),
      newToken: () => 'token',
      ...more,
    }
  }

  apply(decision: RoundDecision): void {
    for (const { writes } of decision.batches) for (const write of writes) this.write(write)
  }

  private write(write: BoardWrite): void {
    switch (write.kind) {
      case 'put-topology':
        this.topologies.set(write.record.id, { record: write.record, version: (write.version ?? -1) + 1 })
        return
      case 'put-assignment':
        this.assignments.set(write.record.topologyId, {
          record: write.record,
          version: (write.version ?? -1) + 1,
        })
        return
      case 'delete-assignment':
        this.assignments.delete(write.id)
        return
      case 'delete-topology':
        this.topologies.delete(write.id)
        return
      case 'free-name':
        this.names.delete(write.name)
        return
      default:
        throw new Error(`a round does not write ${write.kind}`)
    }
  }
}

describe('a round', () => {
  test('R2: on its own result it writes nothing; every executor has one place, every slot one worker', () => {
    const table = new Table()
    table.nodes(10)
    for (let n = 0; n < 12; n += 1) table.topology(`t${n}`, outlineOf(5, 3))
    const first = decideRound(table.facts(), schedule)
    expect(first.batches).toHaveLength(12)
    table.apply(first)
    expect(decideRound(table.facts(), schedule).batches).toEqual([])
    const slots = [...table.assignments.values()].flatMap(({ record }) =>
      record.workers.map(({ node, port }) => `${node}:${port}`),
    )
    expect(new Set(slots).size).toBe(36)
    for (const { record } of table.assignments.values()) {
      expect(record).toMatchObject({ epoch: 7, layout: 1, run: 'active', token: 'token', unplaced: [] })
      const numbers = record.workers.flatMap(({ executors }) => parseRanges(executors))
      expect(numbers.sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6])
    }
    // Another leader has another epoch, and nothing to do either.
    expect(decideRound(table.facts({ epoch: 8 }), schedule).batches).toEqual([])
  })

  test('R1: one that the scheduler throws on is quarantined with its slots, others are placed', () => {
    const table = new Table()
    table.nodes(2, 2)
    for (const id of ['good', 'bad', 'fine']) table.topology(id, outlineOf(2, 1))
    table.apply(decideRound(table.facts(), schedule))
    const { node, port } = table.assignments.get('bad')?.record.workers[0] ?? { node: '', port: 0 }
    table.topology('new', outlineOf(2, 2))
    const place: Place = (request) => {
      if (request.topologies.some(({ topologyId }) => topologyId === 'bad')) throw new TypeError('a bug')
      return schedule(request)
    }
    const decision = decideRound(table.facts(), place)
    expect([...decision.quarantine]).toEqual([['bad', 'a bug']])
    table.apply(decision)
    expect(table.topologies.get('bad')?.record.quarantine).toBe('a bug')
    expect(table.assignments.get('new')?.record.workers).toHaveLength(1)
    for (const worker of table.assignments.get('new')?.record.workers ?? [])
      expect(`${worker.node}:${worker.port}`).not.toBe(`${node}:${port}`)
    // From then on it is not asked about any more.
    expect(decideRound(table.facts(), place).quarantine.size).toBe(0)
  })

  test('damaged records: nothing is decided about them, their slots are not given away', () => {
    const table = new Table()
    table.nodes(1, 2)
    table.topology('t', outlineOf(2, 1))
    table.apply(decideRound(table.facts(), schedule))
    table.malformed.set('/typhoon/topologies/t', 'no JSON')
    table.topology('u', outlineOf(2, 2))
    const { batches } = decideRound(table.facts({ deadNodes: new Set() }), schedule)
    expect(batches.map(({ topologyId }) => topologyId)).toEqual(['u'])
    table.apply({ ...decideRound(table.facts(), schedule) })
    const used = [...table.assignments.values()].flatMap(({ record }) =>
      record.workers.map(({ port }) => port),
    )
    expect(used.sort()).toEqual([6_700, 6_701])
  })

  test('A1: a worker that was nowhere begins above every generation that there was', () => {
    const table = new Table()
    table.nodes(2, 1)
    table.topology('t', outlineOf(3, 2))
    table.apply(decideRound(table.facts(), schedule))
    const generations: number[][] = []
    for (const dead of ['node1', 'node2', 'node1', 'node2']) {
      const gone = new Set([dead])
      table.apply(decideRound(table.facts({ deadNodes: gone }), schedule))
      generations.push((table.assignments.get('t')?.record.workers ?? []).map(({ generation }) => generation))
      table.apply(decideRound(table.facts(), schedule))
      const all = (table.assignments.get('t')?.record.workers ?? []).map(({ generation }) => generation)
      generations.push(all)
    }
    // All are gone, and come back: nobody begins as its own left-over.
    const before = table.assignments.get('t')?.record.generationMax ?? 0
    table.apply(decideRound(table.facts({ deadNodes: new Set(['node1', 'node2']) }), schedule))
    expect(table.assignments.get('t')?.record.workers).toEqual([])
    table.apply(decideRound(table.facts(), schedule))
    const again = (table.assignments.get('t')?.record.workers ?? []).map(({ generation }) => generation)
    expect(again.length).toBeGreaterThan(0)
    expect(Math.min(...again)).toBeGreaterThan(before)
    generations.push(again)
    const record = table.assignments.get('t')?.record
    expect(record?.generationMax).toBe(Math.max(...generations.flat()))
    // A newcomer is the newest of all: the highest never falls.
    const newest = generations.filter((each) => each.length === 2).map((each) => Math.max(...each))
    expect(newest).toEqual([...newest].sort((a, b) => a - b))
  })

  test('one that has used up its generations is quarantined, says what to do, and stays readable', () => {
    const table = new Table()
    table.nodes(2)
    for (const id of ['old', 'young']) table.topology(id, outlineOf(3, 2))
    table.apply(decideRound(table.facts(), schedule))
    const found = assertDefined(table.assignments.get('old'), 'it was placed')
    const workers = found.record.workers.map((each) => ({ ...each, generation: GENERATIONS_MAX }))
    const record = { ...found.record, workers, generationMax: GENERATIONS_MAX }
    table.assignments.set('old', { ...found, record })
    // The last one of all is one that it may use.
    expect(decideRound(table.facts(), schedule).batches).toEqual([])
    const lostWorkers = new Map(['old', 'young'].map((id) => [id, [1]]))
    const decision = decideRound(table.facts({ lostWorkers }), schedule)
    expect(decision.quarantine.get('old')).toMatch(/262143.*kill it and submit it again/)
    table.apply(decision)
    expect(table.topologies.get('old')?.record.quarantine).toMatch(/submit it again/)
    expect(table.assignments.get('old')?.record).toEqual(record)
    expect(table.assignments.get('young')?.record.workers[0]?.generation).toBe(2)
  })

  test('a topology that wants to stop becomes inactive first, and its workers are told next', () => {
    const table = new Table()
    table.nodes(2)
    table.topology('t', outlineOf(3, 2))
    table.apply(decideRound(table.facts(), schedule))
    table.stopWanted = new Map([['t', 'TOO_MANY_FAILURES: 100']])
    table.apply(decideRound(table.facts(), schedule))
    expect(table.topologies.get('t')?.record).toMatchObject({
      phase: 'inactive',
      failure: 'TOO_MANY_FAILURES: 100',
    })
    table.apply(decideRound(table.facts(), schedule))
    expect(table.assignments.get('t')?.record.run).toBe('inactive')
    expect(decideRound(table.facts(), schedule).batches).toEqual([])
  })

  test('a name that another has by now is not freed', () => {
    const table = new Table()
    table.topology('t', outlineOf(1, 1), { phase: 'killed', phaseDeadline: 0, idempotencyKey: 'k' })
    table.names.set('t', 'another')
    const [batch] = decideRound(table.facts(), schedule).batches
    expect(batch).toMatchObject({ positionsOf: 't', freesKey: 'k' })
    expect(batch?.writes).toEqual([{ kind: 'delete-topology', id: 't', version: 0 }])
  })
})

describe('a scheduler that throws', () => {
  const ids = ['a', 'b', 'c', 'd', 'e']

  function five(): Table {
    const table = new Table()
    table.nodes(3)
    for (const [index, id] of ids.entries()) table.topology(id, outlineOf(2, 2), { submittedAt: index })
    return table
  }

  /** Throws whenever all of one of these combinations are asked for together. */
  function throwing(bad: readonly (readonly string[])[], error: () => unknown): Place {
    return (request) => {
      const asked = new Set(request.topologies.map(({ topologyId }) => topologyId))
      if (bad.some((each) => each.every((id) => asked.has(id)))) throw error()
      return schedule(request)
    }
  }

  const errors = [
    () => new TypeError('a bug'),
    () => new InvariantError('a broken invariant'),
    () => new Error('anything'),
    () => 'no error at all',
  ]

  test('on any combinations ends no round: what remains is placed, what it throws for is left alone', () => {
    const combination = fc.uniqueArray(fc.constantFrom(...ids), { maxLength: 5 })
    fc.assert(
      fc.property(fc.array(combination, { maxLength: 4 }), fc.constantFrom(...errors), (bad, error) => {
        const place = throwing(bad, error)
        const table = five()
        for (let rounds = 0; rounds < 3; rounds += 1) table.apply(decideRound(table.facts(), place))
        const { leftOut, batches, request } = decideRound(table.facts(), place)
        expect(batches).toEqual([])
        const placed = ids.filter((id) => table.assignments.has(id))
        for (const id of ids.filter((each) => !placed.includes(each))) {
          const isToBlame = bad.some((each) => each.length === 1 && each[0] === id)
          const isQuarantined = table.topologies.get(id)?.record.quarantine !== undefined
          expect([isQuarantined, leftOut.has(id)]).toEqual(
            isNobodysFault(bad) ? [false, true] : [isToBlame, !isToBlame],
          )
          // No more is left alone than must be: with any of them the scheduler would throw.
          const more = new Set([...placed, id])
          expect(bad.some((each) => each.every((other) => more.has(other)))).toBe(true)
        }
        expect(request === undefined).toBe(isNobodysFault(bad))
      }),
    )
  })

  /** It throws whatever it is asked: then no topology is put in quarantine for it. */
  function isNobodysFault(bad: readonly (readonly string[])[]): boolean {
    return bad.some(({ length }) => length === 0)
  }

  test('is asked a bounded number of times a round, and once when what it throws for is known', () => {
    const table = new Table()
    table.nodes(50)
    const many = Array.from({ length: 60 }, (_, index) => `t${index}`)
    for (const [index, id] of many.entries()) table.topology(id, outlineOf(2, 1), { submittedAt: index })
    // Any two of ten.
    const foes = many.filter((_, index) => index % 6 === 0)
    const pairs = foes.flatMap((one) => foes.filter((other) => one < other).map((other) => [one, other]))
    let asked = 0
    const place: Place = (request) => {
      asked += 1
      return throwing(pairs, () => new TypeError('a bug'))(request)
    }
    const setApart = new Map<string, string>()
    const counts: number[] = []
    for (let round = 0; round < 6; round += 1) {
      asked = 0
      const decision = decideRound(table.facts({ setApart }), place)
      for (const [id, why] of decision.culprits) setApart.set(id, why)
      table.apply(decision)
      counts.push(asked)
    }
    expect(Math.max(...counts)).toBeLessThanOrEqual(30)
    expect(counts.at(-1)).toBe(1)
    expect([...setApart.keys()].sort()).toEqual(foes.slice(1).sort())
    expect([...table.topologies.values()].filter(({ record }) => record.quarantine !== undefined)).toEqual([])
    expect(many.filter((id) => !table.assignments.has(id)).sort()).toEqual(foes.slice(1).sort())
  })

  test('blocks no round for long, however slow its plans are, and the search ends all the same', () => {
    const table = new Table()
    table.nodes(60)
    const many = Array.from({ length: 200 }, (_, index) => `t${String(index).padStart(3, '0')}`)
    for (const [index, id] of many.entries()) table.topology(id, outlineOf(2, 1), { submittedAt: index })
    const pairs = [
      ['t190', 't199'],
      ['t020', 't150'],
    ]
    const planMs = 60
    const setApart = new Map<string, string>()
    let search: RoundDecision['search']
    const spent: number[] = []
    for (let round = 0; round < 40; round += 1) {
      let spentMs = 0
      const place: Place = (request) => {
        if (request.topologies.length > 0) spentMs += planMs
        return throwing(pairs, () => new TypeError('a bug'))(request)
      }
      const decision = decideRound(table.facts({ setApart, search, spentMs: () => spentMs }), place)
      for (const [id, why] of decision.culprits) setApart.set(id, why)
      search = decision.search
      table.apply(decision)
      spent.push(spentMs)
    }
    expect(Math.max(...spent)).toBeLessThanOrEqual(250)
    expect([...setApart.keys()].sort()).toEqual(['t150', 't199'])
    expect(many.filter((id) => !table.assignments.has(id))).toEqual(['t150', 't199'])
    expect(search).toBeUndefined()
    // Once it has ended, a round is one plan again.
    expect(spent.at(-1)).toBe(planMs)
  })

  test('what is known to go well has its plan in every round of a search, also while it rests', () => {
    const table = five()
    table.apply(decideRound(table.facts(), schedule))
    const place = throwing([['b', 'd']], () => new TypeError('a bug'))
    const search = { ids, fine: 3, tooMany: 5, why: 'a bug' }
    const lostWorkers = new Map(ids.map((id) => [id, [1]]))
    let asked = 0
    const counted: Place = (request) => {
      asked += 1
      return place(request)
    }
    const resting = decideRound(table.facts({ search, isSearchResting: true, lostWorkers }), counted)
    expect([asked, resting.search]).toEqual([1, search])
    expect(resting.batches.map(({ topologyId }) => topologyId)).toEqual(['a', 'b', 'c'])
    expect([...resting.leftOut]).toEqual(['d', 'e'].map((id) => [id, 'a bug']))
    // Also where the one question that there is time for throws.
    const slow = decideRound(table.facts({ search, lostWorkers, spentMs: () => 1_000 }), place)
    expect(slow.batches.map(({ topologyId }) => topologyId)).toEqual(['a', 'b', 'c'])
    expect(slow.search).toMatchObject({ fine: 3, tooMany: 4 })
    const done = decideRound(table.facts({ search, lostWorkers }), place)
    expect([[...done.culprits.keys()], done.search]).toEqual([['d'], undefined])
  })

  test('is no longer known to go well with those that it throws for now', () => {
    const table = five()
    const place = throwing([['a', 'b']], () => new TypeError('a bug'))
    const search = { ids, fine: 3, tooMany: 5, why: 'another bug' }
    const resting = decideRound(table.facts({ search, isSearchResting: true }), place)
    expect([resting.batches, [...resting.leftOut.keys()], resting.search?.fine]).toEqual([[], ids, 0])
    const done = decideRound(table.facts({ search }), place)
    expect([[...done.culprits.keys()], done.search]).toEqual([['b'], undefined])
    // Nobody is blamed by what was seen in another round.
    const stale = { ids, fine: 1, tooMany: 2, why: 'another bug' }
    const other = throwing([['b', 'd']], () => new TypeError('a bug'))
    expect([...decideRound(table.facts({ search: stale }), other).culprits]).toEqual([['d', 'a bug']])
    const slow = decideRound(table.facts({ search: stale, spentMs: () => 1_000 }), place)
    expect([...slow.culprits]).toEqual([['b', 'a bug']])
  })

  test('is found out for whom, though others come and go in every round', () => {
    const table = new Table()
    table.nodes(60)
    const many = Array.from({ length: 200 }, (_, index) => `t${String(index).padStart(3, '0')}`)
    for (const [index, id] of many.entries()) table.topology(id, outlineOf(2, 1), { submittedAt: index })
    const bad = throwing([['t090', 't150']], () => new TypeError('a bug'))
    const setApart = new Map<string, string>()
    let search: RoundDecision['search']
    let rounds = 0
    for (; rounds < 40 && setApart.size === 0; rounds += 1) {
      // The first to go, one in the midst, the last to come, and one before all others.
      table.topologies.delete(`t${String(rounds).padStart(3, '0')}`)
      table.topologies.delete(`t${String(149 - rounds).padStart(3, '0')}`)
      table.topology(`u${rounds}`, outlineOf(2, 1), { submittedAt: 1_000 + rounds })
      table.topology(`s${rounds}`, outlineOf(2, 1), { submittedAt: -1 - rounds })
      let spentMs = 0
      const place: Place = (request) => {
        spentMs += request.topologies.length > 0 ? 60 : 0
        return bad(request)
      }
      const decision = decideRound(table.facts({ setApart, search, spentMs: () => spentMs }), place)
      for (const [id, why] of decision.culprits) setApart.set(id, why)
      search = decision.search
      table.apply(decision)
      expect(spentMs).toBeLessThanOrEqual(250)
    }
    expect([...setApart.keys()]).toEqual(['t150'])
    expect(rounds).toBeLessThan(10)
  })

  test('when it is asked what a drain would do: nothing is drained, and it is told', () => {
    const table = five()
    const { request } = decideRound(table.facts(), schedule)
    const asked = assertDefined(request, 'it does not throw')
    const broken = { ...asked, topologies: [...asked.topologies, null as never] }
    const settings = { ...defaultNimbusSettings, drainsAtRisk: true }
    const troubles: unknown[] = []
    const decided = decideNodes(table.facts({ settings }), {
      failures: new Map(),
      risks: new Map([['node1', ['its disk is full']]]),
      request: broken,
      onTrouble: (error) => troubles.push(error),
    })
    expect(decided).toEqual([])
    expect(troubles).toEqual([expect.any(TypeError)])
  })
})

describe('topologies that should change places, and cannot be written together', () => {
  test('go without for one round, and are placed in the next', () => {
    const table = new Table()
    table.nodes(1, 2)
    for (const id of ['a', 'b']) table.topology(id, outlineOf(1, 1), { submittedAt: id === 'a' ? 0 : 1 })
    table.apply(decideRound(table.facts(), schedule))
    const portOf = (id: string) => table.assignments.get(id)?.record.workers[0]?.port
    const before = [portOf('a'), portOf('b')]
    const lostWorkers = new Map(['a', 'b'].map((id) => [id, [1]]))
    const swapped = decideRound(table.facts({ lostWorkers }), schedule)
    expect(swapped.batches).toHaveLength(2)
    const unwritable = new Set(['a', 'b'])
    const apart = decideRound(table.facts({ lostWorkers, unwritable }), schedule)
    expect(apart.notes.get('a')?.join()).toContain('waits for slots that others still hold')
    // What is told is what is written: they leave their slots, and go nowhere.
    const moved = apart.batches.flatMap(({ events }) => events).filter(({ kind }) => kind === 'worker-moved')
    const told = moved.map(({ message }) => message.split(':').slice(0, 2).join(':'))
    expect(told.sort()).toEqual(
      ['a', 'b'].map((id, index) => `worker 1 of ${id} gone from node1:${before[index]}`),
    )
    table.apply(apart)
    expect([portOf('a'), portOf('b')]).toEqual([undefined, undefined])
    for (const { record } of table.assignments.values())
      expect(record.unplaced.at(-1)?.why).toContain('waits for slots that others still hold')
    table.apply(decideRound(table.facts({ unwritable }), schedule))
    expect([portOf('a'), portOf('b')].sort()).toEqual([...before].sort())
    for (const { record } of table.assignments.values()) expect(record.unplaced).toEqual([])
    expect(decideRound(table.facts({ unwritable }), schedule).batches).toEqual([])
  })
})

describe('a guest that has to leave a node which is kept for another', () => {
  /** Where each runs, as told; node1 is kept for `iso`. */
  function kept(slots: Readonly<Record<string, readonly string[]>>): Table {
    const table = new Table()
    table.nodes(2, 4)
    for (const [index, [id, at]] of Object.entries(slots).entries())
      table.topology(id, outlineOf(at.length, at.length), { submittedAt: index })
    table.apply(decideRound(table.facts(), schedule))
    for (const [id, at] of Object.entries(slots)) {
      const found = assertDefined(table.assignments.get(id), 'it was placed')
      const workers = found.record.workers.map((worker, index) => {
        const [node = '', port] = (at[index] ?? '').split(':')
        return { ...worker, node, port: Number(port), address: at[index] ?? '' }
      })
      table.assignments.set(id, { ...found, record: { ...found.record, workers } })
    }
    return table
  }

  const settings = { ...defaultNimbusSettings, isolation: { iso: 1 } }
  const lostWorkers = new Map([['iso', [1]]])

  function slotsIn({ batches }: RoundDecision, id: string): readonly string[] | undefined {
    const writes = batches.find(({ topologyId }) => topologyId === id)?.writes ?? []
    const put = writes.find(({ kind }) => kind === 'put-assignment')
    return put?.kind === 'put-assignment'
      ? put.record.workers.map(({ node, port }) => `${node}:${port}`)
      : undefined
  }

  test.each([
    ['at once', new Set<string>()],
    ['though it was given up not long ago', new Set(['guest'])],
  ])('drains %s, and who was lost there takes a slot that is free', (_, resting) => {
    const x = ['node2:6700', 'node2:6701', 'node2:6702']
    const table = kept({ guest: ['node1:6700'], iso: ['node1:6703'], x })
    const decision = decideRound(table.facts({ settings, resting, lostWorkers }), schedule)
    expect(slotsIn(decision, 'iso')).toEqual(['node1:6701'])
    expect(decision.batches.map(({ topologyId }) => topologyId).sort()).toEqual(['guest', 'iso'])
    table.apply(decision)
    expect(table.topologies.get('guest')?.record).toMatchObject({ phase: 'rebalancing' })
    expect(table.assignments.get('guest')?.record.workers).toMatchObject([{ node: 'node1', port: 6_700 }])
  })

  test('keeps its slot while the lost worker of a third is placed', () => {
    const third = ['node2:6700', 'node2:6701']
    const table = kept({ guest: ['node1:6700'], iso: ['node1:6703'], third })
    const lost = new Map([...lostWorkers, ['third', [1]]])
    const decision = decideRound(table.facts({ settings, lostWorkers: lost }), schedule)
    expect(slotsIn(decision, 'guest')).toBeUndefined()
    expect(slotsIn(decision, 'iso')).toEqual(['node1:6701'])
    expect(slotsIn(decision, 'third')?.[0]).toMatch(/^node2:670[23]$/)
  })

  test('drains also while another worker of it does not get up and has no other place', () => {
    const table = kept({ guest: ['node1:6700', 'node2:6700'], iso: ['node1:6703'] })
    // Room on node2 for the light one only.
    table.nodes(2, 2)
    const place: Place = (request) => {
      const { topologies } = schedule(request)
      return {
        topologies: topologies.map((plan) => {
          if (plan.topologyId !== 'guest' || request.held?.has('guest') === true) return plan
          const current = assertDefined(table.assignments.get('guest'), 'it runs').record.workers
          const [leaver, stuck] = current.map((each) => ({ ...each, executors: parseRanges(each.executors) }))
          if (leaver === undefined || stuck === undefined) throw new Error('it has two')
          const moved = { ...leaver, node: 'node2', port: 6_701, generation: leaver.generation + 1 }
          const move = {
            kind: 'moved',
            worker: 1,
            from: leaver,
            to: moved,
            gained: [],
            given: [],
            isLeaving: true,
            why: 'node1 is kept for another',
          } as const
          return { topologyId: 'guest', workers: [moved, stuck], moves: [move], unplaced: [], notes: [] }
        }),
      }
    }
    const lost = new Map([['guest', [2]]])
    table.apply(decideRound(table.facts({ settings, lostWorkers: lost }), place))
    expect(table.topologies.get('guest')?.record).toMatchObject({ phase: 'rebalancing' })
  })
})

describe('one that would move to where another is, who does not leave', () => {
  /** `a` on node1, `b` on node2; the plan has `a` where `b` is and `b` on node3; `isLeaving` for both. */
  function blocked(isLeaving: boolean, more: Partial<TopologyRecord> = {}): { table: Table; place: Place } {
    const table = new Table()
    table.nodes(3, 1)
    for (const [index, id] of ['a', 'b'].entries())
      table.topology(id, outlineOf(1, 1), { submittedAt: index })
    table.apply(decideRound(table.facts(), schedule))
    for (const [index, id] of ['a', 'b'].entries()) {
      const found = assertDefined(table.assignments.get(id), 'it was placed')
      const node = `node${index + 1}`
      const workers = found.record.workers.map((each) => ({ ...each, node, address: `${node}:6700` }))
      table.assignments.set(id, { ...found, record: { ...found.record, workers } })
    }
    table.topology('a', outlineOf(1, 1), more)
    const place: Place = ({ topologies, held }) => ({
      topologies: topologies.map(({ topologyId, current }) => {
        const from = assertDefined(current?.workers[0], 'it runs')
        const stays = { topologyId, workers: [from], moves: [], unplaced: [], notes: [] }
        if (held?.has(topologyId) === true) return stays
        const node = topologyId === 'b' || held?.has('b') === true ? 'node3' : 'node2'
        const to = { ...from, node, generation: from.generation + 1 }
        const moved = { kind: 'moved', worker: 1, from, to, gained: [], given: [] } as const
        return { ...stays, workers: [to], moves: [{ ...moved, isLeaving, why: 'it must leave' }] }
      }),
    })
    return { table, place }
  }

  test('is deactivated all the same', () => {
    const { table, place } = blocked(false, { phase: 'inactive' })
    const resting = new Set(['b'])
    table.apply(decideRound(table.facts({ resting }), place))
    expect(table.assignments.get('a')?.record).toMatchObject({
      run: 'inactive',
      workers: [{ node: 'node1' }],
    })
    expect(decideRound(table.facts({ resting }), place).batches).toEqual([])
  })

  test('goes to another slot, if its node shall be empty', () => {
    const { table, place } = blocked(true)
    table.apply(decideRound(table.facts({ unwritable: new Set(['b']) }), place))
    expect(table.topologies.get('a')?.record.phase).toBe('rebalancing')
  })
})

describe('one that has no plan, as the scheduler throws for it with others', () => {
  const setApart = new Map([['t', 'a bug']])

  function placed(more: Partial<TopologyRecord> = {}, run: AssignmentRecord['run'] = 'active'): Table {
    const table = new Table()
    table.nodes(2)
    table.topology('t', outlineOf(2, 1))
    table.apply(decideRound(table.facts(), schedule))
    table.topology('t', outlineOf(2, 1), more)
    const found = assertDefined(table.assignments.get('t'), 'it was placed')
    table.assignments.set('t', { ...found, record: { ...found.record, run } })
    return table
  }

  test('runs as it shall', () => {
    const table = placed({ phase: 'inactive' })
    table.apply(decideRound(table.facts({ setApart }), schedule))
    expect(table.assignments.get('t')?.record.run).toBe('inactive')
    expect(decideRound(table.facts({ setApart }), schedule).batches).toEqual([])
  })

  test('goes on when its rebalance has ended', () => {
    const table = placed({ phase: 'rebalancing', phaseAfter: 'active', phaseDeadline: 1_000_000 }, 'drain')
    table.apply(decideRound(table.facts({ setApart }), schedule))
    expect(table.topologies.get('t')?.record.phase).toBe('active')
    expect(table.assignments.get('t')?.record.run).toBe('active')
  })

  test('is not stopped for a rebalance, and one that has drained is given up in the end', () => {
    const wanted = { parallelism: { count: { executors: 3 } }, workers: undefined, scheduler: undefined }
    const phase = { phase: 'rebalancing', phaseAfter: 'active', phaseDeadline: 1_000_000, wanted } as const
    const early = placed(phase)
    expect(decideRound(early.facts({ setApart, now: 999_999 }), schedule).batches).toEqual([])
    const table = placed(phase, 'drain')
    const soon = table.facts({ setApart, now: 1_000_000 + SLOT_MS - 1 })
    expect(decideRound(soon, schedule).batches).toEqual([])
    table.apply(decideRound(table.facts({ setApart, now: 1_000_000 + SLOT_MS }), schedule))
    const { record } = assertDefined(table.topologies.get('t'), 'it is there')
    expect([record.phase, record.wanted]).toEqual(['active', undefined])
    expect(record.givenUp?.[0]?.why).toContain('a bug')
    expect(table.assignments.get('t')?.record.run).toBe('active')
  })
})
