import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, describe, expect, test } from 'vitest'
import { csvRows } from '../../src/connect/files/csv-rows.ts'
import { jsonLines } from '../../src/connect/files/json-lines.ts'
import { textLines } from '../../src/connect/files/text-lines.ts'
import { createNodeHost } from '../../src/host/node-host.ts'
import { fields } from '../../src/topology/schema/fields.ts'
import { contextOf, type Item, readAll, sourceOn, texts } from './disk.ts'

const host = createNodeHost()
const root = mkdtempSync(join(tmpdir(), 'typhoon-sources-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

let made = 0
function fileOf(content: string | Uint8Array, name = 'lines.log'): string {
  made += 1
  const directory = join(root, `d${made}`)
  mkdirSync(directory)
  writeFileSync(join(directory, name), content)
  return join(directory, name)
}

const lines = (path: string, options = {}) => sourceOn(textLines(path, options), host)

describe('lines of a file', () => {
  test('come with positions at which reading goes on, from every one of them', async () => {
    const path = fileOf('\ufefffirst\r\nsecond ☃\n\nlast')
    const items = await readAll(lines(path), path)
    expect(texts(items)).toEqual(['first', 'second ☃', '', 'last'])
    for (const [i, { position }] of items.entries()) {
      const rest = await readAll(lines(path), path, position)
      expect(rest).toEqual(items.slice(i + 1))
    }
  })

  test('of an empty file are none', async () => {
    const path = fileOf('')
    expect(await lines(path).partitions(contextOf())).toEqual([path])
    expect(await readAll(lines(path), path)).toEqual([])
  })

  test('that are no UTF-8 stop the source after the lines before, naming file, line and byte', async () => {
    const path = fileOf(
      Buffer.concat([Buffer.from('good\n'), Buffer.of(0xff, 0xfe, 10), Buffer.from('after\n')]),
    )
    const seen: unknown[] = []
    const read = async () => {
      for await (const batch of lines(path).read(path, undefined, new AbortController().signal)) {
        seen.push(...texts(batch as never))
      }
    }
    const details = { path, line: 2, byte: 8 }
    await expect(read()).rejects.toMatchObject({
      code: 'SOURCE_RECORD_INVALID',
      family: 'user-code',
      details,
    })
    expect(seen).toEqual(['good'])
  })

  test('that are too long stop the source without being held', async () => {
    const path = fileOf(Buffer.alloc(100 * 1024 * 1024, 'x'))
    const before = process.memoryUsage().arrayBuffers
    await expect(readAll(lines(path), path)).rejects.toMatchObject({
      code: 'FRAME_TOO_LARGE',
      family: 'format',
    })
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 * 1024)
    expect(
      texts(await readAll(lines(fileOf('x'.repeat(2_000)), { recordMax: '2000B' }), path).catch(() => [])),
    ).toEqual([])
  })

  test('of 100 MB are skipped with bounded memory, and what follows is read', async () => {
    const path = fileOf(Buffer.alloc(100 * 1024 * 1024, 'x'))
    appendFileSync(path, '\n{"a":1}\n')
    const source = sourceOn(jsonLines(path, { schema: fields({ a: 'int' }), onInvalid: 'dead-letter' }), host)
    const items = await readAll(source, path)
    expect(items.map(({ values, invalid }) => invalid?.code ?? values)).toEqual(['FRAME_TOO_LARGE', { a: 1 }])
    expect(items[0]?.invalid?.raw).toBe('x'.repeat(256))
    expect(items[0]?.position.byte).toBe(100 * 1024 * 1024 + 1)
  })

  test('are read in batches, more than one million a second', async () => {
    const path = fileOf('2024-01-01T00:00:00Z INFO [unit-42] the quick brown fox jum\n'.repeat(300_000))
    const begin = performance.now()
    const items = await readAll(lines(path), path)
    const seconds = (performance.now() - begin) / 1_000
    expect(items).toHaveLength(300_000)
    // A guard against something being wrong altogether: machines differ, and this one may be busy.
    expect(300_000 / seconds).toBeGreaterThan(200_000)
  })
})

describe('gzip files', () => {
  test('of several members give all lines, and go on at every position', async () => {
    const parts = ['one\ntw', 'o\nthree\n', '', 'four\n']
    const path = fileOf(Buffer.concat(parts.map((part) => gzipSync(part))), 'lines.gz')
    const items = await readAll(lines(path), path)
    expect(texts(items)).toEqual(['one', 'two', 'three', 'four'])
    for (const [i, { position }] of items.entries()) {
      expect(await readAll(lines(path), path, position)).toEqual(items.slice(i + 1))
    }
  })

  test('whose data looks like a beginning of another member are read right', async () => {
    // Stored blocks hold the bytes as they are, magic numbers and all.
    const noise = `${'\u001f\u0008'.repeat(9)}\n`
    const inner = gzipSync('inner\n').toString('latin1')
    const bytes = Buffer.concat([
      gzipSync(Buffer.from(`a\n${noise}`), { level: 0 }),
      gzipSync(Buffer.from(Array.from({ length: 400 }, (_, i) => `${i} ${'y'.repeat(500)}\n`).join('')), {
        level: 0,
      }),
    ])
    const tricky = gzipSync(
      Buffer.concat([Buffer.from('x'.repeat(50)), Buffer.from(inner, 'latin1'), Buffer.from('\n')]),
      { level: 0 },
    )
    const path = fileOf(Buffer.concat([bytes, tricky]), 'noise.gz')
    const source = sourceOn(jsonLines(path, { schema: fields({ a: 'int' }), onInvalid: 'dead-letter' }), host)
    const items = await readAll(source, path)
    expect(items.length).toBeGreaterThanOrEqual(403)
    expect(items[0]?.invalid?.raw).toBe('a')
    expect(items[401]?.invalid?.raw.startsWith('399 yyy')).toBe(true)
  })

  test('that are cut short or no gzip at all are told', async () => {
    const whole = gzipSync('some line\n'.repeat(1_000))
    for (const bytes of [
      whole.subarray(0, whole.length - 5),
      Buffer.from('no gzip'),
      Buffer.concat([whole, Buffer.from('junk')]),
    ]) {
      const path = fileOf(bytes, 'bad.gz')
      await expect(readAll(lines(path), path)).rejects.toMatchObject({ code: 'SOURCE_RECORD_INVALID' })
    }
  })

  test('of high compression are read with bounded memory', async () => {
    const path = fileOf(gzipSync(Buffer.alloc(200 * 1024 * 1024, 'a')), 'bomb.gz')
    const before = process.memoryUsage().arrayBuffers
    await expect(readAll(lines(path), path)).rejects.toMatchObject({ code: 'FRAME_TOO_LARGE' })
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 1024 * 1024)
  })
})

