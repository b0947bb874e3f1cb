// Contract of coordinators: making, reading, versions, sequences, names, paths, sizes.
import { expect } from 'vitest'
import { hasCode } from '../../src/base/errors.ts'
import { DATA_BYTES_MAX, type Operation } from '../../src/coordinate/coordinator.ts'
import { bytes, codeOf, errorOf, type Inside, none, open, pair, text } from './coordinator-world.ts'

export function creating(inside: Inside): void {
  inside('a node that was made can be read, with its facts', async (world) => {
    const one = await world.connect()
    expect(await one.create('/a', bytes('hello'))).toBe('/a')
    const { data, stat } = await one.get('/a')
    expect(text(data)).toBe('hello')
    expect(stat).toMatchObject({
      version: 0,
      childrenVersion: 0,
      aclVersion: 0,
      ephemeralOwner: 0n,
      sizeBytes: 5,
      childCount: 0,
    })
    expect(stat.createdZxid).toBeGreaterThan(0n)
    expect(stat.modifiedZxid).toBe(stat.createdZxid)
    expect(stat.modifiedMs).toBe(stat.createdMs)
    expect(await one.exists('/a')).toEqual(stat)
  })

  inside('the bytes of an empty node are empty', async (world) => {
    const one = await world.connect()
    await one.create('/a', none)
    const { data, stat } = await one.get('/a')
    expect(data.length).toBe(0)
    expect(stat.sizeBytes).toBe(0)
  })

  inside('the caller may reuse its bytes once the call is made', async (world) => {
    const one = await world.connect()
    const data = bytes('first')
    const made = one.create('/a', data)
    data.fill(0)
    await made
    expect(text((await one.get('/a')).data)).toBe('first')
  })

  inside('what is there cannot be made again', async (world) => {
    const one = await world.connect()
    await one.create('/a', none)
    const error = await errorOf(one.create('/a', none))
    expect(hasCode(error, 'RECORD_EXISTS')).toBe(true)
    expect(error).toMatchObject({ family: 'conflict' })
    expect(await codeOf(one.create('/', none))).toBe('RECORD_EXISTS')
  })

  inside('a node needs its parent', async (world) => {
    const one = await world.connect()
    const error = await errorOf(one.create('/a/b', none))
    expect(hasCode(error, 'RECORD_MISSING')).toBe(true)
    expect(error).toMatchObject({ family: 'usage' })
  })

  inside('a node that is not there is missing for every call but exists', async (world) => {
    const one = await world.connect()
    expect(await one.exists('/a')).toBeUndefined()
    expect(await codeOf(one.get('/a'))).toBe('RECORD_MISSING')
    expect(await codeOf(one.set('/a', none))).toBe('RECORD_MISSING')
    expect(await codeOf(one.delete('/a'))).toBe('RECORD_MISSING')
    expect(await codeOf(one.children('/a'))).toBe('RECORD_MISSING')
    expect(await codeOf(one.getAcl('/a'))).toBe('RECORD_MISSING')
    expect(await codeOf(one.setAcl('/a', open))).toBe('RECORD_MISSING')
  })
}

export function sequences(inside: Inside): void {
  inside('sequential nodes are numbered upwards, ten digits at the end of the name', async (world) => {
    const one = await world.connect()
    await one.create('/q', none)
    const made: string[] = []
    for (let i = 0; i < 12; i += 1)
      made.push(await one.create('/q/n-', none, { mode: 'persistent-sequential' }))
    for (const [index, path] of made.entries()) {
      expect(path.startsWith('/q/')).toBe(true)
      expect(path).toContain('n-')
      expect(path.slice(-10)).toBe(String(index).padStart(10, '0'))
    }
    const names = [...(await one.children('/q'))]
    expect(names).toEqual([...names].sort())
    expect(new Set(names)).toEqual(new Set(made.map((path) => path.slice('/q/'.length))))
  })

  inside('the number counts what was ever made below the parent, whatever its mode', async (world) => {
    const one = await world.connect()
    await one.create('/q', none)
    await one.create('/q/plain', none)
    const first = await one.create('/q/n-', none, { mode: 'persistent-sequential' })
    await one.delete(first)
    const second = await one.create('/q/m-', none, { mode: 'ephemeral-sequential' })
    expect(first.slice(-10)).toBe('0000000001')
    expect(second.slice(-10)).toBe('0000000002')
    expect((await one.get(second)).stat.ephemeralOwner).toBe(one.sessionId)
    await one.delete(second)
    const third = await one.create('/q/n-', none, { mode: 'persistent-sequential' })
    expect(third.slice(-10)).toBe('0000000003')
  })

  inside('sequential creates of several clients get different numbers', async (world) => {
    const [one, two] = await pair(world)
    await one.create('/q', none)
    await two.sync('/q')
    const calls = Array.from({ length: 20 }, (_, index) =>
      (index % 2 === 0 ? one : two).create('/q/n-', none, { mode: 'persistent-sequential' }),
    )
    const numbers = (await Promise.all(calls)).map((path) => path.slice(-10))
    expect(new Set(numbers).size).toBe(20)
  })
}

