import { expect, test } from 'vitest'
import { TreeRoot } from '../flow/ack/tree-root.ts'
import { EngineTuple } from '../flow/executor/tuple.ts'
import { StreamRef } from '../flow/route/stream-ref.ts'
import { NowhereLink } from './nowhere-link.ts'

const schema = { names: [], shapes: [], validate: () => undefined }
const kind = { isDirect: false, carriesPlainValues: false, hasFields: () => true }
const stream = new StreamRef('source', 'default', 0, schema, kind)

function made() {
  const due: (() => void)[] = []
  const failed: string[] = []
  const timers = {
    after: (_delayMs: number, callback: () => void) => {
      due.push(callback)
      return { stop: () => due.splice(0) }
    },
    every: () => ({ stop: () => undefined }),
    defer: () => undefined,
  }
  const link = new NowhereLink(timers, () => ({
    fail: (tuple, reason) => void failed.push(`${tuple.targetTask} ${reason}`),
  }))
  const send = (task: number, root: TreeRoot | undefined) =>
    link.send(new EngineTuple({}, stream, 1, task, undefined, root, 0, 0))
  return { due, failed, link, send }
}

test('what is sent nowhere fails a while later, all of it at once', () => {
  const { due, failed, send } = made()
  send(5, new TreeRoot(1, 1, 9, false, undefined))
  send(6, new TreeRoot(2, 2, 9, false, undefined))
  expect(failed).toEqual([])
  expect(due).toHaveLength(1)
  due.shift()?.()
  expect(failed).toEqual(['5 link-lost', '6 link-lost'])
})

test('untracked tuples are lost and counted', () => {
  const { due, link, send } = made()
  send(5, undefined)
  expect(link.lostCount).toBe(1)
  expect(due).toEqual([])
})

test('closed, nobody hears of what waited', () => {
  const { due, failed, link, send } = made()
  send(5, new TreeRoot(1, 1, 9, false, undefined))
  link.close()
  due.shift()?.()
  expect(failed).toEqual([])
})
