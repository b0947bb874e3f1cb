import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, describe, expect, test } from 'vitest'
import { UnavailableError } from '../../src/base/errors.ts'
import { fileSink, type PartFileOptions } from '../../src/connect/files/file-sink.ts'
import { csvFormat, jsonFormat, textFormat } from '../../src/connect/files/record-format.ts'
import { jsonFileSink, textFileSink } from '../../src/connect/files/single-file-sink.ts'
import { textLines } from '../../src/connect/files/text-lines.ts'
import { createNodeHost } from '../../src/host/node-host.ts'
import type { RuntimeTransactionalSinkSpec } from '../../src/topology/definition.ts'
import { contextOf, exactlyOnce, readAll, sinkOn, sourceOn, texts, tracking } from './disk.ts'

const { host, closeAll } = tracking(createNodeHost())
const root = mkdtempSync(join(tmpdir(), 'typhoon-sinks-'))
afterAll(async () => {
  await closeAll()
  rmSync(root, { recursive: true, force: true })
})

let made = 0
function freshDirectory(): string {
  made += 1
  const directory = join(root, `d${made}`)
  mkdirSync(directory)
  return directory
}

/** Writes batches as one checkpoint. */
async function checkpoint(
  sink: RuntimeTransactionalSinkSpec,
  task: unknown,
  number: number,
  ...batches: unknown[][]
) {
  const transaction = await sink.begin(number, task)
  for (const batch of batches) await sink.write(transaction, batch, task)
  const receipt = await sink.prepare(transaction, task)
  return { receipt, transaction }
}

const visible = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .sort()
const hidden = (directory: string): string[] => readdirSync(directory).filter((name) => name.startsWith('.'))