export function versions(inside: Inside): void {
  inside('a set raises the version by one and keeps the making', async (world) => {
    const one = await world.connect()
    await one.create('/a', bytes('x'))
    const before = (await one.get('/a')).stat
    const after = await one.set('/a', bytes('longer'))
    expect(after).toMatchObject({ version: 1, sizeBytes: 6, createdZxid: before.createdZxid })
    expect(after.modifiedZxid).toBeGreaterThan(before.modifiedZxid)
    expect(await one.exists('/a')).toEqual(after)
  })

  inside('a set or delete with another version is refused, and nothing is done', async (world) => {
    const one = await world.connect()
    await one.create('/a', bytes('x'))
    expect((await one.set('/a', bytes('y'), 0)).version).toBe(1)
    const error = await errorOf(one.set('/a', bytes('z'), 0))
    expect(hasCode(error, 'RECORD_CHANGED')).toBe(true)
    expect(error).toMatchObject({ family: 'conflict' })
    expect(await codeOf(one.delete('/a', 0))).toBe('RECORD_CHANGED')
    expect(text((await one.get('/a')).data)).toBe('y')
    await one.delete('/a', 1)
    expect(await one.exists('/a')).toBeUndefined()
  })

  inside('of two clients that set with the same version one wins', async (world) => {
    const [one, two] = await pair(world)
    await one.create('/a', none)
    const codes = await Promise.all([
      codeOf(one.set('/a', bytes('1'), 0)),
      codeOf(two.set('/a', bytes('2'), 0)),
    ])
    expect(codes.sort()).toEqual(['RECORD_CHANGED', 'none'])
  })

  inside('a node with children is not deleted', async (world) => {
    const one = await world.connect()
    await one.create('/a', none)
    await one.create('/a/b', none)
    const error = await errorOf(one.delete('/a'))
    expect(hasCode(error, 'RECORD_NOT_EMPTY')).toBe(true)
    expect(error).toMatchObject({ family: 'conflict' })
    await one.delete('/a/b')
    await one.delete('/a')
    expect(await one.children('/')).not.toContain('a')
  })

  inside('a node made again begins anew', async (world) => {
    const one = await world.connect()
    await one.create('/a', none)
    const first = await one.set('/a', bytes('x'))
    await one.delete('/a')
    await one.create('/a', none)
    const second = (await one.get('/a')).stat
    expect(second.version).toBe(0)
    expect(second.createdZxid).toBeGreaterThan(first.modifiedZxid)
  })
}

export function orderOfCalls(inside: Inside): void {
  inside('calls take effect in the order in which they were made', async (world) => {
    const one = await world.connect()
    await one.create('/a', none)
    const calls: Promise<unknown>[] = []
    for (let i = 0; i < 50; i += 1) calls.push(one.set('/a', bytes(String(i)), i))
    const read = one.get('/a')
    await Promise.all(calls)
    expect(text((await read).data)).toBe('49')
  })

  inside('answers come in the order of the calls', async (world) => {
    const one = await world.connect()
    await one.create('/a', none)
    const order: number[] = []
    const calls: Promise<unknown>[] = []
    for (let i = 0; i < 20; i += 1) calls.push(one.set('/a', none).then(() => order.push(i)))
    await Promise.all(calls)
    expect(order).toEqual(Array.from({ length: 20 }, (_, index) => index))
  })
}

