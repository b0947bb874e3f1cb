// Contract of coordinators: several operations at once, all or nothing.
import { expect } from 'vitest'
import type { ErrorCode } from '../../src/base/error-codes.ts'
import type { Operation, WatchEvent } from '../../src/coordinate/coordinator.ts'
import { bytes, codeOf, errorOf, type Inside, none, text } from './coordinator-world.ts'

export function multiGood(inside: Inside): void {
  inside('all parts of a multi take effect, each seeing those before it', async (world) => {
    const one = await world.connect()
    await one.create('/a', bytes('x'))
    const results = await one.multi([
      { kind: 'check', path: '/a', version: 0 },
      { kind: 'set', path: '/a', data: bytes('y'), version: 0 },
      { kind: 'create', path: '/b', data: bytes('b') },
      { kind: 'create', path: '/b/c', data: none },
      { kind: 'check', path: '/a', version: 1 },
      { kind: 'delete', path: '/b/c' },
    ])
    expect(results.map((result) => result.kind)).toEqual([
      'check',
      'set',
      'create',
      'create',
      'check',
      'delete',
    ])
    expect(results[2]).toMatchObject({ path: '/b' })
    expect(results[1]).toMatchObject({ stat: { version: 1, sizeBytes: 1 } })
    expect(await one.children('/b')).toEqual([])
    expect(text((await one.get('/a')).data)).toBe('y')
  })

  inside('what one multi makes has one zxid', async (world) => {
    const one = await world.connect()
    await one.multi([
      { kind: 'create', path: '/a', data: none },
      { kind: 'create', path: '/b', data: none },
    ])
    const [a, b] = [await one.get('/a'), await one.get('/b')]
    expect(a.stat.createdZxid).toBe(b.stat.createdZxid)
  })

  inside('an empty multi does nothing', async (world) => {
    const one = await world.connect()
    expect(await one.multi([])).toEqual([])
  })

  inside('a multi makes ephemeral and sequential nodes', async (world) => {
    const one = await world.connect()
    const results = await one.multi([
      { kind: 'create', path: '/e', data: none, options: { mode: 'ephemeral' } },
      { kind: 'create', path: '/s-', data: none, options: { mode: 'persistent-sequential' } },
    ])
    expect((await one.get('/e')).stat.ephemeralOwner).toBe(one.sessionId)
    const second = results[1]
    expect(second?.kind === 'create' && /^\/.*s-.*\d{10}$/.test(second.path)).toBe(true)
  })
}

export function multiBad(inside: Inside): void {
  const bad: readonly [string, Operation, ErrorCode][] = [
    ['a check', { kind: 'check', path: '/a', version: 7 }, 'RECORD_CHANGED'],
    ['a check of a missing node', { kind: 'check', path: '/no', version: 0 }, 'RECORD_MISSING'],
    ['a set', { kind: 'set', path: '/a', data: none, version: 7 }, 'RECORD_CHANGED'],
    ['a set of a missing node', { kind: 'set', path: '/no', data: none }, 'RECORD_MISSING'],
    ['a create', { kind: 'create', path: '/a', data: none }, 'RECORD_EXISTS'],
    ['a create without parent', { kind: 'create', path: '/no/x', data: none }, 'RECORD_MISSING'],
    ['a delete', { kind: 'delete', path: '/a', version: 7 }, 'RECORD_CHANGED'],
    ['a delete of a missing node', { kind: 'delete', path: '/no' }, 'RECORD_MISSING'],
    ['a delete of a parent', { kind: 'delete', path: '/p' }, 'RECORD_NOT_EMPTY'],
  ]
  for (const [title, operation, code] of bad) {
    inside(
      `nothing of a multi takes effect when ${title} cannot be; the error names its place`,
      async (world) => {
        const one = await world.connect()
        await one.create('/a', bytes('x'))
        await one.create('/p', none)
        await one.create('/p/q', none)
        const before = [await one.exists('/a'), await one.exists('/p'), await one.exists('/')]
        const error = await errorOf(
          one.multi([
            { kind: 'create', path: '/b', data: none },
            { kind: 'set', path: '/p', data: bytes('new') },
            operation,
            { kind: 'delete', path: '/missing-as-well' },
          ]),
        )
        expect(error).toMatchObject({ code, details: { index: 2 } })
        expect(await one.exists('/b')).toBeUndefined()
        expect([await one.exists('/a'), await one.exists('/p'), await one.exists('/')]).toEqual(before)
      },
    )
  }
}

export function multiUndone(inside: Inside): void {
  inside('what was done to one node several times is all undone', async (world) => {
    const one = await world.connect()
    await one.create('/a', bytes('x'))
    const before = await one.exists('/a')
    const operations: Operation[] = [
      { kind: 'set', path: '/a', data: bytes('y') },
      { kind: 'set', path: '/a', data: bytes('longer') },
      { kind: 'create', path: '/a/b', data: none },
      { kind: 'create', path: '/a/b/c', data: none },
      { kind: 'delete', path: '/a/b/c' },
      { kind: 'delete', path: '/a/b' },
      { kind: 'delete', path: '/a' },
      { kind: 'create', path: '/a', data: bytes('again') },
      { kind: 'check', path: '/a', version: 5 },
    ]
    expect(await errorOf(one.multi(operations))).toMatchObject({
      code: 'RECORD_CHANGED',
      details: { index: 8 },
    })
    expect(await one.exists('/a')).toEqual(before)
    expect(text((await one.get('/a')).data)).toBe('x')
    expect(await one.children('/a')).toEqual([])
  })

  inside('a failed multi uses up no sequence number and fires no watch', async (world) => {
    const one = await world.connect()
    await one.create('/q', none)
    const events: WatchEvent[] = []
    await one.watch('/q', 'tree', (event) => events.push(event))
    const operations: Operation[] = [
      { kind: 'create', path: '/q/n-', data: none, options: { mode: 'persistent-sequential' } },
      { kind: 'delete', path: '/no' },
    ]
    expect(await codeOf(one.multi(operations))).toBe('RECORD_MISSING')
    expect(events).toEqual([])
    const path = await one.create('/q/n-', none, { mode: 'persistent-sequential' })
    expect(path.slice(-10)).toBe('0000000000')
  })
}
