// Goal: one call per save, whatever the system says of it. In virtual time, on a disk in memory.
import { expect, test } from 'vitest'
import type { Files, Stoppable, Timers } from '../../host/host.ts'
import { FileWatch } from './file-watch.ts'

/** Files by path with their time; timers that are fired by hand. */
class Desk {
  readonly facts = new Map<string, number>()
  private readonly watchers = new Map<string, () => void>()
  private due: (() => void)[] = []

  readonly files: Pick<Files, 'stat' | 'watch' | 'resolve'> = {
    stat: async (path) => {
      const modifiedMs = this.facts.get(path)
      return modifiedMs === undefined ? undefined : { kind: 'file', sizeBytes: 1, modifiedMs }
    },
    watch: (path, callback) => {
      this.watchers.set(path, callback)
      return { stop: () => this.watchers.delete(path) }
    },
    resolve: (path = '') => path.slice(0, path.lastIndexOf('/')),
  }

  readonly timers: Timers = {
    after: (_, callback): Stoppable => {
      this.due.push(callback)
      return { stop: () => undefined }
    },
    every: () => ({ stop: () => undefined }),
    defer: (callback) => callback(),
  }

  get watched(): readonly string[] {
    return [...this.watchers.keys()]
  }

  /** The system says so many times that something is new in a directory. */
  async stir(directory: string, times = 1): Promise<void> {
    for (let at = 0; at < times; at++) this.watchers.get(directory)?.()
    const due = this.due
    this.due = []
    for (const callback of due) callback()
    for (let turn = 0; turn < 20; turn++) await Promise.resolve()
  }
}

async function watching(desk: Desk, paths: readonly string[]): Promise<string[][]> {
  const calls: string[][] = []
  const watch = new FileWatch(desk.files as Files, desk.timers, (changed) => calls.push([...changed]))
  await watch.watch(paths)
  return calls
}

test('several events of one save are one call, with the files that changed', async () => {
  const desk = new Desk()
  for (const path of ['/a/x.ts', '/a/y.ts', '/b/z.ts']) desk.facts.set(path, 1)
  const calls = await watching(desk, ['/a/x.ts', '/a/y.ts', '/b/z.ts'])
  expect(desk.watched).toEqual(['/a', '/b'])
  desk.facts.set('/a/x.ts', 2)
  desk.facts.set('/b/z.ts', 2)
  await desk.stir('/a', 5)
  expect(calls).toEqual([['/a/x.ts', '/b/z.ts']])
})

test('another file in the directory is nobody’s business', async () => {
  const desk = new Desk()
  desk.facts.set('/a/x.ts', 1)
  const calls = await watching(desk, ['/a/x.ts'])
  await desk.stir('/a')
  expect(calls).toEqual([])
})

test('a file that is gone for a moment is told when it is back', async () => {
  const desk = new Desk()
  desk.facts.set('/a/x.ts', 1)
  const calls = await watching(desk, ['/a/x.ts'])
  desk.facts.delete('/a/x.ts')
  await desk.stir('/a')
  expect(calls).toEqual([])
  desk.facts.set('/a/x.ts', 2)
  await desk.stir('/a')
  expect(calls).toEqual([['/a/x.ts']])
})