export function namesOfChildren(inside: Inside): void {
  inside('children are their names, sorted; the parent counts them', async (world) => {
    const one = await world.connect()
    await one.create('/p', none)
    for (const name of ['b', 'a', 'c-2', 'c-10', 'Z']) await one.create(`/p/${name}`, none)
    await one.create('/p/a/deeper', none)
    expect(await one.children('/p')).toEqual(['Z', 'a', 'b', 'c-10', 'c-2'])
    await one.delete('/p/b')
    const stat = (await one.get('/p')).stat
    expect(stat).toMatchObject({ childCount: 4, childrenVersion: 6, version: 0 })
    expect(await one.children('/p/b').catch(() => 'missing')).toBe('missing')
    expect(await one.children('/p/a/deeper')).toEqual([])
  })

  inside('two clients see each other’s writes after sync', async (world) => {
    const [one, two] = await pair(world)
    for (let i = 0; i < 10; i += 1) {
      await one.create(`/n${i}`, bytes(String(i)))
      await two.sync('/')
      expect(text((await two.get(`/n${i}`)).data)).toBe(String(i))
    }
  })
}

export function paths(inside: Inside): void {
  inside('a path that cannot be is refused by every call', async (world) => {
    const one = await world.connect()
    for (const path of ['', 'a', '/a/', '//', '/a//b', '/./a', '/a/..', '/a\u0000b']) {
      const calls = [
        one.create(path, none),
        one.get(path),
        one.set(path, none),
        one.delete(path),
        one.exists(path),
        one.children(path),
        one.sync(path),
        one.getAcl(path),
        one.watch(path, 'node', () => undefined),
        one.watchOnce(path, 'data', () => undefined),
        one.multi([{ kind: 'delete', path }]),
      ]
      const codes = await Promise.all(calls.map(codeOf))
      expect([path, new Set(codes)]).toEqual([path, new Set(['CONFIG_INVALID_VALUE'])])
    }
  })

  inside('the root is not deleted', async (world) => {
    const one = await world.connect()
    expect(await codeOf(one.delete('/'))).toBe('CONFIG_INVALID_VALUE')
    expect(await one.exists('/')).toBeDefined()
  })

  inside('a sequential node has a name of its own below the root', async (world) => {
    const one = await world.connect()
    const options = { mode: 'persistent-sequential' } as const
    expect(await codeOf(one.create('/', none, options))).toBe('CONFIG_INVALID_VALUE')
    const multi = one.multi([{ kind: 'create', path: '/', data: none, options }])
    expect(await codeOf(multi)).toBe('CONFIG_INVALID_VALUE')
    expect(await one.children('/')).toEqual([])
  })

  inside('names may hold blanks, dots and letters of all scripts', async (world) => {
    const one = await world.connect()
    for (const name of ['with blank', 'a.b', '...', 'été-字', '%2f:=+']) {
      await one.create(`/${name}`, bytes(name))
      expect(text((await one.get(`/${name}`)).data)).toBe(name)
    }
  })
}

export function sizes(inside: Inside): void {
  inside('as much as is allowed can be written and read', async (world) => {
    const one = await world.connect()
    const large = new Uint8Array(DATA_BYTES_MAX).fill(7)
    await one.create('/a', large)
    expect((await one.get('/a')).data.length).toBe(DATA_BYTES_MAX)
    expect((await one.set('/a', large)).sizeBytes).toBe(DATA_BYTES_MAX)
  })

  inside('more is refused, with the size in the error, and the connection stands', async (world) => {
    const one = await world.connect()
    const large = new Uint8Array(DATA_BYTES_MAX + 1)
    const half = new Uint8Array(DATA_BYTES_MAX / 2 + 1)
    await one.create('/a', none)
    expect(await codeOf(one.create('/b', large))).toBe('RECORD_TOO_LARGE')
    expect(await codeOf(one.set('/a', large))).toBe('RECORD_TOO_LARGE')
    const halves: Operation[] = [
      { kind: 'set', path: '/a', data: half },
      { kind: 'create', path: '/b', data: half },
    ]
    expect(await codeOf(one.multi(halves))).toBe('RECORD_TOO_LARGE')
    expect(one.state).toBe('connected')
    expect((await one.get('/a')).stat.version).toBe(0)
    expect(await one.exists('/b')).toBeUndefined()
  })
}
