import { expect, test } from 'vitest'
import { keyed1 } from '../../../test/fixtures/state/keyed-1.ts'
import type { Host } from '../../host/host.ts'
import { VirtualWorld } from '../../host/virtual/virtual-world.ts'
import type { KeyedEntry } from '../../state/state-entry.ts'
import { readStateFile, type StateOwner, writeStateFile } from './state-file.ts'

const owner: StateOwner = { component: 'count', executor: 3 }

/** One of everything. Bytes of it are in test/fixtures/state/keyed-1.ts, and stay readable for ever. */
const entries: readonly KeyedEntry[] = [
  {
    key: 'whale',
    parts: [
      { kind: 'value', name: 'seen', version: 1, value: 42, usedMs: 0 },
      { kind: 'timer', name: 'flush', timeMs: 1_700_000_000_000 },
    ],
  },
  {
    key: ['sea', -7],
    parts: [
      {
        kind: 'map',
        name: 'by hour',
        entries: [
          { key: 'a', value: { n: 1.5, text: 'é' }, version: 2, usedMs: 17 },
          { key: 12n, value: undefined, version: 0, usedMs: 0 },
        ],
      },
      { kind: 'list', name: 'last', version: 3, values: ['x', null, -0], usedMs: [1, 2, 3] },
    ],
  },
  { key: '', parts: [] },
]

function world() {
  const stage = new VirtualWorld({ seed: 1, patienceMs: 0 })
  const host = stage.host('h')
  const run = async <T>(work: Promise<T>): Promise<T> => {
    let isOver = false
    const over = () => {
      isOver = true
    }
    work.then(over, over)
    await stage.run({ while: () => !isOver })
    return await work
  }
  return { host, run }
}

async function bytesOf(host: Host, path: string): Promise<Uint8Array> {
  const facts = await host.files.stat(path)
  const file = await host.files.open(path, 'read')
  const bytes = new Uint8Array(facts?.sizeBytes ?? 0)
  await file.read(bytes, 0)
  await file.close()
  return bytes
}

async function put(host: Host, path: string, bytes: Uint8Array): Promise<void> {
  const file = await host.files.open(path, 'create')
  await file.write(bytes, 0)
  await file.close()
}

async function read(host: Host, path: string) {
  const found: KeyedEntry[] = []
  let whose: StateOwner | undefined
  await readStateFile(host, path, (entry, of) => {
    found.push(entry)
    whose = of
  })
  return { found, whose }
}

const fixture = () => Uint8Array.from(Buffer.from(keyed1, 'hex'))

test('what is written is read again, exactly', async () => {
  const { host, run } = world()
  const sizeBytes = await run(writeStateFile(host, '/s', owner, entries))
  expect(await run(bytesOf(host, '/s'))).toHaveLength(sizeBytes)
  const { found, whose } = await run(read(host, '/s'))
  expect(found).toEqual(entries)
  expect(whose).toEqual(owner)
})

test('the bytes are those of version 1, and files of version 1 are read', async () => {
  const { host, run } = world()
  await run(writeStateFile(host, '/s', owner, entries))
  expect(await run(bytesOf(host, '/s'))).toEqual(fixture())
  await run(put(host, '/old', fixture()))
  expect((await run(read(host, '/old'))).found).toEqual(entries)
})

test('many keys and large ones go through in pieces', async () => {
  const { host, run } = world()
  const value = 'x'.repeat(300_000)
  const many: KeyedEntry[] = []
  for (let n = 0; n < 2_000; n += 1) {
    const part = {
      kind: 'value',
      name: 'v',
      version: 1,
      value: n % 500 === 0 ? value : n,
      usedMs: 0,
    } as const
    many.push({ key: n, parts: [part] })
  }
  await run(writeStateFile(host, '/s', owner, many))
  expect((await run(read(host, '/s'))).found).toEqual(many)
})

test('no keys at all are a file, too', async () => {
  const { host, run } = world()
  await run(writeStateFile(host, '/s', owner, []))
  expect((await run(read(host, '/s'))).found).toEqual([])
})

test('cut off anywhere, with a byte flipped anywhere, or longer: damaged, never half believed', async () => {
  const { host, run } = world()
  const whole = fixture()
  for (let at = 0; at < whole.length; at += 1) {
    await run(put(host, '/s', whole.slice(0, at)))
    await expect(run(read(host, '/s'))).rejects.toMatchObject({ code: 'STATE_FILE_DAMAGED' })
    const flipped = whole.slice()
    flipped[at] = (flipped[at] ?? 0) ^ 0x41
    await run(put(host, '/s', flipped))
    await expect(run(read(host, '/s'))).rejects.toMatchObject({ code: 'STATE_FILE_DAMAGED' })
  }
  const longer = new Uint8Array(whole.length + 1)
  longer.set(whole)
  await run(put(host, '/s', longer))
  await expect(run(read(host, '/s'))).rejects.toMatchObject({ code: 'STATE_FILE_DAMAGED' })
})

test('what cannot be written leaves an error with its place', async () => {
  const { host, run } = world()
  const part = { kind: 'value', name: 'v', version: 1, value: () => 1, usedMs: 0 } as const
  const writing = writeStateFile(host, '/s', owner, [{ key: 1, parts: [part] }])
  await expect(run(writing)).rejects.toMatchObject({ code: 'VALUE_NOT_ENCODABLE' })
})
