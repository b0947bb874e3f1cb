/** Sinks: batches, lingering, retries, losses, and the life of a transaction. */
import { describe, expect, test } from 'vitest'
import { ConflictError } from '../../src/base/errors.ts'
import { fields, plainSink, spoutFrom, transactionalSink } from '../../src/index.ts'
import { type StagedConfig, StagedRun } from './staged-run.ts'

const number = fields({ n: 'int' })
type Item = { readonly n: number }

/** One item a millisecond, so that batches form by time as well. */
function source(staged: () => StagedRun, count: number, everyMs: number) {
  return spoutFrom(number, async function* () {
    for (let n = 0; n < count; n += 1) {
      if (everyMs > 0) await staged().sleep(everyMs)
      yield { n }
    }
  })
}

async function through(sink: never, count: number, everyMs = 0, config: StagedConfig = {}) {
  const staged: StagedRun = new StagedRun({
    config: { checkpointInterval: '1s', ...config },
    build(builder) {
      builder.setBolt('sink', sink).shuffleGrouping(
        builder.setSpout(
          'source',
          source(() => staged, count, everyMs),
        ),
      )
    },
  })
  return await staged.start()
}

describe('a plain sink', () => {
  test('writes batches when they are full, and the rest when it has lingered', async () => {
    const batches: number[] = []
    const sink = plainSink<Item>({
      batch: { countMax: 10, linger: '100ms' },
      write: (items) => void batches.push(items.length),
    })
    const staged = await through(sink as never, 34)
    await staged.finish()
    expect(batches).toEqual([10, 10, 10, 4])
    expect(staged.figures('source').ackedCount).toBe(34)
  })

  test('a batch that is not full waits no longer than its linger', async () => {
    const at: number[] = []
    const sink = plainSink<Item>({
      batch: { countMax: 1_000, linger: '50ms' },
      write: () => void at.push(staged.nowMs),
    })
    const staged: StagedRun = await through(sink as never, 20, 10)
    await staged.finish()
    expect(at.length).toBeGreaterThan(2)
    expect(at.length).toBeLessThan(7)
  })

  test('a write that fails is tried again; tuples are acked only after it went well', async () => {
    let writes = 0
    const written: number[] = []
    const sink = plainSink<Item>({
      batch: { countMax: 5 },
      retry: { attempts: 4, first: '10ms' },
      write: async (items) => {
        writes += 1
        await staged.sleep(1)
        if (writes < 4) throw new TypeError('busy')
        written.push(...items.map(({ n }) => n))
      },
    })
    const staged: StagedRun = await through(sink as never, 5)
    await staged.finish()
    expect(written).toEqual([0, 1, 2, 3, 4])
    expect(staged.figures('sink')).toMatchObject({
      retriedCount: 3,
      threwCount: 3,
      ackedCount: 5,
      failedCount: 0,
    })
  })

  test('attempts used up: the tuples of the batch fail with SINK_WRITE_FAILED and come again', async () => {
    let writes = 0
    const written: number[] = []
    const sink = plainSink<Item>({
      batch: { countMax: 5 },
      onError: 'fail',
      retry: { attempts: 2, first: '10ms' },
      write: (items: readonly Item[]) => {
        writes += 1
        if (writes <= 2) throw new TypeError('down')
        written.push(...items.map(({ n }) => n))
      },
    } as never)
    const staged = await through(sink as never, 5)
    await staged.finish()
    expect(written.sort()).toEqual([0, 1, 2, 3, 4])
    expect(Object.keys(staged.codes())).toEqual(['SINK_WRITE_FAILED'])
    expect(staged.figures('source')).toMatchObject({ failedCount: 5, replayedCount: 5, ackedCount: 5 })
  })

  test('writes never overlap, and a slow one holds the source', async () => {
    let open = 0
    const sink = plainSink<Item>({
      batch: { countMax: 10 },
      write: async () => {
        open += 1
        expect(open).toBe(1)
        await staged.sleep(100)
        open -= 1
      },
    })
    const staged: StagedRun = await through(sink as never, 2_000, 0, { executorReceiveBufferSize: 64 })
    await staged.pass(50)
    expect(staged.figures('sink').executedCount).toBeLessThan(60)
    await staged.finish()
    expect(staged.figures('source')).toMatchObject({ ackedCount: 2_000, failedCount: 0 })
  })
})

interface Open {
  readonly id: number
  readonly items: number[]
}

interface Faults {
  readonly write?: (call: number) => boolean
  readonly prepare?: (call: number) => boolean
  readonly commit?: (call: number) => boolean
  readonly rollBack?: () => void
}

/** A store with transactions. What is committed twice counts once, as a sink must see to. */
class Store {
  readonly log: string[] = []
  readonly committed = new Map<number, readonly number[]>()
  private readonly calls = { write: 0, prepare: 0, commit: 0 }

