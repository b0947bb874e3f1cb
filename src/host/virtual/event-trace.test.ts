import { expect, test } from 'vitest'
import { EventKind, EventTrace } from './event-trace.ts'

type Note = Parameters<EventTrace['note']>

function hashOf(...notes: readonly Note[]): string {
  const trace = new EventTrace()
  for (const note of notes) trace.note(...note)
  return trace.hash
}

const first: Note = [EventKind.defer, 'a', 1.5, 0, 'x']
const second: Note = [EventKind.after, 'b', 2, 1, 'y']

test('the hash tells apart kind, time, fact, order and number of events', () => {
  const hashes = [
    hashOf(),
    hashOf(first),
    hashOf(second),
    hashOf(first, second),
    hashOf(second, first),
    hashOf(first, first),
    hashOf([EventKind.every, 'a', 1.5, 0, 'x']),
    hashOf([EventKind.defer, 'a', 1.25, 0, 'x']),
    hashOf([EventKind.defer, 'a', 1.5, 2, 'x']),
  ]
  expect(new Set(hashes).size).toBe(hashes.length)
  for (const hash of hashes) expect(hash).toMatch(/^[0-9a-f]{16}$/)
  expect(hashOf(first, second)).toBe(hashOf(first, second))
})

test('the last two hundred events are kept as text, with the name of what ran', () => {
  const trace = new EventTrace()
  for (let i = 0; i < 350; i += 1) trace.note(EventKind.arrival, 'a', i, 0, `${i} bytes`)
  function flushBatch() {}
  trace.note(EventKind.every, 'b', 400, 0, flushBatch)
  const lines = trace.recent()
  expect(lines).toHaveLength(200)
  expect(lines[0]).toBe('151.000 a arrival 151 bytes')
  expect(lines.at(-1)).toBe('400.000 b every flushBatch')
  expect(trace.count).toBe(351)
})