describe('a single file', () => {
  test('shows lines at commit, not before, behind what it held', async () => {
    const path = join(freshDirectory(), 'sub', 'alerts.jsonl')
    const sink = sinkOn(jsonFileSink(path), host)
    const task = await sink.open?.(contextOf())
    const first = await checkpoint(sink, task, 1, [{ a: 1 }], [{ a: 2 }])
    expect(visible(join(path, '..'))).toEqual([])
    await sink.commit(first.receipt, task)
    const second = await checkpoint(sink, task, 2, [{ a: 3 }])
    const third = await checkpoint(sink, task, 3, [{ a: 4 }])
    await sink.commit(second.receipt, task)
    await sink.commit(third.receipt, task)
    expect(readFileSync(path, 'utf8')).toBe('{"a":1}\n{"a":2}\n{"a":3}\n{"a":4}\n')
    expect(hidden(join(path, '..'))).toEqual([])
  })

  test('of each of several tasks has its number', async () => {
    const directory = freshDirectory()
    for (const taskIndex of [0, 1]) {
      const sink = sinkOn(textFileSink(join(directory, 'out.v1.txt')), host)
      const task = await sink.open?.(contextOf({ taskIndex, taskCount: 2 }))
      const { receipt } = await checkpoint(sink, task, 1, [`of ${taskIndex}`, 7])
      await sink.commit(receipt, task)
    }
    expect(visible(directory)).toEqual(['out.v1-1.txt', 'out.v1-2.txt'])
    expect(readFileSync(join(directory, 'out.v1-2.txt'), 'utf8')).toBe('of 1\n7\n')
  })

  test('is unchanged by a transaction that was rolled back, once or twice, prepared or not', async () => {
    const directory = freshDirectory()
    const sink = sinkOn(textFileSink(join(directory, 'out.txt')), host)
    const task = await sink.open?.(contextOf())
    const open = await sink.begin(1, task)
    await sink.write(open, ['never'], task)
    await sink.rollBack(open, task)
    await sink.rollBack(open, task)
    const prepared = await checkpoint(sink, task, 2, ['never either'])
    await sink.rollBack(prepared.transaction, task)
    const empty = await checkpoint(sink, task, 3)
    await sink.commit(empty.receipt, task)
    const last = await checkpoint(sink, task, 4, ['seen'])
    await sink.commit(last.receipt, task)
    expect(readFileSync(join(directory, 'out.txt'), 'utf8')).toBe('seen\n')
    expect(readdirSync(directory)).toEqual(['out.txt'])
  })

  test('changes nothing when a receipt is committed again, in this life or the next', async () => {
    const path = join(freshDirectory(), 'out.txt')
    const sink = sinkOn(textFileSink(path), host)
    const task = await sink.open?.(contextOf(exactlyOnce))
    const one = await checkpoint(sink, task, 1, ['one'])
    await sink.commit(one.receipt, task)
    await sink.commit(one.receipt, task)
    const left = await checkpoint(sink, task, 2, ['prepared, checkpoint never complete'])
    expect(left.receipt).toMatchObject({ lengthBytes: 36 })
    const next = sinkOn(textFileSink(path), host)
    const again = await next.open?.(contextOf(exactlyOnce))
    await next.commit(one.receipt, again)
    await next.recover?.({ receipts: [one.receipt], checkpoint: 1, taskCountBefore: 1 }, again)
    await next.commit(one.receipt, again)
    const two = await checkpoint(next, again, 2, ['two'])
    await next.commit(two.receipt, again)
    expect(readFileSync(path, 'utf8')).toBe('one\ntwo\n')
    expect(hidden(join(path, '..'))).toHaveLength(1)
  })

  test('that somebody emptied in between goes on, and a lost transaction is told', async () => {
    const path = join(freshDirectory(), 'out.txt')
    const sink = sinkOn(textFileSink(path), host)
    const task = await sink.open?.(contextOf(exactlyOnce))
    await sink.commit((await checkpoint(sink, task, 1, ['one'])).receipt, task)
    writeFileSync(path, '')
    await sink.commit((await checkpoint(sink, task, 2, ['two'])).receipt, task)
    expect(readFileSync(path, 'utf8')).toBe('two\n')
    const gone = await checkpoint(sink, task, 3, ['three'])
    for (const name of hidden(join(path, '..'))) rmSync(join(path, '..', name))
    await expect(sink.commit(gone.receipt, task)).rejects.toMatchObject({
      code: 'TRANSACTION_GONE',
      family: 'conflict',
    })
  })

  test('of tasks that are no more is looked after by the first one', async () => {
    const directory = freshDirectory()
    const path = join(directory, 'out.txt')
    const old = sinkOn(textFileSink(path), host)
    const second = await old.open?.(contextOf({ ...exactlyOnce, taskIndex: 1, taskCount: 2 }))
    const kept = await checkpoint(old, second, 1, ['of the second'])
    await checkpoint(old, second, 2, ['not complete'])
    const sink = sinkOn(textFileSink(path), host)
    const task = await sink.open?.(contextOf({ ...exactlyOnce, taskIndex: 0, taskCount: 1 }))
    await sink.commit(kept.receipt, task)
    await sink.recover?.({ receipts: [kept.receipt], checkpoint: 1, taskCountBefore: 2 }, task)
    expect(visible(directory)).toEqual(['out-2.txt'])
    expect(readFileSync(join(directory, 'out-2.txt'), 'utf8')).toBe('of the second\n')
    expect(hidden(directory).filter((name) => name.includes('open-'))).toEqual([])
  })

  test('refuses what has no text or no JSON form, and paths that are none', async () => {
    const directory = freshDirectory()
    for (const [sink, item] of [
      [textFileSink(join(directory, 'a')), {}],
      [jsonFileSink(join(directory, 'b')), undefined],
    ] as const) {
      const bound = sinkOn(sink, host)
      const task = await bound.open?.(contextOf())
      const transaction = await bound.begin(1, task)
      const write = async () => await bound.write(transaction, [item], task)
      await expect(write()).rejects.toMatchObject({ code: 'VALUE_INVALID' })
    }
    expect(() => jsonFileSink('')).toThrow('needs the path of a file')
    expect(() => jsonFileSink('out/')).toThrow('needs the path of a file')
  })
})

describe('formats', () => {
  test('write what JSON does not know, and quote CSV', () => {
    const json = jsonFormat().encode
    expect(json({ a: 1, b: 'x' })).toBe('{"a":1,"b":"x"}\n')
    const odd = { big: 5n, bytes: Uint8Array.of(1, 2), set: new Set([1]), at: new Date(0) }
    expect(json(odd)).toBe('{"big":"5","bytes":"AQI=","set":[1],"at":"1970-01-01T00:00:00.000Z"}\n')
    expect(json(new Map([['k', { n: [1n] }]]))).toBe('{"k":{"n":["1"]}}\n')
    expect(json(new Map([[1, 2]]))).toBe('[[1,2]]\n')
    expect(json(7n)).toBe('"7"\n')
    const csv = csvFormat<{ a: string; b: number | null }>(['b', 'a'], { separator: ';' })
    expect(csv.header?.()).toBe('b;a\n')
    expect(csv.encode({ a: 'x;"y"\n', b: null })).toBe(';"x;""y""\n"\n')
    const list = csvFormat<{ a: number[] }>(['a'])
    expect(() => list.encode({ a: [1] })).toThrow('no form for a list')
  })
})