describe('a file that is not what it was', () => {
  test('is FILE_CHANGED when shorter, or begun differently', async () => {
    const path = fileOf('one\ntwo\nthree\n')
    const [, second] = await readAll(lines(path), path)
    truncateSync(path, 5)
    const changed = expect.objectContaining({ code: 'FILE_CHANGED', family: 'conflict' })
    await expect(readAll(lines(path), path, second?.position)).rejects.toEqual(changed)
    writeFileSync(path, 'ONE\ntwo\nthree\nfour\n')
    await expect(readAll(lines(path), path, second?.position)).rejects.toEqual(changed)
  })

  test('may have grown since', async () => {
    const path = fileOf('one\n')
    const [first] = await readAll(lines(path), path)
    appendFileSync(path, 'two\n')
    expect(texts(await readAll(lines(path), path, first?.position))).toEqual(['two'])
  })
})

describe('files by pattern', () => {
  test('are found as shells find them', async () => {
    const path = fileOf('x\n', 'a.log')
    const directory = join(path, '..')
    for (const name of ['b.log', '.hidden.log', 'c.txt', 'weird[1].log'])
      writeFileSync(join(directory, name), 'x\n')
    mkdirSync(join(directory, 'sub', 'deep'), { recursive: true })
    writeFileSync(join(directory, 'sub', 'd.log'), 'x\n')
    writeFileSync(join(directory, 'sub', 'deep', 'e.log'), 'x\n')
    mkdirSync(join(directory, 'dir.log'))
    const found = async (...patterns: string[]) => {
      const given = patterns.map((pattern) => join(directory, pattern))
      const source = sourceOn(textLines(given), host)
      return (await source.partitions(contextOf())).map((each) => each.slice(directory.length + 1))
    }
    expect(await found('*.log')).toEqual(['a.log', 'b.log', 'weird[1].log'])
    expect(await found('**/*.log')).toEqual(['a.log', 'b.log', 'sub/d.log', 'sub/deep/e.log', 'weird[1].log'])
    expect(await found('sub/**')).toEqual(['sub/d.log', 'sub/deep/e.log'])
    expect(await found('[ab].log', 'c.{txt,log}', 'a.log')).toEqual(['a.log', 'b.log', 'c.txt'])
    expect(await found('[!a].log', '?.txt')).toEqual(['b.log', 'c.txt'])
    expect(await found('weird[1].log')).toEqual(['weird[1].log'])
    expect(await found('.*.log')).toEqual(['.hidden.log'])
    symlinkSync(directory, join(directory, 'sub', 'circle'))
    expect((await found('**/c.txt')).length).toBeGreaterThan(0)
  })

  test('that cannot be read are told at the start, with what to do', async () => {
    const path = fileOf('x\n')
    const at = (pattern: string, options = {}) =>
      Promise.resolve(lines(pattern, options).partitions(contextOf()))
    const usage = { code: 'CONFIG_INVALID_VALUE', family: 'usage' }
    await expect(at(`${path}.gone`)).rejects.toMatchObject({
      ...usage,
      message: expect.stringContaining('does not exist'),
    })
    await expect(at(join(path, '..'))).rejects.toMatchObject({
      ...usage,
      message: expect.stringContaining('is a directory'),
    })
    await expect(at(join(path, '..', 'nowhere', '*.log'))).rejects.toMatchObject(usage)
    await expect(at('/dev/null')).rejects.toMatchObject(usage)
    expect(await at(`${path}.gone`, { follow: true })).toEqual([])
    const context = contextOf()
    expect(await lines(join(path, '..', '*.none')).partitions(context)).toEqual([])
    expect(context.warnings[0]).toContain('no files match')
  })
})

