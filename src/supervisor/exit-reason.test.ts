import { describe, expect, test } from 'vitest'
import { type EndSeen, judgeEnd } from './exit-reason.ts'

const plain: EndSeen = {
  code: undefined,
  signal: undefined,
  said: undefined,
  done: undefined,
  outputTail: '',
}
const reasonOf = (seen: Partial<EndSeen>) => judgeEnd({ ...plain, ...seen }).reason
const HEAP_FULL = 'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory'

describe('why a worker ended', () => {
  test('by its exit code', () => {
    expect(reasonOf({ code: 0 })).toBe('shutdown')
    expect(reasonOf({ code: 1 })).toBe('crash')
    expect(reasonOf({ code: 70 })).toBe('crash')
    expect(reasonOf({ code: 71 })).toBe('start-failed')
    expect(reasonOf({ code: 72 })).toBe('lease')
    expect(reasonOf({ code: 73 })).toBe('restart-wanted')
  })

  test('by its signal, and by what V8 wrote before it', () => {
    expect(reasonOf({ signal: 'SIGKILL' })).toBe('killed')
    expect(reasonOf({ signal: 'SIGTERM' })).toBe('killed')
    expect(reasonOf({ signal: 'SIGABRT', outputTail: `${HEAP_FULL}\n` })).toBe('out-of-memory')
    expect(reasonOf({ code: 134, outputTail: HEAP_FULL })).toBe('out-of-memory')
    expect(reasonOf({ signal: 'SIGABRT' })).toBe('crash')
  })

  test('what this supervisor did explains the end, whatever it looks like', () => {
    for (const done of ['hung', 'start-failed', 'assignment-changed', 'shutdown'] as const) {
      expect(reasonOf({ done, signal: 'SIGKILL' })).toBe(done)
      expect(reasonOf({ done, code: 0 })).toBe(done)
    }
  })

  test('last words count where the end itself says little, and never hide a kill or a full heap', () => {
    const said = { reason: 'restart-wanted', text: 'bolt asked for it' } as const
    expect(reasonOf({ said })).toBe('restart-wanted')
    expect(reasonOf({ said, code: 1 })).toBe('restart-wanted')
    expect(reasonOf({ said, signal: 'SIGKILL' })).toBe('killed')
    expect(reasonOf({ said, signal: 'SIGABRT', outputTail: HEAP_FULL })).toBe('out-of-memory')
    expect(judgeEnd({ ...plain, said, code: 73 }).text).toBe('exit code 73: bolt asked for it')
  })

  test('an adopted process that says nothing ended as a crash, with the end of its output', () => {
    const outputTail = 'started\nTypeError: x is no function\n    at f (bundle.mjs:1:1)\n\nNode.js v24\n'
    expect(judgeEnd({ ...plain, outputTail })).toEqual({
      reason: 'crash',
      text: 'unseen end: TypeError: x is no function',
    })
  })
})