  sink(staged: () => StagedRun, faults: Faults): never {
    const fails = (name: 'write' | 'prepare' | 'commit') => {
      this.calls[name] += 1
      return faults[name]?.(this.calls[name]) === true
    }
    return transactionalSink<Item, Open, Open>({
      batch: { countMax: 4, linger: '10ms' },
      retry: { attempts: 2, first: '300ms' },
      onError: 'fail',
      begin: (id: number) => {
        this.log.push('begin')
        return { id, items: [] }
      },
      write: async (transaction: Open, items: readonly Item[]) => {
        const half = fails('write')
        for (const { n } of half ? items.slice(0, 2) : items) transaction.items.push(n)
        await staged().sleep(1)
        if (half) throw new TypeError('connection lost in the middle')
      },
      prepare: (transaction: Open) => {
        if (fails('prepare')) throw new TypeError('cannot prepare')
        this.log.push('prepare')
        return { id: transaction.id, items: [...transaction.items] }
      },
      commit: ({ id, items }: Open) => {
        if (fails('commit')) throw new TypeError('cannot commit yet')
        this.log.push('commit')
        this.committed.set(id, items)
      },
      rollBack: () => {
        this.log.push('rollBack')
        faults.rollBack?.()
      },
    } as never) as never
  }

  get items(): number[] {
    return [...this.committed.values()].flat().sort((a, b) => a - b)
  }
}

const all = (count: number) => Array.from({ length: count }, (_, n) => n)

describe('a transactional sink under at-least-once', () => {
  async function run(faults: Faults, count = 50, everyMs = 20) {
    const store = new Store()
    const staged: StagedRun = await through(
      store.sink(() => staged, faults),
      count,
      everyMs,
    )
    return { store, staged }
  }

  test('shows items at commits, acks them then, and ends a transaction early when items pause', async () => {
    const { store, staged } = await run({}, 1_000, 2)
    await staged.pass(500)
    expect(store.items).toEqual([])
    expect(staged.figures('source').ackedCount).toBe(0)
    await staged.pass(600)
    expect(store.items.length).toBeGreaterThan(200)
    await staged.finish()
    expect(store.items).toEqual(all(1_000))
    expect(store.log.filter((each) => each === 'commit').length).toBeLessThan(6)
    expect(staged.figures('source')).toMatchObject({ ackedCount: 1_000, failedCount: 0 })
  })

  test('a batch that fails in the middle never shows: all of its transaction is replayed', async () => {
    const { store, staged } = await run({ write: (call) => call === 3 || call === 4 })
    await staged.finish()
    expect(store.log).toContain('rollBack')
    expect(store.items).toEqual(all(50))
    expect(staged.figures('source').replayedCount).toBeGreaterThan(2)
  })

  test('a transaction does not end while a batch is tried again, even over its time', async () => {
    // The second write fails once, and its retry waits over the pause and the interval.
    const { store, staged } = await run({ write: (call) => call === 2 }, 8, 5)
    await staged.finish()
    // Retried within one transaction, the half that was written stays in it: that is the sink's contract.
    expect(store.log.slice(0, 3)).toEqual(['begin', 'prepare', 'commit'])
    expect(new Set(store.items)).toEqual(new Set(all(8)))
  })

  test('a prepare that fails rolls back and fails its tuples', async () => {
    const { store, staged } = await run({
      prepare: (call) => call === 1,
      rollBack: () => {
        throw new TypeError('and this')
      },
    })
    await staged.finish()
    expect(store.items).toEqual(all(50))
    expect(staged.figures('source').failedCount).toBeGreaterThan(2)
  })

  test('a commit is tried until it succeeds', async () => {
    const { store, staged } = await run({ commit: (call) => call < 6 })
    await staged.finish()
    expect(store.items).toEqual(all(50))
    expect(staged.figures('source')).toMatchObject({ failedCount: 0, ackedCount: 50 })
    expect(store.log).not.toContain('rollBack')
  })

  test('a commit that never succeeds does not keep a worker from its orderly end', async () => {
    const { staged } = await run({ commit: () => true }, 5, 1)
    await staged.pass(100)
    await staged.end()
    expect(staged.run.state).toBe('stopped')
  })

  test('a transaction that is gone stops the topology', async () => {
    const sink = transactionalSink<Item, number, number>({
      begin: () => 1,
      write: () => undefined,
      prepare: () => 1,
      commit: () => {
        throw new ConflictError('TRANSACTION_GONE', 'transaction 1 is gone, with items 0 to 4')
      },
      rollBack: () => undefined,
    } as never)
    const staged = await through(sink as never, 5)
    await expect(staged.finish()).rejects.toMatchObject({ code: 'TRANSACTION_GONE' })
  })
})