describe('a followed file', () => {
  test('is read as it grows, a line when it is whole, until the signal aborts', async () => {
    const path = fileOf('one\ntw')
    const end = new AbortController()
    const seen: unknown[] = []
    const heads = new Set<string>()
    const steps = ['o\n', 'three\nfo', 'ur\r\n', 'never whole']
    for await (const batch of lines(path, { follow: true, lookEvery: '20ms' }).read(
      path,
      undefined,
      end.signal,
    )) {
      for (const { position } of batch as readonly Item[]) heads.add(position.head.replace(/:.*/, ''))
      seen.push(...texts(batch as never))
      const next = steps.shift()
      if (next !== undefined) appendFileSync(path, next)
      if (seen.length === 4) setTimeout(() => end.abort(), 60)
    }
    expect(seen).toEqual(['one', 'two', 'three', 'four'])
    expect([...heads]).toEqual(['6', '8', '16', '20'])
  })

  test('that is cut while it is read is FILE_CHANGED, and one that goes away is finished', async () => {
    const cut = fileOf('one\ntwo\n')
    const reading = (async () => {
      for await (const _ of lines(cut, { follow: true, lookEvery: '10ms' }).read(
        cut,
        undefined,
        new AbortController().signal,
      )) {
        truncateSync(cut, 1)
      }
    })()
    await expect(reading).rejects.toMatchObject({ code: 'FILE_CHANGED' })
    const gone = fileOf('one\n')
    for await (const _ of lines(gone, { follow: true, lookEvery: '10ms' }).read(
      gone,
      undefined,
      new AbortController().signal,
    )) {
      rmSync(gone)
    }
  })

  test('that was replaced by another of the same length or more is FILE_CHANGED', async () => {
    const path = fileOf('one\ntwo\n')
    const reading = (async () => {
      for await (const _ of lines(path, { follow: true, lookEvery: '10ms' }).read(
        path,
        undefined,
        new AbortController().signal,
      )) {
        rmSync(path)
        writeFileSync(path, 'ONE\nTWO\nTHREE\n')
      }
    })()
    await expect(reading).rejects.toMatchObject({ code: 'FILE_CHANGED' })
  })

  test('begins at its last line with from end, and files that come later at their beginning', async () => {
    const path = fileOf('old\nolder\nbegun')
    const later = `${path}.2.log`
    const source = lines(join(path, '..', '*.log*'), { follow: true, from: 'end', lookEvery: '10ms' })
    expect(await source.partitions(contextOf())).toEqual([path])
    const reading = readAll(source, path, undefined, 2)
    setTimeout(() => appendFileSync(path, ' and ended\nnew\n'), 50)
    expect(texts(await reading)).toEqual(['begun and ended', 'new'])
    writeFileSync(later, 'all of it\n')
    expect(await source.partitions(contextOf())).toEqual([path, later])
    expect(texts(await readAll(source, later, undefined, 1))).toEqual(['all of it'])
  })

  test('says how far behind a position is', async () => {
    const path = fileOf('12345678\n'.repeat(100))
    const source = lines(path)
    const items = await readAll(source, path)
    expect(await source.lag?.(path, items[9]?.position)).toBe(90)
    expect(await source.lag?.(path, items.at(-1)?.position)).toBe(0)
  })
})