interface Trip {
  readonly day: string
  readonly n: number
}

function partSink(directory: string, change: Partial<PartFileOptions<Trip>> = {}) {
  return sinkOn(fileSink<Trip>({ directory, format: csvFormat(['n']), ...change }), host)
}

const trip = (n: number, day = 'mon'): Trip => ({ day, n })

describe('part files', () => {
  test('get their names when they are finished and committed, and are whole then', async () => {
    const directory = freshDirectory()
    const sink = partSink(directory, { rotation: { size: '10B' } })
    const task = await sink.open?.(contextOf(exactlyOnce))
    const first = await checkpoint(sink, task, 1, [trip(1), trip(2)])
    await sink.commit(first.receipt, task)
    expect(visible(directory)).toEqual([])
    const second = await checkpoint(sink, task, 2, [trip(3), trip(4), trip(5)], [trip(6)])
    expect(visible(directory)).toEqual([])
    await sink.commit(second.receipt, task)
    await sink.commit(second.receipt, task)
    expect(visible(directory)).toEqual(['archive-1-1.csv'])
    expect(readFileSync(join(directory, 'archive-1-1.csv'), 'utf8')).toBe('n\n1\n2\n3\n4\n5\n')
    await sink.close?.(task)
    expect(readFileSync(join(directory, 'archive-1-2.csv'), 'utf8')).toBe('n\n6\n')
    expect(hidden(directory)).toEqual(['.archive-1.shown'])
  })

  test('have buckets, at most openMax of them open; times reach bucket', async () => {
    const directory = freshDirectory()
    const times: unknown[] = []
    const sink = partSink(directory, {
      openMax: 2,
      prefix: 'trips',
      bucket: ({ day }, time) => {
        times.push(time)
        return `day=${day}`
      },
    })
    const task = await sink.open?.(contextOf())
    const transaction = await sink.begin(1, task)
    const write = sink.write as (...given: readonly unknown[]) => Promise<unknown>
    await write(transaction, [trip(1, 'a'), trip(2, 'b'), trip(3, 'a')], task, [10, undefined, 30])
    await sink.write(transaction, [trip(4, 'a'), trip(5, 'c')], task)
    expect(times).toEqual([10, undefined, 30, undefined, undefined])
    await sink.commit(await sink.prepare(transaction, task), task)
    expect(visible(directory)).toEqual(['day=b/trips-1-1.csv'])
    await sink.close?.(task)
    expect(visible(directory)).toEqual(['day=a/trips-1-1.csv', 'day=b/trips-1-1.csv', 'day=c/trips-1-1.csv'])
    expect(readFileSync(join(directory, 'day=a/trips-1-1.csv'), 'utf8')).toBe('n\n1\n3\n4\n')
  })

  test('never lie outside their directory', async () => {
    const directory = freshDirectory()
    for (const bucket of ['../x', '/x', 'a/../../x', 'a\u0000b', '.hidden', 'a/.b']) {
      const sink = partSink(directory, { bucket: () => bucket })
      const task = await sink.open?.(contextOf())
      const transaction = await sink.begin(1, task)
      const write = async () => await sink.write(transaction, [trip(1)], task)
      await expect(write()).rejects.toMatchObject({ code: 'VALUE_INVALID' })
    }
    expect(readdirSync(directory)).toEqual([])
  })

  test('in gzip are valid at every checkpoint, with header and footer, and read back', async () => {
    const directory = freshDirectory()
    const format = {
      ...textFormat((item: Trip) => `${item.n} ${'z'.repeat(1_000)}`),
      header: () => 'h\n',
      footer: () => 'f\n',
    }
    const sink = partSink(directory, { format, gzip: true })
    const task = await sink.open?.(contextOf(exactlyOnce))
    for (let n = 0; n < 5; n++) {
      const batches = Array.from({ length: 4 }, (_, i) =>
        Array.from({ length: 30 }, (_, j) => trip(n * 120 + i * 30 + j)),
      )
      const { receipt } = await checkpoint(sink, task, n, ...batches)
      const [part] = hidden(directory).filter((name) => name.endsWith('.part'))
      expect(
        gunzipSync(readFileSync(join(directory, part ?? '')))
          .toString()
          .split('\n'),
      ).toHaveLength(120 * (n + 1) + 2)
      await sink.commit(receipt, task)
    }
    await sink.close?.(task)
    const path = join(directory, 'archive-1-1.txt.gz')
    const lines = texts(await readAll(sourceOn(textLines(path), host), path))
    expect(lines).toHaveLength(602)
    expect([lines[0], lines.at(-1), String(lines[600]).slice(0, 4)]).toEqual(['h', 'f', '599 '])
  })

  test('forget what was rolled back, open or finished, and go on from there', async () => {
    const directory = freshDirectory()
    const sink = partSink(directory, {
      rotation: { size: '8B' },
      format: { ...csvFormat(['n']), footer: () => 'end\n' },
    })
    const task = await sink.open?.(contextOf(exactlyOnce))
    const first = await checkpoint(sink, task, 1, [trip(1)])
    await sink.commit(first.receipt, task)
    const lost = await checkpoint(
      sink,
      task,
      2,
      [trip(2), trip(3)],
      [trip(4)],
      [trip(5), trip(6), trip(7)],
      [trip(8)],
    )
    await sink.rollBack(lost.transaction, task)
    await sink.rollBack(lost.transaction, task)
    const next = await checkpoint(sink, task, 3, [trip(9)])
    await sink.commit(next.receipt, task)
    await sink.close?.(task)
    const contents = visible(directory).map((name) => readFileSync(join(directory, name), 'utf8'))
    expect(contents.sort()).toEqual(['n\n1\nend\n', 'n\n9\nend\n'])
    expect(hidden(directory).filter((name) => name.endsWith('.part'))).toEqual([])
  })

  test('of the last checkpoint are shown after a crash, cut to what it knows; all else goes', async () => {
    const directory = freshDirectory()
    const sink = partSink(directory, { rotation: { size: '8B' } })
    const task = await sink.open?.(contextOf(exactlyOnce))
    const kept = await checkpoint(sink, task, 1, [trip(1), trip(2), trip(3)], [trip(4)])
    const lost = await sink.begin(2, task)
    await sink.write(lost, [trip(5)], task)
    for (let life = 0; life < 3; life++) {
      const next = partSink(directory, { rotation: { size: '8B' } })
      const again = await next.open?.(contextOf(exactlyOnce))
      await next.commit(kept.receipt, again)
      await next.recover?.({ receipts: [kept.receipt], checkpoint: 1, taskCountBefore: 1 }, again)
      const contents = visible(directory).map((name) => readFileSync(join(directory, name), 'utf8'))
      expect(contents).toEqual(['n\n1\n2\n3\n', 'n\n4\n'])
      expect(hidden(directory)).toEqual(['.archive-1.shown'])
    }
    // Whoever reads the files may take them away.
    for (const name of visible(directory)) rmSync(join(directory, name))
    const last = partSink(directory)
    const again = await last.open?.(contextOf(exactlyOnce))
    await last.commit(kept.receipt, again)
    await last.recover?.({ receipts: [kept.receipt], checkpoint: 1, taskCountBefore: 1 }, again)
    expect(visible(directory)).toEqual([])
  })

  test('that were lost before they were shown stop the topology', async () => {
    const directory = freshDirectory()
    const sink = partSink(directory, { rotation: { size: '1B' } })
    const task = await sink.open?.(contextOf(exactlyOnce))
    const { receipt } = await checkpoint(sink, task, 1, [trip(1)], [trip(2)])
    for (const name of hidden(directory)) rmSync(join(directory, name))
    await expect(sink.commit(receipt, task)).rejects.toMatchObject({ code: 'TRANSACTION_GONE' })
  })

  test('under at-least-once keep what was acked, though no checkpoint holds receipts', async () => {
    const directory = freshDirectory()
    const sink = partSink(directory)
    const task = await sink.open?.(contextOf())
    await sink.commit((await checkpoint(sink, task, 1, [trip(1)])).receipt, task)
    const lost = await sink.begin(2, task)
    await sink.write(lost, [trip(2)], task)
    const next = partSink(directory)
    const again = await next.open?.(contextOf())
    await next.recover?.({ receipts: [], checkpoint: 0, taskCountBefore: 1 }, again)
    expect(readFileSync(join(directory, 'archive-1-1.csv'), 'utf8')).toBe('n\n1\n')
    await next.commit((await checkpoint(next, again, 1, [trip(3)])).receipt, again)
    await next.close?.(again)
    expect(visible(directory)).toEqual(['archive-1-1.csv', 'archive-1-2.csv'])
    expect(hidden(directory)).toEqual([])
  })

  test('are finished when they are old or idle', async () => {
    const directory = freshDirectory()
    let nowMs = 0
    const clock = { now: () => nowMs, monotonicMs: () => nowMs }
    const format = csvFormat<Trip>(['n'])
    const rotation = { age: '1m', idle: '10s' } as const
    const sink = sinkOn(fileSink<Trip>({ directory, format, rotation }), { ...host, clock })
    const task = await sink.open?.(contextOf())
    const write = async (n: number) => sink.commit((await checkpoint(sink, task, n, [trip(n)])).receipt, task)
    await write(1)
    nowMs += 9_000
    await write(2)
    expect(visible(directory)).toEqual([])
    nowMs += 10_000
    await sink.commit((await checkpoint(sink, task, 3)).receipt, task)
    expect(visible(directory)).toEqual(['archive-1-1.csv'])
    for (let i = 0; i < 12; i++) {
      nowMs += 6_000
      await write(10 + i)
    }
    expect(visible(directory)).toEqual(['archive-1-1.csv', 'archive-1-2.csv'])
  })

  test('of options that make no sense are refused where they are written', () => {
    const format = csvFormat<Trip>(['n'])
    expect(() => fileSink<Trip>({ directory: '', format })).toThrow('directory')
    expect(() => fileSink<Trip>({ directory: 'a', format, openMax: 0 })).toThrow('openMax')
    expect(() => fileSink<Trip>({ directory: 'a', format, prefix: '.x' })).toThrow('prefix')
    expect(() => fileSink<Trip>({ directory: 'a', format: { ...format, extension: 'a/b' } })).toThrow(
      'format',
    )
  })
})

