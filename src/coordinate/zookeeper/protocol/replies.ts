/**
 * Replies and events, as ZooKeeper's protocol lays them out. All are untrusted (jute-reader.ts).
 *
 *   connect  int protocol │ int timeout │ long session, 0: it is over │ buffer password │ (bool read-only)
 *   any else int xid │ long zxid │ int error │ fields, if the error is 0
 */
import { type Details, FormatError } from '../../../base/errors.ts'
import type { Acl, NodeData, NodeStat, OperationResult, WatchEvent } from '../../coordinator.ts'
import { type JuteReader, malformed } from './jute-reader.ts'
import { Op, type Part, permissionNames } from './requests.ts'
import { ServerError, serverError } from './server-errors.ts'

export interface ConnectReply {
  readonly sessionTimeoutMs: number
  /** 0n: the session that was asked for is over. */
  readonly sessionId: bigint
  readonly password: Uint8Array
}

export function readConnect(reader: JuteReader): ConnectReply {
  reader.int()
  const sessionTimeoutMs = reader.int()
  const sessionId = reader.long()
  const password = reader.buffer()
  // A server that says it is over sends a time of 0.
  if (sessionTimeoutMs <= 0) return { sessionTimeoutMs: 0, sessionId: 0n, password }
  return { sessionTimeoutMs, sessionId, password }
}

export function readStat(reader: JuteReader): NodeStat {
  const createdZxid = reader.long()
  const modifiedZxid = reader.long()
  const createdMs = reader.longNumber()
  const modifiedMs = reader.longNumber()
  const version = reader.int()
  const childrenVersion = reader.int()
  const aclVersion = reader.int()
  const ephemeralOwner = ownerOf(reader.long())
  const sizeBytes = reader.int()
  const childCount = reader.int()
  reader.long() // Zxid of the last change of children: nobody asks for it.
  return {
    version,
    childrenVersion,
    aclVersion,
    createdZxid,
    modifiedZxid,
    createdMs,
    modifiedMs,
    ephemeralOwner,
    sizeBytes,
    childCount,
  }
}

/** Containers and nodes with a lifetime carry a mark where the owner stands; they have none. */
const CONTAINER_MARK = -(2n ** 63n)
const LIFETIME_MARK = 0xffn << 56n
function ownerOf(field: bigint): bigint {
  const bits = BigInt.asUintN(64, field)
  return field === CONTAINER_MARK || (bits & LIFETIME_MARK) === LIFETIME_MARK ? 0n : field
}

export function readNode(reader: JuteReader): NodeData {
  const data = reader.buffer()
  return { data, stat: readStat(reader) }
}

export function readAcl(reader: JuteReader): Acl[] {
  const list: Acl[] = []
  for (let left = reader.count(12); left > 0; left -= 1) {
    const bits = reader.int()
    const permissions = permissionNames.filter(([, bit]) => (bits & bit) !== 0).map(([name]) => name)
    list.push({ scheme: schemeOf(reader.text()), id: reader.text(), permissions })
  }
  return list
}

const schemes: ReadonlySet<string> = new Set<Acl['scheme']>(['world', 'digest', 'auth', 'sasl', 'ip', 'x509'])
/** A server may have schemes of its own. That is no reason to leave it: only this list cannot be told. */
function schemeOf(text: string): Acl['scheme'] {
  if (isScheme(text)) return text
  const message = `the access list has a scheme that is not known here: ${text.slice(0, 50)}`
  throw new FormatError('RECORD_MALFORMED', message)
}

function isScheme(text: string): text is Acl['scheme'] {
  return schemes.has(text)
}

const eventKinds: ReadonlyMap<number, WatchEvent['kind']> = new Map([
  [1, 'created'],
  [2, 'deleted'],
  [3, 'changed'],
  [4, 'children'],
])

/** undefined: it tells of no node. The path is the server's. */
export function readEvent(reader: JuteReader): WatchEvent | undefined {
  const kind = eventKinds.get(reader.int())
  reader.int() // The state of the session: who reads events knows it.
  const path = reader.text()
  return kind === undefined ? undefined : { kind, path }
}

const MULTI_ERROR = -1
/** A result that says nothing but its kind: type, end mark, error. */
const RESULT_BYTES_MIN = 9

/**
 * @param code the error of the whole; of parts if it is `ok`
 * @throws the error of the part that could not be, with its index
 */
export function readMulti(reader: JuteReader, code: number, parts: readonly Part[]): OperationResult[] {
  const results: OperationResult[] = []
  let failed: { readonly code: number; readonly index: number } | undefined
  // Where the whole is refused a server may leave out the parts.
  const hasParts = reader.remaining >= RESULT_BYTES_MIN
  for (let index = 0; hasParts; index += 1) {
    const type = reader.int()
    const isEnd = reader.bool()
    reader.int()
    if (isEnd) break
    if (index >= parts.length) throw malformed('more results than operations')
    if (type !== MULTI_ERROR) {
      results.push(readResult(reader, type))
      continue
    }
    const error = reader.int()
    if (error !== ServerError.ok && error !== ServerError.runtimeInconsistency)
      failed ??= { code: error, index }
  }
  if (failed !== undefined) throw partError(failed.code, parts[failed.index], { index: failed.index })
  if (code !== ServerError.ok) throw partError(code, parts[0], {})
  if (results.length !== parts.length)
    throw malformed(`${results.length} results of ${parts.length} operations`)
  return results
}

function partError(code: number, part: Part | undefined, more: Details): Error {
  const what = part === undefined ? 'multi' : `multi, ${part.operation.kind} ${part.operation.path}`
  return serverError(code, what, part?.operation.path ?? '/', more)
}

function readResult(reader: JuteReader, type: number): OperationResult {
  switch (type) {
    case Op.create:
      return { kind: 'create', path: reader.text() }
    case Op.create2:
    case Op.createContainer:
    case Op.createTtl: {
      const path = reader.text()
      readStat(reader)
      return { kind: 'create', path }
    }
    case Op.setData:
      return { kind: 'set', stat: readStat(reader) }
    case Op.delete:
      return { kind: 'delete' }
    case Op.check:
      return { kind: 'check' }
    default:
      throw malformed(`a result of type ${type}`)
  }
}
