// Method: random scripts of writes, syncs and renames, a crash, and what may be left according to D1 and D2.
import { describe, expect, test } from 'vitest'
import { hasCode } from '../../base/errors.ts'
import { SeededRandom } from '../../base/random.ts'
import { type FileNode, MemoryDisk } from './memory-disk.ts'

const text = (value: string) => new TextEncoder().encode(value)
const newDisk = (seed = 1) => new MemoryDisk({ random: new SeededRandom(seed), nowMs: () => 0 })
const contentOf = (file: FileNode) => new TextDecoder().decode(file.bytes.subarray(0, file.sizeBytes))

function read(disk: MemoryDisk, path: string): string | undefined {
  return disk.stat(path) === undefined ? undefined : contentOf(disk.open(path, 'read'))
}

function written(disk: MemoryDisk, path: string, content: string): FileNode {
  const file = disk.open(path, 'create')
  disk.write(file, text(content), 0)
  return file
}

describe('a crash', () => {
  test('takes back what was not synced: contents, and names', () => {
    const disk = newDisk()
    const kept = written(disk, '/kept', 'safe')
    disk.sync(kept)
    disk.syncDirectory('/')
    disk.write(kept, text(' and more'), 4)
    written(disk, '/named too late', 'x')
    disk.crash('all')
    expect(read(disk, '/kept')).toBe('safe')
    expect(disk.paths()).toEqual(['/kept'])
  })

  test('a name without contents and contents without a name are both possible', () => {
    const disk = newDisk()
    written(disk, '/empty', 'lost')
    disk.syncDirectory('/')
    disk.sync(written(disk, '/nameless', 'synced'))
    disk.crash('all')
    expect(read(disk, '/empty')).toBe('')
    expect(read(disk, '/nameless')).toBeUndefined()
  })

  test('a rename is either done or not, and so is a removal', () => {
    const outcomes = new Set<string>()
    for (let seed = 0; seed < 40; seed += 1) {
      const disk = newDisk(seed)
      for (const path of ['/a', '/b', '/c']) disk.sync(written(disk, path, path))
      disk.syncDirectory('/')
      disk.rename('/a', '/b')
      disk.remove('/c')
      disk.crash('some')
      outcomes.add(JSON.stringify(disk.paths().map((path) => [path, read(disk, path)])))
    }
    expect([...outcomes].sort()).toEqual([
      '[["/a","/a"],["/b","/b"],["/c","/c"]]',
      '[["/b","/a"],["/c","/c"]]',
      '[["/b","/a"]]',
    ])
  })

  test('names are taken back in the order opposite to the one in which they came', () => {
    const disk = newDisk()
    written(disk, '/a', 'x')
    disk.rename('/a', '/b')
    written(disk, '/a', 'y')
    disk.rename('/a', '/b')
    disk.remove('/b')
    disk.crash('all')
    expect(disk.paths()).toEqual([])
  })

  test('a directory comes back with what was in it', () => {
    const disk = newDisk()
    disk.makeDirectory('/d/e')
    disk.sync(written(disk, '/d/e/f', 'x'))
    disk.syncDirectory('/d/e')
    disk.syncDirectory('/')
    disk.remove('/d')
    disk.crash('all')
    expect(read(disk, '/d/e/f')).toBe('x')
  })

  test('names before a synced one are durable with it, those after it are not', () => {
    const disk = newDisk()
    disk.makeDirectory('/d')
    written(disk, '/a', '')
    written(disk, '/d/b', '')
    written(disk, '/c', '')
    disk.syncDirectory('/d')
    disk.crash('all')
    expect(disk.paths()).toEqual(['/a', '/d/b'])
  })

  test('a file is one of the states it went through, or one with a torn last write', () => {
    let torn = 0
    for (let seed = 0; seed < 300; seed += 1) {
      const random = new SeededRandom(seed).split('script')
      const disk = newDisk(seed)
      const file = disk.open('/f', 'create')
      disk.syncDirectory('/')
      // After each change: the content, and every content in which that change is torn.
      let states: { readonly whole: string; readonly torn: ReadonlySet<string> }[] = []
      const remember = (before: Uint8Array, write?: { readonly bytes: Uint8Array; readonly at: number }) => {
        const halves = new Set<string>()
        for (let length = 1; write !== undefined && length < write.bytes.length; length += 1) {
          const half = new Uint8Array(Math.max(before.length, write.at + length))
          half.set(before)
          half.set(write.bytes.subarray(0, length), write.at)
          halves.add(new TextDecoder().decode(half))
        }
        states.push({ whole: contentOf(file), torn: halves })
      }
      remember(new Uint8Array(0))
      for (let step = 0; step < 12; step += 1) {
        const before = file.bytes.slice(0, file.sizeBytes)
        const draw = random.next()
        if (draw < 0.15) {
          disk.sync(file)
          states = []
          remember(before)
        } else if (draw < 0.3) {
          disk.truncate(file, random.below(20))
          remember(before)
        } else {
          const write = {
            bytes: text(String.fromCharCode(97 + step).repeat(1 + random.below(9))),
            at: random.below(20),
          }
          disk.write(file, write.bytes, write.at)
          remember(before, write)
        }
      }
      disk.crash(seed % 3 === 0 ? 'all' : 'some')
      const left = contentOf(file)
      if (seed % 3 === 0) expect(left).toBe(states[0]?.whole)
      else if (!states.some(({ whole }) => whole === left)) {
        torn += 1
        expect(
          states.some((state) => state.torn.has(left)),
          `seed ${seed}: ${JSON.stringify(left)}`,
        ).toBe(true)
      }
    }
    expect(torn).toBeGreaterThan(10)
  })

  test('what a kernel has written back long ago is not lost', () => {
    const disk = newDisk()
    const file = disk.open('/log', 'create')
    disk.syncDirectory('/')
    for (let i = 0; i < 10_000; i += 1) disk.write(file, Uint8Array.of(1), i)
    disk.crash('all')
    expect(file.sizeBytes).toBeGreaterThan(5_000)
    expect(file.sizeBytes).toBeLessThan(10_000)
  })
})