/** Writes half of what it is given and fails, as a disk does that runs full in between. */
function halfWriting(isFull: () => boolean): typeof host {
  const open: typeof host.files.open = async (path, mode) => {
    const file = await host.files.open(path, mode)
    const write: typeof file.write = async (bytes, at) => {
      if (!isFull()) return file.write(bytes, at)
      await file.write(bytes.subarray(0, bytes.length >> 1), at)
      throw new UnavailableError('DISK_FULL', 'no room', {})
    }
    return {
      write,
      read: (target, at) => file.read(target, at),
      truncate: (size) => file.truncate(size),
      sync: () => file.sync(),
      close: () => file.close(),
    }
  }
  return { ...host, files: { ...host.files, open } }
}

test.each(['single', 'parts', 'gzip'])(
  'half a batch left by a full disk is no part of the file (%s)',
  async (kind) => {
    const directory = freshDirectory()
    let isFull = false
    const format = textFormat((line: string) => line)
    const made =
      kind === 'single'
        ? textFileSink(join(directory, 'archive-1-1.txt'))
        : fileSink<string>({ directory, format, gzip: kind === 'gzip', rotation: { idle: '0s' } })
    const sink = sinkOn(
      made,
      halfWriting(() => isFull),
    )
    const task = await sink.open?.(contextOf())
    const transaction = await sink.begin(1, task)
    await sink.write(transaction, ['one'], task)
    isFull = true
    const long = Array.from({ length: 9_000 }, (_, i) => `a much longer line ${i}`)
    const write = async () => await sink.write(transaction, long, task)
    await expect(write()).rejects.toMatchObject({ code: 'DISK_FULL' })
    isFull = false
    await sink.write(transaction, ['two'], task)
    await sink.commit(await sink.prepare(transaction, task), task)
    const [name = ''] = visible(directory)
    const bytes = readFileSync(join(directory, name))
    expect((kind === 'gzip' ? gunzipSync(bytes) : bytes).toString()).toBe('one\ntwo\n')
  },
)
