import { expect, test } from 'vitest'
import { ErrorBook } from './error-book.ts'
import { LevelBook } from './level-book.ts'
import { RestartBook } from './restart-book.ts'

const fault = {
  code: 'EXECUTE_THREW',
  family: 'user-code',
  component: 'count',
  task: 1,
  message: 'm',
  stack: undefined,
  at: 1,
}

test('errors are grouped by code and component, newest first, bounded', () => {
  const book = new ErrorBook()
  for (let n = 0; n < 300; n += 1) book.addFault('t', { ...fault, component: `c${n}`, at: n })
  book.addFault('t', { ...fault, component: 'c250', at: 400 })
  const errors = book.errorsOf('t')
  expect(errors).toHaveLength(200)
  expect(errors[0]).toMatchObject({ component: 'c250', count: 2, firstAt: 250, lastAt: 400 })
  book.addFault('t', { ...fault, code: 'FROM_TOMORROW' })
  expect(book.errorsOf('t')[0]).toMatchObject({ code: 'EXECUTE_THREW', details: { code: 'FROM_TOMORROW' } })
  book.keepOnly(() => false)
  expect(book.errorsOf('t')).toEqual([])
})

test('dead letters: the newest hundred, a large one cut', () => {
  const book = new ErrorBook()
  for (let n = 0; n < 150; n += 1) book.addLetter('t', n)
  expect(book.lettersOf('t')).toHaveLength(100)
  expect(book.lettersOf('t')[0]).toBe(149)
  book.addLetter('t', 'x'.repeat(100_000))
  expect(book.lettersOf('t')[0]).toMatchObject({ isCut: true })
})

test('levels hold for their time, on the nodes that run the topology', () => {
  const book = new LevelBook()
  book.set('t', 'app', { level: 'debug', forMs: 1_000, now: 0 })
  expect(book.replyFor(new Set(['t', 'u']), 400)).toEqual([
    { topologyId: 't', logger: 'app', level: 'debug', forMs: 600 },
  ])
  expect(book.replyFor(new Set(['u']), 400)).toEqual([])
  expect(book.replyFor(new Set(['t']), 1_000)).toEqual([])
  for (const bad of [{ level: 'loud' }, { forMs: 0 }, { forMs: Number.NaN }, { forMs: 1e12 }])
    expect(() => book.set('t', 'app', { level: 'info', forMs: 1, now: 0, ...bad })).toThrow(
      expect.objectContaining({ code: 'REQUEST_INVALID' }),
    )
  for (let n = 1; n < 50; n += 1) book.set('t', `l${n}`, { level: 'info', forMs: 1, now: 0 })
  expect(() => book.set('t', 'more', { level: 'info', forMs: 1, now: 0 })).toThrow(/at most 50/)
})

test('ends in good order are no restarts', () => {
  const book = new RestartBook()
  for (const reason of ['crash', 'shutdown', 'assignment-changed', 'hung'] as const)
    book.add('t', { node: 'a', worker: 1, reason, at: 1_000, components: () => ['parse'] })
  expect([book.countOf('t', 'parse'), book.countOf('t', 'log'), book.countOn('a')]).toEqual([2, 0, 2])
  expect([...book.recentOn('a', 2_000)]).toEqual([['t', 2]])
  expect([...book.recentOn('a', 1_000_000)]).toEqual([])
  book.keepOnly(
    () => false,
    () => false,
  )
  expect([book.countOf('t', 'parse'), book.countOn('a'), book.recentOn('a', 2_000).size]).toEqual([0, 0, 0])
})