describe('a disk', () => {
  test('that is full takes what fits, and says so', () => {
    const disk = newDisk()
    disk.capacityBytes = 10
    const file = written(disk, '/a', '12345678')
    const full = () => disk.write(file, text('abcd'), 8)
    expect(full).toThrow('no room')
    expect(contentOf(file)).toBe('12345678ab')
    disk.write(file, text('xx'), 0)
    try {
      full()
    } catch (error) {
      expect(hasCode(error, 'DISK_FULL')).toBe(true)
    }
    disk.remove('/a')
    expect(() => written(disk, '/b', 'abcd')).not.toThrow()
  })

  test('that is bad changes a byte', () => {
    const disk = newDisk()
    written(disk, '/a', 'abc')
    disk.flipByte('/a', 1)
    expect(read(disk, '/a')).not.toBe('abc')
    expect(() => disk.flipByte('/a', 3)).toThrow('/a')
  })

  test('never shows old bytes in new space', () => {
    const disk = newDisk()
    const file = written(disk, '/a', 'secret')
    disk.truncate(file, 1)
    disk.write(file, text('!'), 5)
    expect(contentOf(file)).toBe('s\0\0\0\0!')
  })

  test.each([
    [() => newDisk().rename('/no', '/a'), 'ENOENT'],
    [() => newDisk().open('/', 'create'), 'EISDIR'],
    [() => newDisk().open('/no/a', 'create'), 'ENOENT'],
    [() => newDisk().remove('/'), 'EBUSY'],
    [() => folders().rename('/d', '/f'), 'ENOTDIR'],
    [() => folders().rename('/f', '/d'), 'EISDIR'],
    [() => folders().rename('/e', '/d'), 'ENOTEMPTY'],
    [() => folders().rename('/d', '/d/x/y'), 'EINVAL'],
    [() => folders().open('/f/x', 'create'), 'ENOTDIR'],
    [() => folders().makeDirectory('/f/x'), 'EEXIST'],
    [() => folders().list('/f'), 'ENOTDIR'],
  ])('refuses what a real one refuses: %s is %s', (call, reason) => {
    let thrown: unknown
    try {
      call()
    } catch (error) {
      thrown = error
    }
    expect(thrown).toMatchObject({ code: 'CONNECT_FAILED', details: { reason } })
  })

  function folders(): MemoryDisk {
    const disk = newDisk()
    disk.makeDirectory('/d/x')
    disk.makeDirectory('/e')
    written(disk, '/f', '')
    return disk
  }
})
