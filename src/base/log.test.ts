import { describe, expect, test } from 'vitest'
import { createLogger, formatLogLine, type LogLine, type LogSpec, silentLogger } from './log.ts'

function logInto(lines: LogLine[], spec: Partial<LogSpec> = {}) {
  const clock = { at: 0 }
  const log = createLogger({ sink: (line) => lines.push(line), now: () => clock.at, ...spec })
  return { log, clock }
}

describe('log', () => {
  test('a line has level, time, message, bound fields and details', () => {
    const lines: LogLine[] = []
    const { log, clock } = logInto(lines, { fields: { node: 'a' } })
    clock.at = 5
    log.with({ task: 3 }).warn('slow step', { stepMs: 12, node: 'b' })
    expect(lines).toEqual([
      { level: 'warn', at: 5, message: 'slow step', details: { node: 'b', task: 3, stepMs: 12 } },
    ])
  })

  test('lines below the level are dropped', () => {
    const counts = (['debug', 'info', 'warn', 'error'] as const).map((level) => {
      const lines: LogLine[] = []
      const { log } = logInto(lines, { level })
      log.debug('m')
      log.info('m')
      log.warn('m')
      log.error('m')
      return lines.length
    })
    expect(counts).toEqual([4, 3, 2, 1])
  })

  test('the same message is limited, and the next one tells how many were held back', () => {
    const lines: LogLine[] = []
    const { log, clock } = logInto(lines, { limit: { lines: 2, perMs: 100 } })
    for (let i = 0; i < 5; i += 1) log.with({ i }).warn('again')
    log.warn('another')
    clock.at = 100
    log.warn('again')
    log.warn('again')
    expect(lines.map((line) => [line.message, line.details])).toEqual([
      ['again', { i: 0 }],
      ['again', { i: 1 }],
      ['another', {}],
      ['again', { heldBack: 3 }],
      ['again', {}],
    ])
  })

  test('a clock that jumps back silences nothing', () => {
    const lines: LogLine[] = []
    const { log, clock } = logInto(lines, { limit: { lines: 1, perMs: 100 } })
    clock.at = 1e6
    log.info('m')
    clock.at = 5
    log.info('m')
    expect(lines).toHaveLength(2)
  })

  test('zero lines means no limit', () => {
    const lines: LogLine[] = []
    const { log } = logInto(lines, { limit: { lines: 0, perMs: 100 } })
    for (let i = 0; i < 100; i += 1) log.info('m')
    expect(lines).toHaveLength(100)
  })

  test('as text, odd values are quoted', () => {
    const details = { node: 'a:1', why: 'no "room" left', ok: true, n: 1.5 }
    expect(formatLogLine({ level: 'info', at: 43_201_250, message: 'disk full', details })).toBe(
      '12:00:01.250 INFO  disk full node=a:1 why="no \\"room\\" left" ok=true n=1.5',
    )
  })

  test('the silent log takes everything', () => {
    expect(() => silentLogger.with({ a: 1 }).error('m')).not.toThrow()
  })
})
