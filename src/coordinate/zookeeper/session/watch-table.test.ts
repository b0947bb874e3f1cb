import { expect, test } from 'vitest'
import type { WatchEvent } from '../../coordinator.ts'
import { GROUP_BYTES_MAX, WatchTable } from './watch-table.ts'

/** Events that a table would tell, by the name of who listens. */
function world() {
  const table = new WatchTable()
  const names = new Map<(event: WatchEvent) => void, string>()
  const listener = (name: string) => {
    const own = () => undefined
    names.set(own, name)
    return own
  }
  const told = (kind: WatchEvent['kind'], path: string) =>
    table.match({ kind, path }).map(({ entry }) => names.get(entry.listener))
  return { table, listener, told }
}

test('each kind of listener hears of what it waits for, and nothing else', () => {
  const kinds = ['created', 'deleted', 'changed', 'children'] as const
  const expected = {
    created: ['node', 'tree', 'above', 'root', 'data', 'exist'],
    deleted: ['node', 'tree', 'above', 'root', 'data', 'exist', 'children'],
    changed: ['node', 'tree', 'above', 'root', 'data', 'exist'],
    children: ['node', 'children'],
  }
  for (const kind of kinds) {
    const { table, listener, told } = world()
    table.add('node', '/a/b', listener('node'), () => undefined)
    table.add('tree', '/a/b', listener('tree'), () => undefined)
    table.add('tree', '/a', listener('above'), () => undefined)
    table.add('tree', '/', listener('root'), () => undefined)
    table.add('node', '/a', listener('parent'), () => undefined)
    table.add('tree', '/a/bc', listener('beside'), () => undefined)
    table.addOnce('data', '/a/b', listener('data'))
    table.addOnce('exist', '/a/b', listener('exist'))
    table.addOnce('children', '/a/b', listener('children'))
    expect(told(kind, '/a/b')).toEqual(expected[kind])
    const lasting = expected[kind].filter((name) => ['node', 'tree', 'above', 'root'].includes(name))
    const left = kind === 'children' || kind === 'deleted' ? lasting : [...lasting]
    expect(told(kind, '/a/b')).toEqual(left)
  }
})

test('a stopped one hears nothing, and says so once', () => {
  const { table, listener, told } = world()
  let stops = 0
  const watch = table.add('tree', '/a', listener('a'), () => {
    stops += 1
  })
  const [telling] = table.match({ kind: 'changed', path: '/a/x' })
  watch.stop()
  watch.stop()
  expect([stops, telling?.entry.isStopped]).toEqual([1, true])
  expect(told('changed', '/a/x')).toEqual([])
  expect(table.groups()).toEqual([])
})

test('a path is wanted until the last of those who asked is gone', () => {
  const { table } = world()
  table.want('/a')
  table.want('/a')
  table.want('/b')
  expect([table.unwant('/a'), table.unwant('/b'), table.unwant('/a')]).toEqual([false, true, true])
  table.want('/c')
  table.want('/c')
  const first = table.unwant('/c')
  table.want('/c')
  expect([first, table.unwant('/c'), table.unwant('/c')]).toEqual([false, false, true])
})

test('groups hold each path once, by kind, and stay below the limit', () => {
  const { table, listener } = world()
  const long = 'ü'.repeat(400)
  for (let i = 0; i < 1_000; i += 1) {
    table.add(i % 2 === 0 ? 'node' : 'tree', `/${long}${i}`, listener('a'), () => undefined)
    table.add(i % 2 === 0 ? 'node' : 'tree', `/${long}${i}`, listener('b'), () => undefined)
    table.addOnce(
      i % 3 === 0 ? 'data' : i % 3 === 1 ? 'exist' : 'children',
      `/once${long}${i}`,
      listener('c'),
    )
  }
  const groups = table.groups()
  expect(groups.length).toBeGreaterThan(10)
  const all = { data: 0, exist: 0, children: 0, node: 0, tree: 0 }
  for (const group of groups) {
    const paths = Object.values(group).flat()
    expect(paths.reduce((sum, path) => sum + 4 + Buffer.byteLength(path), 0)).toBeLessThan(GROUP_BYTES_MAX)
    for (const kind of ['data', 'exist', 'children', 'node', 'tree'] as const) all[kind] += group[kind].length
  }
  expect(all).toEqual({ data: 334, exist: 333, children: 333, node: 500, tree: 500 })
})

test('after a reconnect lasting ones are reset; at the end those for once are told, once', () => {
  const { table, listener } = world()
  table.add('node', '/a', listener('a'), () => undefined)
  table.add('tree', '/t', listener('t'), () => undefined)
  table.addOnce('data', '/d', listener('d'))
  table.addOnce('children', '/c', listener('c'))
  expect(table.resets().map(({ event }) => event)).toEqual([
    { kind: 'reset', path: '/a' },
    { kind: 'reset', path: '/t' },
  ])
  expect(table.lastWords().map(({ event }) => event)).toEqual([
    { kind: 'reset', path: '/d' },
    { kind: 'reset', path: '/c' },
  ])
  expect(table.lastWords()).toEqual([])
})
