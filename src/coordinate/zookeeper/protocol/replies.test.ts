import { expect, test } from 'vitest'
import { isStreamError } from '../../../base/errors.ts'
import type { Operation } from '../../coordinator.ts'
import { JuteReader } from './jute-reader.ts'
import { JuteWriter } from './jute-writer.ts'
import { readAcl, readConnect, readEvent, readMulti, readStat } from './replies.ts'
import type { Part } from './requests.ts'
import { ServerError, serverError } from './server-errors.ts'

/** A reader of what `fill` has written. */
function readerOf(fill: (writer: JuteWriter) => void): JuteReader {
  const writer = new JuteWriter().begin()
  fill(writer)
  return new JuteReader().open(writer.end(), 4)
}

function endOf(call: () => unknown): unknown {
  try {
    return call()
  } catch (error) {
    return isStreamError(error) ? `${error.code} ${JSON.stringify(error.details)}` : error
  }
}

const operations: readonly Operation[] = [
  { kind: 'check', path: '/a', version: 1 },
  { kind: 'delete', path: '/b' },
]
const parts: readonly Part[] = operations.map((operation) => ({ operation, path: operation.path, acl: [] }))
const failedMulti = (codes: readonly number[]) =>
  readerOf((writer) => {
    for (const code of codes) writer.int(-1).bool(false).int(code).int(code)
    writer.int(-1).bool(true).int(-1)
  })

test('the part of a multi that could not be is named, the others were only undone', () => {
  const { runtimeInconsistency, badVersion, noNode } = ServerError
  const end = (codes: readonly number[], code = 0) => endOf(() => readMulti(failedMulti(codes), code, parts))
  expect(end([badVersion, runtimeInconsistency])).toBe('RECORD_CHANGED {"path":"/a","index":0}')
  expect(end([0, noNode])).toBe('RECORD_MISSING {"path":"/b","index":1}')
  expect(end([0, noNode], noNode)).toBe('RECORD_MISSING {"path":"/b","index":1}')
  expect(end([], ServerError.noAuth)).toBe('COORDINATOR_REFUSED {"path":"/a"}')
  expect(end([0, 0, noNode])).toMatch(/^FRAME_MALFORMED/)
  expect(end([0])).toMatch(/^FRAME_MALFORMED/)
})

test('marks of containers and of nodes with a lifetime are no owners', () => {
  const owner = (field: bigint) =>
    readStat(
      readerOf((writer) => {
        writer.long(1n).long(1n).long(1n).long(1n).int(0).int(0).int(0).long(field).int(0).int(0).long(1n)
      }),
    ).ephemeralOwner
  expect([owner(0n), owner(-(2n ** 63n)), owner(BigInt.asIntN(64, (0xffn << 56n) | 200n))]).toEqual([
    0n,
    0n,
    0n,
  ])
  expect(owner(0x1000014c5f70000n)).toBe(0x1000014c5f70000n)
})

test('a scheme of access that is not known spoils the one call, not the connection', () => {
  const list = (scheme: string) => readerOf((writer) => writer.int(1).int(3).text(scheme).text('id'))
  expect(readAcl(list('digest'))).toEqual([{ scheme: 'digest', id: 'id', permissions: ['read', 'write'] }])
  expect(endOf(() => readAcl(list('kerberos')))).toMatch(/^RECORD_MALFORMED/)
})

test('events of nodes are told, others are not', () => {
  const event = (kind: number) => readEvent(readerOf((writer) => writer.int(kind).int(3).text('/a')))
  const kinds = [1, 2, 3, 4, -1, 5, 99].map((kind) => event(kind)?.kind)
  expect(kinds).toEqual(['created', 'deleted', 'changed', 'children', undefined, undefined, undefined])
})

test('a hello without time is a session that is over; the mark for read-only servers may be missing', () => {
  const hello = (timeMs: number) =>
    readConnect(readerOf((writer) => writer.int(0).int(timeMs).long(5n).buffer(new Uint8Array(16))))
  expect(hello(0).sessionId).toBe(0n)
  expect(hello(4_000)).toMatchObject({ sessionId: 5n, sessionTimeoutMs: 4_000 })
})

test('every number of a server has an error that says who must act', () => {
  const code = (number: number) => serverError(number, 'set /a', '/a')
  const table = Object.fromEntries(
    Object.entries(ServerError).map(([name, number]) => [name, code(number).code]),
  )
  expect(table).toMatchObject({
    noNode: 'RECORD_MISSING',
    nodeExists: 'RECORD_EXISTS',
    badVersion: 'RECORD_CHANGED',
    notEmpty: 'RECORD_NOT_EMPTY',
    noAuth: 'COORDINATOR_REFUSED',
    authFailed: 'COORDINATOR_REFUSED',
    sessionClosedRequireSaslAuth: 'COORDINATOR_REFUSED',
    noChildrenForEphemerals: 'CONFIG_INVALID_VALUE',
    unimplemented: 'CONFIG_INVALID_VALUE',
    sessionExpired: 'SESSION_EXPIRED',
    sessionMoved: 'COORDINATOR_UNAVAILABLE',
    operationTimeout: 'COORDINATOR_UNAVAILABLE',
  })
  expect(code(ServerError.throttled).details['outcome']).toBe('none')
  expect(code(-4_711).details).toMatchObject({ outcome: 'unknown', zookeeperCode: -4_711 })
})