describe('JSON lines', () => {
  const schema = fields({ id: 'int', name: 'string' })
  const content = '{"id":1,"name":"a"}\n\n  \nno json\n{"id":"1"}\n{"id":2,"name":"b"}\n'

  test('are checked, blank lines left out, and what is invalid goes where it should', async () => {
    const path = fileOf(content)
    const skip = await readAll(sourceOn(jsonLines(path, { schema, onInvalid: 'skip' }), host), path)
    expect(skip.map(({ values, invalid }) => invalid?.action ?? values)).toEqual([
      { id: 1, name: 'a' },
      'skip',
      'skip',
      { id: 2, name: 'b' },
    ])
    expect(skip[1]?.invalid).toMatchObject({ code: 'SOURCE_RECORD_INVALID', raw: 'no json' })
    expect(skip[2]?.invalid?.message).toContain('line 5')
    const fail = sourceOn(jsonLines(path, { schema }), host)
    await expect(readAll(fail, path)).rejects.toMatchObject({
      details: { line: 4, path, byte: expect.any(Number) },
    })
  })

  test('of values that are no objects ride in the field value, and schemas may take their time', async () => {
    const path = fileOf('1\n-2\n3\n')
    const positive = {
      '~standard': {
        version: 1 as const,
        vendor: 'test',
        validate: async (value: unknown) =>
          typeof value === 'number' && value > 0
            ? { value: { n: value } }
            : { issues: [{ message: 'not positive' }] },
      },
    }
    const items = await readAll(
      sourceOn(jsonLines(path, { schema: positive, onInvalid: 'skip' }), host),
      path,
    )
    expect(items.map(({ values, invalid }) => invalid?.message.endsWith('not positive') ?? values)).toEqual([
      { n: 1 },
      true,
      { n: 3 },
    ])
    await expect(readAll(sourceOn(jsonLines(path, { schema: positive }), host), path)).rejects.toMatchObject({
      code: 'SOURCE_RECORD_INVALID',
      details: { line: 2 },
    })
  })
})

describe('CSV rows', () => {
  const columns = fields({ id: 'int', name: 'string', price: 'number | null', ok: 'boolean', big: 'bigint' })

  test('take columns by name, become what is declared, and go on behind the header', async () => {
    const path = fileOf(
      'name,extra,id,big,ok,price\r\n"a ""b""\nc",x,1,12345678901234567890,true,1.5\r\nd,,2,0,false,\r\n',
    )
    const source = sourceOn(csvRows(path, { columns }), host)
    const items = await readAll(source, path)
    expect(items.map(({ values }) => values)).toEqual([
      { id: 1, name: 'a "b"\nc', price: 1.5, ok: true, big: 12345678901234567890n },
      { id: 2, name: 'd', price: null, ok: false, big: 0n },
    ])
    expect(await readAll(source, path, items[0]?.position)).toEqual(items.slice(1))
  })

  test('without a header go in order; another separator; what is wrong is said', async () => {
    const path = fileOf('1;a;2;true;3\nx;a;2;true;3\n1;a\n1;"a;2;true;3\n')
    const options = { columns, header: false, separator: ';', onInvalid: 'skip' } as const
    const items = await readAll(sourceOn(csvRows(path, options), host), path)
    expect(items.map(({ invalid }) => invalid?.message.replace(/^.*?: /, ''))).toEqual([
      undefined,
      'id: its text is no int',
      'it has 2 fields, wanted 5',
      'a quote is not closed',
    ])
  })

  test('without a column that is wanted stop at the header', async () => {
    const path = fileOf('id,name\n1,a\n')
    await expect(readAll(sourceOn(csvRows(path, { columns }), host), path)).rejects.toMatchObject({
      code: 'CONFIG_INVALID_VALUE',
      message: expect.stringContaining('no column price'),
    })
    expect(() => csvRows(path, { columns: fields({ tags: 'string[]' }) })).toThrow('is a list')
  })
})

test('options that make no sense are refused where they are written', () => {
  const refused = (options: object) => expect(() => textLines('a', options)).toThrow()
  refused({ recordMax: '0B' })
  refused({ lookEvery: '0s' })
  refused({ from: 'middle' })
  expect(() => textLines([])).toThrow('textLines needs a path')
  expect(() => jsonLines('a', { schema: fields({ a: 'int' }), onInvalid: 'ignore' as never })).toThrow(
    'onInvalid',
  )
})
