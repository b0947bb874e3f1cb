import { expect, test } from 'vitest'
import { LevelBook } from './level-book.ts'

test('a component has a level of its own for a time, then what is usual again', () => {
  let nowMs = 0
  const levels = new LevelBook('info', () => nowMs)
  expect(levels.isOn('debug', { component: 'split' })).toBe(false)
  expect(levels.set('split', 'DEBUG', 1_000)).toBe(true)
  expect(levels.isOn('debug', { component: 'split' })).toBe(true)
  expect(levels.isOn('debug', { component: 'count' })).toBe(false)
  nowMs = 1_000
  expect(levels.isOn('debug', { component: 'split' })).toBe(false)
})

test('root is everything without a level of its own; off is nothing at all', () => {
  const levels = new LevelBook('info', () => 0)
  levels.set('root', 'off', 0)
  levels.set('split', 'warn', 0)
  expect(levels.isOn('error', {})).toBe(false)
  expect(levels.isOn('error', { component: 'split' })).toBe(true)
  expect(levels.isOn('info', { component: 'split' })).toBe(false)
})

test('a level nobody knows is refused', () => {
  expect(new LevelBook('info', () => 0).set('split', 'loud', 0)).toBe(false)
})
