import { expect, test } from 'vitest'
import { UnavailableError, UsageError, UserCodeError } from '../../base/errors.ts'
import { ExitCode } from '../exit-code.ts'
import { CommandFailure } from '../failure.ts'
import { plainPaint } from '../paint.ts'
import { reportOf } from './error-report.ts'
import { errorText } from './error-text.ts'

const said = (error: unknown): string => errorText(reportOf(error), '/project', plainPaint)

/** As Node has it, for frames of others. */
function thrown(message: string, ...frames: readonly string[]): Error {
  const error = new TypeError(message)
  error.stack = [`TypeError: ${message}`, ...frames.map((frame) => `    at ${frame}`)].join('\n')
  return error
}

test('a finding: code, place, nearest name, fix', () => {
  const details = { where: '/project/src/a.ts:31:62' }
  const error = new UsageError(
    'UNKNOWN_FIELD',
    'bolt has no wrod; did you mean "word"? (/project/src/a.ts:31:62)',
    details,
  )
  error.stack = ''
  expect(said(error)).toMatchInlineSnapshot(`
    "error E1004 UNKNOWN_FIELD  bolt has no wrod
      at    src/a.ts:31:62
      near  did you mean word?
      fix   Use one of the fields in the message.
      more  typhoon explain E1004
    "
  `)
})

test('several findings, each with its own code', () => {
  const findings = [
    'UNKNOWN_FIELD: no such field (/project/a.ts:1:2)',
    "NO_INPUT: bolt 'b' has no grouping (/project/a.ts:3:4)",
  ].join('\n')
  const error = new UsageError('UNKNOWN_FIELD', 'the topology has 2 errors', { findings })
  error.stack = ''
  expect(said(error)).toMatchInlineSnapshot(`
    "error E1004 UNKNOWN_FIELD  no such field
      at    a.ts:1:2
      fix   Use one of the fields in the message.
      more  typhoon explain E1004
    error E1006 NO_INPUT  bolt 'b' has no grouping
      at    a.ts:3:4
      fix   Add a grouping, or remove the bolt.
      more  typhoon explain E1006
    "
  `)
})

test('what the user threw: his frames only, through queries and file URLs', () => {
  const cause = thrown(
    'no city',
    'lookUp (file:///project/src/city%20map.ts?typhoon-load=3:2:9)',
    'Object.execute (/project/src/a.ts:4:1)',
    'node:internal/process/task_queues:104:5',
    `step (${new URL('../../flow/x.ts', import.meta.url).href}:1:1)`,
    'async Promise.all (index 0)',
  )
  const error = new UserCodeError('EXECUTE_THREW', 'count threw', {}, { cause })
  expect(reportOf(error).frames).toEqual([
    'lookUp /project/src/city map.ts:2:9',
    'execute /project/src/a.ts:4:1',
  ])
  expect(reportOf(error).causes).toEqual(['TypeError: no city'])
})

test('a cause that the message has already is not told twice; programs get it', () => {
  const cause = new Error('file access.log does not exist')
  const text = `spout 'lines' could not start: ${cause.message}`
  const error = new UserCodeError('PREPARE_THREW', text, {}, { cause })
  expect(said(error).match(/access\.log/g)).toHaveLength(1)
  expect(said(error)).not.toContain('cause')
  expect(reportOf(error).causes).toEqual(['Error: file access.log does not exist'])
  expect(said(new UserCodeError('PREPARE_THREW', 'it threw', {}, { cause }))).toContain('cause Error: file')
})

test('a bug of ours has its stack and says so', () => {
  const report = reportOf(
    thrown('x is not a function', `go (${new URL('./x.ts', import.meta.url).href}:1:1)`),
  )
  expect([report.isBug, report.exitCode]).toEqual([true, ExitCode.BUG])
  expect(errorText(report, '/project', plainPaint)).toContain('this is a bug of Typhoon')
  expect(reportOf('a text').troubles).toEqual([{ message: 'not an error: a text' }])
})

test('exit codes by who must act', () => {
  expect(reportOf(new UsageError('ARGS_INVALID', 'x')).exitCode).toBe(2)
  expect(reportOf(new UsageError('TOPOLOGY_NOT_FOUND', 'x')).exitCode).toBe(3)
  expect(reportOf(new UnavailableError('OPERATION_TIMED_OUT', 'x')).exitCode).toBe(124)
  expect(reportOf(new UnavailableError('DISK_FULL', 'x')).exitCode).toBe(1)
  expect(reportOf(new UserCodeError('PREPARE_THREW', 'x')).exitCode).toBe(1)
  expect(reportOf(new CommandFailure('x', { exitCode: ExitCode.NOT_FOUND })).exitCode).toBe(3)
})

test('an error of another copy of the package is known by its shape', () => {
  const foreign = Object.assign(new Error('no such field'), {
    code: 'UNKNOWN_FIELD',
    family: 'usage',
    details: {},
  })
  expect(reportOf(foreign)).toMatchObject({ isBug: false, exitCode: 2, troubles: [{ number: 'E1004' }] })
})
